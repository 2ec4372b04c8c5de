package azuremonitor

import (
	"strings"

	"github.com/opsguard/opsguard/pkg/incident"
	"github.com/opsguard/opsguard/pkg/intake"
)

// resource is an Azure Resource Manager id in parts.
type resource struct {
	id, subscription, group, kind, name string
}

// parse reads /subscriptions/S/resourceGroups/G/providers/NAMESPACE/TYPE/NAME, which may
// go on with /TYPE/NAME. Azure does not keep to one case.
func parse(id string) resource {
	parts := strings.Split(id, "/")
	if !strings.HasPrefix(id, "/") || len(parts) < 3 || !strings.EqualFold(parts[1], "subscriptions") {
		return resource{}
	}
	r := resource{id: id, subscription: parts[2]}
	for i := 3; i+1 < len(parts); i += 2 {
		switch strings.ToLower(parts[i]) {
		case "resourcegroups":
			r.group = parts[i+1]
		case "providers":
			r.kind = parts[i+1]
		default:
			r.kind, r.name = strings.Trim(r.kind+"/"+parts[i], "/"), parts[i+1]
		}
	}
	return r
}

// targetOf is the first target of the alert.
func targetOf(essentials intake.Value) resource {
	return parse(strings.Join(essentials.At("alertTargetIDs").Texts(1), ""))
}

// item is the affected resource. An alert of logs has the workspace as its target, and
// here what sent the logs.
func (in alert) item() string {
	text := strings.Join(in.essentials.At("configurationItems").Texts(1), "")
	if r := parse(text); r.name != "" {
		return r.name
	}
	return text
}

// labels is everything that names where the trouble is.
func (in alert) labels() map[string]string {
	return intake.Merge(in.custom, in.dimensions(), in.context.At("labels").Flat(), map[string]string{
		"subscription": in.target.subscription, "resourceGroup": in.target.group, "resourceType": in.target.kind, "resource": in.target.name,
		"configurationItem": in.item(), "alertRule": in.essentials.At("alertRule").Written(),
		"monitoringService": in.essentials.At("monitoringService").Written(), "signalType": in.essentials.At("signalType").Written(),
		"region": in.context.At("properties", "region").Written(), "azureService": in.context.At("properties", "service").Written(),
	})
}

// dimensions are those of every condition, by their names.
func (in alert) dimensions() map[string]string {
	all := map[string]string{}
	lists := []intake.Value{in.context.At("Dimensions")}
	for _, c := range in.context.At("condition", "allOf").List(intake.MaxLabels) {
		lists = append(lists, c.At("dimensions"))
	}
	for _, list := range lists {
		for _, d := range list.List(intake.MaxLabels) {
			if name := d.At("name").Written(); name != "" && all[name] == "" {
				all[name] = d.At("value").Written()
			}
		}
	}
	return all
}

func (in alert) service(labels map[string]string) string {
	found := intake.FirstOf(labels, "service", "app", "application", "cloud/roleName", "cloud_RoleName", "AppRoleName")
	if found == "" {
		found = intake.ServiceOf(in.context.At("labels").Flat()) // of an alert of Prometheus
	}
	if found == "" && in.essentials.At("monitoringService").Written() == serviceHealth {
		found = labels["azureService"]
	}
	if found == "" {
		found = in.context.At("AlertData", "BudgetName").Written()
	}
	return intake.FirstName(found, in.item(), in.target.name, in.essentials.At("alertRule").Written(), "azure-monitor")
}

// The sources of events in the activity log that tell of trouble at Azure itself.
const (
	serviceHealth  = "ServiceHealth"
	resourceHealth = "ResourceHealth"
)

// eventSeverity is what an event of the activity log says.
func (in alert) eventSeverity() (incident.Severity, bool) {
	properties := in.context.At("properties")
	switch in.essentials.At("monitoringService").Written() {
	case serviceHealth:
		if properties.At("incidentType").Written() == "Incident" {
			return incident.High, true
		}
		return incident.Low, true
	case resourceHealth:
		switch properties.At("currentHealthStatus").Written() {
		case "Unavailable":
			return incident.High, true
		case "Degraded", "Unknown":
			return incident.Medium, true
		}
		return incident.Low, true
	}
	if in.essentials.At("signalType").Written() != "Activity Log" {
		return "", false
	}
	return incident.SeverityOf(in.context.At("level").Written())
}

// health is the identity of trouble at Azure itself, and whether it is over. Each event of
// it fires an alert of its own, also the one that says Resolved.
func (in alert) health() (identity string, over bool) {
	over = in.context.At("status").Written() == "Resolved"
	switch in.essentials.At("monitoringService").Written() {
	case serviceHealth:
		if id := in.context.At("properties", "trackingId").Written(); id != "" {
			return serviceHealth + "/" + id, over
		}
	case resourceHealth:
		if in.target.id != "" {
			over = over || in.context.At("properties", "currentHealthStatus").Written() == "Available"
			return resourceHealth + "/" + strings.ToLower(in.target.id), over
		}
	}
	return "", false
}
