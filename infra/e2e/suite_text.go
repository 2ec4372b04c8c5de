package e2e

import (
	"encoding/json"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/opsguard/opsguard/pkg/incident"
)

// nonce makes a key that no earlier run used.
func (c *client) nonce() string { return fmt.Sprint(time.Now().UnixNano()) }

func badInput(c *client) {
	good := `{"serverName":"prod-api-01","errorLogs":"x"}`
	for _, bad := range []struct {
		name, method, path, body string
		h                        header
		status                   int
		problem, field           string
	}{
		{"broken JSON", "POST", "/ingest-alert", `{"serverName":`, asJSON, 400, "invalid", ""},
		{"a wrong type", "POST", "/ingest-alert", `{"serverName":1,"errorLogs":"x"}`, asJSON, 400, "invalid", "serverName"},
		{"an unknown field", "POST", "/ingest-alert", `{"serverName":"a","errorLogs":"x","target":"b"}`, asJSON, 400, "invalid", "target"},
		{"no server", "POST", "/ingest-alert", `{"errorLogs":"x"}`, asJSON, 400, "invalid", "serverName"},
		{"an empty server", "POST", "/ingest-alert", `{"serverName":"","errorLogs":"x"}`, asJSON, 400, "invalid", "serverName"},
		{"a long server", "POST", "/ingest-alert", `{"serverName":"` + strings.Repeat("a", 129) + `","errorLogs":"x"}`, asJSON, 400, "invalid", "serverName"},
		{"NUL in the server", "POST", "/ingest-alert", `{"serverName":"a\u0000b","errorLogs":"x"}`, asJSON, 400, "invalid", "serverName"},
		{"no logs", "POST", "/ingest-alert", `{"serverName":"a"}`, asJSON, 400, "invalid", "errorLogs"},
		{"logs of control characters", "POST", "/ingest-alert", `{"serverName":"a","errorLogs":"\u0000\u001b[0m"}`, asJSON, 400, "invalid", "errorLogs"},
		{"long logs", "POST", "/ingest-alert", `{"serverName":"a","errorLogs":"` + strings.Repeat("x", 200*1024+1) + `"}`, asJSON, 400, "invalid", "errorLogs"},
		{"an odd severity", "POST", "/ingest-alert", `{"serverName":"a","errorLogs":"x","severity":"urgent"}`, asJSON, 400, "invalid", "severity"},
		{"an odd time", "POST", "/ingest-alert", `{"serverName":"a","errorLogs":"x","timestamp":"yesterday"}`, asJSON, 400, "invalid", "timestamp"},
		{"a long key", "POST", "/ingest-alert", `{"serverName":"a","errorLogs":"x","dedupKey":"` + strings.Repeat("k", 257) + `"}`, asJSON, 400, "invalid", "dedupKey"},
		{"invalid UTF-8", "POST", "/ingest-alert", "{\"serverName\":\"a\",\"errorLogs\":\"\xff\"}", asJSON, 400, "invalid", ""},
		{"two objects", "POST", "/ingest-alert", good + good, asJSON, 400, "invalid", ""},
		{"an array", "POST", "/ingest-alert", "[" + good + "]", asJSON, 400, "invalid", ""},
		{"nothing", "POST", "/ingest-alert", "", asJSON, 400, "invalid", ""},
		{"over 256 KiB", "POST", "/ingest-alert", `{"serverName":"a","errorLogs":"` + strings.Repeat("x", 256*1024) + `"}`, asJSON, 413, "too-large", ""},
		{"text", "POST", "/ingest-alert", good, header{"Content-Type": "text/plain"}, 415, "unsupported-media-type", ""},
		{"GET", "GET", "/ingest-alert", "", nil, 405, "method-not-allowed", ""},
		{"PUT", "PUT", "/approve-fix", "", nil, 405, "method-not-allowed", ""},
		{"DELETE", "DELETE", "/incidents", "", nil, 405, "method-not-allowed", ""},
		{"limit 0", "GET", "/incidents?limit=0", "", nil, 400, "invalid", "limit"},
		{"limit 101", "GET", "/incidents?limit=101", "", nil, 400, "invalid", "limit"},
		{"an odd status", "GET", "/incidents?status=open", "", nil, 400, "invalid", "status"},
		{"an odd cursor", "GET", "/incidents?cursor=x", "", nil, 400, "invalid", "cursor"},
		{"an odd parameter", "GET", "/incidents?sort=asc", "", nil, 400, "invalid", "sort"},
	} {
		got := c.call(bad.method, bad.path, bad.body, bad.h)
		c.want(bad.name, got, bad.status, bad.problem)
		if field := got.text("field"); field != bad.field {
			c.Errorf("%s: blames %q, want %q: %s", bad.name, field, bad.field, got)
		}
		if bad.status == 405 && got.header.Get("Allow") == "" {
			c.Errorf("%s: no Allow", bad.name)
		}
		for _, inner := range []string{"goroutine", ".go:", "json:", "panic"} {
			if strings.Contains(string(got.body), inner) {
				c.Errorf("%s: shows the inside: %s", bad.name, got)
			}
		}
	}
}

func secrets(c *client) {
	aws := "AKIA" + "IOSFODNN7EXAMPLQ"
	pass := "hunter2" + "horse"
	id := c.waiting(alert{Service: "prod-api-01", ErrorLogs: "JavaScript heap out of memory\naws_access_key_id=" + aws + "\npostgres://app:" + pass + "@db/x connection refused"})
	c.decide(id, "resolve")
	c.until(id, "RESOLVED")
	for _, path := range []string{"/incidents/" + id, "/incidents/" + id + "/audit"} {
		body := string(c.call("GET", path, "", nil).body)
		if strings.Contains(body, aws) || strings.Contains(body, pass) {
			c.Errorf("%s shows a secret: %s", path, body)
		}
	}
}

func lists(c *client) {
	service := "list-" + c.nonce()
	var ids []string
	for range 5 {
		ids = append(ids, c.waiting(alert{Service: service, ErrorLogs: "x", DedupKey: c.nonce()}))
	}
	for _, id := range ids[:2] {
		c.decide(id, "resolve")
		c.until(id, "RESOLVED")
	}
	all := func(query string) (got []string) {
		cursor := ""
		for range 1000 {
			a := c.call("GET", "/incidents?service="+service+query+cursor, "", nil)
			c.want("list", a, http.StatusOK, "")
			list, _ := a.get("incidents").([]any)
			for _, e := range list {
				got = append(got, e.(map[string]any)["incidentId"].(string))
			}
			next := a.text("nextCursor")
			if next == "" {
				return got
			}
			cursor = "&cursor=" + next
		}
		c.Fatal("the list never ends")
		return nil
	}
	want := slices.Clone(ids)
	slices.Sort(want)
	slices.Reverse(want)
	c.eventually("the list to show all five", func() bool { return slices.Equal(all("&limit=2"), want) }, func() string { return fmt.Sprint(all("&limit=2"), want) })
	c.eventually("the filter to show two", func() bool { return len(all("&status=RESOLVED")) == 2 }, func() string { return fmt.Sprint(all("&status=RESOLVED")) })
	for _, id := range ids[2:] {
		c.decide(id, "resolve")
		c.until(id, "RESOLVED")
	}
}

// events reads an incident's trail.
func (c *client) events(id string) []incident.Event {
	c.Helper()
	got := c.call("GET", "/incidents/"+id+"/audit", "", nil)
	c.want("audit", got, http.StatusOK, "")
	var body struct{ Events []incident.Event }
	if err := json.Unmarshal(got.body, &body); err != nil {
		c.Fatalf("audit: %v: %s", err, got)
	}
	return body.Events
}

// trail recomputes the chain from outside: it needs nothing but the answer.
func trail(c *client) {
	id := c.waiting(oom)
	c.decide(id, "approve")
	c.until(id, "RESOLVED")
	got := c.call("GET", "/incidents/"+id+"/audit", "", nil)
	if got.get("valid") != true || got.get("firstBadSeq") != nil {
		c.Errorf("audit: %s", got)
	}
	prev := incident.FirstPrevHash
	var actions []string
	ref := incident.Ref{Tenant: incident.DefaultTenant, ID: id}
	for n, e := range c.events(id) {
		if e.Seq != int64(n+1) || e.PrevHash != prev || e.HashFor(ref) != e.Hash {
			c.Errorf("event %d does not follow: %+v", n+1, e)
		}
		prev = e.Hash
		actions = append(actions, string(e.Action))
	}
	if want := "detected analyzed planned approval-requested notified decided fix-started fix-finished resolved"; strings.Join(actions, " ") != want {
		c.Errorf("the trail is %v, want %s", actions, want)
	}
}

func roles(c *client) {
	if c.OperateKey == "" {
		c.Log("keyless: there are no roles")
		return
	}
	id := c.waiting(oom)
	bearer := func(key string) header {
		return header{"Authorization": "Bearer " + key, "Content-Type": "application/json"}
	}
	body := `{"serverName":"prod-api-01","errorLogs":"x"}`
	for _, try := range []struct {
		name, method, path, body string
		h                        header
		status                   int
	}{
		{"ingest without a key", "POST", "/ingest-alert", body, header{"Authorization": "-", "Content-Type": "application/json"}, 401},
		{"ingest with nonsense", "POST", "/ingest-alert", body, bearer("nonsense"), 403},
		{"ingest with a read key", "POST", "/ingest-alert", body, bearer(c.ReadKey), 403},
		{"read without a key", "GET", "/incidents/" + id, "", header{"Authorization": "-"}, 401},
		{"read with an ingest key", "GET", "/incidents/" + id, "", bearer(c.IngestKey), 403},
		{"decide without a key", "GET", "/approve-fix?incidentId=" + id, "", header{"Authorization": "-"}, 401},
		{"decide with a read key", "GET", "/approve-fix?incidentId=" + id, "", bearer(c.ReadKey), 403},
		{"decide with an ingest key", "GET", "/approve-fix?incidentId=" + id, "", bearer(c.IngestKey), 403},
		{"decide with a forged link", "GET", "/approve-fix?incidentId=" + id + "&action=approve&t=AAAA", "", header{"Authorization": "-"}, 403},
	} {
		if got := c.call(try.method, try.path, try.body, try.h); got.status != try.status {
			c.Errorf("%s: got %s, want %d", try.name, got, try.status)
		}
	}
	if got := c.incident(id); got.text("status") != "WAITING_FOR_APPROVAL" || got.get("decision") != nil {
		c.Errorf("somebody got through: %s", got)
	}
	c.decide(id, "resolve")
	c.until(id, "RESOLVED")
}
