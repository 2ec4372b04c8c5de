package steps_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/opsguard/opsguard/pkg/incident"
	"github.com/opsguard/opsguard/pkg/inventory"
	"github.com/opsguard/opsguard/pkg/steps"
)

const probedServices = `
services:
  a: {owner: o, target: {type: simulated}, fixes: [restart-service], health: {url: "https://a.example.com/"}}
  b: {owner: o, target: {type: simulated}, fixes: [restart-service], health: {url: "https://b.example.com/"}}
  c: {owner: o, target: {type: simulated}, fixes: [restart-service]}
`

// round is one round of the health check.
func (w *world) round(findings map[string][]steps.Finding) (steps.HealthReport, *prober, error) {
	p := &prober{findings: findings}
	report, err := steps.HourlyHealthCheck{Inventory: w.inv, Prober: p, Ingest: w.ingest(), Log: w.logger()}.Handle(w.Context())
	return report, p, err
}

func newProbed(t *testing.T) *world {
	t.Helper()
	w := newWorld(t)
	w.services(probedServices)
	return w
}

var (
	down    = steps.Finding{Check: "reachable", Detail: "connection refused"}
	up      = steps.Finding{Check: "reachable", Healthy: true, Detail: "answered"}
	status  = steps.Finding{Check: "status", Detail: "answered 500"}
	slow    = steps.Finding{Check: "latency", Detail: "took 4 s"}
	expired = steps.Finding{Check: "certificate", Detail: "expires in 2 days"}
)

func TestABadFindingOpensAnIncidentAndAGoodOneNone(t *testing.T) {
	w := newProbed(t)
	report, p, err := w.round(map[string][]steps.Finding{"a": {down, status, slow, expired}, "b": {up}})
	if err != nil {
		t.Fatal(err)
	}
	if slices.Sort(p.probed); !slices.Equal(p.probed, []string{"a", "b"}) || report.Checked != 2 || report.Failed != 0 {
		t.Errorf("probed %v, %+v", p.probed, report)
	}
	severities := map[string]incident.Severity{"reachable": incident.High, "status": incident.High, "latency": incident.Medium, "certificate": incident.Medium}
	if len(report.Unhealthy) != 4 || len(w.all()) != 4 {
		t.Fatalf("%+v, %d incidents", report.Unhealthy, len(w.all()))
	}
	for _, issue := range report.Unhealthy {
		inc := w.load(incident.Ref{Tenant: incident.DefaultTenant, ID: issue.IncidentID})
		if issue.Service != "a" || issue.Duplicate || inc.Service != "a" || inc.Source != steps.HealthSource || inc.Severity != severities[issue.Check] {
			t.Errorf("%+v opened %+v", issue, inc)
		}
		if first := w.last(inc.Ref); first.Actor != incident.SourceActor(steps.HealthSource) {
			t.Errorf("%s was opened by %s", inc.ID, first.Actor)
		}
	}
	e, err := w.store.Evidence(t.Context(), incident.Ref{Tenant: incident.DefaultTenant, ID: report.Unhealthy[0].IncidentID})
	if err != nil || e.Logs != "health check failed: reachable: connection refused" {
		t.Errorf("evidence %q %v", e.Logs, err)
	}
}

// cutOff is a prober whose looks end with their context, as if nothing answered.
type cutOff struct{ stop func() }

func (p cutOff) Probe(ctx context.Context, _ inventory.Service) []steps.Finding {
	p.stop()
	<-ctx.Done()
	return []steps.Finding{down}
}

// A process that stops must not wait for services that do not answer, nor take its own
// stop for their failure.
func TestARoundThatIsCutOffEndsAtOnceAndAccusesNoService(t *testing.T) {
	w := newProbed(t)
	ctx, stop := context.WithCancel(t.Context())
	report, err := steps.HourlyHealthCheck{Inventory: w.inv, Prober: cutOff{stop}, Ingest: w.ingest(), Log: w.logger()}.Handle(ctx)
	if !errors.Is(err, context.Canceled) || len(report.Unhealthy) != 0 || len(w.all()) != 0 {
		t.Errorf("%v, %+v, %d incidents", err, report, len(w.all()))
	}
}

// The detail differs from round to round; the trouble is the same.
func TestTheSameFindingInEveryRoundIsOneIncident(t *testing.T) {
	w := newProbed(t)
	for n, detail := range []string{"took 4 s", "took 5 s", "took 9 s"} {
		report, _, err := w.round(map[string][]steps.Finding{"a": {{Check: "latency", Detail: detail}}})
		if err != nil || len(report.Unhealthy) != 1 || report.Unhealthy[0].Duplicate != (n > 0) {
			t.Errorf("round %d: %+v %v", n, report, err)
		}
	}
	if all := w.all(); len(all) != 1 || all[0].Occurrences != 3 {
		t.Errorf("%d incidents", len(all))
	}
}

func TestAServiceThatIsWellAgainReportsItsRecovery(t *testing.T) {
	w := newProbed(t)
	if _, _, err := w.round(map[string][]steps.Finding{"a": {down, slow}, "b": {down}}); err != nil {
		t.Fatal(err)
	}
	report, _, err := w.round(map[string][]steps.Finding{"a": {up, slow}, "b": {down}})
	if err != nil || len(report.Unhealthy) != 2 {
		t.Fatalf("%+v %v", report, err)
	}
	decided := map[string]incident.Actor{}
	for _, inc := range w.all() {
		if inc.Decision != nil {
			e, err := w.store.Evidence(t.Context(), inc.Ref)
			if err != nil {
				t.Fatal(err)
			}
			decided[inc.Service+": "+e.Logs] = inc.Decision.By
		}
	}
	want := map[string]incident.Actor{"a: health check failed: reachable: connection refused": incident.SourceActor(steps.HealthSource)}
	if d := cmp.Diff(want, decided); d != "" {
		t.Errorf("recoveries (-want +got):\n%s", d)
	}
}

func TestAFindingThatCannotBeRecordedDoesNotStopTheOthers(t *testing.T) {
	w := newProbed(t)
	w.store.onCommit = func(c incident.Change, real func() error) error {
		if c.Incident.Service == "a" {
			return errWire
		}
		return real()
	}
	report, _, err := w.round(map[string][]steps.Finding{"a": {down, slow}, "b": {down}})
	wantCode(t, "the round", err, incident.CodeUnavailable)
	if report.Checked != 2 || report.Failed != 2 || len(report.Unhealthy) != 1 || report.Unhealthy[0].Service != "b" {
		t.Errorf("%+v", report)
	}
	for _, lost := range []string{`"service":"a","check":"reachable"`, `"service":"a","check":"latency"`} {
		if !strings.Contains(w.log.String(), lost) {
			t.Errorf("the log does not say what was lost, %s: %s", lost, w.log)
		}
	}
	w.store.onCommit = nil
	if report, _, err := w.round(map[string][]steps.Finding{"a": {down}}); err != nil || len(report.Unhealthy) != 1 {
		t.Errorf("the next round: %+v %v", report, err)
	}
}

func TestSecretsInAFindingAreRedacted(t *testing.T) {
	w := newProbed(t)
	report, _, err := w.round(map[string][]steps.Finding{"a": {{Check: "status", Detail: "500, password=hunter2hunter2"}}})
	if err != nil || report.Unhealthy[0].IncidentID == "" {
		t.Fatalf("%+v %v", report, err)
	}
	e, err := w.store.Evidence(t.Context(), incident.Ref{Tenant: incident.DefaultTenant, ID: report.Unhealthy[0].IncidentID})
	if err != nil || e.Logs != "health check failed: status: 500, password=[REDACTED:password]" {
		t.Errorf("%q %v", e.Logs, err)
	}
}

// A network that is down makes every probe take its whole time.
func TestServicesThatDoNotAnswerDoNotHoldUpTheRound(t *testing.T) {
	var services strings.Builder
	services.WriteString("services:\n")
	for i := range 100 {
		fmt.Fprintf(&services, "  s%d: {owner: o, target: {type: simulated}, fixes: [restart-service], health: {url: \"https://s%d.example.com/\"}}\n", i, i)
	}
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		w.services(services.String())
		p := &prober{takes: 10 * time.Second}
		began := time.Now()
		report, err := steps.HourlyHealthCheck{Inventory: w.inv, Prober: p, Ingest: w.ingest(), Log: w.logger()}.Handle(t.Context())
		if took := time.Since(began); err != nil || report.Checked != 100 || took != 40*time.Second || p.top != 32 {
			t.Errorf("%+v, %v: took %s, %d probes at once", report, err, took, p.top)
		}
	})
}
