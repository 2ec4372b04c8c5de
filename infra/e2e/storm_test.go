package e2e

import (
	"encoding/json"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/opsguard/opsguard/pkg/incident"
)

const (
	stormServices  = 50
	stormInstances = 200
	stormAlerts    = stormServices * stormInstances
)

// storm is many alerts, and what becomes of them.
type storm struct {
	name string
	send func(*client)
	// What comes out: docs/sending.md shows it.
	alerts, incidents, messages int
}

// A storm is few incidents, and fewer messages. docs/sending.md has this as a table.
func TestAStormIsFewIncidentsAndFewerMessages(t *testing.T) {
	storms := []storm{
		{"one database fails, and the log lines of 200 pods of each of 50 services come to `POST /ingest-alert`", logLines, stormAlerts, 50, 1},
		{"the same by Alertmanager, whose alerts are one for each pod", alertmanagers, stormAlerts, 1050, 1},
		{"one service has 1,000 different troubles in an hour", troubles, 1000, 21, 1},
		{"after such 1,000, a critical one comes", func(c *client) { troubles(c); worse(c) }, 1001, 22, 2},
		{"an incident is escalated, and its alert repeated 1,000 times", repeats, 1001, 1, 1},
	}
	var rows []string
	for _, s := range storms {
		t.Run(s.name, func(t *testing.T) { s.run(t) })
		rows = append(rows, fmt.Sprintf("| %s | %d | %d | %d | %d |", s.name, s.alerts, s.incidents, s.messages, s.incidents))
	}
	doc, err := os.ReadFile("../../docs/sending.md")
	if err != nil {
		t.Fatal(err)
	}
	for _, row := range rows {
		if !strings.Contains(string(doc), row+"\n") {
			t.Errorf("docs/sending.md lacks the row\n%s", row)
		}
	}
}

// run counts incidents and messages, also after everything came once more.
func (s storm) run(t *testing.T) {
	d := newDiscord(t)
	services := filepath.Join(t.TempDir(), "services.yaml")
	if err := os.WriteFile(services, []byte(stormYAML()), 0o600); err != nil {
		t.Fatal(err)
	}
	p := serve(t, t.TempDir(), freeAddr(t), "OPSGUARD_SERVICES="+services, "DISCORD_WEBHOOK_URL="+d.webhook(),
		"OPSGUARD_SECRET_STORM=storm", "OPSGUARD_INCIDENTS_PER_HOUR=20", "OPSGUARD_GROUP_WINDOW=5m")
	c := newClient(t, p.target())
	c.Patience = time.Minute
	s.send(c)
	var asked []string
	c.eventually("people to be asked about every incident", func() bool { asked = askedAbout(c); return len(asked) == s.incidents }, func() string { return fmt.Sprint(len(asked)) })
	for _, id := range asked {
		done := func() bool {
			return slices.ContainsFunc(c.events(id), func(e incident.Event) bool {
				return e.Action == incident.EventNotified && e.Details["incomplete"] == ""
			})
		}
		c.eventually("every channel to be told of "+id, done, func() string { return c.incident(id).String() })
	}
	if posted, edited := d.messages(); len(posted) != s.messages {
		t.Errorf("%d messages (%d edits), want %d", len(posted), len(edited), s.messages)
	}
}

// askedAbout lists the incidents, none while people have not been asked about each yet.
func askedAbout(c *client) (ids []string) {
	for cursor := ""; ; {
		var page struct {
			Incidents  []struct{ IncidentID, Status string }
			NextCursor *string
		}
		got := c.call("GET", "/incidents?limit=100&cursor="+cursor, "", nil)
		if err := json.Unmarshal(got.body, &page); err != nil {
			c.Fatalf("%v: %s", err, got)
		}
		for _, inc := range page.Incidents {
			if inc.Status == "DETECTED" {
				return nil
			}
			ids = append(ids, inc.IncidentID)
		}
		if page.NextCursor == nil {
			return ids
		}
		cursor = *page.NextCursor
	}
}

func stormYAML() string {
	var b strings.Builder
	b.WriteString("sources:\n  storm: {type: alertmanager, authorization: {secret: STORM}}\nservices:\n  orders-db: {owner: shop, target: {type: simulated}}\n")
	for n := range stormServices {
		fmt.Fprintf(&b, "  svc-%02d: {owner: shop, target: {type: simulated}, fixes: [restart-service], dependsOn: [orders-db], match: [{service: svc-%02d}]}\n", n, n)
	}
	return b.String()
}

// by8 calls send for each n, eight at a time.
func by8(n int, send func(int)) {
	var all sync.WaitGroup
	next := make(chan int)
	for range 8 {
		all.Go(func() {
			for i := range next {
				send(i)
			}
		})
	}
	for i := range n {
		next <- i
	}
	close(next)
	all.Wait()
}

func (c *client) accepted(path, body string, h header) {
	if got := c.call("POST", path, body, h); got.status != http.StatusAccepted {
		c.Errorf("POST %s: %s", path, got)
	}
}

func logLines(c *client) {
	by8(stormAlerts, func(i int) {
		service, pod := i%stormServices, i/stormServices
		logs := fmt.Sprintf("2026-11-20T03:%02d:%02d.113Z svc-%02d-7d9f8b6c5-%05x ERROR req_%08x connect to orders-db:5432 from 10.0.%d.%d: connection refused",
			i%60, i%59, service, 0xa1b2c+pod*7, i*2654435761%(1<<32), service, pod)
		body, _ := json.Marshal(alert{Service: fmt.Sprintf("svc-%02d", service), ErrorLogs: logs})
		c.accepted("/ingest-alert", string(body), asJSON)
	})
}

func alertmanagers(c *client) {
	const batch = 100
	by8(stormAlerts/batch, func(n int) {
		service := fmt.Sprintf("svc-%02d", n%stormServices)
		var alerts []string
		for i := range batch {
			instance := n/stormServices*batch + i
			alerts = append(alerts, fmt.Sprintf(`{"status":"firing","labels":{"alertname":"OrdersDBDown","severity":"warning","service":%q,"instance":"10.0.3.%d:8080"},`+
				`"annotations":{"summary":"connect to orders-db:5432: connection refused"},"startsAt":"2026-11-20T03:12:44Z","endsAt":"0001-01-01T00:00:00Z",`+
				`"generatorURL":"https://prometheus.example.com/graph","fingerprint":"%08x%08x"}`, service, instance, n%stormServices, instance))
		}
		c.accepted("/ingest/storm", `{"version":"4","groupKey":"{}","status":"firing","receiver":"opsguard","groupLabels":{},"commonLabels":{},"commonAnnotations":{},`+
			`"externalURL":"https://alerts.example.com","truncatedAlerts":0,"alerts":[`+strings.Join(alerts, ",")+`]}`,
			header{"Content-Type": "application/json", "Authorization": "Bearer storm"})
	})
}

func troubles(c *client) {
	by8(1000, func(i int) {
		body, _ := json.Marshal(alert{Service: "svc-00", ErrorLogs: "ERROR " + strings.Repeat("x", 1+i%30), DedupKey: fmt.Sprint("trouble ", i)})
		c.accepted("/ingest-alert", string(body), asJSON)
	})
}

// worse sends a critical alert once people have been told of the rest.
func worse(c *client) {
	c.eventually("people to be asked about the flood", func() bool { return len(askedAbout(c)) == 21 }, func() string { return fmt.Sprint(len(askedAbout(c))) })
	id := c.open(alert{Service: "svc-00", ErrorLogs: "ERROR all carts are empty", Severity: "critical"})
	c.until(id, "WAITING_FOR_APPROVAL")
}

func repeats(c *client) {
	one := alert{Service: "svc-00", ErrorLogs: oom.ErrorLogs, DedupKey: "repeated"}
	id := c.waiting(one)
	c.want("escalate", c.decide(id, "escalate"), http.StatusOK, "")
	c.until(id, "ESCALATED")
	by8(1000, func(int) {
		if got := c.ingest(one); got.status != http.StatusAccepted || got.text("incidentId") != id {
			c.Errorf("a repeat: %s", got)
		}
	})
}
