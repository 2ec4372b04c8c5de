package e2e

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/opsguard/opsguard/pkg/incident"
)

// Target is a running OpsGuard.
type Target struct {
	URL string // base, stage prefix included
	// Keys are for deployments that have them; empty in keyless mode.
	IngestKey, OperateKey, ReadKey string
	// Patience is how long an incident may take to get on; 20 s if zero.
	Patience time.Duration
}

// client calls a Target and fails the test on anything but an HTTP answer.
type client struct {
	*testing.T
	Target
	http *http.Client
}

func newClient(t *testing.T, target Target) *client {
	target.URL = strings.TrimRight(target.URL, "/")
	if target.Patience == 0 {
		target.Patience = 20 * time.Second
	}
	transport := &http.Transport{MaxIdleConnsPerHost: 64}
	t.Cleanup(transport.CloseIdleConnections)
	return &client{t, target, &http.Client{Transport: transport, Timeout: 30 * time.Second,
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}}
}

// answer is a response, read.
type answer struct {
	status int
	header http.Header
	body   []byte
}

// get returns a value inside a JSON body by its path, nil if there is none.
func (a answer) get(path string) any {
	var v any
	if json.Unmarshal(a.body, &v) != nil {
		return nil
	}
	for _, name := range strings.Split(path, ".") {
		switch in := v.(type) {
		case map[string]any:
			v = in[name]
		case []any:
			i, err := strconv.Atoi(name)
			if err != nil || i < 0 || i >= len(in) {
				return nil
			}
			v = in[i]
		default:
			return nil
		}
	}
	return v
}

func (a answer) text(path string) string { s, _ := a.get(path).(string); return s }

func (a answer) String() string { return fmt.Sprintf("%d %s", a.status, a.body) }

type header map[string]string

// call makes one request. The key that fits the path is added unless h has an
// Authorization of its own ("-" means none).
func (c *client) call(method, path, body string, h header) answer {
	c.Helper()
	a, err := c.try(method, path, body, h)
	if err != nil {
		c.Fatalf("%s %s: %v", method, path, err)
	}
	return a
}

func (c *client) try(method, path, body string, h header) (answer, error) {
	req, err := http.NewRequestWithContext(context.Background(), method, c.URL+path, strings.NewReader(body))
	if err != nil {
		return answer{}, err
	}
	key := c.ReadKey
	switch {
	case strings.HasPrefix(path, "/ingest-alert"):
		key = c.IngestKey
	case strings.HasPrefix(path, "/approve-fix"):
		key = c.OperateKey
	}
	if key != "" {
		req.Header.Set("Authorization", "Bearer "+key)
	}
	for name, value := range h {
		req.Header.Set(name, value)
		if value == "-" {
			req.Header.Del(name)
		}
	}
	resp, err := c.http.Do(req)
	if err != nil {
		return answer{}, err
	}
	defer resp.Body.Close()
	b, err := io.ReadAll(io.LimitReader(resp.Body, 8<<20))
	return answer{resp.StatusCode, resp.Header, b}, err
}

var asJSON = header{"Content-Type": "application/json"}

// alert is a POST /ingest-alert body.
type alert struct {
	Service   string `json:"serverName"`
	ErrorLogs string `json:"errorLogs"`
	Severity  string `json:"severity,omitempty"`
	DedupKey  string `json:"dedupKey,omitempty"`
}

func (c *client) ingest(a alert) answer {
	c.Helper()
	var b bytes.Buffer
	enc := json.NewEncoder(&b)
	enc.SetEscapeHTML(false)
	if err := enc.Encode(a); err != nil {
		c.Fatal(err)
	}
	return c.call("POST", "/ingest-alert", b.String(), asJSON)
}

// open sends an alert that must open an incident of its own and returns its id.
func (c *client) open(a alert) string {
	c.Helper()
	if a.DedupKey == "" {
		a.DedupKey = fmt.Sprintf("%s %d", c.Name(), time.Now().UnixNano())
	}
	got := c.ingest(a)
	if got.status != http.StatusAccepted || got.get("duplicate") != false {
		c.Fatalf("ingest: %s", got)
	}
	return got.text("incidentId")
}

// oom is the README's alert.
var oom = alert{Service: "prod-api-01", ErrorLogs: "JavaScript heap out of memory"}

func (c *client) incident(id string) answer { return c.call("GET", "/incidents/"+id, "", nil) }

// onlyOf waits until a service has one incident, and returns its id.
func (c *client) onlyOf(service string) (id string) {
	c.Helper()
	c.eventually(service+" to have an incident", func() bool {
		list, _ := c.call("GET", "/incidents?service="+service, "", nil).get("incidents").([]any)
		if len(list) == 1 {
			id, _ = list[0].(map[string]any)["incidentId"].(string)
		}
		return id != ""
	}, func() string { return c.call("GET", "/incidents", "", nil).String() })
	return id
}

// until polls an incident until it has the status, and returns it.
func (c *client) until(id string, status ...string) answer {
	c.Helper()
	var last answer
	c.eventually(fmt.Sprintf("incident %s to become %s", id, strings.Join(status, " or ")), func() bool {
		last = c.incident(id)
		for _, s := range status {
			if last.text("status") == s {
				return true
			}
		}
		return false
	}, func() string { return last.String() })
	return last
}

// eventually polls: from outside there is no event to wait on.
func (c *client) eventually(what string, done func() bool, last func() string) {
	c.Helper()
	deadline := time.NewTimer(c.Patience)
	defer deadline.Stop()
	tick := time.NewTicker(5 * time.Millisecond)
	defer tick.Stop()
	for !done() {
		select {
		case <-deadline.C:
			c.Fatalf("waited %s for %s; last seen: %s", c.Patience, what, last())
		case <-tick.C:
		}
	}
}

// waiting opens an incident and waits until people have been asked and told, so
// that what comes next comes after it in the trail too.
func (c *client) waiting(a alert) string {
	c.Helper()
	id := c.open(a)
	told := func() bool {
		return slices.ContainsFunc(c.events(id), func(e incident.Event) bool { return e.Action == incident.EventNotified })
	}
	c.eventually("people to be told of "+id, told, func() string { return c.incident(id).String() })
	return id
}

func (c *client) decide(id, action string) answer {
	c.Helper()
	path := "/approve-fix?incidentId=" + id
	if action != "" {
		path += "&action=" + action
	}
	return c.call("GET", path, "", nil)
}

// want fails unless a has this status and, for a problem, this type.
func (c *client) want(what string, a answer, status int, problem string) {
	c.Helper()
	if a.status != status {
		c.Errorf("%s: got %s, want %d", what, a, status)
		return
	}
	if problem == "" {
		return
	}
	if ct := a.header.Get("Content-Type"); !strings.HasPrefix(ct, "application/problem+json") {
		c.Errorf("%s: Content-Type %q, want application/problem+json", what, ct)
	}
	if a.text("type") != problem {
		c.Errorf("%s: type %q, want %q: %s", what, a.text("type"), problem, a)
	}
	if a.text("detail") == "" {
		c.Errorf("%s: says nothing: %s", what, a)
	}
}
