// Package honeybadger reads the webhooks of Honeybadger: errors, uptime checks,
// certificates and check-ins, as "Webhook" and "Webhook payloads (v2)" in Honeybadger's
// documentation describe them. Start at Integration.
package honeybadger

import (
	"cmp"
	"context"
	"fmt"
	"strings"

	"github.com/opsguard/opsguard/pkg/incident"
	"github.com/opsguard/opsguard/pkg/intake"
	"github.com/opsguard/opsguard/pkg/integration"
	"github.com/opsguard/opsguard/pkg/steps"
)

// Settings are what services.yaml says of a source.
type Settings struct {
	Token integration.Secret `setting:"token" help:"the bearer token that is set for the webhook in Honeybadger"`
}

// Source is safe for concurrent use. Honeybadger signs nothing: the bearer token
// proves it.
type Source struct{ intake.ByHeader }

// Integration describes the source.
func Integration() integration.Descriptor[steps.Source] {
	return integration.New("honeybadger", "reads the webhooks of Honeybadger: errors, uptime checks, certificates and check-ins", Open)
}

// Open opens the source. It calls nobody.
func Open(env integration.Env, s Settings) (steps.Source, error) {
	return &Source{intake.ByHeader{Env: env, Secret: s.Token}}, nil
}

// kind is what an event is about.
type kind struct {
	member    string // of the document, which has the id
	severity  incident.Severity
	recovered bool
	identity  string // what the identity begins with, if it is not member
}

func kindOf(event string) (k kind, isAlert bool) {
	switch event {
	case "occurred", "rate_exceeded", "unresolved":
		return kind{"fault", incident.High, false, ""}, true
	case "resolved":
		return kind{"fault", incident.High, true, ""}, true
	case "down":
		return kind{"site", incident.Critical, false, ""}, true
	case "up":
		return kind{"site", incident.Critical, true, ""}, true
	case "cert_will_expire":
		return kind{"site", incident.Medium, false, "certificate"}, true
	case "check_in_missing":
		return kind{"check_in", incident.High, false, ""}, true
	case "check_in_reporting":
		return kind{"check_in", incident.High, true, ""}, true
	}
	return kind{}, false
}

// Parse reads one event. Comments, assignments and deployments are no alerts.
func (s *Source) Parse(_ context.Context, r steps.Request) (steps.Batch, error) {
	doc, err := intake.ReadJSON(r.Body)
	if err != nil {
		return steps.Batch{}, err
	}
	if doc.At("payload_version").Has() {
		doc.At("payload_version").Refuse("is not read; choose v2 as the payload version of the webhook in Honeybadger")
	}
	event := doc.At("event").Text()
	k, isAlert := kindOf(event)
	switch event {
	case "alarm_alert", "alarm_ok", "volume_spike":
		doc.At("event").Refuse("%s is not read; turn it off for this webhook in Honeybadger", event)
	}
	if err := doc.Err(); err != nil || !isAlert {
		return steps.Batch{}, err
	}
	id := doc.At(k.member, "id").Written()
	if id == "" {
		doc.At(k.member, "id").Refuse("is missing; an alert is told apart by it")
	}
	if err := doc.Err(); err != nil {
		return steps.Batch{}, err
	}
	a := read(k, id, doc.Apart())
	return steps.One(a, a.Validate())
}

func read(k kind, id string, doc intake.Value) incident.Alert {
	it, notice := doc.At(k.member), doc.At("notice")
	project := cmp.Or(doc.At("project", "name").Written(), it.At("project_name").Written())
	environment := cmp.Or(it.At("environment").Written(), notice.At("environment", "environment_name").Written())
	a := incident.Alert{
		Tenant: incident.DefaultTenant, Source: "honeybadger", Severity: k.severity, Recovered: k.recovered,
		Service:   intake.FirstName(project, it.At("name").Written(), "honeybadger"),
		Timestamp: intake.FirstTime(notice.At("created_at"), it.At("last_notice_at"), it.At("last_checked_at"), it.At("expected_at")),
		Identity:  intake.Identity(cmp.Or(k.identity, k.member), id),
		Link:      intake.FirstLink(notice.At("url").Written(), it.At("url").Written()),
		Labels: intake.Labels(map[string]string{
			"project": project, "project_id": cmp.Or(doc.At("project", "id").Written(), it.At("project_id").Written()),
			"environment": environment, "component": it.At("component").Written(), "action": it.At("action").Written(),
			"class": it.At("klass").Written(), "name": it.At("name").Written(), "repository": doc.At("project", "github_project").Written(),
			"event": doc.At("event").Written(), "tags": texts(it.At("tags")),
		}),
	}
	if k.member != "fault" { // the address of a site is what is watched, not the page about it
		a.Link = intake.Link(it.At("details_url").Written())
	}
	a.ErrorLogs = evidence(a, doc, it, notice)
	return a
}

func evidence(a incident.Alert, doc, it, notice intake.Value) string {
	var e intake.Evidence
	message := cmp.Or(doc.At("message").Written(), it.At("message").Written())
	if a.Recovered {
		e.Line("HONEYBADGER " + doc.At("event").Written() + ": " + message)
	} else {
		e.Line("HONEYBADGER " + message + " (" + string(a.Severity) + ")")
	}
	what := strings.TrimPrefix(it.At("klass").Written()+": "+cmp.Or(notice.At("message").Written(), it.At("message").Written()), ": ")
	if it.At("klass").Has() {
		e.Add("error", what)
	}
	e.AddAll(a.Labels)
	outage := map[string]string{}
	for _, name := range []string{"url", "state", "last_checked_at", "cert_will_expire_at", "schedule_type", "report_period", "cron_schedule",
		"expected_at", "reported_at", "missed_count", "notices_count", "created_at", "last_notice_at"} {
		e.Add(strings.ReplaceAll(name, "_", " "), it.At(name).Written())
	}
	for name, value := range doc.At("outage").Fields() {
		outage[strings.ReplaceAll("outage "+name, "_", " ")] = value
	}
	e.AddAll(outage)
	e.Add("by", doc.At("actor", "name").Written())
	if !a.Recovered {
		e.Block(trace(notice))
	}
	return e.String()
}

const (
	maxFrames = 50
	maxTags   = 20
)

// trace writes the backtrace, which Honeybadger sorts from the newest call.
func trace(notice intake.Value) string {
	var b strings.Builder
	all := notice.At("backtrace").List(10 * intake.MaxAlerts)
	for i, frame := range all {
		if i == maxFrames {
			fmt.Fprintf(&b, "  ... and %d calls before\n", len(all)-i)
			break
		}
		frame = frame.Apart()
		file := cmp.Or(frame.At("application_file").Written(), frame.At("file").Written())
		fmt.Fprintf(&b, "  at %s (%s:%s)\n", cmp.Or(frame.At("method").Written(), "?"), file, frame.At("number").Written())
	}
	if b.Len() == 0 {
		return ""
	}
	return "Backtrace:\n" + b.String()
}

func texts(list intake.Value) string {
	var all []string
	for _, item := range list.List(maxTags) {
		if text := item.Written(); text != "" {
			all = append(all, text)
		}
	}
	return strings.Join(all, ",")
}
