// Package uptimekuma reads what Uptime Kuma posts by its notification type Webhook with
// the preset application/json: {heartbeat, monitor, msg}. Uptime Kuma documents that
// body by its source, server/notification-providers/webhook.js and server/model. Start
// at Integration.
package uptimekuma

import (
	"context"
	"net/url"
	"strings"
	"time"

	"github.com/opsguard/opsguard/pkg/incident"
	"github.com/opsguard/opsguard/pkg/intake"
	"github.com/opsguard/opsguard/pkg/integration"
	"github.com/opsguard/opsguard/pkg/steps"
)

// The statuses of a heartbeat. Uptime Kuma also has 2 (pending) and 3 (maintenance),
// about which it tells nobody.
const (
	down = "0"
	up   = "1"
)

// Settings are what services.yaml says of a source.
type Settings struct {
	Authorization integration.Secret `setting:"authorization" help:"the token that the additional header Authorization sends as Bearer"`
	URL           string             `setting:"url" default:"" help:"the address of Uptime Kuma's pages; incidents then link to their monitor"`
}

// Source is safe for concurrent use. Uptime Kuma signs nothing: the Authorization
// header proves it.
type Source struct {
	intake.ByHeader
	settings Settings
}

// Integration describes the source.
func Integration() integration.Descriptor[steps.Source] {
	return integration.New("uptime-kuma", "reads what Uptime Kuma posts by a webhook notification", Open)
}

// Validate holds the address to what a person can follow.
func (s Settings) Validate() error {
	if s.URL != "" && intake.Link(s.URL) == "" {
		return incident.BadField("url", "must be an address that begins with http:// or https://, without credentials")
	}
	return nil
}

// Open opens the source. It calls nobody.
func Open(env integration.Env, s Settings) (steps.Source, error) {
	return &Source{intake.ByHeader{Env: env, Secret: s.Authorization}, s}, nil
}

// Parse reads one change of one monitor.
func (s *Source) Parse(_ context.Context, r steps.Request) (steps.Batch, error) {
	doc, err := intake.ReadJSON(r.Body)
	if err != nil {
		return steps.Batch{}, err
	}
	msg := doc.At("msg").Text()
	if err := doc.Err(); err != nil {
		return steps.Batch{}, err
	}
	var a incident.Alert
	switch {
	case doc.At("heartbeat").Has():
		status := doc.At("heartbeat", "status").Written()
		if status != down && status != up {
			return steps.Batch{}, unknown(doc, status)
		}
		a, err = s.change(doc, status == up)
	case strings.Contains(msg, expires):
		a, err = expiry(msg)
	default: // a test, such as "Name Testing"
		return steps.Batch{}, nil
	}
	return steps.One(a, err)
}

// unknown is nil for the statuses that are neither trouble nor its end.
func unknown(doc intake.Value, status string) error {
	if status != "2" && status != "3" {
		doc.At("heartbeat", "status").Refuse("must be 0 (down) or 1 (up)")
	}
	return doc.Err()
}

func (s *Source) change(doc intake.Value, recovered bool) (incident.Alert, error) {
	beat, monitor := doc.At("heartbeat"), doc.At("monitor")
	id, name := monitor.First("id"), monitor.At("name").Written()
	if id == "" {
		monitor.At("id").Refuse("is missing; a monitor is known by it")
	}
	if err := doc.Err(); err != nil {
		return incident.Alert{}, err
	}
	tags := tagsOf(monitor)
	a := incident.Alert{
		Tenant: incident.DefaultTenant, Source: "uptime-kuma", Service: intake.Name(serviceOf(tags, name, id)),
		Severity:  intake.Severity(incident.High, tags["severity"], tags["priority"], tags["level"]),
		Timestamp: at(beat.At("time").Written()), Identity: intake.Identity("monitor", id), Recovered: recovered,
		Link: s.page(id), Labels: intake.Labels(intake.Merge(tags, about(monitor))),
	}
	a.ErrorLogs = evidence(doc, a, tags)
	return a, a.Validate()
}

// tagsOf are the monitor's tags. A tag has a name, and a value that may be empty.
func tagsOf(monitor intake.Value) map[string]string {
	tags := map[string]string{}
	for _, tag := range monitor.At("tags").List(intake.MaxLabels) {
		if name := strings.TrimSpace(tag.At("name").Written()); name != "" && tags[name] == "" {
			tags[name] = strings.TrimSpace(tag.At("value").Written())
		}
	}
	return tags
}

// about is what names a monitor and where it looks.
func about(monitor intake.Value) map[string]string {
	labels := map[string]string{"monitor": monitor.At("name").Written(), "monitorId": monitor.First("id"),
		"path": monitor.At("pathName").Written(), "type": monitor.At("type").Written(), "host": monitor.At("hostname").Written()}
	if u, err := url.Parse(monitor.At("url").Written()); err == nil && labels["host"] == "" {
		labels["host"] = u.Hostname()
	}
	return labels
}

func serviceOf(tags map[string]string, name, id string) string {
	if found := intake.FirstOf(tags, "service", "app", "application"); found != "" {
		return found
	}
	if name = intake.Name(name); name != "" {
		return name
	}
	return "monitor " + id
}

// page is the monitor's page, "" if nobody said where Uptime Kuma is.
func (s *Source) page(id string) string {
	if s.settings.URL == "" {
		return ""
	}
	return intake.Link(strings.TrimRight(s.settings.URL, "/") + "/dashboard/" + url.PathEscape(id))
}

// at reads a heartbeat's time, which is UTC and does not say so.
func at(text string) time.Time {
	t, err := time.Parse(time.DateTime, text)
	if err != nil {
		t, err = time.Parse(time.RFC3339, text)
	}
	if err != nil {
		return time.Time{}
	}
	return intake.Plausible(t)
}
