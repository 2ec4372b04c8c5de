package steps

import (
	"cmp"
	"context"
	"fmt"
	"log/slog"
	"slices"
	"strings"
	"time"

	"github.com/opsguard/opsguard/pkg/incident"
	"github.com/opsguard/opsguard/pkg/inventory"
)

// Scanner looks for known vulnerabilities in what services are made of. It answers for each
// service that has dependencies, in their order.
type Scanner interface {
	Scan(ctx context.Context, services []inventory.Service) []Scan
}

// Scan is what was found in one service.
type Scan struct {
	Service         string
	Packages        int // that were asked about
	LeftOut         int // that have no exact version or are of no known kind
	Vulnerabilities []Vulnerability
	// Problems are what could not be read or asked: what was found is then not all there is.
	Problems []string
	// Notes are what is known less well, such as how often a vulnerability is exploited.
	Notes []string
}

// Vulnerability is one vulnerability of a service, under whatever ids it is known.
type Vulnerability struct {
	ID             string // the best known one: a CVE if it has one
	Aliases        []string
	Packages       []Vulnerable
	Summary        string  // from outside
	Rating         string  // critical, high, medium, low; "" if nobody says
	Score          float64 // CVSS; 0: none
	KnownExploited bool    // in CISA's catalogue
	Ransomware     bool    // used by ransomware, by the same catalogue
	EPSS           float64 // chance of being exploited within 30 days, 0 to 1; 0: not known
}

// Vulnerable is a package that has it.
type Vulnerable struct {
	Ecosystem string `json:"ecosystem"`
	Name      string `json:"name"`
	Version   string `json:"version"`
	FixedIn   string `json:"fixedIn"` // the lowest version that mends it; "" if none is known
	File      string `json:"file"`    // where it is named
}

// HealthMemory keeps what the health check has to know from one round to the next.
type HealthMemory interface {
	// Health returns it, the zero value if there is none.
	Health(ctx context.Context, tenant, service string) (HealthState, error)
	// KeepHealth puts it in place of what was there.
	KeepHealth(ctx context.Context, tenant, service string, s HealthState) error
}

// HealthState is what is known of one service since earlier rounds.
type HealthState struct {
	// Vulnerabilities are the ids under which incidents were opened that have not recovered.
	Vulnerabilities []string `json:"vulnerabilities,omitempty"`
	// Checks are the streaks of checks that have thresholds; one that is well has none.
	Checks map[string]Streak `json:"checks,omitempty"`
}

// VulnerabilityIssue is a vulnerability that counts, and its incident.
type VulnerabilityIssue struct {
	Service        string       `json:"service"`
	ID             string       `json:"id"`
	Aliases        []string     `json:"aliases"`
	Summary        string       `json:"summary"`
	Severity       string       `json:"severity"` // critical, high, medium, low, unknown
	Score          float64      `json:"score"`
	KnownExploited bool         `json:"knownExploited"`
	EPSS           float64      `json:"epss"`
	Packages       []Vulnerable `json:"packages"`
	IncidentID     string       `json:"incidentId"`
	Duplicate      bool         `json:"duplicate"`
}

// AcceptedIssue is a vulnerability that services.yaml accepts.
type AcceptedIssue struct {
	Service string    `json:"service"`
	ID      string    `json:"id"`
	Reason  string    `json:"reason"`
	Until   time.Time `json:"until"`
}

// HealthGap is what a round could not look at.
type HealthGap struct {
	Service string `json:"service"`
	What    string `json:"what"`
}

// recordScan tells of what a scan found: each vulnerability that is not accepted is an
// alert, and what was there before and is gone has recovered. Where the scan is not
// complete, nothing has recovered.
func (s HourlyHealthCheck) recordScan(ctx context.Context, svc inventory.Service, scan Scan, report *HealthReport) error {
	for _, problem := range scan.Problems {
		s.Log.WarnContext(ctx, "dependencies could not be checked for vulnerabilities", "service", svc.Name, "problem", problem)
		report.Gaps = append(report.Gaps, HealthGap{svc.Name, problem})
	}
	for _, note := range scan.Notes {
		s.Log.WarnContext(ctx, "vulnerabilities are known less well", "service", svc.Name, "note", note)
		report.Notes = append(report.Notes, HealthGap{svc.Name, note})
	}
	before, err := s.Memory.Health(ctx, incident.DefaultTenant, svc.Name)
	if err != nil {
		return s.notRecorded(ctx, svc, "vulnerabilities", report, err)
	}
	after := before
	after.Vulnerabilities = nil
	var failed error
	for _, v := range scan.Vulnerabilities {
		id := knownAs(v, before.Vulnerabilities)
		by, accepted, holds := svc.AcceptedBy(append(slices.Clone(v.Aliases), v.ID), s.Ingest.Now())
		if accepted && holds {
			report.Accepted = append(report.Accepted, AcceptedIssue{svc.Name, v.ID, by.Reason, by.Until})
			continue
		}
		alert := vulnerabilityAlert(svc.Name, id, v)
		if accepted {
			alert.ErrorLogs += fmt.Sprintf("\nit was accepted until %s (%s); that is over", inventory.LastDay(by.Until), by.Reason)
		}
		got, err := s.Ingest.Handle(ctx, IngestInput{Alert: alert, By: incident.SourceActor(HealthSource)})
		if err != nil {
			failed = s.notRecorded(ctx, svc, v.ID, report, err)
			if slices.Contains(before.Vulnerabilities, id) {
				after.Vulnerabilities = append(after.Vulnerabilities, id)
			}
			continue
		}
		after.Vulnerabilities = append(after.Vulnerabilities, id)
		report.Vulnerable = append(report.Vulnerable, VulnerabilityIssue{svc.Name, v.ID, v.Aliases, summaryOf(v), ratingOf(v),
			v.Score, v.KnownExploited, v.EPSS, v.Packages, got.IncidentID, got.Duplicate})
	}
	gone := slices.DeleteFunc(slices.Clone(before.Vulnerabilities), func(id string) bool { return slices.Contains(after.Vulnerabilities, id) })
	if len(scan.Problems) == 0 { // else they may be in what could not be read
		gone, err = s.recoverGone(ctx, svc, gone, report)
		failed = cmp.Or(err, failed)
	}
	after.Vulnerabilities = append(after.Vulnerabilities, gone...)
	if slices.Equal(before.Vulnerabilities, after.Vulnerabilities) {
		return failed
	}
	if err := s.Memory.KeepHealth(ctx, incident.DefaultTenant, svc.Name, after); err != nil {
		return s.notRecorded(ctx, svc, "vulnerabilities", report, err)
	}
	return failed
}

// recoverGone reports the recovery of vulnerabilities, and returns those for which that failed.
func (s HourlyHealthCheck) recoverGone(ctx context.Context, svc inventory.Service, gone []string, report *HealthReport) (left []string, failed error) {
	for _, id := range gone {
		if _, err := s.Ingest.Handle(ctx, IngestInput{Alert: recovered(svc.Name, id), By: incident.SourceActor(HealthSource)}); err != nil {
			failed = s.notRecorded(ctx, svc, id, report, err)
			left = append(left, id)
		}
	}
	return left, failed
}

func (s HourlyHealthCheck) notRecorded(ctx context.Context, svc inventory.Service, check string, report *HealthReport, err error) error {
	s.Log.LogAttrs(ctx, slog.LevelError, "a health finding could not be recorded",
		slog.String("service", svc.Name), slog.String("check", check), slog.String("error", err.Error()))
	report.Failed++
	return err
}

// knownAs is the id under which the vulnerability has its incident: one that was opened
// before it had a CVE keeps its name.
func knownAs(v Vulnerability, before []string) string {
	for _, id := range append([]string{v.ID}, v.Aliases...) {
		if slices.Contains(before, id) {
			return id
		}
	}
	return v.ID
}

func recovered(service, id string) incident.Alert {
	return incident.Alert{Tenant: incident.DefaultTenant, Source: HealthSource, Service: service, Severity: incident.High,
		DedupKey: "vulnerability:" + id, Recovered: true}
}

// Limits of what is said of a vulnerability.
const (
	maxSummary = 300 // bytes
	maxNamed   = 10  // packages, aliases
)

// vulnerabilityAlert words a vulnerability as an alert. Its summary stays out: one that
// speaks of an OutOfMemoryError would be read as a service that runs out of memory, and a
// restart proposed.
func vulnerabilityAlert(service, id string, v Vulnerability) incident.Alert {
	a := recovered(service, id)
	a.Recovered, a.Severity = false, severityOf(v)
	var b strings.Builder
	fmt.Fprintf(&b, "known vulnerability %s", v.ID)
	if len(v.Packages) > 0 {
		fmt.Fprintf(&b, " in %s", v.Packages[0].Name)
	}
	for _, p := range v.Packages[:min(maxNamed, len(v.Packages))] {
		fmt.Fprintf(&b, "\n%s %s %s is in use (%s); ", p.Ecosystem, p.Name, p.Version, p.File)
		if p.FixedIn != "" {
			fmt.Fprintf(&b, "version %s mends it", p.FixedIn)
		} else {
			b.WriteString("no version that mends it is known")
		}
	}
	if more := len(v.Packages) - maxNamed; more > 0 {
		fmt.Fprintf(&b, "\nand %d more packages", more)
	}
	fmt.Fprintf(&b, "\nseverity %s", ratingOf(v))
	if v.Score > 0 {
		fmt.Fprintf(&b, " (CVSS %.1f)", v.Score)
	}
	switch {
	case v.Ransomware:
		b.WriteString("\nexploited in the wild, also by ransomware (CISA's catalogue)")
	case v.KnownExploited:
		b.WriteString("\nexploited in the wild (CISA's catalogue)")
	}
	if v.EPSS > 0 {
		fmt.Fprintf(&b, "\nchance of being exploited within 30 days: %.0f %% (EPSS)", v.EPSS*100)
	}
	if len(v.Aliases) > 0 {
		fmt.Fprintf(&b, "\nalso known as %s", strings.Join(v.Aliases[:min(maxNamed, len(v.Aliases))], ", "))
	}
	a.ErrorLogs = strings.ToValidUTF8(b.String(), "?")
	if link := "https://osv.dev/vulnerability/" + v.ID; incident.CheckLink(link) == nil {
		a.Link = link
	}
	return a
}

// severityOf is how soon somebody has to look. Critical is for what is exploited already:
// a severe hole that nobody uses yet does not wake anybody.
func severityOf(v Vulnerability) incident.Severity {
	switch {
	case v.KnownExploited:
		return incident.Critical
	case v.Rating == "critical", v.Rating == "high":
		return incident.High
	case v.Rating == "low":
		return incident.Low
	}
	return incident.Medium
}

// summaryOf is the summary in one line.
func summaryOf(v Vulnerability) string {
	return strings.ToValidUTF8(strings.Join(strings.Fields(incident.Cut(v.Summary, maxSummary)), " "), "?")
}

func ratingOf(v Vulnerability) string {
	if v.Rating == "" {
		return "unknown"
	}
	return v.Rating
}
