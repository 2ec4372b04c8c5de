// Package opsgenie reads what Opsgenie's Webhook integration posts, as "Webhook
// Integration" and "Alert Action Data" in Opsgenie's documentation describe it. Start at
// Integration.
package opsgenie

import (
	"cmp"
	"context"
	"net/url"
	"strings"

	"github.com/opsguard/opsguard/pkg/incident"
	"github.com/opsguard/opsguard/pkg/intake"
	"github.com/opsguard/opsguard/pkg/integration"
	"github.com/opsguard/opsguard/pkg/steps"
)

// Settings are what services.yaml says of a source.
type Settings struct {
	Token integration.Secret `setting:"token" help:"the token that the custom header Authorization of the integration holds, after Bearer"`
	URL   string             `setting:"url" default:"" help:"for links: the address of your Opsgenie, such as https://acme.app.opsgenie.com"`
}

// Validate implements the check of settings.
func (s Settings) Validate() error {
	if u, err := url.Parse(s.URL); s.URL != "" && (err != nil || u.Scheme != "https" || u.Host == "" || intake.Link(s.URL) == "") {
		return incident.BadField("url", "must be an address like https://acme.app.opsgenie.com")
	}
	return nil
}

// Source is safe for concurrent use. Opsgenie signs nothing: people set the
// header Authorization in its integration.
type Source struct {
	intake.ByHeader
	settings Settings
}

// Integration describes the source.
func Integration() integration.Descriptor[steps.Source] {
	return integration.New("opsgenie", "reads what the Webhook integration of Opsgenie posts about alerts", Open)
}

// Open opens the source. It calls nobody.
func Open(env integration.Env, s Settings) (steps.Source, error) {
	return &Source{intake.ByHeader{Env: env, Secret: s.Token}, s}, nil
}

// Parse reads one action on an alert. Create begins, Close and Delete end; whatever else
// was done to it, custom actions among them, is no alert.
func (s *Source) Parse(_ context.Context, r steps.Request) (steps.Batch, error) {
	doc, err := intake.ReadJSON(r.Body)
	if err != nil {
		return steps.Batch{}, err
	}
	action, it := doc.At("action").Text(), doc.At("alert")
	if !it.Has() {
		it.Refuse("is missing; this is not what Opsgenie's Webhook integration posts")
	}
	if err := doc.Err(); err != nil || action != "Create" && action != "Close" && action != "Delete" {
		return steps.Batch{}, err
	}
	id := it.At("alertId").Text()
	if err := doc.Err(); err != nil {
		return steps.Batch{}, err
	}
	doc, it = doc.Apart(), it.Apart()
	details, labels := detailsOf(it), labelsOf(doc, it)
	a := incident.Alert{
		Tenant: incident.DefaultTenant, Source: "opsgenie", Service: service(labels, it),
		Severity:  intake.Severity(incident.High, it.At("priority").Written()),
		Timestamp: it.At("createdAt").Epoch(), Identity: intake.Identity(id), Recovered: action != "Create",
		Link: s.link(id, details), Labels: intake.Labels(labels),
	}
	a.ErrorLogs = evidence(a, action, doc, it, details)
	return steps.One(a, a.Validate())
}

// link leads to the alert, if the address of Opsgenie is set: the message does not hold
// it. Else it is the link that the tool behind Opsgenie put into the details.
func (s *Source) link(id string, details map[string]string) string {
	if s.settings.URL != "" {
		return intake.Link(strings.TrimSuffix(s.settings.URL, "/") + "/alert/detail/" + url.PathEscape(id) + "/details")
	}
	return intake.FirstLink(details["url"], details["link"], details["URL"], details["Link"])
}

// detailsOf are the extra properties of an alert, if the integration sends them.
func detailsOf(it intake.Value) map[string]string { return it.At("details").Fields() }

const (
	maxTags  = 50
	maxTeams = 20
)

// labelsOf are the details, the tags of the form name:value or name=value, and what
// Opsgenie itself knows.
func labelsOf(doc, it intake.Value) map[string]string {
	all := map[string]string{}
	tags := texts(it.At("tags"), maxTags)
	for _, tag := range tags {
		if i := strings.IndexAny(tag, ":="); i > 0 {
			all[tag[:i]] = tag[i+1:]
		}
	}
	for name, value := range detailsOf(it) {
		all[name] = value
	}
	for name, value := range map[string]string{
		"entity": it.At("entity").Written(), "alias": it.At("alias").Written(), "source": it.At("source").Written(),
		"priority": it.At("priority").Written(), "tags": strings.Join(tags, ","), "teams": strings.Join(texts(it.At("teams"), maxTeams), ","),
		"integration": doc.At("integrationName").Written(), "source_name": doc.At("source", "name").Written(),
	} {
		if value != "" {
			all[name] = value
		}
	}
	return all
}

func texts(list intake.Value, most int) (all []string) {
	for _, item := range list.List(most) {
		if text := cmp.Or(item.Written(), item.Apart().First("name", "id")); text != "" {
			all = append(all, text)
		}
	}
	return all
}

// service is what the alert names as the place of the trouble. An entity is Opsgenie's
// own field for it.
func service(labels map[string]string, it intake.Value) string {
	return intake.FirstName(labels["service"], it.At("entity").Written(), labels["app"], labels["application"], labels["deployment"],
		labels["host"], labels["hostname"], labels["integration"], "opsgenie")
}

func evidence(a incident.Alert, action string, doc, it intake.Value, details map[string]string) string {
	var e intake.Evidence
	switch {
	case !a.Recovered:
		e.Line("OPSGENIE " + it.At("message").Written() + " (" + string(a.Severity) + ")")
	case action == "Close":
		e.Line("OPSGENIE alert closed: " + it.At("message").Written())
	default:
		e.Line("OPSGENIE alert deleted: " + it.At("message").Written())
	}
	e.Add("entity", it.At("entity").Written())
	e.Add("priority", it.At("priority").Written())
	e.Block(it.At("description").Written())
	e.Add("note", it.At("note").Written())
	e.Add("source", it.At("source").Written())
	e.Add("tags", strings.Join(texts(it.At("tags"), maxTags), ", "))
	e.AddAll(details)
	e.Add("alias", it.At("alias").Written())
	if id := it.At("tinyId").Written(); id != "" {
		e.Add("alert", "#"+id)
	}
	if a.Recovered {
		e.Add("by", it.At("username").Written())
	}
	e.Add("teams", strings.Join(texts(it.At("teams"), maxTeams), ", "))
	e.Add("integration", doc.At("integrationName").Written())
	e.AddTime("since", a.Timestamp)
	return e.String()
}
