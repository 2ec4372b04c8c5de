package steps_test

import (
	"maps"
	"reflect"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/opsguard/opsguard/pkg/incident"
	"github.com/opsguard/opsguard/pkg/steps"
)

func TestIngestWritesNothingRaw(t *testing.T) {
	w := newWorld(t)
	secrets := []string{"hunter2hunter2", "AKIAIOSFODNN7EXAMPLE", "ghp_0123456789abcdefghijklmnopqrstuvwxyzAB", "s3cr3tpw"}
	a := alert("api", "deploy with "+secrets[2])
	a.Service = "api token=" + secrets[3]
	a.ErrorLogs = "error: password=" + secrets[0] + "\nkey " + secrets[1] + "\npostgres://app:" + secrets[3] + "@db/x \x1b[31mred\x00\u202e"
	ref := w.sent(a)
	if _, err := w.send(a); err != nil { // the join writes too
		t.Fatal(err)
	}
	if _, err := w.recovered(a); err != nil {
		t.Fatal(err)
	}
	file := w.stored()
	logs, err := w.store.Evidence(t.Context(), ref)
	if err != nil || !strings.Contains(string(file), "[REDACTED:aws-access-key-id]") || !strings.Contains(logs.Logs, "[REDACTED:password]") {
		t.Fatalf("the redacted logs are not in the file, so their absence proves nothing: %q %v", logs.Logs, err)
	}
	for _, secret := range secrets {
		for where, text := range map[string]string{"the store's file": string(file), "the log": w.log.String()} {
			if strings.Contains(text, secret) {
				t.Errorf("%q stands in %s", secret, where)
			}
		}
	}
	if strings.ContainsAny(logs.Logs, "\x00\x1b\u202e") {
		t.Errorf("control characters were kept: %q", logs.Logs)
	}
}

func TestAlertsThatDifferInASecretOnlyAreOneIncident(t *testing.T) {
	w := newWorld(t)
	a := alert("api", "")
	a.ErrorLogs = "error: login failed, password=hunter2hunter2"
	first := w.sent(a)
	a.ErrorLogs = "error: login failed, password=other4other4"
	if second := w.sent(a); second != first {
		t.Errorf("in the logs: %s and %s", first, second)
	}
	first = w.sent(alert("api", "login token=hunter2hunter2"))
	if second := w.sent(alert("api", "login token=other4other4")); second != first {
		t.Errorf("in the key: %s and %s", first, second)
	}
}

func TestIngestBoundsLogsThatRedactionMadeLonger(t *testing.T) {
	w := newWorld(t)
	a := alert("api", "k")
	a.ErrorLogs = strings.Repeat("pwd=k9x4z ", incident.MaxErrorLogs/10)
	e, err := w.store.Evidence(t.Context(), w.sent(a))
	if err != nil || len(e.Logs) > incident.MaxErrorLogs || strings.Contains(e.Logs, "k9x4z") {
		t.Errorf("%d bytes of logs were kept (%v)", len(e.Logs), err)
	}
}

func TestIngestRefusesWhatIsNotAnAlert(t *testing.T) {
	for _, c := range []struct {
		name, field string
		change      func(*incident.Alert)
	}{
		{"no service", "service", func(a *incident.Alert) { a.Service = "" }},
		{"no logs", "errorLogs", func(a *incident.Alert) { a.ErrorLogs = " \n" }},
		{"logs of nothing that is seen", "errorLogs", func(a *incident.Alert) { a.ErrorLogs = "\x00\u200b\x1b[31m" }},
		{"too many logs", "errorLogs", func(a *incident.Alert) { a.ErrorLogs = strings.Repeat("x", incident.MaxErrorLogs+1) }},
		{"a severity of its own", "severity", func(a *incident.Alert) { a.Severity = "huge" }},
		{"a long key", "dedupKey", func(a *incident.Alert) { a.DedupKey = strings.Repeat("k", incident.MaxDedupKey+1) }},
	} {
		t.Run(c.name, func(t *testing.T) {
			w := newWorld(t)
			a := alert("api", "k")
			c.change(&a)
			_, err := w.send(a)
			wantField(t, err, c.field)
			if n := len(w.all()); n > 0 || len(w.workflow.starts) > 0 {
				t.Errorf("%d incidents, %d starts", n, len(w.workflow.starts))
			}
		})
	}
}

func TestTheSameAlertAThousandTimesAtOnceIsOneIncident(t *testing.T) {
	w := newWorld(t)
	const alerts = 1000
	var mu sync.Mutex
	ids, opened := map[string]int{}, 0
	var all sync.WaitGroup
	for range alerts {
		all.Go(func() {
			got, err := w.send(alert("api", "k"))
			if err != nil {
				t.Errorf("ingest: %v", err)
			}
			mu.Lock()
			defer mu.Unlock()
			ids[got.IncidentID]++
			if !got.Duplicate {
				opened++
			}
		})
	}
	all.Wait()
	incs := w.all()
	if len(ids) != 1 || opened != 1 || len(incs) != 1 {
		t.Fatalf("answers named %d incidents, %d of them new; the store has %d", len(ids), opened, len(incs))
	}
	if incs[0].Occurrences != alerts || incs[0].Version != 1 {
		t.Errorf("%d occurrences in version %d, want %d in version 1", incs[0].Occurrences, incs[0].Version, alerts)
	}
}

// Starting again is recognised as the same start only if it says the same.
func TestEveryStartOfAnIncidentSaysTheSame(t *testing.T) {
	w := newWorld(t)
	ref := w.sent(alert("patient", "k"))
	w.clock.move(minute)
	w.services(strings.ReplaceAll(services, "timeout: 2h", "timeout: 3h"))
	w.sent(alert("patient", "k"))
	w.workflow.status[ref.ID] = steps.ExecutionMissing
	if _, err := w.reconcile().Handle(t.Context()); err != nil {
		t.Fatal(err)
	}
	start := started{ref.ID, `{"tenant":"default","incidentId":"` + ref.ID + `","approvalTimeoutSeconds":7200}`}
	if d := cmp.Diff([]started{start, start, start}, w.workflow.starts); d != "" {
		t.Errorf("starts (-want +got):\n%s", d)
	}
}

func TestAServiceWithoutATimeoutHasTheDefault(t *testing.T) {
	w := newWorld(t)
	for _, service := range []string{"api", "not listed"} {
		if inc := w.load(w.detected(service)); inc.ApprovalTimeout != int64(time.Hour/time.Second) {
			t.Errorf("%s: %d s", service, inc.ApprovalTimeout)
		}
	}
}

func TestAnAlertWhoseStartFailsIsAcceptedAndReconcileStartsIt(t *testing.T) {
	w := newWorld(t)
	w.workflow.onStart = func(incident.Ref) error { return errWire }
	ref := w.detected("api")
	if inc := w.load(ref); inc.Status != incident.Detected {
		t.Fatalf("it is %s", inc.Status)
	}
	w.workflow.onStart = nil
	w.workflow.status[ref.ID] = steps.ExecutionMissing
	report, err := w.reconcile().Handle(t.Context())
	if err != nil || report.Started != 1 || len(w.workflow.starts) != 2 {
		t.Errorf("%+v %v, %d starts", report, err, len(w.workflow.starts))
	}
}

// A join starts only what may not have been started: from WAITING on it was.
func TestAJoinStartsWhatIsStillDetectedOnly(t *testing.T) {
	w := newWorld(t)
	a := alert("api", "k")
	ref := w.sent(a)
	w.sent(a)
	if len(w.workflow.starts) != 2 {
		t.Errorf("%d starts of what is DETECTED", len(w.workflow.starts))
	}
	if err := w.waiting(ref, tokenOf(ref), 0); err != nil {
		t.Fatal(err)
	}
	got, err := w.send(a)
	if err != nil || got.Status != incident.WaitingForApproval || !got.Duplicate || len(w.workflow.starts) != 2 {
		t.Errorf("%+v %v, %d starts", got, err, len(w.workflow.starts))
	}
}

// wantField fails the test unless the error blames the field.
func wantField(t *testing.T, err error, field string) {
	t.Helper()
	wantCode(t, field, err, incident.CodeInvalid)
	if e, ok := err.(*incident.Error); !ok || e.Field != field {
		t.Errorf("%v blames another field than %s", err, field)
	}
}

// Every text of an alert is redacted but those whose values OpsGuard makes itself.
// A field that is added and forgotten in clean fails here.
func TestNoFieldOfAnAlertEscapesRedaction(t *testing.T) {
	const secret = "ghp_0123456789abcdefghijklmnopqrstuvwxyzAB"
	ours := map[string]string{"Tenant": incident.DefaultTenant, "Source": "api", "Severity": string(incident.High), "Link": "https://sender.example/?key=" + secret}
	a := incident.Alert{Labels: map[string]string{"x " + secret: "x " + secret}}
	for field, v := range texts(t, reflect.ValueOf(&a).Elem(), "") {
		if value, set := ours[field]; set {
			v.SetString(value)
			continue
		}
		v.SetString("x " + secret)
	}
	w := newWorld(t)
	w.sent(a)
	file := w.stored()
	if strings.Contains(string(file), secret) || strings.Contains(w.log.String(), secret) {
		t.Error("a field of the alert was written as it came; redact it in clean")
	}
}

// texts finds every text in a struct, however deep. What it cannot look into fails
// the test, for a secret could be there.
func texts(t *testing.T, v reflect.Value, path string) map[string]reflect.Value {
	t.Helper()
	found := map[string]reflect.Value{}
	for i := range v.NumField() {
		name, f := path+v.Type().Field(i).Name, v.Field(i)
		switch {
		case f.Type() == reflect.TypeFor[time.Time](), f.Kind() == reflect.Bool, f.CanInt():
		case f.Type() == reflect.TypeFor[map[string]string]() && f.Len() > 0: // it was filled with secrets already
		case f.Kind() == reflect.String:
			found[name] = f
		case f.Kind() == reflect.Struct:
			maps.Copy(found, texts(t, f, name+"."))
		default:
			t.Errorf("Alert.%s is a %s, which this test does not look into; teach it", name, f.Type())
		}
	}
	return found
}
