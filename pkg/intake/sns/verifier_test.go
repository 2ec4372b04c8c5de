package sns_test

import (
	"encoding/json"
	"errors"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/opsguard/opsguard/pkg/incident"
	"github.com/opsguard/opsguard/pkg/intake/sns"
	"github.com/opsguard/opsguard/pkg/integration"
	"github.com/opsguard/opsguard/pkg/steps/stepstest"
)

const issuer = "http://crt.example-authority.com/between.cer"

func verifier(played *stepstest.SNS, topics ...string) (*sns.Verifier, *integration.Env) {
	env := stepstest.Env(nil)
	played.World(&env)
	if topics == nil {
		topics = []string{"arn:aws:sns:eu-central-1:111122223333:others", stepstest.SNSTopic}
	}
	return sns.NewVerifier(env, topics), &env
}

func read(t *testing.T, body []byte) sns.Message {
	t.Helper()
	m, ok := sns.Read(body)
	if !ok {
		t.Fatalf("no envelope: %s", body)
	}
	return m
}

// with signs a notification after one of its fields was changed.
func with(t *testing.T, played *stepstest.SNS, name, value string) sns.Message {
	t.Helper()
	fields := played.Fields(sns.Notification, "hello")
	fields[name] = value
	return read(t, played.Sign(t, fields).Body)
}

func TestEachTypeAndVersionOfASignatureIsVerified(t *testing.T) {
	played := stepstest.NewSNS(t)
	v, _ := verifier(played)
	for _, kind := range []string{sns.Notification, sns.SubscriptionConfirmation, sns.UnsubscribeConfirmation} {
		for _, version := range []string{"1", "2"} {
			fields := played.Fields(kind, "one line\nand another")
			fields["SignatureVersion"] = version
			if err := v.Verify(t.Context(), read(t, played.Sign(t, fields).Body)); err != nil {
				t.Errorf("%s, version %s: %v", kind, version, err)
			}
		}
	}
	if err := v.Verify(t.Context(), with(t, played, "Subject", "ALARM: \"x\" in EU (Frankfurt)")); err != nil {
		t.Errorf("with a subject: %v", err)
	}
}

func TestTheCertificateIsFetchedOnceWithTheAuthorityBetween(t *testing.T) {
	played := stepstest.NewSNS(t)
	v, _ := verifier(played)
	for range 3 {
		if err := v.Verify(t.Context(), with(t, played, "Subject", "x")); err != nil {
			t.Fatal(err)
		}
	}
	if diff := cmp.Diff([]string{"GET " + stepstest.SNSCert, "GET " + issuer}, played.Called()); diff != "" {
		t.Error(diff)
	}
}

func TestWhatIsNotOfTheTopicsHomeIsNeverFetched(t *testing.T) {
	played := stepstest.NewSNS(t)
	v, _ := verifier(played)
	pem := "/SimpleNotificationService-0123456789abcdef.pem"
	for _, address := range []string{
		"", "x", "http://sns.eu-central-1.amazonaws.com" + pem, "https://sns.eu-central-1.amazonaws.com:443" + pem,
		"https://sns.eu-central-1.amazonaws.com:8443" + pem,
		"https://user@sns.eu-central-1.amazonaws.com" + pem, "https://user:pw@sns.eu-central-1.amazonaws.com" + pem,
		"https://127.0.0.1" + pem, "https://[::1]" + pem, "https://169.254.169.254" + pem, "https://localhost" + pem,
		"https://sns.us-east-1.amazonaws.com" + pem, "https://sns.eu-central-1.amazonaws.com.cn" + pem,
		"https://sns.eu-central-1.amazonaws.com.evil.example" + pem,
		"https://evil.example/sns.eu-central-1.amazonaws.com" + pem, "https://evil.example#sns.eu-central-1.amazonaws.com" + pem,
		"https://sns.eu-central-1.amazonaws.com@evil.example" + pem, "https://SNS.eu-central-1.amazonaws.com" + pem,
		"https://s3.eu-central-1.amazonaws.com" + pem, "https://sns.eu-central-1.amazonaws.com/bucket/x.pem",
		"https://sns.eu-central-1.amazonaws.com/" + pem,
		"https://sns.eu-central-1.amazonaws.com" + pem + "?x", "https://sns.eu-central-1.amazonaws.com" + pem + "#x",
		"https://sns.eu-central-1.amazonaws.com/SimpleNotificationService-..%2f..%2fx.pem",
		"https://sns.eu-central-1.amazonaws.com/SimpleNotificationService-a/../x.pem",
		"https://sns.eu-central-1.amazonaws.com/SimpleNotificationService-.pem",
	} {
		if err := v.Verify(t.Context(), with(t, played, "SigningCertURL", address)); !errors.Is(err, sns.ErrCertificate) {
			t.Errorf("%s: %v", address, err)
		}
	}
	for what, m := range map[string]sns.Message{
		"another topic":           with(t, played, "TopicArn", "arn:aws:sns:eu-central-1:111122223333:else"),
		"a topic of another's":    with(t, played, "TopicArn", "arn:aws:sns:eu-central-1:999999999999:alarms"),
		"a topic that is no ARN":  with(t, played, "TopicArn", "alarms"),
		"a region that is a host": with(t, played, "TopicArn", "arn:aws:sns:evil.example/:111122223333:alarms"),
		"an unknown version":      with(t, played, "SignatureVersion", "3"),
		"a time of tomorrow":      with(t, played, "Timestamp", "2026-11-25T10:00:00Z"),
		"a time of an hour ago":   with(t, played, "Timestamp", "2026-11-24T08:59:59Z"),
		"no time":                 with(t, played, "Timestamp", ""),
		"a time of several lines": with(t, played, "MessageId", "a\nSubject\nb"),
	} {
		if err := v.Verify(t.Context(), m); err == nil {
			t.Errorf("%s is taken", what)
		}
	}
	if called := played.Called(); called != nil {
		t.Errorf("called %v", called)
	}
}

func TestACertificateThatIsNotSNSsIsRefused(t *testing.T) {
	another := stepstest.NewSNS(t)
	for what, change := range map[string]func(played *stepstest.SNS){
		"of another authority": func(played *stepstest.SNS) {
			played.Answers[stepstest.SNSCert], played.Answers[issuer] = another.Answers[stepstest.SNSCert], another.Answers[issuer]
		},
		"of another key below an authority that is not its issuer": func(played *stepstest.SNS) {
			played.Answers[stepstest.SNSCert] = another.Answers[stepstest.SNSCert]
		},
		"of an authority": func(played *stepstest.SNS) { played.Answers[stepstest.SNSCert] = played.Answers[issuer] },
		"behind a redirect": func(played *stepstest.SNS) {
			played.Answers[stepstest.SNSCert] = stepstest.SNSAnswer{Status: http.StatusFound, Location: "http://127.0.0.1/"}
		},
		"that is not there": func(played *stepstest.SNS) {
			played.Answers[stepstest.SNSCert] = stepstest.SNSAnswer{Status: http.StatusForbidden}
		},
		"that is no certificate": func(played *stepstest.SNS) {
			played.Answers[stepstest.SNSCert] = stepstest.SNSAnswer{Body: []byte("hello")}
		},
		"that is too large": func(played *stepstest.SNS) {
			played.Answers[stepstest.SNSCert] = stepstest.SNSAnswer{Body: append(make([]byte, 1<<20), played.Answers[stepstest.SNSCert].Body...)}
		},
	} {
		played := stepstest.NewSNS(t)
		change(played)
		v, _ := verifier(played)
		err := v.Verify(t.Context(), with(t, played, "Subject", "x"))
		if err == nil || incident.KindOf(err) == incident.Unavailable {
			t.Errorf("%s: %v", what, err)
		}
		for _, called := range played.Called() {
			if called != "GET "+stepstest.SNSCert && called != "GET "+issuer {
				t.Errorf("%s: called %s", what, called)
			}
		}
	}
}

func TestACertificateIsNotTakenOutsideOfItsTime(t *testing.T) {
	played := stepstest.NewSNS(t)
	env := stepstest.Env(nil)
	played.World(&env)
	now := env.Now()
	env.Now = func() time.Time { return now }
	v := sns.NewVerifier(env, []string{stepstest.SNSTopic})
	if err := v.Verify(t.Context(), with(t, played, "Subject", "x")); err != nil {
		t.Fatal(err)
	}
	now = time.Date(2027, 1, 2, 0, 0, 0, 0, time.UTC) // a day after the end of the certificate, which is kept
	if err := v.Verify(t.Context(), with(t, played, "Timestamp", "2027-01-02T00:00:00Z")); !errors.Is(err, sns.ErrCertificate) {
		t.Errorf("after its end: %v", err)
	}
}

func TestSNSOutOfReachIsToRepeatLater(t *testing.T) {
	for what, answer := range map[string]stepstest.SNSAnswer{"500": {Status: 500}, "429": {Status: 429}} {
		for _, address := range []string{stepstest.SNSCert, issuer} {
			played := stepstest.NewSNS(t)
			played.Answers[address] = answer
			v, _ := verifier(played)
			if err := v.Verify(t.Context(), with(t, played, "Subject", "x")); incident.KindOf(err) != incident.Unavailable {
				t.Errorf("%s of %s: %v", what, address, err)
			}
		}
	}
	played := stepstest.NewSNS(t)
	delete(played.Answers, stepstest.SNSCert)
	v, _ := verifier(played)
	err := v.Verify(t.Context(), with(t, played, "Subject", "x"))
	if incident.KindOf(err) != incident.Unavailable || strings.Contains(err.Error(), "https://") {
		t.Errorf("not reached: %v, want Unavailable without the address", err)
	}
}

func TestAStrangerCannotHaveMuchFetched(t *testing.T) {
	played := stepstest.NewSNS(t)
	v, _ := verifier(played)
	for i := range 100 {
		name := strings.Repeat("a", i%64+1)
		address := "https://sns.eu-central-1.amazonaws.com/SimpleNotificationService-" + name + ".pem"
		played.Answers[address] = stepstest.SNSAnswer{Status: 404}
		if err := v.Verify(t.Context(), with(t, played, "SigningCertURL", address)); err == nil {
			t.Fatal("taken")
		}
	}
	if n := len(played.Called()); n != 20 {
		t.Errorf("%d calls within a minute, want 20", n)
	}
}

func TestTopicsOfEachPartitionAreKnown(t *testing.T) {
	for arn, valid := range map[string]bool{
		"arn:aws:sns:eu-central-1:111122223333:alarms": true, "arn:aws-cn:sns:cn-north-1:111122223333:alarms": true,
		"arn:aws-us-gov:sns:us-gov-west-1:111122223333:a_b-c": true, "arn:aws:sns:ap-southeast-5:111122223333:alarms.fifo": true,
		"": false, "arn:aws:sns:eu-central-1:111122223333:": false, "arn:aws:sqs:eu-central-1:111122223333:alarms": false,
		"arn:aws:sns:*:111122223333:alarms":                     false,
		"arn:aws:sns:eu-central-1:111122223333:alarms:c9135db0": false, "arn:aws:sns:eu-central-1:1:alarms": false,
		"arn:aws:sns:x.example/a-b-1:111122223333:alarms": false,
	} {
		if sns.ValidTopic(arn) != valid {
			t.Errorf("%s: %v", arn, !valid)
		}
	}
}

// Anybody can send such a body, so what is no envelope must be known by its beginning.
func TestALargeDocumentIsNoEnvelopeAndCostsLittle(t *testing.T) {
	envelope := `{"Type":"Notification","MessageId":"1","TopicArn":"` + stepstest.SNSTopic + `","Message":"{}"`
	if _, is := sns.Read([]byte(envelope + `,"MessageAttributes":{"first":{"Type":"String","Value":"x"}}}`)); !is {
		t.Error("a message with attributes is no envelope")
	}
	for what, body := range map[string]string{
		"many values": envelope + `,"x":[` + strings.Repeat("{},", 600_000) + "{}]}",
		"deep":        envelope + `,"x":` + strings.Repeat("[", 1<<20),
	} {
		raw, is := []byte(body), false
		allocs := testing.AllocsPerRun(1, func() { _, is = sns.Read(raw) })
		if is || allocs > 10_000 {
			t.Errorf("%s: envelope %v, %v allocations", what, is, allocs)
		}
	}
}

func FuzzRead(f *testing.F) {
	body, err := json.Marshal(map[string]string{
		"Type": "Notification", "MessageId": "1", "TopicArn": stepstest.SNSTopic, "Message": "{}", "Signature": "AA==",
	})
	if err != nil {
		f.Fatal(err)
	}
	f.Add(body)
	f.Fuzz(func(t *testing.T, body []byte) {
		if m, ok := sns.Read(body); ok {
			v := sns.NewVerifier(stepstest.Env(nil), nil)
			if v.Verify(t.Context(), m) == nil {
				t.Fatalf("%q is taken", body)
			}
			m.Document()
		}
	})
}
