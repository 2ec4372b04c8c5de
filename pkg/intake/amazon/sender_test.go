package amazon_test

import (
	"errors"
	"net/http"
	"testing"

	"github.com/opsguard/opsguard/pkg/incident"
	"github.com/opsguard/opsguard/pkg/intake"
	"github.com/opsguard/opsguard/pkg/intake/amazon"
	"github.com/opsguard/opsguard/pkg/integration"
	"github.com/opsguard/opsguard/pkg/steps/stepstest"
)

const token = "eb-token-0123456789"

func sender(t *testing.T, played *stepstest.SNS, s amazon.Settings) *amazon.Sender {
	t.Helper()
	env := stepstest.Env(stepstest.Secrets{"EB": token + " eb-next-0123456789"})
	played.World(&env)
	return amazon.NewSender(env, s)
}

func secret(t *testing.T) integration.Secret {
	t.Helper()
	s, err := integration.NamedSecret("EB")
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func TestATokenProvesWhatSNSDidNotSignAndNothingElse(t *testing.T) {
	played := stepstest.NewSNS(t)
	s := sender(t, played, amazon.Settings{Topic: []string{stepstest.SNSTopic}, Token: secret(t)})
	basic := &http.Request{Header: http.Header{}}
	basic.SetBasicAuth("opsguard", token)
	envelope := played.Sign(t, played.Fields("Notification", "{}")).Body
	unsigned := `{"Type":"Notification","MessageId":"1","TopicArn":"` + stepstest.SNSTopic + `","Message":"{}"}`
	for what, c := range map[string]struct {
		header http.Header
		body   string
		taken  bool
	}{
		"an API key":              {http.Header{"X-Api-Key": {token}}, "{}", true},
		"the next API key":        {http.Header{"X-Api-Key": {"eb-next-0123456789"}}, "{}", true},
		"a bearer token":          {http.Header{"Authorization": {"Bearer " + token}}, "{}", true},
		"no body":                 {http.Header{"X-Api-Key": {token}}, "", true}, // Parse says what is wrong with it
		"another API key":         {http.Header{"X-Api-Key": {token + "x"}}, "{}", false},
		"both keys":               {http.Header{"X-Api-Key": {token + " eb-next-0123456789"}}, "{}", false},
		"another password":        {basic.Header, "{}", false},
		"nothing":                 {http.Header{}, "{}", false},
		"a wrong key before":      {http.Header{"X-Api-Key": {"x"}, "Authorization": {"Bearer " + token}}, "{}", false},
		"a signed envelope":       {http.Header{}, string(envelope), true},
		"an envelope with a key":  {http.Header{"X-Api-Key": {token}}, unsigned, false},
		"raw delivery with a key": {http.Header{"X-Api-Key": {token}, "X-Amz-Sns-Rawdelivery": {"true"}}, "{}", false},
	} {
		if err := s.Authenticate(t.Context(), intake.Request{Header: c.header, Body: []byte(c.body)}); (err == nil) != c.taken {
			t.Errorf("%s: %v", what, err)
		}
	}
}

func TestWithoutATokenOnlySNSMaySend(t *testing.T) {
	played := stepstest.NewSNS(t)
	s := sender(t, played, amazon.Settings{Topic: []string{stepstest.SNSTopic}})
	for _, h := range []http.Header{{}, {"X-Api-Key": {""}}, {"X-Api-Key": {token}}, {"Authorization": {"Bearer "}}} {
		if err := s.Authenticate(t.Context(), intake.Request{Header: h, Body: []byte("{}")}); !errors.Is(err, intake.ErrNotTheSender) {
			t.Errorf("%v: %v", h, err)
		}
	}
}

func TestOnlySignedMessagesAreKnownAgain(t *testing.T) {
	played := stepstest.NewSNS(t)
	s := sender(t, played, amazon.Settings{Topic: []string{stepstest.SNSTopic}})
	fields := played.Fields("Notification", "{}")
	first, again := s.Delivery(played.Sign(t, fields)), s.Delivery(played.Sign(t, fields))
	fields["MessageId"] = "another"
	if other := s.Delivery(played.Sign(t, fields)); first == "" || first != again || other == first {
		t.Errorf("%q, %q, another %q", first, again, other)
	}
	if got := s.Delivery(intake.Request{Body: []byte("{}")}); got != "" {
		t.Errorf("what is not signed is %q", got)
	}
}

func TestAnEnvelopesDocumentIsOpened(t *testing.T) {
	played := stepstest.NewSNS(t)
	for body, want := range map[string]string{
		`{"AlarmName":"x"}`: "x",
		string(played.Sign(t, played.Fields("Notification", `{"AlarmName":"x"}`)).Body): "x",
	} {
		doc, says, err := amazon.Open([]byte(body))
		if got := doc.At("AlarmName").Written(); got != want || !says || err != nil {
			t.Errorf("%s: %q, %v, %v", body, got, says, err)
		}
	}
	if _, says, err := amazon.Open(played.Sign(t, played.Fields("SubscriptionConfirmation", "text")).Body); says || err != nil {
		t.Errorf("a confirmation: %v, %v", says, err)
	}
	_, _, err := amazon.Open(played.Sign(t, played.Fields("Notification", "Verification")).Body)
	if want := "Message: must be a JSON document, written as a string"; incident.KindOf(err) != incident.Invalid || err.Error() != want {
		t.Errorf("%v, want %s", err, want)
	}
}

func TestSettingsThatNobodyCouldSendByAreRefused(t *testing.T) {
	for what, c := range map[string]struct {
		settings amazon.Settings
		want     string
	}{
		"a topic": {amazon.Settings{Topic: []string{stepstest.SNSTopic}}, ""},
		"a token": {amazon.Settings{Topic: []string{}, Token: secret(t)}, ""},
		"nothing": {amazon.Settings{}, "token: is missing, and topic lists no topic, so nobody could send; give one of the two"},
		"a pattern": {amazon.Settings{Topic: []string{stepstest.SNSTopic, "arn:aws:sns:*"}},
			"topic: number 2 is not the ARN of an SNS topic, like arn:aws:sns:eu-central-1:123456789012:alarms"},
	} {
		err := c.settings.Validate()
		if c.want == "" && err != nil || c.want != "" && (err == nil || err.Error() != c.want) {
			t.Errorf("%s: %v, want %q", what, err, c.want)
		}
	}
}
