package elastic

import (
	"github.com/opsguard/opsguard/pkg/incident"
	"github.com/opsguard/opsguard/pkg/intake"
)

func watcher(doc intake.Value) (incident.Alert, error) {
	watch, state, at := doc.At("watchId").Text(), doc.At("state").Text(), doc.At("executionTime").Time()
	if watch == "" {
		doc.At("watchId").Refuse("is empty; it must be {{ctx.watch_id}}")
	}
	if state != "firing" && state != "resolved" {
		doc.At("state").Refuse("must be firing or resolved")
	}
	if err := doc.Err(); err != nil {
		return incident.Alert{}, err
	}
	metadata := doc.At("metadata").Flat()
	a := incident.Alert{
		Tenant: incident.DefaultTenant, Source: "elastic", Service: intake.FirstName(service(short(metadata)), metadata["name"], watch, "elastic"),
		Severity:  intake.Severity(incident.High, metadata["severity"], metadata["priority"]),
		Timestamp: at, Identity: intake.Identity("watch", watch), Recovered: state == "resolved",
		Link:   intake.FirstLink(metadata["link"], metadata["url"]),
		Labels: intake.Labels(short(intake.Merge(metadata, map[string]string{"watchId": watch}))),
	}
	a.ErrorLogs = watchEvidence(doc, a, metadata)
	return a, a.Validate()
}

func watchEvidence(doc intake.Value, a incident.Alert, metadata map[string]string) string {
	var e intake.Evidence
	name := intake.FirstOf(intake.Merge(metadata, map[string]string{"watch": doc.At("watchId").Written()}), "name", "watch")
	e.Headline(a, "ALERT", "RESOLVED", name)
	e.AddTime("executed at", a.Timestamp)
	payload := doc.At("payload")
	total := payload.At("hits", "total").Written()
	if total == "" {
		total = payload.At("hits").At("total").Flat()["value"]
	}
	e.Add("hits", total)
	if a.Recovered {
		return e.String()
	}
	e.AddAll(metadata, "name")
	e.AddAll(payload.At("aggregations").Flat())
	hits := payload.At("hits", "hits")
	addHits(&e, hits)
	if !hits.Has() && payload.Has() {
		e.Block(payload.JSON())
	}
	return e.String()
}
