package steps_test

import (
	"context"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/opsguard/opsguard/pkg/incident"
	"github.com/opsguard/opsguard/pkg/inventory"
	"github.com/opsguard/opsguard/pkg/steps"
)

const scannedServices = `
services:
  a:
    owner: o
    target: {type: simulated}
    fixes: [restart-service]
    dependencies: [{path: go.mod}]
    acceptedVulnerabilities: [{id: GHSA-known, reason: never called, until: 2099-12-31}, {id: CVE-2020-9, reason: wait for 2.0, until: 2020-01-01}]
  b: {owner: o, target: {type: simulated}, fixes: [restart-service]}
`

// scanner answers what it is told to.
type scanner struct {
	scan  steps.Scan
	asked []string
}

func (s *scanner) Scan(_ context.Context, services []inventory.Service) (all []steps.Scan) {
	for _, svc := range services {
		s.asked = append(s.asked, svc.Name)
		scan := s.scan
		scan.Service = svc.Name
		all = append(all, scan)
	}
	return all
}

// memory keeps the health check's state for as long as the test.
type memory struct {
	state map[string]steps.HealthState
	err   error
}

func (m *memory) Health(_ context.Context, _, service string) (steps.HealthState, error) {
	return m.state[service], m.err
}

func (m *memory) KeepHealth(_ context.Context, _, service string, s steps.HealthState) error {
	m.state[service] = s
	return m.err
}

type scanned struct {
	*world
	memory *memory
}

func newScanned(t *testing.T) scanned {
	t.Helper()
	w := newWorld(t)
	w.services(scannedServices)
	return scanned{w, &memory{state: map[string]steps.HealthState{}}}
}

func (w scanned) scan(s steps.Scan) (steps.HealthReport, error) {
	it := &scanner{scan: s}
	report, err := steps.HourlyHealthCheck{Inventory: w.inv, Prober: &prober{}, Scanner: it, Memory: w.memory, Ingest: w.ingest(), Log: w.logger()}.Handle(w.Context())
	if !slices.Equal(it.asked, []string{"a"}) {
		w.Errorf("scanned %v", it.asked)
	}
	return report, err
}

func hole(id string, aliases ...string) steps.Vulnerability {
	return steps.Vulnerability{ID: id, Aliases: aliases, Summary: "java.lang.OutOfMemoryError:\nJava heap space", Rating: "high", Score: 7.5,
		Packages: []steps.Vulnerable{{Ecosystem: "npm", Name: "left-pad", Version: "1.3.0", FixedIn: "1.3.1", File: "package-lock.json"}}}
}

func TestAVulnerabilityOfAServiceIsOneIncidentThatSaysWhatMendsIt(t *testing.T) {
	w := newScanned(t)
	v := hole("CVE-2026-1", "GHSA-aaaa")
	v.KnownExploited, v.EPSS = true, 0.87
	for round := range 2 {
		report, err := w.scan(steps.Scan{Packages: 7, LeftOut: 1, Vulnerabilities: []steps.Vulnerability{v}})
		if err != nil || report.Scanned != 1 || report.Packages != 7 || report.LeftOut != 1 || len(report.Vulnerable) != 1 || report.Vulnerable[0].Duplicate != (round > 0) {
			t.Fatalf("round %d: %+v, %v", round, report, err)
		}
		if report.Well() || !report.Complete() {
			t.Errorf("well %v, complete %v", report.Well(), report.Complete())
		}
	}
	// What a vulnerability is about must not be read as what the service suffers from: no
	// restart is to be proposed for a summary that speaks of memory.
	all := w.all()
	if len(all) != 1 || all[0].Severity != incident.Critical || all[0].Service != "a" || all[0].Source != steps.HealthSource || all[0].Occurrences != 2 {
		t.Fatalf("%+v", all)
	}
	e, err := w.store.Evidence(t.Context(), all[0].Ref)
	want := "known vulnerability CVE-2026-1 in left-pad\n" +
		"npm left-pad 1.3.0 is in use (package-lock.json); version 1.3.1 mends it\n" +
		"severity high (CVSS 7.5)\nexploited in the wild (CISA's catalogue)\nchance of being exploited within 30 days: 87 % (EPSS)\nalso known as GHSA-aaaa"
	if diff := cmp.Diff(want, e.Logs); diff != "" || err != nil {
		t.Errorf("%v (-want +got):\n%s", err, diff)
	}
}

func TestSeverityGoesByWhatIsExploitedAndByTheRating(t *testing.T) {
	for name, tt := range map[string]struct {
		exploited bool
		rating    string
		want      incident.Severity
	}{
		"exploited": {true, "low", incident.Critical}, "critical": {false, "critical", incident.High}, "high": {false, "high", incident.High},
		"medium": {false, "medium", incident.Medium}, "low": {false, "low", incident.Low}, "unknown": {false, "", incident.Medium},
	} {
		w := newScanned(t)
		v := hole("CVE-2026-1")
		v.KnownExploited, v.Rating = tt.exploited, tt.rating
		if _, err := w.scan(steps.Scan{Vulnerabilities: []steps.Vulnerability{v}}); err != nil {
			t.Fatal(err)
		}
		if got := w.all()[0].Severity; got != tt.want {
			t.Errorf("%s: %s, want %s", name, got, tt.want)
		}
	}
}

func TestWhatIsGoneHasRecoveredUnlessTheScanIsNotComplete(t *testing.T) {
	w := newScanned(t)
	if _, err := w.scan(steps.Scan{Vulnerabilities: []steps.Vulnerability{hole("CVE-2026-1"), hole("CVE-2026-2")}}); err != nil {
		t.Fatal(err)
	}
	report, err := w.scan(steps.Scan{Problems: []string{"OSV answered 503"}})
	if err != nil || report.Complete() || len(report.Gaps) != 1 || report.Gaps[0] != (steps.HealthGap{Service: "a", What: "OSV answered 503"}) {
		t.Errorf("OSV is down: %+v, %v", report, err)
	}
	if !strings.Contains(w.log.String(), "OSV answered 503") {
		t.Error("the log does not say that OSV was down")
	}
	for _, inc := range w.all() {
		if inc.Decision != nil {
			t.Errorf("%s has recovered while OSV was down", inc.ID)
		}
	}
	if _, err := w.scan(steps.Scan{Vulnerabilities: []steps.Vulnerability{hole("CVE-2026-2")}}); err != nil {
		t.Fatal(err)
	}
	recovered := 0
	for _, inc := range w.all() {
		if inc.Decision != nil && inc.Decision.By == incident.SourceActor(steps.HealthSource) {
			recovered++
		}
	}
	if diff := cmp.Diff([]string{"CVE-2026-2"}, w.memory.state["a"].Vulnerabilities); diff != "" || recovered != 1 {
		t.Errorf("%d recovered; known (-want +got):\n%s", recovered, diff)
	}
}

// A vulnerability often gets its CVE days after it is known.
func TestAVulnerabilityThatGetsAnotherIDKeepsItsIncident(t *testing.T) {
	w := newScanned(t)
	for _, v := range []steps.Vulnerability{hole("GHSA-aaaa"), hole("CVE-2026-1", "GHSA-aaaa")} {
		if _, err := w.scan(steps.Scan{Vulnerabilities: []steps.Vulnerability{v}}); err != nil {
			t.Fatal(err)
		}
	}
	if all := w.all(); len(all) != 1 || all[0].Occurrences != 2 || all[0].Decision != nil {
		t.Errorf("%d incidents: %+v", len(all), all)
	}
}

func TestAnAcceptedVulnerabilityCountsAgainWhenItsTimeIsOver(t *testing.T) {
	w := newScanned(t)
	report, err := w.scan(steps.Scan{Vulnerabilities: []steps.Vulnerability{hole("CVE-2026-1", "GHSA-known"), hole("CVE-2020-9")}})
	if err != nil || len(report.Accepted) != 1 || report.Accepted[0].ID != "CVE-2026-1" || report.Accepted[0].Reason != "never called" ||
		len(report.Vulnerable) != 1 || report.Vulnerable[0].ID != "CVE-2020-9" {
		t.Fatalf("%+v, %v", report, err)
	}
	e, err := w.store.Evidence(t.Context(), w.all()[0].Ref)
	if err != nil || !strings.HasSuffix(e.Logs, "\nit was accepted until 2020-01-01 (wait for 2.0); that is over") {
		t.Errorf("%q, %v", e.Logs, err)
	}
}

func TestAVulnerabilityThatCannotBeRecordedIsTriedAgain(t *testing.T) {
	w := newScanned(t)
	w.memory.err = errWire
	if report, err := w.scan(steps.Scan{Vulnerabilities: []steps.Vulnerability{hole("CVE-2026-1")}}); err == nil || report.Failed != 1 || report.Complete() {
		t.Errorf("without memory: %+v, %v", report, err)
	}
	w.memory.err = nil
	w.store.onCommit = func(incident.Change, func() error) error { return errWire }
	if report, err := w.scan(steps.Scan{Vulnerabilities: []steps.Vulnerability{hole("CVE-2026-1")}}); err == nil || report.Failed != 1 {
		t.Errorf("without a store: %+v, %v", report, err)
	}
	w.store.onCommit = nil
	if report, err := w.scan(steps.Scan{Vulnerabilities: []steps.Vulnerability{hole("CVE-2026-1")}}); err != nil || len(report.Vulnerable) != 1 {
		t.Errorf("the next round: %+v, %v", report, err)
	}
}
