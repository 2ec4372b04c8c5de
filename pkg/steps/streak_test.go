package steps_test

import (
	"testing"

	"github.com/opsguard/opsguard/pkg/incident"
	"github.com/opsguard/opsguard/pkg/steps"
)

const patientServices = `
services:
  a:
    owner: o
    target: {type: simulated}
    fixes: [restart-service]
    health: {url: "https://a.example.com/", failureThreshold: 3, successThreshold: 2}
`

func TestAServiceIsUnwellAfterFailuresInARowAndWellAfterSuccesses(t *testing.T) {
	w := newWorld(t)
	w.services(patientServices)
	m := &memory{state: map[string]steps.HealthState{}}
	for n, tt := range []struct {
		finding steps.Finding
		unwell  int // findings that count
		waiting int
		decided bool // the incident has recovered
	}{
		{down, 0, 1, false}, {down, 0, 1, false}, {up, 0, 0, false}, // not in a row
		{down, 0, 1, false}, {down, 0, 1, false}, {down, 1, 0, false}, {down, 1, 0, false}, // the third counts, and each after it
		{up, 0, 0, false}, {down, 1, 0, false}, // well once is not well
		{up, 0, 0, false}, {up, 0, 0, true},
	} {
		p := &prober{findings: map[string][]steps.Finding{"a": {tt.finding}}}
		report, err := steps.HourlyHealthCheck{Inventory: w.inv, Prober: p, Memory: m, Ingest: w.ingest(), Log: w.logger()}.Handle(w.Context())
		if err != nil || len(report.Unhealthy) != tt.unwell || len(report.Notes) != tt.waiting {
			t.Errorf("round %d: %+v, %v", n, report, err)
		}
		decided := false
		for _, inc := range w.all() {
			decided = decided || inc.Decision != nil
		}
		if decided != tt.decided || n < 5 && len(w.all()) != 0 || n >= 5 && len(w.all()) != 1 {
			t.Errorf("round %d: recovered %v, %d incidents", n, decided, len(w.all()))
		}
	}
	if len(m.state["a"].Checks) != 0 {
		t.Errorf("a service that is well is remembered: %+v", m.state)
	}
}

func TestAServiceWhoseThresholdsCannotBeReadIsNotCalledWell(t *testing.T) {
	w := newWorld(t)
	w.services(patientServices)
	p := &prober{findings: map[string][]steps.Finding{"a": {down}}}
	m := &memory{state: map[string]steps.HealthState{}, err: errWire}
	report, err := steps.HourlyHealthCheck{Inventory: w.inv, Prober: p, Memory: m, Ingest: w.ingest(), Log: w.logger()}.Handle(w.Context())
	wantCode(t, "the round", err, incident.CodeUnavailable)
	if report.Failed != 1 || report.Complete() {
		t.Errorf("%+v", report)
	}
}
