package e2e

import (
	"encoding/json"
	"fmt"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/opsguard/opsguard/pkg/steps"
	"github.com/opsguard/opsguard/pkg/steps/stepstest"
)

// takesEverySender sends what every sender sends, as the sender proves it, to an OpsGuard
// that is configured for it and has taken none of it yet: it remembers signed requests. It
// leaves nothing open.
func takesEverySender(t *testing.T, target Target, all []stepstest.Sender) {
	t.Run("an unknown source", func(t *testing.T) {
		c := newClient(t, target)
		c.bare("a source that is not configured", c.send("no-such-source", all[0].Sent[0].Wrong), http.StatusNotFound)
		c.bare("asked whether one may send there", c.call(http.MethodOptions, "/ingest/no-such-source", "", asking()), http.StatusNotFound)
	})
	var opened []run
	for _, s := range all {
		t.Run(s.Name, func(t *testing.T) {
			r := run{newClient(t, target), s.Name, map[string]string{}, map[string]bool{}}
			opened = append(opened, r)
			r.asks(s.Type)
			r.refuses(s.Sent)
			for _, sent := range inOrder(s.Sent) {
				r.takes(sent)
			}
		})
	}
	t.Run("what recovered is resolved", func(t *testing.T) { endAll(newClient(t, target), opened) })
}

// reconciled is how long a recovery may take to resolve an incident: on AWS only reconcile
// tells the workflow of it, if people were asked before. deploy.sh has it run each minute.
const reconciled = 4 * time.Minute

// endAll waits for the incidents that recovered, and resolves the others by hand.
func endAll(c *client, opened []run) {
	for _, r := range opened {
		for trouble, id := range r.open {
			if !r.over[trouble] {
				c.until(id, "WAITING_FOR_APPROVAL")
				c.want("resolve", c.decide(id, "resolve"), http.StatusOK, "")
			}
		}
	}
	c.Patience = max(c.Patience, reconciled)
	for _, r := range opened {
		for trouble, id := range r.open {
			end := c.until(id, "RESOLVED")
			if by := end.text("decision.by"); r.over[trouble] != (by == "source:"+r.entry) {
				c.Errorf("%s: resolved by %s: %s", r.entry, by, end)
			}
		}
	}
}

// run is one sender's requests, one after the other.
type run struct {
	*client
	entry string
	open  map[string]string // the incident of each trouble
	over  map[string]bool   // the troubles that recovered
}

// asking is how a sender of CloudEvents asks whether it may send.
func asking() header {
	return header{"Authorization": "-", "WebHook-Request-Origin": "events.example.com", "WebHook-Request-Rate": "120"}
}

// asks asks whether one may send. Only a source whose senders do so says that one may.
func (r run) asks(kind string) {
	r.Helper()
	path := "/ingest/" + r.entry
	got := r.call(http.MethodOptions, path, "", asking())
	origin, rate := got.header.Get("WebHook-Allowed-Origin"), got.header.Get("WebHook-Allowed-Rate")
	if kind != "cloudevents" {
		r.want("asked whether one may send", got, http.StatusMethodNotAllowed, "method-not-allowed")
		if origin+rate != "" {
			r.Errorf("it says that one may: %v", got.header)
		}
		return
	}
	r.bare("asked whether one may send", got, http.StatusOK)
	if origin != "events.example.com" || rate != "*" || !strings.Contains(got.header.Get("Allow"), http.MethodPost) {
		r.Errorf("the answer to whether one may send: %v", got.header)
	}
	r.want("asked by nobody", r.call(http.MethodOptions, path, "", header{"Authorization": "-"}), http.StatusBadRequest, "invalid")
}

// takes sends one request, and the same a second time.
func (r run) takes(sent stepstest.SentRequest) {
	r.Helper()
	if sent.Request.Body == nil {
		return
	}
	got := r.send(r.entry, sent.Request)
	var taken struct {
		Again   bool
		Alerts  []takenAlert
		Refused []any
	}
	if err := json.Unmarshal(got.body, &taken); err != nil || got.status != http.StatusAccepted || taken.Again ||
		len(taken.Alerts) != len(sent.Alerts) || len(taken.Refused) != sent.Refused {
		r.Fatalf("%s: %s; want %d alerts taken and %d refused", sent.Name, got, len(sent.Alerts), sent.Refused)
	}
	for i, a := range sent.Alerts {
		r.became(sent.Name, a, taken.Alerts[i])
	}
	again := r.send(r.entry, sent.Request)
	taken.Alerts = nil
	if err := json.Unmarshal(again.body, &taken); err != nil || again.status != http.StatusAccepted {
		r.Errorf("%s again: %s", sent.Name, again)
	}
	for i, a := range taken.Alerts { // none if it was recognised as a copy
		if a.IncidentID != "" && !a.Duplicate && !sent.Alerts[i].Recovered {
			r.Errorf("%s again opened another incident: %s", sent.Name, again)
		}
	}
}

// takenAlert is what is answered of one alert.
type takenAlert struct {
	IncidentID string
	Duplicate  bool
}

// became holds what was answered of an alert to what it says.
func (r run) became(name string, a stepstest.SentAlert, got takenAlert) {
	r.Helper()
	known := r.open[a.Trouble]
	switch {
	case a.Recovered:
		r.recovered(name, a.Trouble, got.IncidentID)
	case got.IncidentID == "" || got.Duplicate != (known != "") || known != "" && got.IncidentID != known:
		r.Errorf("%s: %+v; want it to join %q, or to open an incident", name, got, known)
	default:
		r.open[a.Trouble] = got.IncidentID
		if inc := r.incident(got.IncidentID); known == "" && inc.text("serverName") != a.Service {
			r.Errorf("%s: want an incident of %s: %s", name, a.Service, inc)
		}
	}
}

// recovered holds the answer to a recovery to the incident of its trouble, if it has one
// that is not over yet.
func (r run) recovered(name, trouble, id string) {
	r.Helper()
	known := r.open[trouble]
	if r.over[trouble] && id == "" {
		return
	}
	if id != known {
		r.Errorf("%s recovers %q, want %q", name, id, known)
	}
	if known == "" || r.over[trouble] {
		return
	}
	r.over[trouble] = true
	if inc := r.incident(id); inc.text("decision.decision") != "resolve" || inc.text("decision.by") != "source:"+r.entry {
		r.Errorf("%s: want the recovery to decide: %s", name, inc)
	}
}

// refuses sends what is not the sender's, before anything else is sent: one request that
// tells of trouble, which nobody can have opened when the sender tells of it, and one that
// nothing running can take. Of one address only some such requests are answered at once.
func (r run) refuses(all []stepstest.SentRequest) {
	r.Helper()
	done := map[bool]bool{}
	for _, sent := range inOrder(all) {
		takable := sent.Request.Body != nil
		if done[takable] || !slices.ContainsFunc(sent.Alerts, func(a stepstest.SentAlert) bool { return !a.Recovered }) {
			continue
		}
		done[takable] = true
		got := r.send(r.entry, sent.Wrong)
		for range 3 {
			seconds, err := strconv.Atoi(got.header.Get("Retry-After"))
			if got.status != http.StatusTooManyRequests || err != nil {
				break
			}
			<-time.After(time.Duration(seconds) * time.Second)
			got = r.send(r.entry, sent.Wrong)
		}
		r.bare(sent.Name+", not the sender's", got, http.StatusUnauthorized)
	}
}

// bare fails unless a has this status and no body.
func (c *client) bare(what string, a answer, status int) {
	c.Helper()
	if a.status != status || len(a.body) > 0 {
		c.Errorf("%s: got %s, want a bare %d", what, a, status)
	}
}

// send makes a sender's request, with no key of ours.
func (c *client) send(entry string, r steps.Request) answer {
	c.Helper()
	h := header{"Authorization": "-"}
	for name := range r.Header {
		h[name] = r.Header.Get(name)
	}
	return c.call(http.MethodPost, fmt.Sprintf("/ingest/%s", entry), string(r.Body), h)
}
