package steps_test

import (
	"bytes"
	"context"
	"errors"
	"log/slog"
	"net/http"
	"strings"
	"sync"
	"testing"

	"github.com/opsguard/opsguard/pkg/incident"
	"github.com/opsguard/opsguard/pkg/steps"
)

// lines is a sender whose body is a service a line; "bad" is refused.
type lines struct{ key string }

func (l lines) Authenticate(_ context.Context, r steps.Request) error {
	if l.key == "" {
		return incident.Unavail("the secret cannot be read", nil)
	}
	if r.Header.Get("X-Key") != l.key {
		return errors.New("the key " + l.key + " was not sent")
	}
	return nil
}

func (lines) Parse(_ context.Context, r steps.Request) (steps.Batch, error) {
	var b steps.Batch
	for i, c := range r.Body {
		if c == '!' {
			return steps.Batch{}, incident.BadField("body", "is not one of ours")
		}
		if c == 'x' {
			b.Refused = append(b.Refused, incident.BadField("alerts", "number %d is bad", i))
			continue
		}
		b.Alerts = append(b.Alerts, incident.Alert{Tenant: incident.DefaultTenant, Source: "lines", Service: "prod-api-01", ErrorLogs: "trouble " + string(c), Severity: incident.High, DedupKey: string(c)})
	}
	return b, nil
}

// askers is a sender that asks first.
type askers struct{ lines }

func (askers) Consent(r steps.Request) (http.Header, error) {
	return http.Header{"You-May": r.Header["May-I"]}, nil
}

func TestASenderThatAsksIsAnsweredByItsSource(t *testing.T) {
	step := steps.ReceiveAlerts{Sources: map[string]steps.Source{"asks": askers{}, "does not": lines{}}}
	for name, want := range map[string]struct {
		granted string
		kind    incident.Kind
	}{"asks": {"please", ""}, "does not": {"", ""}, "is not there": {"", incident.NotFound}} {
		got, err := step.Consent(name, steps.Request{Header: http.Header{"May-I": {"please"}}})
		if got.Get("You-May") != want.granted || (got == nil) != (want.granted == "") || incident.KindOf(err) != want.kind {
			t.Errorf("who %s: %v, %v", name, got, err)
		}
	}
}

func TestABatchKeepsWhatIsGood(t *testing.T) {
	w := newWorld(t)
	step := steps.ReceiveAlerts{Sources: map[string]steps.Source{"lines": lines{"secret"}, "locked": lines{}}, Ingest: w.ingest(), Services: nobody{}, Seen: steps.NewDeliveries(), Log: slog.New(slog.DiscardHandler)}
	signed := http.Header{"X-Key": {"secret"}}
	for _, tc := range []struct {
		name, source, body string
		header             http.Header
		ingested, refused  int
		kind               incident.Kind
	}{
		{"good ones", "lines", "ab", signed, 2, 0, ""},
		{"a bad one among good ones", "lines", "axb", signed, 2, 1, ""},
		{"bad ones only", "lines", "xx", signed, 0, 2, incident.Invalid},
		{"no alert", "lines", "", signed, 0, 0, ""},
		{"nothing that can be read", "lines", "!", signed, 0, 0, incident.Invalid},
		{"not signed", "lines", "a", http.Header{}, 0, 0, incident.Forbidden},
		{"a source that is not configured", "others", "a", signed, 0, 0, incident.NotFound},
		{"a secret that cannot be read", "locked", "a", signed, 0, 0, incident.Unavailable},
	} {
		got, err := step.Handle(t.Context(), tc.source, steps.Request{Header: tc.header, Body: []byte(tc.body)})
		if incident.KindOf(err) != tc.kind || len(got.Taken) != tc.ingested || len(got.Refused) != tc.refused {
			t.Errorf("%s: %d ingested, %d refused, %v; want %d, %d, %q", tc.name, len(got.Taken), len(got.Refused), err, tc.ingested, tc.refused, tc.kind)
		}
	}
}

// The answer says it too, but a sender that hears 2xx reads no further.
func TestAnAlertThatIsRefusedBesideOthersStandsInTheLog(t *testing.T) {
	w := newWorld(t)
	var log bytes.Buffer
	step := steps.ReceiveAlerts{Sources: map[string]steps.Source{"lines": lines{"secret"}}, Ingest: w.ingest(), Services: nobody{},
		Log: slog.New(slog.NewJSONHandler(&log, nil))}
	for body, want := range map[string]string{"axxb": `"level":"WARN","msg":"alerts of a request were refused","source":"lines","refused":2,` +
		`"first":"alerts: number 1 is bad"`, "ab": ""} {
		log.Reset()
		if _, err := step.Handle(t.Context(), "lines", steps.Request{Header: http.Header{"X-Key": {"secret"}}, Body: []byte(body)}); err != nil {
			t.Fatal(err)
		}
		if got := log.String(); !strings.Contains(got, want) || want == "" && got != "" {
			t.Errorf("%s: logged %s", body, got)
		}
	}
}

// flaky is an ingest that fails for one service.
type flaky struct {
	mu   *sync.Mutex
	seen *[]incident.Alert
}

func (f flaky) Handle(_ context.Context, in steps.IngestInput) (steps.Ingested, error) {
	f.mu.Lock()
	*f.seen = append(*f.seen, in.Alert)
	f.mu.Unlock()
	if in.Alert.DedupKey == "p" {
		panic("a mistake of ours")
	}
	if in.Alert.DedupKey == "b" {
		return steps.Ingested{}, incident.Fail(incident.NotFound, incident.CodeNotFound, "the incident is gone")
	}
	return steps.Ingested{IncidentID: "INC-1"}, nil
}

func TestAnAlertThatCannotBeTakenKeepsNoOtherBack(t *testing.T) {
	var seen []incident.Alert
	step := steps.ReceiveAlerts{Sources: map[string]steps.Source{"bell": lines{"secret"}}, Ingest: flaky{&sync.Mutex{}, &seen}, Services: nobody{}, Seen: steps.NewDeliveries(), Log: slog.New(slog.DiscardHandler)}
	got, err := step.Handle(t.Context(), "bell", steps.Request{Header: http.Header{"X-Key": {"secret"}}, Body: []byte("abc")})
	if incident.KindOf(err) != incident.Unavailable || len(got.Taken) != 2 || len(seen) != 3 {
		t.Errorf("%v, %d taken of %d tried; want Unavailable, so that the sender repeats, and the others taken", err, len(got.Taken), len(seen))
	}
	for _, a := range seen {
		if a.Source != "bell" || a.Tenant != incident.DefaultTenant {
			t.Errorf("an alert is said to come from %q of %q", a.Source, a.Tenant)
		}
	}
}

// nobody finds no service by labels.
type nobody struct{}

func (nobody) ServiceFor(string, map[string]string) (string, bool) { return "", false }

func TestAPanicCostsOneAlertOfABatch(t *testing.T) {
	var seen []incident.Alert
	step := steps.ReceiveAlerts{Sources: map[string]steps.Source{"bell": lines{"secret"}}, Ingest: flaky{&sync.Mutex{}, &seen}, Services: nobody{}, Log: slog.New(slog.DiscardHandler)}
	got, err := step.Handle(t.Context(), "bell", steps.Request{Header: http.Header{"X-Key": {"secret"}}, Body: []byte("apc")})
	if incident.KindOf(err) != incident.Unavailable || len(got.Taken) != 2 {
		t.Errorf("%v, %d taken; want Unavailable, so that the sender repeats, and the others taken", err, len(got.Taken))
	}
}

// ordered notes in which order the alerts of one trouble are taken.
type ordered struct {
	mu   sync.Mutex
	seen map[string]string
}

func (o *ordered) Handle(_ context.Context, in steps.IngestInput) (steps.Ingested, error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.seen[in.Alert.Identity] += in.Alert.ErrorLogs
	return steps.Ingested{IncidentID: "INC-" + in.Alert.Identity + in.Alert.ErrorLogs}, nil
}

// letters is a sender whose body is identities and states, two bytes each.
type letters struct{ lines }

func (letters) Parse(_ context.Context, r steps.Request) (b steps.Batch, err error) {
	for i := 0; i+1 < len(r.Body); i += 2 {
		b.Alerts = append(b.Alerts, incident.Alert{Service: "web", Identity: string(r.Body[i]), ErrorLogs: string(r.Body[i+1]), Severity: incident.High})
	}
	return b, nil
}

func TestTheAlertsOfOneTroubleAreTakenInTheirOrder(t *testing.T) {
	body := ""
	for n := range 9 {
		for _, identity := range "abcdefghijklmnop" {
			body += string(identity) + string(rune('1'+n))
		}
	}
	o := &ordered{seen: map[string]string{}}
	step := steps.ReceiveAlerts{Sources: map[string]steps.Source{"bell": letters{lines{"secret"}}}, Ingest: o, Services: nobody{}, Log: slog.New(slog.DiscardHandler)}
	got, err := step.Handle(t.Context(), "bell", steps.Request{Header: http.Header{"X-Key": {"secret"}}, Body: []byte(body)})
	if err != nil || len(got.Taken) != 144 {
		t.Fatalf("%d taken, %v", len(got.Taken), err)
	}
	for identity, states := range o.seen {
		if states != "123456789" {
			t.Errorf("the alerts of %s were taken in the order %s", identity, states)
		}
	}
	for i, done := range got.Taken {
		if want := "INC-" + body[2*i:2*i+2]; done.IncidentID != want {
			t.Errorf("answer %d is about %s, want %s", i, done.IncidentID, want)
		}
	}
}
