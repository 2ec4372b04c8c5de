package sentry

import (
	"cmp"
	"strings"

	"github.com/opsguard/opsguard/pkg/incident"
	"github.com/opsguard/opsguard/pkg/intake"
)

// issue reads a change of an issue. One that was archived or ignored goes on happening:
// that is no recovery.
func issue(doc intake.Value) (incident.Alert, bool, error) {
	action, it := doc.At("action").Text(), doc.At("data", "issue")
	id := it.At("id").Written()
	if id == "" {
		it.At("id").Refuse("is missing; an alert is told apart by its issue")
	}
	if err := doc.Err(); err != nil {
		return incident.Alert{}, false, err
	}
	if action != "created" && action != "unresolved" && action != "resolved" {
		return incident.Alert{}, false, nil
	}
	shown := it.Apart()
	project := shown.At("project").First("slug", "name", "id")
	a := incident.Alert{
		Tenant: incident.DefaultTenant, Source: "sentry", Service: service(project),
		Severity:  intake.Severity(incident.High, it.At("level").Written()),
		Timestamp: shown.At("lastSeen").Time(), Identity: intake.Identity("issue", id), Recovered: action == "resolved",
		Link: intake.FirstLink(shown.At("web_url").Written(), shown.At("permalink").Written()),
		Labels: intake.Labels(map[string]string{
			"project": project, "project_id": shown.At("project", "id").Written(), "level": shown.At("level").Written(),
			"organization": segmentAfter(shown.At("project_url").Written(), "organizations"),
			"platform":     shown.At("platform").Written(), "logger": shown.At("logger").Written(),
		}),
	}
	a.ErrorLogs = issueEvidence(a, action, doc.Apart(), shown)
	return a, true, nil
}

func issueEvidence(a incident.Alert, action string, doc, it intake.Value) string {
	title, meta := it.At("title").Written(), it.At("metadata")
	var w intake.Evidence
	if a.Recovered {
		w.Line("SENTRY issue resolved: " + title)
	} else {
		w.Line("SENTRY " + title + " (" + string(a.Severity) + ")")
	}
	if value := meta.At("value").Written(); !strings.Contains(title, value) {
		w.Add("message", strings.TrimPrefix(meta.At("type").Written()+": "+value, ": "))
	}
	w.Add("culprit", it.At("culprit").Written())
	w.Add("in", strings.TrimPrefix(meta.At("filename").Written()+" "+meta.At("function").Written(), " "))
	w.Add("issue", strings.TrimSpace(it.At("shortId").Written()+" "+action))
	w.Add("state", strings.TrimSpace(it.At("status").Written()+" "+it.At("substatus").Written()))
	w.Add("by", doc.At("actor", "name").Written())
	if a.Recovered {
		w.Add("resolved in", cmp.Or(it.At("statusDetails").First("inRelease"), it.At("statusDetails", "inCommit", "commit").Written()))
	}
	w.Add("events", it.At("count").Written())
	w.Add("users", it.At("userCount").Written())
	w.Add("first seen", it.At("firstSeen").Written())
	w.Add("last seen", it.At("lastSeen").Written())
	w.AddAll(a.Labels)
	return w.String()
}
