package uptimekuma

import (
	"strings"

	"github.com/opsguard/opsguard/pkg/incident"
	"github.com/opsguard/opsguard/pkg/intake"
)

func evidence(doc intake.Value, a incident.Alert, tags map[string]string) string {
	beat, monitor := doc.At("heartbeat"), doc.At("monitor")
	var e intake.Evidence
	e.Headline(a, "DOWN", "UP AGAIN", monitor.At("name").Written())
	e.Add("message", beat.At("msg").Written())
	e.Add("monitored", monitored(monitor))
	e.Add("type", monitor.At("type").Written())
	e.Add("path", monitor.At("pathName").Written())
	e.AddTime("time", a.Timestamp)
	if a.Recovered {
		e.Add("down since (UTC)", beat.At("lastDownTime").Written())
		return e.String()
	}
	e.Add("description", monitor.At("description").Written())
	e.Add("expected keyword", monitor.At("keyword").Written())
	e.Add("expected status", strings.Join(monitor.At("accepted_statuscodes").Texts(intake.MaxLabels), ", "))
	if retries := beat.At("retries").Written(); retries != "" && retries != "0" {
		e.Add("retries", retries)
	}
	if ping := beat.At("ping").Written(); ping != "" {
		e.Add("response time", ping+" ms")
	}
	e.AddAll(tags)
	if response := beat.At("response").Written(); response != "" {
		e.Line("response:")
		e.Block(response)
	}
	return e.String()
}

// monitored is where the monitor looks. Uptime Kuma fills in "https://" where a type of
// monitor has no address.
func monitored(monitor intake.Value) string {
	if address := monitor.At("url").Written(); address != "" && address != "https://" && address != "http://" {
		return address
	}
	host, port := monitor.At("hostname").Written(), monitor.At("port").Written()
	if host != "" && port != "" {
		return host + ":" + port
	}
	return host
}

// expires stands in the two messages that have no heartbeat and are no test: that of a
// certificate and that of a domain.
const expires = " will expire in "

// expiry reads such a message. It is sent once for each number of days; nothing is sent
// when the certificate or the domain was renewed.
func expiry(msg string) (incident.Alert, error) {
	what, left, _ := strings.Cut(msg, expires)
	service := strings.TrimPrefix(what, "Domain name ")
	if name, _, found := strings.Cut(strings.TrimPrefix(what, "["), "]"); found {
		service = name // "[NAME][ADDRESS] server certificate ..."
	}
	if service = intake.Name(service); service == "" {
		service = "uptime-kuma"
	}
	var e intake.Evidence
	e.Line("EXPIRES SOON " + what + " (" + string(incident.Medium) + ")")
	e.Add("left", left)
	e.Line(msg)
	a := incident.Alert{
		Tenant: incident.DefaultTenant, Source: "uptime-kuma", Service: service, Severity: incident.Medium,
		Identity: intake.Identity("expiry", what), Labels: intake.Labels(map[string]string{"monitor": service}), ErrorLogs: e.String(),
	}
	return a, a.Validate()
}
