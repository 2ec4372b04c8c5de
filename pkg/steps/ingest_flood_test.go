package steps_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/opsguard/opsguard/pkg/incident"
	"github.com/opsguard/opsguard/pkg/steps"
)

// oneFlow keeps one flow, and fails where it is broken.
type oneFlow struct {
	incident.Flow
	broken bool
	of     []string
}

func (f *oneFlow) Update(_ context.Context, _, service string, change func(*incident.Flow)) error {
	f.of = append(f.of, service)
	change(&f.Flow)
	if f.broken {
		return errors.New("the table is gone")
	}
	return nil
}

type flowPort struct{ *oneFlow }

func (f flowPort) Flow(context.Context, string, string) (incident.Flow, error) {
	return f.oneFlow.Flow, nil
}

func (w *world) flooded(flow *oneFlow, perHour int, alerts ...incident.Alert) map[string]int {
	w.T.Helper()
	step := w.ingest()
	step.Flows, step.PerHour = flowPort{flow}, perHour
	ids := map[string]int{}
	for _, a := range alerts {
		got, err := step.Handle(w.T.Context(), steps.IngestInput{Alert: a, By: incident.SourceActor("api")})
		if err != nil {
			w.T.Fatal(err)
		}
		ids[got.IncidentID]++
	}
	return ids
}

func many(n int) []incident.Alert {
	var all []incident.Alert
	for i := range n {
		all = append(all, alert("api", fmt.Sprintf("trouble-%d", i)))
	}
	return all
}

func TestAFloodOfIncidentsIsOneIncident(t *testing.T) {
	w := newWorld(t)
	flow := &oneFlow{}
	critical := alert("api", "ledger")
	critical.Severity = incident.Critical
	ids := w.flooded(flow, 3, append(many(50), critical)...)
	if len(ids) != 5 {
		t.Fatalf("%d incidents, want 3, the flood and the critical one: %v", len(ids), ids)
	}
	for id, n := range ids {
		if n == 1 {
			continue
		}
		inc, err := w.store.Load(t.Context(), incident.Ref{Tenant: incident.DefaultTenant, ID: id})
		if err != nil || n != 47 || inc.Source != steps.FloodSource || inc.Service != critical.Service || inc.Occurrences != 47 {
			t.Errorf("%d alerts in %+v, %v", n, inc, err)
		}
		evidence, err := w.store.Evidence(t.Context(), inc.Ref)
		if err != nil || !strings.HasPrefix(evidence.Logs, "FLOOD: 3 incidents of "+critical.Service) {
			t.Errorf("%q, %v", evidence.Logs, err)
		}
		seen, err := steps.QueryIncidents{Store: w.store, Flows: flowPort{flow}}.Flood(t.Context(), inc)
		if err != nil || len(seen.Folded) == 0 {
			t.Errorf("what the flood holds is not told: %+v, %v", seen, err)
		}
	}
}

func TestAServiceWithANameThatVariesOpensNoEndlessIncidents(t *testing.T) {
	w := newWorld(t)
	flow := &oneFlow{}
	alerts := many(20)
	for i := range alerts {
		alerts[i].Service = fmt.Sprintf("never-heard-of-%d", i)
	}
	if ids := w.flooded(flow, 3, alerts...); len(ids) != 4 || flow.of[0] != steps.Unlisted {
		t.Errorf("%d incidents under %q, want 4 under %q", len(ids), flow.of[0], steps.Unlisted)
	}
}

func TestWordsThatVaryOpenTwoIncidents(t *testing.T) {
	w := newWorld(t)
	var alerts []incident.Alert
	for _, name := range []string{"anna", "ben", "clara", "dora", "emil"} {
		a := alert("api", "")
		a.ErrorLogs = "ERROR login of user " + name + " failed: session store is gone"
		alerts = append(alerts, a)
	}
	if ids := w.flooded(&oneFlow{}, 0, alerts...); len(ids) != 2 {
		t.Errorf("%d incidents of one trouble: %v", len(ids), ids)
	}
}

func TestAnAlertIsTakenThoughItsFlowIsBroken(t *testing.T) {
	w := newWorld(t)
	if ids := w.flooded(&oneFlow{broken: true}, 0, many(3)...); len(ids) != 3 {
		t.Errorf("%d incidents, want 3", len(ids))
	}
}

func TestARepeatThatIsWorseRaisesTheSeverityAndIsTold(t *testing.T) {
	w := newWorld(t)
	var told []incident.Severity
	step := w.ingest()
	step.Raised = func(inc incident.Incident) { told = append(told, inc.Severity) }
	send := func(severity incident.Severity) incident.Incident {
		t.Helper()
		a := alert("api", "k")
		a.Severity = severity
		got, err := step.Handle(t.Context(), steps.IngestInput{Alert: a, By: incident.SourceActor("api")})
		if err != nil {
			t.Fatal(err)
		}
		return w.load(incident.Ref{Tenant: incident.DefaultTenant, ID: got.IncidentID})
	}
	first := send(incident.Medium)
	if err := w.waiting(first.Ref, incident.NewTaskToken("token"), 0); err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct{ sent, want incident.Severity }{
		{incident.Low, incident.Medium}, {incident.Critical, incident.Critical}, {incident.High, incident.Critical}, {incident.Critical, incident.Critical},
	} {
		if got := send(c.sent); got.Severity != c.want || got.ID != first.ID {
			t.Errorf("after a %s one: %s of %s, want %s of %s", c.sent, got.Severity, got.ID, c.want, first.ID)
		}
	}
	if len(told) != 1 || told[0] != incident.Critical {
		t.Errorf("people were told of %v, want of one rise", told)
	}
	now := w.load(first.Ref)
	if now.Asked.NotifiedAt != nil || len(now.Asked.Notices) != 0 || len(now.Asked.Former) == 0 {
		t.Errorf("the new message is not due, or the old one is forgotten: %+v", now.Asked)
	}
}

// A flood is many troubles. One that was escalated takes what belongs to it, and no flood
// of other troubles hours later, of which nobody would be told.
func TestAnEscalatedFloodTakesNoFloodOfLater(t *testing.T) {
	w := newWorld(t)
	flow := &oneFlow{}
	alerts := many(60)
	var flood incident.Ref
	for id, n := range w.flooded(flow, 3, alerts[:20]...) {
		if n > 1 {
			flood = incident.Ref{Tenant: incident.DefaultTenant, ID: id}
		}
	}
	if _, err := w.analyze(nil).Handle(t.Context(), flood); err != nil {
		t.Fatal(err)
	}
	if err := w.waiting(flood, tokenOf(flood), 0); err != nil {
		t.Fatal(err)
	}
	if _, err := w.vote(flood, incident.Escalate, "key:anna"); err != nil {
		t.Fatal(err)
	}
	w.closed(flood)
	w.clock.move(10 * minute)
	if ids := w.flooded(flow, 3, alerts[20:40]...); ids[flood.ID] != 17 && ids[flood.ID] != 20 {
		t.Errorf("the flood that goes on: %v", ids)
	}
	w.clock.move(2 * 60 * minute)
	if ids := w.flooded(flow, 3, alerts[40:]...); ids[flood.ID] != 0 || len(ids) != 4 {
		t.Errorf("the flood of later: %v", ids)
	}
	if last := w.last(flood).Action; last != incident.EventReleased {
		t.Errorf("the old one ends with %s", last)
	}
}
