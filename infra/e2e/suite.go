package e2e

import (
	"fmt"
	"net/http"
	"strings"
	"sync"
	"testing"
)

// Suite runs everything that holds on any deployment whose services.yaml is the
// one that is shipped. It leaves closed incidents behind and nothing open.
func Suite(t *testing.T, target Target) {
	for _, test := range []struct {
		name string
		run  func(*client)
	}{
		{"TheReadmesAlertIsApprovedAndResolved", approved},
		{"EscalatingOpensATicket", escalated},
		{"AnEscalatedIncidentCountsRepeatsAndIsResolvedLater", afterEscalation},
		{"AManualReviewIsClosedByHand", manualReview},
		{"InAManualReviewAPersonMayChooseAFix", chosen},
		{"AnUnknownServiceIsKeptForAPerson", unknownService},
		{"OppositeDecisionsAtOnceHaveOneWinner", race},
		{"TheSameDecisionAgainAnswersFromTheRecord", again},
		{"TheSameAlertManyTimesIsOneIncident", duplicates},
		{"AnAlertAfterTheEndIsANewIncident", reopened},
		{"BadInputIsNamed", badInput},
		{"TooEarlyAndUnknownAreTold", unknown},
		{"SecretsNeverComeBack", secrets},
		{"ListsPageAndFilter", lists},
		{"TheTrailIsWhole", trail},
		{"HealthNeedsNoKey", health},
		{"OnlyTheRightKeyMay", roles},
		{"AReplayedDecisionAnswersFromTheRecord", replayed},
		{"AnotherDecisionIsToldWhichStands", contradicting},
		{"ADecisionHoldsForThePlanThatWasSeen", plans},
		{"RefusalsComeInTheirOrder", refused},
		{"DecisionsPostedAtOnceHaveOneWinner", postRace},
	} {
		t.Run(test.name, func(t *testing.T) { test.run(newClient(t, target)) })
	}
}

func approved(c *client) {
	got := c.ingest(alert{Service: oom.Service, ErrorLogs: oom.ErrorLogs})
	c.want("ingest", got, http.StatusAccepted, "")
	id := got.text("incidentId")
	if loc := got.header.Get("Location"); !strings.HasSuffix(loc, "/incidents/"+id) {
		c.Errorf("Location %q", loc)
	}
	waiting := c.until(id, "WAITING_FOR_APPROVAL")
	if by := waiting.text("analysis.analyzedBy"); by == "none" || waiting.text("plan.fixId") != "restart-service" {
		c.Errorf("analysed by %q: %s", by, waiting)
	}
	decided := c.decide(id, "")
	c.want("approve", decided, http.StatusOK, "")
	if decided.text("decision") != "approve" || decided.text("by") == "" {
		c.Errorf("decided: %s", decided)
	}
	end := c.until(id, "RESOLVED")
	if end.text("fix.outcome") != "simulated" || end.get("fix.verified") != true || end.text("decision.by") != decided.text("by") || end.get("ticket") != nil {
		c.Errorf("resolved: %s", end)
	}
}

func escalated(c *client) {
	id := c.waiting(oom)
	c.want("escalate", c.decide(id, "escalate"), http.StatusOK, "")
	end := c.until(id, "ESCALATED")
	if end.text("escalationReason") != "chosen" || end.text("ticket.key") == "" || end.get("fix") != nil {
		c.Errorf("escalated: %s", end)
	}
	c.want("approve after the end", c.decide(id, "approve"), http.StatusConflict, "already-decided")
}

// afterEscalation repeats the alert of an escalated incident, which is counted there, and
// then resolves the incident by hand.
func afterEscalation(c *client) {
	trouble := alert{Service: oom.Service, ErrorLogs: oom.ErrorLogs, DedupKey: "after an escalation " + c.nonce()}
	id := c.waiting(trouble)
	c.want("escalate", c.decide(id, "escalate"), http.StatusOK, "")
	ticket := c.until(id, "ESCALATED").text("ticket.key")
	again := c.ingest(trouble)
	if c.want("the same alert", again, http.StatusAccepted, ""); again.text("incidentId") != id || again.text("status") != "ESCALATED" {
		c.Errorf("a repeat: %s", again)
	}
	var last answer
	c.eventually("a person to resolve it", func() bool { last = c.decide(id, "resolve"); return last.status == http.StatusOK }, func() string { return last.String() })
	end := c.until(id, "RESOLVED")
	if end.text("resolution.by") == "" || end.text("decision.decision") != "escalate" || end.text("escalationReason") != "chosen" ||
		end.text("ticket.key") != ticket || end.get("occurrences") != 2.0 {
		c.Errorf("resolved after its escalation: %s", end)
	}
	c.want("approve after that", c.decide(id, "approve"), http.StatusConflict, "already-decided")
	next := c.waiting(trouble)
	if next == id {
		c.Errorf("the next time it joined what is over")
	}
	c.end(next)
}

func manualReview(c *client) {
	id := c.waiting(alert{Service: "prod-api-01", ErrorLogs: "something that no rule knows"})
	c.want("approve", c.decide(id, "approve"), http.StatusConflict, "choose-plan")
	c.want("resolve", c.decide(id, "resolve"), http.StatusOK, "")
	end := c.until(id, "RESOLVED")
	if end.get("plan") != nil || end.get("fix") != nil || end.text("decision.decision") != "resolve" {
		c.Errorf("resolved by hand: %s", end)
	}
}

// chosen approves a candidate of a manual review by its hash, as the refusal lists it.
func chosen(c *client) {
	id := c.waiting(alert{Service: "prod-api-01", ErrorLogs: "something else that no rule knows"})
	refused := c.decide(id, "approve")
	c.want("approve", refused, http.StatusConflict, "choose-plan")
	hash := refused.text("candidates.1.hash")
	if hash == "" || hash != c.incident(id).text("candidates.1.hash") {
		c.Fatalf("the candidates: %s", refused)
	}
	body, h := word{"incidentId": id, "action": "approve", "planHash": hash}.json()
	c.want("choose", c.call("POST", "/approve-fix", body, h), http.StatusOK, "")
	end := c.until(id, "RESOLVED")
	if end.text("plan.hash") != hash || end.text("fix.outcome") != "simulated" {
		c.Errorf("chosen: %s", end)
	}
}

func unknownService(c *client) {
	id := c.waiting(alert{Service: "not-in-services-yaml", ErrorLogs: oom.ErrorLogs})
	got := c.incident(id)
	if got.get("plan") != nil || !strings.Contains(got.text("analysis.cause"), "services.yaml") {
		c.Errorf("an unknown service: want no plan, and how to list it: %s", got)
	}
	c.want("escalate", c.decide(id, "escalate"), http.StatusOK, "")
	c.until(id, "ESCALATED")
}

// race sends 64 opposite decisions at once.
func race(c *client) {
	id := c.waiting(oom)
	answers := make([]answer, 64)
	var all sync.WaitGroup
	for n := range answers {
		all.Go(func() { answers[n] = c.decide(id, []string{"approve", "escalate"}[n%2]) })
	}
	all.Wait()
	winner := ""
	for n, a := range answers {
		action := []string{"approve", "escalate"}[n%2]
		switch a.status {
		case http.StatusOK:
			if winner != "" && winner != action || a.text("decision") != action {
				c.Errorf("%s won after %s: %s", action, winner, a)
			}
			winner = action
		case http.StatusConflict:
			if a.text("type") != "already-decided" {
				c.Errorf("a loser got %s", a)
			}
		default:
			c.Errorf("%s got %s", action, a)
		}
	}
	end := c.until(id, map[string]string{"approve": "RESOLVED", "escalate": "ESCALATED"}[winner])
	if end.text("decision.decision") != winner {
		c.Errorf("%s was told it won: %s", winner, end)
	}
	decided := 0
	for _, e := range c.events(id) {
		if e.Action == "decided" {
			decided++
		}
	}
	if decided != 1 {
		c.Errorf("%d decisions in the trail", decided)
	}
}

func again(c *client) {
	id := c.waiting(oom)
	first := c.decide(id, "approve")
	c.want("first", first, http.StatusOK, "")
	for _, when := range []string{"at once", "after the end"} {
		same := c.decide(id, "approve")
		c.want(when, same, http.StatusOK, "")
		if same.text("at") != first.text("at") {
			c.Errorf("%s: decided at %s, first at %s", when, same.text("at"), first.text("at"))
		}
		c.until(id, "RESOLVED")
	}
	for _, e := range c.events(id)[1:] {
		if e.Action == "fix-started" {
			return
		}
	}
	c.Error("the trail has no fix")
}

// duplicates sends one alert many times at once.
func duplicates(c *client) {
	const times, senders = 1000, 32
	one := alert{Service: "prod-api-01", ErrorLogs: oom.ErrorLogs, DedupKey: c.Name() + c.nonce()}
	ids := make(chan string, times)
	var all sync.WaitGroup
	for range senders {
		all.Go(func() {
			for range times / senders {
				ids <- c.ingest(one).text("incidentId")
			}
		})
	}
	for range times % senders {
		ids <- c.ingest(one).text("incidentId")
	}
	all.Wait()
	close(ids)
	id := <-ids
	for other := range ids {
		if other != id {
			c.Fatalf("two incidents: %s and %s", id, other)
		}
	}
	c.until(id, "WAITING_FOR_APPROVAL")
	if got := c.incident(id).get("occurrences"); got != float64(times) {
		c.Errorf("%v occurrences", got)
	}
	c.want("resolve", c.decide(id, "resolve"), http.StatusOK, "")
	if got := c.until(id, "RESOLVED").get("occurrences"); got != float64(times) {
		c.Errorf("%v occurrences after the end", got)
	}
}

func reopened(c *client) {
	one := alert{Service: "prod-api-01", ErrorLogs: oom.ErrorLogs, DedupKey: c.Name() + c.nonce()}
	first := c.waiting(one)
	c.decide(first, "resolve")
	c.until(first, "RESOLVED")
	second := c.waiting(one)
	if first == second {
		c.Errorf("both are %s", first)
	}
	c.decide(second, "resolve")
	c.until(second, "RESOLVED")
}

func unknown(c *client) {
	none := "INC-01ARZ3NDEKTSV4RRFFQ69G5FAV"
	for _, path := range []string{"/incidents/" + none, "/incidents/" + none + "/audit", "/incidents/nonsense", "/incidents/inc-01arz3ndektsv4rrffq69g5fav", "/nowhere", "/incidents/" + none + "/nothing"} {
		c.want(path, c.call("GET", path, "", nil), http.StatusNotFound, "not-found")
	}
	c.want("decide on none", c.decide(none, "approve"), http.StatusNotFound, "not-found")
	c.want("decide on nonsense", c.decide("nonsense", "approve"), http.StatusNotFound, "not-found")
	id := c.waiting(oom)
	c.want("an unknown action", c.decide(id, "reboot"), http.StatusBadRequest, "invalid")
	c.want("no action", c.call("POST", "/approve-fix", `{"incidentId":"`+id+`"}`, asJSON), http.StatusBadRequest, "invalid")
	c.want("an unknown parameter", c.call("GET", "/approve-fix?incidentId="+id+"&force=1", "", nil), http.StatusBadRequest, "invalid")
	changed := c.call("POST", "/approve-fix", fmt.Sprintf(`{"incidentId":%q,"action":"approve","planHash":%q}`, id, strings.Repeat("0", 64)), asJSON)
	c.want("another plan", changed, http.StatusConflict, "plan-changed")
	if status := c.incident(id).text("status"); status != "WAITING_FOR_APPROVAL" {
		c.Errorf("refusals moved the incident to %s", status)
	}
	c.decide(id, "resolve")
	c.until(id, "RESOLVED")
}

func health(c *client) {
	got := c.call("GET", "/healthz", "", header{"Authorization": "-"})
	c.want("healthz", got, http.StatusOK, "")
	if got.text("status") == "" || got.text("version") == "" || got.text("store") == "" {
		c.Errorf("healthz: %s", got)
	}
}
