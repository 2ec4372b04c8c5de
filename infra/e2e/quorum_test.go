package e2e

import (
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/opsguard/opsguard/pkg/incident"
	"github.com/opsguard/opsguard/pkg/link"
)

// council is a services.yaml with every rule about who may decide.
const council = `services:
  bank:
    owner: ledger
    target: {type: simulated, region: eu-central-1}
    fixes: [restart-service, scale-out]
    approval: {quorum: 2, approvers: [anna, ben, cleo]}
  shop:
    owner: web
    target: {type: simulated, region: eu-west-1}
    fixes: [restart-service]
    approval: {twoPersonFixes: [restart-service]}
  blog:
    owner: web
    target: {type: simulated}
    fixes: [restart-service]
    approval: {approvers: [anna]}
  cron:
    owner: web
    target: {type: simulated, region: us-east-1}
    fixes: [restart-service]
    approval: {quorum: 2, timeout: 3s}
`

// people is a running OpsGuard under those rules, with a key for everybody.
type people struct {
	links link.Keys
	*client
	keys map[string]string
	d    *discord
}

func newPeople(t *testing.T) people {
	services := filepath.Join(t.TempDir(), "services.yaml")
	if err := os.WriteFile(services, []byte(council), 0o600); err != nil {
		t.Fatal(err)
	}
	p := people{keys: map[string]string{}, d: newDiscord(t)}
	var entries []string
	for name, role := range map[string]string{"anna": "operate", "ben": "operate", "cleo": "operate", "dave": "operate", "app": "ingest"} {
		key, entry := newKey(t, name, role)
		p.keys[name] = key
		entries = append(entries, entry)
	}
	linkKey := strings.Repeat("5e", 32)
	var err error
	if p.links, err = link.ParseKeys(linkKey); err != nil {
		t.Fatal(err)
	}
	served := serve(t, t.TempDir(), freeAddr(t), "OPSGUARD_LINK_KEYS="+linkKey, "OPSGUARD_SERVICES="+services, "OPSGUARD_API_KEYS="+strings.Join(entries, ","), "DISCORD_WEBHOOK_URL="+p.d.webhook())
	p.client = newClient(t, Target{URL: "http://" + served.addr, IngestKey: p.keys["app"], OperateKey: p.keys["dave"], ReadKey: p.keys["dave"]})
	return p
}

// says is one person's word.
func (p people) says(name, id, action string) answer {
	p.Helper()
	body, h := word{"incidentId": id, "action": action, "note": name + " says " + action}.json()
	h["Authorization"] = "Bearer " + p.keys[name]
	return p.call("POST", "/approve-fix", body, h)
}

// offered waits for Discord's message about an incident and counts its links.
func (p people) offered(id, action string, want int) {
	p.Helper()
	p.eventually("Discord to be told of "+id, func() bool {
		posted, _ := p.d.messages()
		for _, message := range posted {
			if strings.Contains(message, id) {
				if got := len(linksOf(message, action)); got != want {
					p.Errorf("%d links to %q are offered, want %d: %s", got, action, want, message)
				}
				return true
			}
		}
		return false
	}, func() string { return p.incident(id).String() })
}

// pending is 202 with so many approvals out of two.
func (p people) pending(what string, got answer, have int) {
	p.Helper()
	p.want(what, got, http.StatusAccepted, "")
	if !strings.Contains(string(got.body), `"decision": null`) || got.get("approvals") != float64(have) || got.get("needed") != 2.0 || got.text("status") != "WAITING_FOR_APPROVAL" {
		p.Errorf("%s: want %d of 2 approvals: %s", what, have, got)
	}
}

func (p people) review(service string) string {
	p.Helper()
	return p.waiting(alert{Service: service, ErrorLogs: oom.ErrorLogs})
}

func (p people) started(id string) (n int) {
	for _, e := range p.events(id) {
		if e.Action == incident.EventFixStarted {
			n++
		}
	}
	return n
}

// TestAQuorumIsThatManyDifferentPeople follows one fix that needs two of three
// named people.
func TestAQuorumIsThatManyDifferentPeople(t *testing.T) {
	p := newPeople(t)
	id := p.review("bank")
	p.pending("the first", p.says("anna", id, "approve"), 1)
	for range 3 {
		p.pending("the same person again", p.says("anna", id, "approve"), 1)
	}
	p.want("somebody who is no approver", p.says("dave", id, "approve"), http.StatusForbidden, "forbidden")
	p.want("somebody who is no approver stops it", p.says("dave", id, "escalate"), http.StatusForbidden, "forbidden")
	p.want("a key for sending alerts", p.says("app", id, "approve"), http.StatusForbidden, "forbidden")
	if got := p.incident(id); got.get("decision") != nil || p.started(id) != 0 {
		t.Fatalf("one person was enough: %s", got)
	}
	decided := p.says("ben", id, "approve")
	p.want("the second", decided, http.StatusOK, "")
	if decided.text("by") != "key:ben" {
		t.Errorf("decided: %s", decided)
	}
	end := p.until(id, "RESOLVED")
	if reason := end.text("decision.reason"); !strings.Contains(reason, "key:ben may decide") || !strings.Contains(reason, "2 of 2 approvals") || end.text("decision.note") != "ben says approve" {
		t.Errorf("the decision does not say why it stands: %s", end)
	}
	p.want("the third, too late to matter", p.says("cleo", id, "approve"), http.StatusOK, "")
	votes := 0
	for _, e := range p.events(id) {
		if e.Action == incident.EventVoted {
			votes++
			if e.Actor != "key:anna" || e.Details["approvals"] != "1" || e.Details["needed"] != "2" || e.Details["reason"] == "" {
				t.Errorf("the vote: %+v", e)
			}
		}
	}
	if votes != 1 || p.started(id) != 1 {
		t.Errorf("%d votes before the deciding one, %d fixes", votes, p.started(id))
	}
}

func TestOneRefusalStopsAQuorum(t *testing.T) {
	p := newPeople(t)
	for action, want := range map[string]string{"escalate": "ESCALATED", "resolve": "RESOLVED"} {
		id := p.review("bank")
		p.pending("an approval", p.says("anna", id, "approve"), 1)
		p.want("a refusal", p.says("ben", id, action), http.StatusOK, "")
		p.want("an approval after it", p.says("cleo", id, "approve"), http.StatusConflict, "already-decided")
		end := p.until(id, want)
		if end.text("decision.decision") != action || end.text("decision.by") != "key:ben" || end.get("fix") != nil {
			t.Errorf("%s: %s", action, end)
		}
	}
	// Whoever approved may think better of it as long as nothing stands.
	id := p.review("bank")
	p.pending("an approval", p.says("anna", id, "approve"), 1)
	p.want("the same person's refusal", p.says("anna", id, "escalate"), http.StatusOK, "")
	p.until(id, "ESCALATED")
}

// TestALinkNeverCountsTowardsAQuorum decides with the links that Discord got.
func TestALinkNeverCountsTowardsAQuorum(t *testing.T) {
	p := newPeople(t)
	// Messages carry only links that can decide, but one may have been sent before
	// services.yaml asked for more: it is made here with the server's own key.
	follow := func(id, action string) answer {
		inc := p.incident(id)
		deadline, err := time.Parse(time.RFC3339, inc.text("deadline"))
		if err != nil {
			t.Fatal(err)
		}
		token := p.links.Mint(link.Claims{Ref: incident.Ref{Tenant: incident.DefaultTenant, ID: id}, PlanHash: inc.text("plan.hash"),
			Action: incident.Action(action), Channel: "discord", Expires: deadline})
		body, h := word{"incidentId": id, "action": action, "t": token}.form()
		h["Authorization"] = "-"
		return p.call("POST", "/approve-fix", body, h)
	}
	shop := p.review("shop") // any two operators, no names
	p.offered(shop, "approve", 0)
	p.offered(shop, "escalate", 1)
	p.want("a link alone", follow(shop, "approve"), http.StatusForbidden, "forbidden")
	p.pending("one key", p.says("anna", shop, "approve"), 1)
	got := follow(shop, "approve")
	p.want("a link as the second", got, http.StatusForbidden, "forbidden")
	if !strings.Contains(got.text("detail"), "2 different people") {
		t.Errorf("it does not say why: %s", got)
	}
	if inc := p.incident(shop); inc.get("decision") != nil || p.started(shop) != 0 {
		t.Fatalf("a link counted: %s", inc)
	}
	p.want("another key", p.says("dave", shop, "approve"), http.StatusOK, "")
	p.until(shop, "RESOLVED")

	second := p.review("shop")
	p.pending("one key", p.says("anna", second, "approve"), 1)
	p.want("a link may stop it", follow(second, "escalate"), http.StatusOK, "")
	if end := p.until(second, "ESCALATED"); end.text("decision.by") != "link:discord" {
		t.Errorf("stopped by a link: %s", end)
	}

	blog := p.review("blog") // one approver, named: a link cannot say who followed it
	p.offered(blog, "", 0)
	for _, action := range []string{"approve", "escalate", "resolve"} {
		p.want("a link where names count, "+action, follow(blog, action), http.StatusForbidden, "forbidden")
	}
	p.want("another operator", p.says("ben", blog, "approve"), http.StatusForbidden, "forbidden")
	p.want("the one who is named", p.says("anna", blog, "approve"), http.StatusOK, "")
	p.until(blog, "RESOLVED")
}

// TestAnIncompleteQuorumRunsOutOfTime is the timeout of a service of its own.
func TestAnIncompleteQuorumRunsOutOfTime(t *testing.T) {
	p := newPeople(t)
	id := p.review("cron")
	p.pending("the first of two", p.says("anna", id, "approve"), 1)
	end := p.until(id, "ESCALATED")
	if end.text("escalationReason") != "approval_timeout" || end.text("decision.by") != "system" || end.get("fix") != nil || end.text("ticket.key") == "" {
		t.Errorf("ended: %s", end)
	}
	// 410 comes after 401, 403, 404 and 400, and before 409.
	late := word{"incidentId": id, "action": "approve", "planHash": "x"}
	for name, h := range map[string]header{"nobody": {"Authorization": "-"}, "an unknown key": {"Authorization": "Bearer x"}} {
		body, kind := late.json()
		h["Content-Type"] = kind["Content-Type"]
		if got := p.call("POST", "/approve-fix", body, h); got.status != http.StatusUnauthorized && got.status != http.StatusForbidden {
			t.Errorf("%s, late: %s", name, got)
		}
	}
	p.want("nonsense, late", p.says("ben", id, "reboot"), http.StatusBadRequest, "invalid")
	p.want("another plan, late", p.postJSON(late), http.StatusGone, "expired")
	p.want("the second approval, late", p.says("ben", id, "approve"), http.StatusGone, "expired")
	p.want("the same escalation as the system's, late", p.says("ben", id, "escalate"), http.StatusGone, "expired")
}
