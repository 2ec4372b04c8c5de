package sentry

import (
	"cmp"
	"maps"
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/opsguard/opsguard/pkg/incident"
	"github.com/opsguard/opsguard/pkg/intake"
)

// eventAlert reads what an issue alert sends: the event that set it off.
func eventAlert(doc intake.Value) (incident.Alert, bool, error) {
	doc.At("action").Text()
	a, err := event(doc, doc.At("data", "event"), doc.At("data", "triggered_rule").Written())
	return a, true, err
}

// newError reads the webhook of a single error.
func newError(doc intake.Value) (incident.Alert, bool, error) {
	doc.At("action").Text()
	a, err := event(doc, doc.At("data", "error"), "")
	return a, true, err
}

// plugin reads what the older WebHooks plugin posts: an event, and beside it what its
// issue is.
func plugin(doc intake.Value) (incident.Alert, bool, error) {
	var rules []string
	for _, rule := range doc.Apart().At("triggering_rules").List(maxRules) {
		rules = append(rules, rule.Written())
	}
	a, err := event(doc, doc.At("event"), strings.Join(rules, ", "))
	return a, true, err
}

const maxRules = 10

// event reads one event. The plugin says beside it what else is in it.
func event(doc, e intake.Value, rule string) (incident.Alert, error) {
	if !e.Has() {
		e.Refuse("is missing; this is not the webhook that Sentry-Hook-Resource names")
	}
	id := issueID(doc, e)
	if id == "" {
		e.At("issue_id").Refuse("is missing; an alert is told apart by its issue")
	}
	if err := doc.Err(); err != nil {
		return incident.Alert{}, err
	}
	shown := e.Apart()
	tags, place := tagsOf(shown), placeOf(doc.Apart(), shown)
	a := incident.Alert{
		Tenant: incident.DefaultTenant, Source: "sentry", Service: service(place.project, place.projectID),
		Severity:  intake.Severity(incident.High, e.At("level").Written(), tags["level"], doc.At("level").Written()),
		Timestamp: happened(shown), Identity: intake.Identity("issue", id),
		Link:   intake.FirstLink(e.At("web_url").Written(), doc.At("url").Written()),
		Labels: labels(tags, place, shown),
	}
	a.ErrorLogs = eventEvidence(a, doc.Apart(), shown, rule)
	return a, nil
}

// issueID is the number of the issue: by itself, or in an address of older versions.
func issueID(doc, e intake.Value) string {
	return cmp.Or(e.At("issue_id").Written(), segmentAfter(e.At("issue_url").Written(), "issues"),
		segmentAfter(e.At("web_url").Written(), "issues"), doc.At("id").Written(), segmentAfter(doc.At("url").Written(), "issues"))
}

// segmentAfter is what follows a segment in the path of an address, "" if nothing does.
func segmentAfter(address, segment string) string {
	u, err := url.Parse(address)
	if err != nil {
		return ""
	}
	segments := strings.Split(u.Path, "/")
	if i := slices.Index(segments, segment); i >= 0 && i+1 < len(segments) {
		return segments[i+1]
	}
	return ""
}

// happened is when the event happened. Sentry writes it as text or as a number.
func happened(e intake.Value) time.Time {
	if at := e.At("datetime").Apart().Time(); !at.IsZero() {
		return at
	}
	if at := e.At("timestamp").Epoch(); !at.IsZero() {
		return at
	}
	return e.At("received").Epoch()
}

// place is where an event comes from.
type place struct {
	organization, project, projectID string
}

func placeOf(doc, e intake.Value) place {
	api := e.At("url").Written() // .../api/0/projects/ORGANIZATION/PROJECT/events/ID/
	p := place{organization: segmentAfter(api, "projects"), projectID: e.At("project").Written()}
	if p.organization != "" {
		p.project = segmentAfter(api, p.organization)
	}
	// What stands beside the event of the plugin is Sentry's, the event itself the program's.
	p.project = cmp.Or(doc.At("project_slug").Written(), p.project, e.At("project_slug").Written(), doc.At("project").Written())
	p.organization = cmp.Or(p.organization, segmentAfter(e.At("web_url").Written(), "organizations"))
	return p
}

func service(names ...string) string {
	return intake.FirstName(append(names, "sentry")...)
}

// tagsOf reads tags, which Sentry writes as pairs.
func tagsOf(e intake.Value) map[string]string {
	tags := map[string]string{}
	for _, pair := range e.At("tags").List(intake.MaxLabels) {
		if two := pair.List(2); len(two) == 2 {
			tags[two[0].Written()] = two[1].Written()
		} else if pair.At("key").Has() {
			tags[pair.At("key").Written()] = pair.At("value").Written()
		}
	}
	for _, name := range []string{"", "user", "sentry:user"} { // who it happened to is not needed to find the cause
		delete(tags, name)
	}
	if tags["url"] != "" {
		tags["url"] = withoutQuery(tags["url"])
	}
	return tags
}

// ownLabels are the labels that are Sentry's, of which there must be room for all.
const ownLabels = 10

// labels are the tags, and what Sentry itself says. Anybody who can send events to Sentry
// chooses tags, and the key for that is public in web pages: no tag may stand in for what
// Sentry says of the place, and none names the service.
func labels(tags map[string]string, p place, e intake.Value) map[string]string {
	all := map[string]string{}
	for _, name := range slices.Sorted(maps.Keys(tags)) {
		if len(all) < intake.MaxLabels-ownLabels { // or they push out by their number what is Sentry's
			all[name] = tags[name]
		}
	}
	all["project"], all["project_id"], all["organization"] = p.project, p.projectID, p.organization
	for name, value := range map[string]string{
		"environment": e.At("environment").Written(), "release": e.At("release").Written(),
		"platform": e.At("platform").Written(), "level": e.At("level").Written(), "transaction": e.At("transaction").Written(),
		"server_name": e.At("server_name").Written(), "logger": e.At("logger").Written(),
	} {
		if value != "" {
			all[name] = value
		}
	}
	return intake.Labels(all)
}

func eventEvidence(a incident.Alert, doc, e intake.Value, rule string) string {
	title := cmp.Or(e.At("title").Written(), headline(e), e.At("message").Written(), doc.At("message").Written(), "an event without a title")
	message := cmp.Or(e.At("logentry", "formatted").Written(), e.At("logentry", "message").Written(), e.At("message").Written(),
		doc.At("message").Written())
	var w intake.Evidence
	w.Line("SENTRY " + title + " (" + string(a.Severity) + ")")
	if message != title {
		w.Add("message", message)
	}
	w.Add("culprit", cmp.Or(e.At("culprit").Written(), doc.At("culprit").Written()))
	w.Add("rule", rule)
	w.AddAll(a.Labels)
	if request := e.At("request"); request.At("url").Has() {
		w.Add("request", strings.TrimSpace(request.At("method").Written()+" "+withoutQuery(request.At("url").Written())))
	}
	w.AddTime("happened at", a.Timestamp)
	w.Block(trace(e))
	w.Block(breadcrumbs(e))
	return w.String()
}

// withoutQuery leaves out what often holds names, mail addresses or tokens.
func withoutQuery(address string) string {
	before, _, _ := strings.Cut(address, "?")
	return before
}
