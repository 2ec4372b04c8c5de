package web

import (
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/opsguard/opsguard/pkg/incident"
	"github.com/opsguard/opsguard/pkg/steps"
)

// dump writes an answer as the golden files hold it: status, headers that are
// part of the promise, body.
func dump(t *testing.T, res *http.Response) string {
	t.Helper()
	var b strings.Builder
	fmt.Fprintln(&b, res.StatusCode)
	for _, name := range []string{"Content-Type", "Location", "Allow", "Retry-After", "Www-Authenticate", "Cache-Control"} {
		if v := res.Header.Get(name); v != "" {
			fmt.Fprintf(&b, "%s: %s\n", name, v)
		}
	}
	return b.String() + "\n" + text(t, res)
}

func TestAnswersAreAsPromised(t *testing.T) {
	alert := `{"serverName":"prod-api-01","errorLogs":"JavaScript heap out of memory"}`
	for name, test := range map[string]struct {
		call    call
		prepare func(*front)
	}{
		"ingest":           {call: call{method: "POST", target: "/ingest-alert", key: ingestKey, body: alert}},
		"ingest-duplicate": {call: call{method: "POST", target: "/ingest-alert", key: ingestKey, body: alert}, prepare: func(f *front) { f.joins = true }},
		"ingest-escalated": {call: call{method: "POST", target: "/ingest-alert", key: ingestKey, body: alert}, prepare: func(f *front) {
			f.joins, f.joined = true, incident.Escalated
		}},
		"incident-waiting":  {call: call{method: "GET", target: "/incidents/" + waitingID, key: readKey}},
		"incident-manual":   {call: call{method: "GET", target: "/incidents/" + manualID, key: readKey}},
		"incident-detected": {call: call{method: "GET", target: "/incidents/" + detectedID, key: readKey}},
		"incident-fixed":    {call: call{method: "GET", target: "/incidents/" + fixedID, key: readKey}},
		"list":              {call: call{method: "GET", target: "/incidents?limit=2", key: readKey}, prepare: func(f *front) { f.next = "abc" }},
		"list-empty":        {call: call{method: "GET", target: "/incidents", key: readKey}, prepare: func(f *front) { f.incidents = nil }},
		"audit":             {call: call{method: "GET", target: "/incidents/" + detectedID + "/audit", key: readKey}},
		"audit-bad": {call: call{method: "GET", target: "/incidents/" + detectedID + "/audit", key: readKey}, prepare: func(f *front) {
			f.events[detectedID][0].Details["severity"] = "low"
		}},
		"audit-gone":     {call: call{method: "GET", target: "/incidents/" + detectedID + "/audit", key: readKey}, prepare: func(f *front) { f.events = nil }},
		"decided":        {call: call{method: "POST", target: "/approve-fix", key: operateKey, body: `{"incidentId":"` + waitingID + `","action":"approve","note":"seen it"}`}},
		"decided-by-get": {call: call{method: "GET", target: "/approve-fix?action=escalate&incidentId=" + waitingID, key: operateKey}},
		"quorum":         {call: call{method: "GET", target: "/approve-fix?incidentId=" + waitingID, key: operateKey}, prepare: func(f *front) { f.quorum = 2 }},
		"already-decided": {call: call{method: "POST", target: "/approve-fix", key: operateKey,
			body: "action=escalate&incidentId=" + fixedID}},
		"not-waiting":   {call: call{method: "GET", target: "/approve-fix?incidentId=" + detectedID, key: operateKey}},
		"no-credential": {call: call{method: "GET", target: "/incidents"}},
		"bad-field":     {call: call{method: "POST", target: "/ingest-alert", key: ingestKey, body: `{"serverName":7,"errorLogs":"<x>"}`}},
		"wrong-method":  {call: call{method: "DELETE", target: "/approve-fix"}},
		"unknown-route": {call: call{method: "GET", target: "/nowhere"}},
		"incident-flood": {call: call{method: "GET", target: "/incidents/" + detectedID, key: readKey}, prepare: func(f *front) {
			inc := f.incidents[detectedID]
			inc.Source = steps.FloodSource
			f.incidents[detectedID] = inc
		}},
		"healthz":         {call: call{method: "GET", target: "/healthz"}},
		"healthz-failing": {call: call{method: "GET", target: "/healthz"}, prepare: func(f *front) { f.fails = fmt.Errorf("disk on fire at /secret/path") }},
		"unavailable": {call: call{method: "GET", target: "/incidents", key: readKey}, prepare: func(f *front) {
			f.fails = incident.Unavail("the store does not answer", fmt.Errorf("dial /secret/path"))
		}},
		"internal":        {call: call{method: "GET", target: "/incidents", key: readKey}, prepare: func(f *front) { f.fails = fmt.Errorf("dial /secret/path") }},
		"brake-never-set": {call: call{method: "GET", target: "/brake", key: readKey}},
		"brake":           {call: call{method: "POST", target: "/brake", key: operateKey, body: `{"stops":"fixes","reason":"deploys go wrong"}`}},
		"brake-no-reason": {call: call{method: "POST", target: "/brake", key: operateKey, body: `{"stops":"all"}`}},
		"brake-bad-word":  {call: call{method: "POST", target: "/brake", key: operateKey, body: `{"stops":"everything","reason":"x"}`}},
		"brake-list": {call: call{method: "GET", target: "/brake", key: readKey}, prepare: func(f *front) {
			f.brake.Set(incident.DefaultTenant, incident.StopAll, incident.KeyActor("ben"), "undoing makes it worse", now)
			f.brake.Set(incident.DefaultTenant, incident.StopNone, incident.KeyActor("anna"), "", now.Add(time.Minute))
		}},
		"brake-altered": {call: call{method: "GET", target: "/brake", key: readKey}, prepare: func(f *front) {
			f.brake.Set(incident.DefaultTenant, incident.StopAll, incident.KeyActor("ben"), "undoing makes it worse", now)
			f.brake.Changes[0].By = incident.KeyActor("anna")
		}},
		"index":   {call: call{method: "GET", target: "/"}},
		"tickets": {call: call{method: "GET", target: "/tickets", key: readKey}},
		"ticket":  {call: call{method: "GET", target: "/tickets/SIM-1", key: readKey}},
	} {
		t.Run(name, func(t *testing.T) {
			f := newFront(t)
			if test.prepare != nil {
				test.prepare(f)
			}
			got := dump(t, f.do(t, test.call))
			golden(t, name+".http", got)
			if strings.Contains(got, "/secret/path") || strings.Contains(got, "secret-task-token") {
				t.Errorf("an internal text got out:\n%s", got)
			}
		})
	}
}

func TestPagesAreAsPromised(t *testing.T) {
	for name, test := range map[string]struct {
		id      string
		action  incident.Action
		prepare func(*front)
	}{
		"page-approve":  {waitingID, incident.Approve, nil},
		"page-escalate": {waitingID, incident.Escalate, nil},
		"page-resolve":  {manualID, incident.Resolve, nil},
		"page-decided":  {fixedID, incident.Approve, nil},
		"page-refused":  {fixedID, incident.Escalate, nil},
		"page-expired":  {waitingID, incident.Approve, func(f *front) { f.clock = deadline }},
	} {
		t.Run(name, func(t *testing.T) {
			f := newFront(t)
			target := f.linkTo(test.id, test.action)
			if test.prepare != nil {
				test.prepare(f)
			}
			res := f.do(t, call{method: "GET", target: target, headers: []string{"Accept", "text/html"}})
			got := dump(t, res)
			golden(t, name+".html", strings.ReplaceAll(pageOf(got), f.token(test.id, test.action), "TOKEN"))
		})
	}
	f := newFront(t)
	bad := dump(t, f.do(t, call{method: "GET", target: "/approve-fix?t=x&incidentId=" + waitingID, headers: []string{"Accept", "text/html"}}))
	golden(t, "page-invalid.html", pageOf(bad))
}

// pageOf is a page without its style, a tag's text a line.
func pageOf(response string) string {
	before, rest, _ := strings.Cut(response, "<style>")
	_, after, _ := strings.Cut(rest, "</style>")
	return strings.ReplaceAll(before+"<style></style>"+after, "><", ">\n<")
}
