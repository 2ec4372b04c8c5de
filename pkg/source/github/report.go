package github

import (
	"cmp"
	"strings"
	"time"

	"github.com/opsguard/opsguard/pkg/incident"
	"github.com/opsguard/opsguard/pkg/intake"
)

// state is what an event says of a trouble.
type state int

const (
	nothing state = iota
	firing
	recovered
)

// states says what an action means. An action that is not listed means nothing: somebody
// dismissed an alert, say, and what it warns of is still there.
func states(action string, opens, ends []string) state {
	for _, name := range opens {
		if action == name {
			return firing
		}
	}
	for _, name := range ends {
		if action == name {
			return recovered
		}
	}
	return nothing
}

// report is what a reader found.
type report struct {
	is       state
	kind     string   // of the event; the identity begins with it
	identity []string // what tells the trouble apart in its repository
	headline string
	severity incident.Severity
	at       time.Time
	service  string // where there is no repository
	links    []string
	labels   map[string]string
	evidence intake.Evidence // what follows the headline
}

// alert completes a report with the repository, which most events name.
func (r report) alert(doc intake.Value) (incident.Alert, error) {
	shown := doc.Apart()
	repository := shown.At("repository")
	full, name := repository.At("full_name").Written(), repository.At("name").Written()
	identity := append([]string{r.kind}, cmp.Or(repository.At("id").Written(), full))
	labels := map[string]string{
		"event": r.kind, "repository": full, "repository_name": name,
		"owner":        repository.At("owner").First("login", "name"),
		"organization": shown.At("organization", "login").Written(),
	}
	for label, value := range r.labels {
		labels[label] = value
	}
	a := incident.Alert{
		Tenant: incident.DefaultTenant, Source: "github", Service: intake.FirstName(cmp.Or(name, full, r.service), "github"),
		Severity: r.severity, Timestamp: r.at, Identity: intake.Identity(append(identity, r.identity...)...), Recovered: r.is == recovered,
		Link: intake.FirstLink(append(r.links, repository.At("html_url").Written())...), Labels: intake.Labels(labels),
	}
	var e intake.Evidence
	if a.Recovered {
		e.Line("GITHUB " + r.headline)
	} else {
		e.Line("GITHUB " + r.headline + " (" + string(a.Severity) + ")")
	}
	e.Add("repository", full)
	e.Block(r.evidence.String())
	a.ErrorLogs = e.String()
	return a, a.Validate()
}

// short is a commit as people write it.
func short(sha string) string { return incident.Cut(sha, 12) }

// firstLine is the subject of a commit's message.
func firstLine(text string) string {
	line, _, _ := strings.Cut(strings.TrimSpace(text), "\n")
	return line
}
