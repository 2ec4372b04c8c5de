package sns_test

import (
	"errors"
	"maps"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/opsguard/opsguard/pkg/incident"
	"github.com/opsguard/opsguard/pkg/intake/sns"
	"github.com/opsguard/opsguard/pkg/steps/stepstest"
)

func TestASubscriptionIsConfirmedOnceAtSNSOnly(t *testing.T) {
	played := stepstest.NewSNS(t)
	v, _ := verifier(played)
	fields := played.Fields(sns.SubscriptionConfirmation, "You have chosen to subscribe")
	answered, err := v.Confirm(t.Context(), read(t, played.Sign(t, fields).Body))
	if want := []string{"GET " + fields["SubscribeURL"]}; !answered || err != nil || !cmp.Equal(want, played.Called()) {
		t.Errorf("answered %v, %v", answered, err)
	}
	good := fields["SubscribeURL"]
	for _, address := range []string{
		"", "http" + strings.TrimPrefix(good, "https"), strings.Replace(good, "amazonaws.com", "amazonaws.com:443", 1),
		strings.Replace(good, "https://", "https://u:p@", 1),
		strings.Replace(good, "sns.eu-central-1.amazonaws.com", "10.0.0.1", 1),
		strings.Replace(good, "eu-central-1.amazonaws", "us-east-1.amazonaws", 1),
		strings.Replace(good, "sns.", "sqs.", 1), strings.Replace(good, "/?", "/admin?", 1),
		strings.Replace(good, "ConfirmSubscription", "Unsubscribe", 1),
		strings.Replace(good, ":alarms", ":others", 1), good + "&Action=Publish", good + "&Message=x",
		strings.Replace(good, "&Token=2336412f37", "", 1), good + "#x",
	} {
		other := maps.Clone(fields)
		other["SubscribeURL"] = address
		if answered, err := v.Confirm(t.Context(), read(t, played.Sign(t, other).Body)); !answered || !errors.Is(err, sns.ErrSubscribe) {
			t.Errorf("%s: %v, %v", address, answered, err)
		}
	}
	for _, kind := range []string{sns.Notification, sns.UnsubscribeConfirmation} {
		answered, err := v.Confirm(t.Context(), read(t, played.Sign(t, played.Fields(kind, "x")).Body))
		if answered != (kind != sns.Notification) || err != nil {
			t.Errorf("%s: %v, %v", kind, answered, err)
		}
	}
	other, _ := verifier(played, "arn:aws:sns:eu-central-1:111122223333:others")
	if _, err := other.Confirm(t.Context(), read(t, played.Sign(t, fields).Body)); !errors.Is(err, sns.ErrTopic) {
		t.Errorf("another topic's: %v", err)
	}
	if called := played.Called(); called != nil {
		t.Errorf("called %v", called)
	}
}

func TestTheRefusalOfAConfirmationDoesNotShowItsToken(t *testing.T) {
	played := stepstest.NewSNS(t)
	v, _ := verifier(played)
	fields := played.Fields(sns.SubscriptionConfirmation, "x")
	for status, kind := range map[int]incident.Kind{
		400: incident.Invalid, 302: incident.Invalid, 503: incident.Unavailable, 0: incident.Unavailable,
	} {
		played.Answers[fields["SubscribeURL"]] = stepstest.SNSAnswer{Status: status, Location: "http://127.0.0.1/"}
		if status == 0 {
			delete(played.Answers, fields["SubscribeURL"])
		}
		_, err := v.Confirm(t.Context(), read(t, played.Sign(t, fields).Body))
		if incident.KindOf(err) != kind || strings.Contains(err.Error(), fields["Token"]) {
			t.Errorf("%d: %v (%s), want %s", status, err, incident.KindOf(err), kind)
		}
	}
	if n := len(played.Called()); n != 4 {
		t.Errorf("%d calls, want one for each message", n)
	}
}
