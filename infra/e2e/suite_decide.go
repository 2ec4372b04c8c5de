package e2e

import (
	"encoding/json"
	"net/http"
	"net/url"
	"strings"
	"sync"
)

// word is a decision's fields, as JSON or as a form.
type word map[string]string

func (w word) json() (body string, h header) {
	b, err := json.Marshal(w)
	if err != nil {
		panic(err) // strings always encode
	}
	return string(b), header{"Content-Type": "application/json"}
}

func (w word) form() (body string, h header) {
	values := url.Values{}
	for name, value := range w {
		values.Set(name, value)
	}
	return values.Encode(), header{"Content-Type": "application/x-www-form-urlencoded"}
}

func (c *client) postJSON(w word) answer {
	c.Helper()
	body, h := w.json()
	return c.call("POST", "/approve-fix", body, h)
}

func (c *client) postForm(w word) answer {
	c.Helper()
	body, h := w.form()
	return c.call("POST", "/approve-fix", body, h)
}

// end closes an incident that a test leaves open.
func (c *client) end(id string) {
	c.Helper()
	c.want("resolve", c.decide(id, "resolve"), http.StatusOK, "")
	c.until(id, "RESOLVED")
}

// replayed sends one decision again and again, in every way it can be sent: the
// record answers, and nothing happens twice.
func replayed(c *client) {
	id := c.waiting(oom)
	w := word{"incidentId": id, "action": "approve", "note": "go"}
	first := c.postJSON(w)
	c.want("the decision", first, http.StatusOK, "")
	for _, when := range []string{"at once", "after the end"} {
		for name, again := range map[string]answer{
			"JSON": c.postJSON(w), "a form": c.postForm(w), "GET": c.decide(id, "approve"),
			"with another note": c.postJSON(word{"incidentId": id, "action": "approve", "note": "no, wait"}),
		} {
			c.want(name+" "+when, again, http.StatusOK, "")
			for _, same := range []string{"decision", "by", "at"} {
				if again.text(same) != first.text(same) {
					c.Errorf("%s %s: %s is %q, was %q", name, when, same, again.text(same), first.text(same))
				}
			}
		}
		c.until(id, "RESOLVED")
	}
	if note := c.incident(id).text("decision.note"); note != "go" {
		c.Errorf("the note is %q: a replay changed it", note)
	}
	counts := map[string]int{}
	for _, e := range c.events(id) {
		counts[string(e.Action)]++
	}
	if counts["decided"] != 1 || counts["fix-started"] != 1 || counts["voted"] != 0 {
		c.Errorf("the trail has %v", counts)
	}
}

// contradicting sends another decision after one: it is told which one stands.
func contradicting(c *client) {
	for first, others := range map[string][]string{
		"approve": {"escalate", "resolve"}, "escalate": {"approve", "resolve"}, "resolve": {"approve", "escalate"},
	} {
		id := c.waiting(oom)
		stands := c.postForm(word{"incidentId": id, "action": first})
		c.want(first, stands, http.StatusOK, "")
		for _, other := range others {
			got := c.postJSON(word{"incidentId": id, "action": other})
			c.want(other+" after "+first, got, http.StatusConflict, "already-decided")
			if got.text("decision") != first || got.text("by") != stands.text("by") || got.text("at") != stands.text("at") {
				c.Errorf("%s after %s: is not told what stands: %s", other, first, got)
			}
		}
		c.until(id, map[string]string{"approve": "RESOLVED", "escalate": "ESCALATED", "resolve": "RESOLVED"}[first])
	}
}

// plans holds decisions to the plan that was seen.
func plans(c *client) {
	mine, others := c.waiting(oom), c.waiting(oom)
	hash, otherHash := c.incident(mine).text("plan.hash"), c.incident(others).text("plan.hash")
	if hash == otherHash || len(hash) != 64 {
		c.Fatalf("plans %q and %q of two incidents", hash, otherHash)
	}
	for name, wrong := range map[string]string{
		"another incident's plan": otherHash, "zeros": strings.Repeat("0", 64), "upper case": strings.ToUpper(hash),
		"the first half": hash[:32], "more": hash + "00", "nonsense": "restart-service",
	} {
		for _, action := range []string{"approve", "escalate", "resolve"} {
			w := word{"incidentId": mine, "action": action, "planHash": wrong}
			c.want(action+" "+name, c.postJSON(w), http.StatusConflict, "plan-changed")
			c.want(action+" "+name+", a form", c.postForm(w), http.StatusConflict, "plan-changed")
		}
	}
	if got := c.incident(mine); got.text("status") != "WAITING_FOR_APPROVAL" || got.get("decision") != nil {
		c.Fatalf("a wrong hash decided: %s", got)
	}
	c.want("the plan itself", c.postForm(word{"incidentId": mine, "action": "approve", "planHash": hash}), http.StatusOK, "")
	c.until(mine, "RESOLVED")
	c.want("another plan after the end", c.postJSON(word{"incidentId": mine, "action": "approve", "planHash": otherHash}), http.StatusConflict, "already-decided")
	c.end(others)
}

// refused sends words with several things wrong at once: the answer is always
// the first of 401, 403, 404, 400, 409 that fits. 410 needs a deadline to pass.
func refused(c *client) {
	none := "INC-01ARZ3NDEKTSV4RRFFQ69G5FAV"
	review := c.waiting(alert{Service: "prod-api-01", ErrorLogs: "nothing that any rule knows"})
	done := c.waiting(oom)
	c.want("escalate", c.decide(done, "escalate"), http.StatusOK, "")
	type try struct {
		name    string
		word    word
		h       header
		status  int
		problem string
	}
	tries := []try{
		{"a forged link, no incident, no action", word{"incidentId": none, "t": "AAAA"}, header{"Authorization": "-"}, 403, "forbidden"},
		{"an empty link", word{"incidentId": review, "action": "resolve", "t": ""}, header{"Authorization": "-"}, 403, "forbidden"},
		{"no incident, no action", word{"incidentId": none, "action": "reboot"}, nil, 404, "not-found"},
		{"nonsense, no action", word{"incidentId": "../" + done, "action": "reboot"}, nil, 404, "not-found"},
		{"an unknown field on no incident", word{"incidentId": none, "action": "approve", "force": "1"}, nil, 404, "not-found"},
		{"an unknown action after a decision", word{"incidentId": done, "action": "reboot"}, nil, 400, "invalid"},
		{"no action after a decision", word{"incidentId": done}, nil, 400, "invalid"},
		{"an unknown field after a decision", word{"incidentId": done, "action": "approve", "by": "key:anna"}, nil, 400, "invalid"},
		{"a long note after a decision", word{"incidentId": done, "action": "approve", "note": strings.Repeat("x", 1001)}, nil, 400, "invalid"},
		{"no incident at all", word{"action": "approve"}, nil, 400, "invalid"},
		{"approving a review with another plan", word{"incidentId": review, "action": "approve", "planHash": "x"}, nil, 409, "plan-changed"},
		{"another plan after a decision", word{"incidentId": done, "action": "approve", "planHash": "x"}, nil, 409, "already-decided"},
	}
	if c.OperateKey != "" {
		tries = append(tries,
			try{"nobody, no incident, no action", word{"incidentId": none}, header{"Authorization": "-"}, 401, "unauthorized"},
			try{"an unknown key, no incident", word{"incidentId": none}, header{"Authorization": "Bearer ogk_nobody"}, 403, "forbidden"},
			try{"a reading key after a decision", word{"incidentId": done, "action": "approve"}, header{"Authorization": "Bearer " + c.ReadKey}, 403, "forbidden"},
			try{"an unknown key beside a link", word{"incidentId": done, "t": "AAAA"}, header{"Authorization": "Bearer ogk_nobody"}, 403, "forbidden"},
			try{"another scheme", word{"incidentId": done, "action": "approve"}, header{"Authorization": "Basic " + c.OperateKey}, 401, "unauthorized"})
	}
	for _, try := range tries {
		for kind, encode := range map[string]func(word) (string, header){"JSON": word.json, "a form": word.form} {
			body, h := encode(try.word)
			for name, value := range try.h {
				h[name] = value
			}
			c.want(try.name+", "+kind, c.call("POST", "/approve-fix", body, h), try.status, try.problem)
		}
	}
	if got := c.incident(review); got.text("status") != "WAITING_FOR_APPROVAL" || got.get("decision") != nil {
		c.Errorf("a refusal moved the review: %s", got)
	}
	c.end(review)
	c.until(done, "ESCALATED")
}

// postRace sends 64 words of three kinds at once, in both encodings.
func postRace(c *client) {
	id := c.waiting(oom)
	actions := []string{"approve", "escalate", "resolve"}
	answers := make([]answer, 64)
	var all sync.WaitGroup
	for n := range answers {
		all.Go(func() {
			w := word{"incidentId": id, "action": actions[n%3]}
			if n%2 == 0 {
				answers[n] = c.postJSON(w)
			} else {
				answers[n] = c.postForm(w)
			}
		})
	}
	all.Wait()
	winner, at := "", ""
	for n, a := range answers {
		switch action := actions[n%3]; {
		case a.status == http.StatusOK && winner == "":
			winner, at = action, a.text("at")
		case a.status == http.StatusOK && (winner != action || a.text("at") != at):
			c.Errorf("%s at %s won after %s at %s", action, a.text("at"), winner, at)
		case a.status != http.StatusOK && (a.status != http.StatusConflict || a.text("type") != "already-decided"):
			c.Errorf("%s got %s", action, a)
		}
	}
	for n, a := range answers {
		if a.status == http.StatusConflict && (a.text("decision") != winner || actions[n%3] == winner) {
			c.Errorf("%s won, but %s was told %s", winner, actions[n%3], a)
		}
	}
	end := c.until(id, map[string]string{"approve": "RESOLVED", "escalate": "ESCALATED", "resolve": "RESOLVED", "": "nobody won"}[winner])
	decided, started := 0, 0
	for _, e := range c.events(id) {
		switch e.Action {
		case "decided":
			decided++
		case "fix-started":
			started++
		}
	}
	if fixes := map[bool]int{true: 1}[winner == "approve"]; decided != 1 || started != fixes || end.text("decision.decision") != winner {
		c.Errorf("%s won: %d decisions, %d fixes: %s", winner, decided, started, end)
	}
}
