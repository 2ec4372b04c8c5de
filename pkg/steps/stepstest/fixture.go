package stepstest

import (
	"encoding/base64"
	"net/http"
	"os"
	"testing"

	"github.com/opsguard/opsguard/pkg/incident"
	"github.com/opsguard/opsguard/pkg/steps"
)

// Fixture reads a file of testdata.
func Fixture(t testing.TB, file string) []byte {
	t.Helper()
	body, err := os.ReadFile("testdata/" + file)
	if err != nil {
		t.Fatal(err)
	}
	return body
}

// SentBy is testdata/NAME.json as a sender sends it that proves itself by an Authorization
// header alone.
func SentBy(t testing.TB, authorization, name string, alerts int) Sent {
	t.Helper()
	return Sent{Name: name, Alerts: alerts, Proof: ProofByToken, Request: Authorized(authorization, Fixture(t, name+".json"))}
}

// Authorized is a JSON body with an Authorization header.
func Authorized(authorization string, body []byte) steps.Request {
	return steps.Request{Header: http.Header{"Authorization": {authorization}, "Content-Type": {"application/json"}}, Body: body}
}

// Basic is the Authorization header of basic authentication.
func Basic(user, password string) string {
	return "Basic " + base64.StdEncoding.EncodeToString([]byte(user+":"+password))
}

// ParseOne has a source read a body that is one alert, or is refused.
func ParseOne(t testing.TB, source steps.Source, body string) (incident.Alert, error) {
	t.Helper()
	batch, err := source.Parse(t.Context(), steps.Request{Body: []byte(body)})
	switch {
	case err != nil:
		return incident.Alert{}, err
	case len(batch.Alerts) != 1:
		t.Fatalf("%d alerts, want one: %s", len(batch.Alerts), body)
	}
	return batch.Alerts[0], nil
}

// OneTrouble holds a source to knowing the end of a trouble by its beginning.
func OneTrouble(t testing.TB, source steps.Source, begin, end Sent) {
	t.Helper()
	a, err := ParseOne(t, source, string(begin.Request.Body))
	if err != nil {
		t.Fatal(err)
	}
	b, err := ParseOne(t, source, string(end.Request.Body))
	if err != nil {
		t.Fatal(err)
	}
	if a.Fingerprint() != b.Fingerprint() || a.Recovered || !b.Recovered {
		t.Errorf("%s and %s: %+v and %+v", begin.Name, end.Name, a, b)
	}
}

// ReadOrInvalid holds what a source says of a body to the least that is asked of it: it
// refuses by Invalid, and an alert that it reads is valid.
func ReadOrInvalid(t testing.TB, body []byte, batch steps.Batch, err error) {
	t.Helper()
	for _, err := range append(batch.Refused, err) {
		if err != nil && incident.KindOf(err) != incident.Invalid {
			t.Fatalf("%q: %v (%s)", body, err, incident.KindOf(err))
		}
	}
	for _, a := range batch.Alerts {
		if err := a.Validate(); err != nil {
			t.Fatalf("%q: taken, but %v", body, err)
		}
	}
}
