package steps

import (
	"cmp"
	"context"
	"fmt"
	"log/slog"
	"slices"
	"sync"

	"github.com/opsguard/opsguard/pkg/incident"
	"github.com/opsguard/opsguard/pkg/inventory"
)

// Prober looks at a service from outside.
type Prober interface {
	Probe(ctx context.Context, svc inventory.Service) []Finding
}

// Finding is the result of one check of one service, good or bad.
type Finding struct {
	Check   string // reachable, status, latency, certificate
	Healthy bool
	Detail  string // one line, for a human
}

// HourlyHealthCheck is hourly-health-check: each bad finding becomes an alert
// like any other, and a good one reports the recovery of what a bad one opened.
type HourlyHealthCheck struct {
	Inventory *inventory.Inventory
	Prober    Prober
	Scanner   Scanner // nil: dependencies are not looked at
	Memory    HealthMemory
	Ingest    IngestAlert
	Log       *slog.Logger
}

// HealthReport is what a round found.
type HealthReport struct {
	Checked   int           `json:"checked"` // services with a health URL
	Unhealthy []HealthIssue `json:"unhealthy"`
	Failed    int           `json:"failed"`   // findings that could not be recorded
	Scanned   int           `json:"scanned"`  // services with dependencies
	Packages  int           `json:"packages"` // of them that were asked about
	LeftOut   int           `json:"leftOut"`  // packages without an exact version, or of no known kind
	// Vulnerable are known vulnerabilities that are not accepted; Accepted those that are.
	Vulnerable []VulnerabilityIssue `json:"vulnerable"`
	Accepted   []AcceptedIssue      `json:"accepted"`
	Gaps       []HealthGap          `json:"gaps"`  // what could not be looked at: nothing is known of it
	Notes      []HealthGap          `json:"notes"` // what is known less well
}

// newReport has lists that are empty and not absent.
func newReport() HealthReport {
	return HealthReport{Unhealthy: []HealthIssue{}, Vulnerable: []VulnerabilityIssue{}, Accepted: []AcceptedIssue{}, Gaps: []HealthGap{}, Notes: []HealthGap{}}
}

// Well reports that nothing is wrong in what was looked at.
func (r HealthReport) Well() bool { return len(r.Unhealthy) == 0 && len(r.Vulnerable) == 0 }

// Complete reports that everything was looked at and recorded.
func (r HealthReport) Complete() bool { return len(r.Gaps) == 0 && r.Failed == 0 }

// HealthIssue is one bad finding and the incident that it opened or joined.
type HealthIssue struct {
	Service    string `json:"service"`
	Check      string `json:"check"`
	Detail     string `json:"detail"`
	IncidentID string `json:"incidentId"`
	Duplicate  bool   `json:"duplicate"`
}

// HealthSource is the name under which the health check sends alerts.
const HealthSource = "health-check"

// probesAtOnce bounds the probes under way: when a network is down, every service
// takes a prober's whole time, and the round has to end within a Lambda's.
const probesAtOnce = 32

// Handle probes every service that has a health URL, and looks for vulnerabilities in those
// that name their dependencies. It fails if a finding
// could not be recorded, after trying all of them. If ctx ends while it probes, it
// fails and records nothing: a probe that was cut off says nothing of the service.
// If ctx ends later, all findings are still recorded.
func (s HourlyHealthCheck) Handle(ctx context.Context) (HealthReport, error) {
	report := newReport()
	var scanned []inventory.Service
	var scans []Scan
	var scanning sync.WaitGroup
	if s.Scanner != nil {
		scanned = slices.DeleteFunc(s.Inventory.Services(), func(svc inventory.Service) bool { return len(svc.Dependencies) == 0 })
		scanning.Go(func() { scans = s.Scanner.Scan(ctx, scanned) })
	}
	services, findings := s.probe(ctx)
	scanning.Wait()
	if err := ctx.Err(); err != nil {
		return report, fmt.Errorf("the round of probes was cut off: %w", err)
	}
	ctx = context.WithoutCancel(ctx)
	report.Checked, report.Scanned = len(services), len(scanned)
	var failed error
	for i, svc := range services {
		failed = cmp.Or(s.recordFindings(ctx, svc, findings[i], &report), failed)
	}
	for i, scan := range scans {
		report.Packages += scan.Packages
		report.LeftOut += scan.LeftOut
		failed = cmp.Or(s.recordScan(ctx, scanned[i], scan, &report), failed)
	}
	return report, failed
}

// recordFindings sends what probes found as alerts and recoveries.
func (s HourlyHealthCheck) recordFindings(ctx context.Context, svc inventory.Service, findings []Finding, report *HealthReport) (failed error) {
	findings, waiting, err := s.settled(ctx, svc, findings)
	if err != nil {
		return s.notRecorded(ctx, svc, "thresholds", report, err)
	}
	for _, f := range waiting {
		if !f.Healthy {
			report.Notes = append(report.Notes, HealthGap{svc.Name, f.Check + ": " + f.Detail + "; not yet as often in a row as failureThreshold says"})
		}
	}
	for _, finding := range findings {
		got, err := s.Ingest.Handle(ctx, IngestInput{Alert: alertOf(svc, finding), By: incident.SourceActor(HealthSource)})
		if err != nil {
			failed = s.notRecorded(ctx, svc, finding.Check, report, err)
			continue
		}
		if !finding.Healthy {
			report.Unhealthy = append(report.Unhealthy, HealthIssue{svc.Name, finding.Check, finding.Detail, got.IncidentID, got.Duplicate})
		}
	}
	return failed
}

// probe looks at the services that can be probed, several at once.
func (s HourlyHealthCheck) probe(ctx context.Context) ([]inventory.Service, [][]Finding) {
	services := slices.DeleteFunc(s.Inventory.Services(), func(svc inventory.Service) bool { return svc.Health == nil })
	findings := make([][]Finding, len(services))
	var probes sync.WaitGroup
	free := make(chan struct{}, probesAtOnce)
	for i, svc := range services {
		free <- struct{}{}
		probes.Go(func() {
			findings[i] = s.Prober.Probe(ctx, svc)
			<-free
		})
	}
	probes.Wait()
	return services, findings
}

// alertOf words a finding as an alert. The dedup key names the check, so that
// every round of the same trouble is the same incident.
func alertOf(svc inventory.Service, f Finding) incident.Alert {
	severity := incident.High
	if f.Check == "certificate" || f.Check == "latency" {
		severity = incident.Medium
	}
	return incident.Alert{
		Tenant: incident.DefaultTenant, Source: HealthSource, Service: svc.Name,
		ErrorLogs: "health check failed: " + f.Check + ": " + f.Detail,
		Severity:  severity, DedupKey: "health:" + f.Check, Recovered: f.Healthy,
	}
}
