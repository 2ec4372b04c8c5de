package intake_test

import (
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"errors"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/opsguard/opsguard/pkg/incident"
	"github.com/opsguard/opsguard/pkg/intake"
	"github.com/opsguard/opsguard/pkg/integration"
)

// kept holds one secret's value; "unreadable" cannot be read.
type kept string

func (k kept) Secret(context.Context, integration.Kind, string) (string, error) {
	if k == "unreadable" {
		return "", incident.Unavail("the store of secrets does not answer", nil)
	}
	return string(k), nil
}
func (kept) Place(integration.Kind, string) string { return "where it is kept" }

func secret(t *testing.T, value string) (integration.Env, integration.Secret) {
	t.Helper()
	s, err := integration.NamedSecret("ONE")
	if err != nil {
		t.Fatal(err)
	}
	return integration.Env{Secrets: kept(value)}, s
}

func TestATokenIsTakenIfItIsOneOfTheSecretsValues(t *testing.T) {
	for _, test := range []struct {
		value, presented string
		taken            bool
	}{
		{"right-0123456789", "right-0123456789", true}, {"former-01 right-01\nnext-01", "right-01", true}, {" right-01 ", "right-01", true},
		{"right-01", "wrong-01", false}, {"right-01", "right-0", false}, {"right-01", "RIGHT-01", false}, {"right-01", "", false},
		{"right-01", " right-01", false},
		{"a b", "a b", false}, {"", "", false}, {"", "x", false}, {" \n\t", "", false}, {" \n\t", " ", false}, {"a  b", "", false},
	} {
		env, s := secret(t, test.value)
		err := intake.Token(t.Context(), env, s, test.presented)
		if (err == nil) != test.taken || err != nil && !errors.Is(err, intake.ErrNotTheSender) {
			t.Errorf("secret %q, presented %q: %v, want taken %v", test.value, test.presented, err, test.taken)
		}
	}
}

func TestASecretThatCannotBeReadIsNoRefusal(t *testing.T) {
	env, s := secret(t, "unreadable")
	for what, err := range map[string]error{
		"token":     intake.Token(t.Context(), env, s, "x"),
		"signature": intake.Signature(t.Context(), env, s, sha256.New, nil, nil),
		"standard": intake.StandardWebhook(t.Context(), env, s, http.Header{"Webhook-Id": {"i"}, "Webhook-Timestamp": {"0"},
			"Webhook-Signature": {"v1,AAAA"}}, nil, time.Unix(0, 0)),
	} {
		if incident.KindOf(err) != incident.Unavailable {
			t.Errorf("%s: %v, want Unavailable, so that the sender tries again", what, err)
		}
	}
}

func TestTheAuthorizationHeaderIsBearerOrBasic(t *testing.T) {
	basic := func(text string) string { return "Basic " + base64.StdEncoding.EncodeToString([]byte(text)) }
	for _, test := range []struct {
		value, header string
		taken         bool
	}{
		{"tok-01", "Bearer tok-01", true}, {"tok-01", "bearer tok-01", true}, {"tok-01", "BEARER  tok-01 ", true},
		{"old-01 tok-01", "Bearer tok-01", true},
		{"user:pass", basic("user:pass"), true}, {"a:b user:pass", basic("user:pass"), true},
		{"tok-01", "", false}, {"tok-01", "tok-01", false}, {"tok-01", "Token tok-01", false}, {"tok-01", "Bearer", false},
		{"tok-01", "Bearer ", false},
		{"tok-01", "Bearertok-01", false}, {"tok-01", "Bearer tok-02", false}, {"user:pass", basic("user:"), false},
		{"user:pass", basic(":pass"), false},
		{"user:pass", "Basic ***", false}, {"user:pass", "Basic", false}, {"", "Bearer ", false}, {"", basic(""), false},
		{" ", "Bearer  ", false},
	} {
		env, s := secret(t, test.value)
		err := intake.Authorization(t.Context(), env, s, http.Header{"Authorization": {test.header}})
		if (err == nil) != test.taken {
			t.Errorf("secret %q, header %q: %v, want taken %v", test.value, test.header, err, test.taken)
		}
	}
}

func signed(key, message string) []byte {
	mac := hmac.New(sha256.New, []byte(key))
	mac.Write([]byte(message))
	return mac.Sum(nil)
}

func TestASignatureIsTakenUnderOneOfTheSecretsValues(t *testing.T) {
	const message = "the body"
	right := signed("right-01", message)
	for name, test := range map[string]struct {
		value      string
		signatures [][]byte
		taken      bool
	}{
		"right": {"right-01", [][]byte{right}, true}, "while it is rotated": {"old-01 right-01", [][]byte{right}, true},
		"several signatures": {"right-01", [][]byte{nil, signed("x", message), right}, true},
		"both, twice":        {"right-01 right-01", [][]byte{right, right}, true},
		"of another body":    {"right-01", [][]byte{signed("right-01", "another")}, false},
		"under another key":  {"right-01", [][]byte{signed("x", message)}, false},
		"none":               {"right-01", nil, false}, "an empty one": {"right-01", [][]byte{nil, {}}, false},
		"cut":    {"right-01", [][]byte{right[:31]}, false},
		"longer": {"right-01", [][]byte{append(right[:32:32], 0)}, false},
		// Whoever knows that the secret is empty could sign.
		"an empty secret":    {"", [][]byte{signed("", message)}, false},
		"a secret of spaces": {" \n", [][]byte{signed("", message), signed(" \n", message)}, false},
	} {
		env, s := secret(t, test.value)
		err := intake.Signature(t.Context(), env, s, sha256.New, []byte(message), test.signatures...)
		if (err == nil) != test.taken || err != nil && !errors.Is(err, intake.ErrNotTheSender) {
			t.Errorf("%s: %v, want taken %v", name, err, test.taken)
		}
	}
}

func TestAnOldOrFutureProofIsRefused(t *testing.T) {
	now := time.Date(2026, 11, 20, 3, 0, 0, 0, time.UTC)
	const window = 5 * time.Minute
	for at, taken := range map[time.Time]bool{
		now: true, now.Add(-window): true, now.Add(window): true, now.Add(-window - 1): false, now.Add(window + 1): false,
		{}: false, time.Unix(0, 0): false, time.Unix(1<<60, 0): false, time.Unix(-1<<60, 0): false,
	} {
		if err := intake.Recent(now, at, window); (err == nil) != taken || err != nil && !errors.Is(err, intake.ErrTooOld) {
			t.Errorf("%v: %v, want taken %v", at, err, taken)
		}
	}
}

// The secret, the message and its signature are the example of the Standard Webhooks
// reference libraries (libraries/go/webhook_test.go), read in November 2026.
func TestTheExampleOfStandardWebhooksIsTaken(t *testing.T) {
	const key, id, stamp, body = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw", "msg_p5jXN8AQM9LWM0D4loKWxJek", "1614265330",
		`{"test": 2432232314}`
	const signature = "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE="
	now := time.Unix(1614265330, 0)
	for name, test := range map[string]struct {
		value, id, stamp, signature, body string
		now                               time.Time
		taken                             bool
	}{
		"the example":           {key, id, stamp, signature, body, now, true},
		"without the prefix":    {strings.TrimPrefix(key, "whsec_"), id, stamp, signature, body, now, true},
		"while it is rotated":   {"whsec_c29tZSBvdGhlciBrZXkgb2YgMjQ= " + key, id, stamp, signature, body, now, true},
		"several signatures":    {key, id, stamp, "v1a,AAAA v2,x v1,AAAA nothing " + signature, body, now, true},
		"almost too late":       {key, id, stamp, signature, body, now.Add(5 * time.Minute), true},
		"too late":              {key, id, stamp, signature, body, now.Add(5*time.Minute + 1), false},
		"from the future":       {key, id, stamp, signature, body, now.Add(-5*time.Minute - 1), false},
		"another body":          {key, id, stamp, signature, body + " ", now, false},
		"another id":            {key, id + "x", stamp, signature, body, now, false},
		"no id":                 {key, "", stamp, signature, body, now, false},
		"another time":          {key, id, "1614265331", signature, body, now, false},
		"a time with a sign":    {key, id, "+1614265330", signature, body, now, false},
		"no time":               {key, id, "", signature, body, now, false},
		"no signature":          {key, id, stamp, "", body, now, false},
		"of another version":    {key, id, stamp, "v1a" + signature[2:], body, now, false},
		"without its version":   {key, id, stamp, signature[3:], body, now, false},
		"not base64":            {key, id, stamp, "v1,***", body, now, false},
		"under another key":     {"whsec_c29tZSBvdGhlciBrZXkgb2YgMjQ=", id, stamp, signature, body, now, false},
		"a secret of no base64": {"whsec_***", id, stamp, signature, body, now, false},
		"an empty secret":       {"", id, stamp, signature, body, now, false},
		"an empty key": {"whsec_", id, stamp, "v1," + base64.StdEncoding.EncodeToString(signed("", id+"."+stamp+"."+body)),
			body, now, false},
	} {
		env, s := secret(t, test.value)
		h := http.Header{"Webhook-Id": {test.id}, "Webhook-Timestamp": {test.stamp}, "Webhook-Signature": {test.signature}}
		err := intake.StandardWebhook(t.Context(), env, s, h, []byte(test.body), test.now)
		if (err == nil) != test.taken || err != nil && strings.Contains(err.Error(), "MfKQ") {
			t.Errorf("%s: %v, want taken %v", name, err, test.taken)
		}
	}
}
