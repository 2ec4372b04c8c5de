package incident_test

import (
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"
	"time"

	"github.com/opsguard/opsguard/pkg/incident"
)

var noon = time.Date(2026, 11, 20, 12, 0, 0, 0, time.UTC)

func troubled(logs string) incident.Alert {
	return incident.Alert{Tenant: "default", Source: "api", Service: "checkout", ErrorLogs: logs, Severity: incident.High}
}

func meet(flow *incident.Flow, a incident.Alert, perHour int, now time.Time) incident.Meeting {
	return flow.Meet(a, a.Trouble(), "checkout", perHour, now)
}

// incidentsOf plays what ingest-alert does with alerts, none of which ends.
func incidentsOf(flow *incident.Flow, perHour int, alerts ...incident.Alert) map[string]int {
	open := map[string]int{}
	for _, a := range alerts {
		fingerprint := a.Fingerprint()
		if open[fingerprint] == 0 {
			fingerprint = meet(flow, a, perHour, noon).Fingerprint
		}
		open[fingerprint]++
	}
	return open
}

func TestOneTroubleIsTwoIncidentsAtMost(t *testing.T) {
	for name, kind := range varying {
		r := rand.New(rand.NewPCG(3, 5))
		var alerts []incident.Alert
		for range 1000 {
			alerts = append(alerts, troubled("ERROR handler failed for "+kind.of(r)+": upstream closed the connection"))
		}
		if open := incidentsOf(&incident.Flow{}, 0, alerts...); len(open) > 2 {
			t.Errorf("%s: 1,000 alerts of one trouble became %d incidents", name, len(open))
		}
	}
}

func TestTheThirdWordAtOnePlaceMakesItVary(t *testing.T) {
	flow := &incident.Flow{}
	names := []string{"anna", "ben", "clara", "dora", "emil", "fritz"}
	var alerts []incident.Alert
	for _, name := range names {
		alerts = append(alerts, troubled("ERROR login of user "+name+" failed: session store is gone"))
	}
	if open := incidentsOf(flow, 0, alerts...); len(open) != 2 {
		t.Errorf("%d incidents, want 2: %+v", len(open), flow.Known)
	}
}

// A simulation must be able to play the same history again.
func TestWhichTroubleAnAlertTurnsOutToBeIsNoChance(t *testing.T) {
	line := func(user, host string) incident.Alert {
		return troubled("ERROR login of user " + user + " at host " + host + " failed: session store is gone")
	}
	first := line("anna", "red")
	for range 64 {
		flow := &incident.Flow{}
		incidentsOf(flow, 0, first, line("ben", "red"), line("clara", "blue"), line("clara", "green"))
		if m := meet(flow, line("clara", "red"), 0, noon); m.Fingerprint != first.Fingerprint() {
			t.Fatalf("it turned out to be another trouble: %+v", flow.Known)
		}
	}
}

func TestDifferentTroublesStayApart(t *testing.T) {
	var alerts []incident.Alert
	lines := []string{
		"connect to orders-db: connection refused", "connect to users-db: connection refused", "relation \"orders\" does not exist",
		"java.lang.OutOfMemoryError: Java heap space", "java.lang.OutOfMemoryError: Metaspace", "x509: certificate has expired",
		"x509: certificate signed by unknown authority", "no space left on device", "too many open files", "panic: send on closed channel",
		"deadlock detected", "disk quota exceeded", "could not resolve host",
	}
	for _, line := range lines {
		alerts = append(alerts, troubled(line))
	}
	if open := incidentsOf(&incident.Flow{}, 0, alerts...); len(open) != len(lines) {
		t.Errorf("%d different troubles became %d incidents", len(lines), len(open))
	}
	other := troubled("ERROR login of user anna failed: session store is gone")
	other.Source = "elsewhere"
	flow := &incident.Flow{}
	for _, name := range []string{"anna", "ben", "clara"} {
		meet(flow, troubled("ERROR login of user "+name+" failed: session store is gone"), 0, noon)
	}
	if m := meet(flow, other, 0, noon); m.Fingerprint != other.Fingerprint() {
		t.Error("another source's alert was taken for this one's")
	}
}

func TestAFloodIsOneIncidentAndHidesNoCriticalOne(t *testing.T) {
	flow := &incident.Flow{}
	var alerts []incident.Alert
	for i := range 500 {
		a := troubled("ERROR " + strings.Repeat("x", i%17+1) + " failed")
		a.DedupKey = fmt.Sprint(i)
		alerts = append(alerts, a)
	}
	critical := troubled("FATAL the ledger is corrupt")
	critical.Severity, critical.DedupKey = incident.Critical, "ledger"
	open := incidentsOf(flow, 20, append(alerts, critical)...)
	if len(open) != 22 || open[critical.Fingerprint()] != 1 || open[incident.FloodFingerprint("default", "checkout")] != 480 {
		t.Errorf("%d incidents, %d alerts in the flood, the critical one %d times; want 22, 480, 1", len(open), open[incident.FloodFingerprint("default", "checkout")], open[critical.Fingerprint()])
	}
	var folded int64
	for _, f := range flow.Folded {
		folded += f.Count
	}
	if folded+flow.Others != 480 || len(flow.Folded) != 8 {
		t.Errorf("the flood names %d shapes with %d alerts and %d others; want 8 and 480 in all", len(flow.Folded), folded, flow.Others)
	}
	if m := meet(flow, alerts[400], 20, noon.Add(time.Hour)); m.Flood {
		t.Error("the next hour opens no incident")
	}
}

// Anybody can have some senders send: the key by which a page reports its errors is public.
func TestOneSourceCannotUseUpWhatTheOthersMayOpen(t *testing.T) {
	flow, perHour := &incident.Flow{}, 20
	for _, severity := range []incident.Severity{incident.High, incident.Critical} {
		meet := func(source string, n int) incident.Meeting {
			return meet(flow, incident.Alert{Tenant: "default", Source: source, Service: "checkout", Severity: severity,
				Identity: fmt.Sprint(n), ErrorLogs: "trouble"}, perHour, noon)
		}
		for n := range 100 {
			meet("page", n)
		}
		opened := 0
		for n := range 100 {
			if m := meet("metrics", n); !m.Flood {
				opened++
			}
		}
		if opened != perHour/4 {
			t.Errorf("%s: a source behind a flood of another one opened %d incidents, want %d", severity, opened, perHour/4)
		}
	}
}

func TestWhatIsRememberedIsBounded(t *testing.T) {
	flow := &incident.Flow{}
	r := rand.New(rand.NewPCG(1, 1))
	for range 5000 {
		words := make([]string, 20)
		for i := range words {
			words[i] = draw(r, "aeioulmnrst", 6+r.IntN(30))
		}
		meet(flow, troubled(strings.Join(words, " ")), 100, noon)
	}
	text, err := json.Marshal(flow)
	if err != nil || len(text) > 20<<10 {
		t.Errorf("%d bytes of one service, %v; want at most 20 KiB, so that 800 services fit into 16 MiB", len(text), err)
	}
}
