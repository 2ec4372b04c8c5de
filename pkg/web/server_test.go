package web

import (
	"net/http"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/opsguard/opsguard/pkg/incident"
	"github.com/opsguard/opsguard/pkg/link"
	"github.com/opsguard/opsguard/pkg/steps"
)

func TestNewRefusesByName(t *testing.T) {
	for name, drop := range map[string]func(*Config){
		"Alerts": func(c *Config) { c.Alerts = nil }, "Read": func(c *Config) { c.Read = nil }, "LinkKeys": func(c *Config) { c.LinkKeys = nil },
		"PublicURL": func(c *Config) { c.PublicURL = link.PublicURL{} }, "Now": func(c *Config) { c.Now = nil }, "Log": func(c *Config) { c.Log = nil },
		"Ingest, Decide, Read, Health, Tickets and Brake": func(c *Config) { *c = Config{PublicURL: c.PublicURL, Now: c.Now, Log: c.Log} },
	} {
		var whole Config
		newFront(t, func(c *Config) { whole = *c })
		drop(&whole)
		if h, err := New(whole); h != nil || err == nil || !strings.Contains(err.Error(), "Config."+name+" ") {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestWrongMethodsAndAddressesAreProblems(t *testing.T) {
	allow := map[string]string{
		"/": "GET, HEAD", "/healthz": "GET, HEAD", "/ingest-alert": "POST", "/approve-fix": "GET, HEAD, POST", "/incidents": "GET, HEAD",
		"/incidents/" + waitingID: "GET, HEAD", "/incidents/" + waitingID + "/audit": "GET, HEAD", "/tickets": "GET, HEAD", "/tickets/SIM-1": "GET, HEAD",
	}
	for target, want := range allow {
		for _, method := range []string{"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "TRACE", "BREW"} {
			if strings.Contains(want, method) {
				continue
			}
			res := newFront(t).do(t, call{method: method, target: target})
			if method == "HEAD" {
				if res.StatusCode != 405 {
					t.Errorf("HEAD %s: %d", target, res.StatusCode)
				}
				continue
			}
			problemIn(t, res, 405, "method-not-allowed")
			if got := res.Header.Get("Allow"); got != want {
				t.Errorf("%s %s: Allow %q; want %q", method, target, got, want)
			}
		}
	}
	for _, target := range []string{"/nowhere", "/incidents/", "/incidents//", "//incidents", "/incidents/../incidents", "/ingest-alert/", "/incidents/" + waitingID + "/audit/", "/incidents/" + waitingID + "/x", "/INCIDENTS", "/%2e%2e/incidents"} {
		problemIn(t, newFront(t).do(t, call{method: "GET", target: target, key: readKey}), 404, "not-found")
	}
	f := newFront(t, func(c *Config) { c.Tickets = nil })
	for _, target := range []string{"/tickets", "/tickets/SIM-1"} {
		problemIn(t, f.do(t, call{method: "GET", target: target, key: readKey}), 404, "not-found")
	}
	if got := text(t, f.do(t, call{method: "GET", target: "/"})); strings.Contains(got, "tickets") {
		t.Errorf("the index lists what is not there:\n%s", got)
	}
}

func TestReadingRefusesBadInput(t *testing.T) {
	for target, want := range map[string]struct {
		status      int
		slug, field string
	}{
		"/incidents?status=OPEN":                                {400, "invalid", "status"},
		"/incidents?status=resolved":                            {400, "invalid", "status"},
		"/incidents?limit=0":                                    {400, "invalid", "limit"},
		"/incidents?limit=101":                                  {400, "invalid", "limit"},
		"/incidents?limit=1.5":                                  {400, "invalid", "limit"},
		"/incidents?limit=99999999999999999999":                 {400, "invalid", "limit"},
		"/incidents?state=x":                                    {400, "invalid", "state"},
		"/incidents?limit=1&limit=2":                            {400, "invalid", "limit"},
		"/incidents?service=" + strings.Repeat("x", 129):        {400, "invalid", "service"},
		"/incidents?service=%ff":                                {400, "invalid", "service"},
		"/incidents?service=%":                                  {400, "invalid", "service"},
		"/tickets?limit=x":                                      {400, "invalid", "limit"},
		"/tickets?status=x":                                     {400, "invalid", "status"},
		"/tickets/NONE-1":                                       {404, "not-found", ""},
		"/tickets/" + strings.Repeat("x", 1000):                 {404, "not-found", ""},
		"/incidents/" + ghostID:                                 {404, "not-found", ""},
		"/incidents/" + ghostID + "/audit":                      {404, "not-found", ""},
		"/incidents/INC-1":                                      {404, "not-found", ""},
		"/incidents/INC-1/audit":                                {404, "not-found", ""},
		"/incidents/" + strings.ToLower(waitingID):              {404, "not-found", ""},
		"/incidents/" + waitingID + "%00":                       {404, "not-found", ""},
		"/incidents/..%2f..%2fetc%2fpasswd":                     {404, "not-found", ""},
		"/incidents/" + strings.Repeat("A", 10_000):             {404, "not-found", ""},
		"/incidents/" + strings.Replace(waitingID, "0", "I", 1): {404, "not-found", ""},
	} {
		p := problemIn(t, newFront(t).do(t, call{method: "GET", target: target, key: readKey}), want.status, want.slug)
		if deref(p.Field) != want.field {
			t.Errorf("%.60s: field %q; want %q", target, deref(p.Field), want.field)
		}
	}
}

func TestListPassesOnWhatIsAsked(t *testing.T) {
	f := newFront(t)
	for target, want := range map[string]steps.ListQuery{
		"/incidents": {Tenant: "default", Limit: 50},
		"/incidents?status=&service=&limit=&cursor=":                       {Tenant: "default", Limit: 50},
		"/incidents?status=RESOLVED&service=prod%2Fapi&limit=100&cursor=c": {Tenant: "default", Status: incident.Resolved, Service: "prod/api", Limit: 100, Cursor: "c"},
	} {
		f.queries = nil
		f.do(t, call{method: "GET", target: target, key: readKey})
		if diff := cmp.Diff([]steps.ListQuery{want}, f.queries); diff != "" {
			t.Errorf("%s (-want +got):\n%s", target, diff)
		}
	}
}

func TestAHandlersPanicIsA500AndIsLogged(t *testing.T) {
	f := newFront(t)
	f.panics = "secret in memory"
	res := f.do(t, call{method: "GET", target: "/incidents", key: readKey})
	p := problemIn(t, res, 500, "internal")
	if strings.Contains(p.Detail, "secret") || res.Header.Get("X-Request-Id") == "" {
		t.Errorf("%+v, request id %q", p, res.Header.Get("X-Request-Id"))
	}
	if log := f.log.String(); !strings.Contains(log, "a handler panicked") || !strings.Contains(log, "secret in memory") || !strings.Contains(log, res.Header.Get("X-Request-Id")) {
		t.Errorf("log: %s", log)
	}
	f.panics = http.ErrAbortHandler
	defer func() {
		if recover() != http.ErrAbortHandler {
			t.Error("net/http's way to cut a connection was swallowed")
		}
	}()
	f.do(t, call{method: "GET", target: "/incidents", key: readKey})
}

func TestOneLogLineARequestAndNoSecretInIt(t *testing.T) {
	for name, test := range map[string]struct {
		call  func(*front) call
		level string
		holds []string
	}{
		"read": {func(*front) call { return call{method: "GET", target: "/incidents/" + waitingID, key: readKey} }, "DEBUG", []string{`"route":"/incidents/{id}"`, `"by":"key:dash"`, `"status":200`, `"method":"GET"`}},
		"ingest": {func(*front) call {
			return call{method: "POST", target: "/ingest-alert", key: ingestKey, body: `{"serverName":"s","errorLogs":"x"}`}
		}, "DEBUG", []string{`"status":202`}},
		"bad ingest": {func(*front) call { return call{method: "POST", target: "/ingest-alert", key: ingestKey, body: `{}`} }, "INFO", []string{`"status":400`, `"problem":"invalid"`}},
		"page":       {func(f *front) call { return call{method: "GET", target: f.linkTo(waitingID, "approve")} }, "DEBUG", []string{`"route":"/approve-fix"`, `"by":"link:discord"`}},
		"bad link": {func(f *front) call {
			return call{method: "GET", target: f.linkTo(waitingID, "approve") + "x", headers: browser}
		}, "WARN", []string{`"remote":"127.0.0.1:50000"`, `"reason":"this link is not valid`}},
		"healthz":    {func(*front) call { return call{method: "GET", target: "/healthz"} }, "DEBUG", []string{`"route":"/healthz"`}},
		"nowhere":    {func(*front) call { return call{method: "GET", target: "/wp-login.php?password=hunter2"} }, "INFO", []string{`"route":""`, `"status":404`}},
		"odd method": {func(*front) call { return call{method: strings.Repeat("X", 500), target: "/"} }, "INFO", []string{`"method":"other"`}},
	} {
		f := newFront(t)
		f.do(t, test.call(f))
		log := f.log.String()
		if strings.Count(log, "\n") != 1 || !strings.Contains(log, `"level":"`+test.level+`"`) {
			t.Errorf("%s: want one line of level %s:\n%s", name, test.level, log)
		}
		for _, part := range append(test.holds, `"msg":"request"`, `"requestId":`, `"tookMs":`) {
			if !strings.Contains(log, part) {
				t.Errorf("%s: no %s in %s", name, part, log)
			}
		}
		for _, never := range []string{"ogk_", f.token(waitingID, "approve"), "hunter2", "wp-login", "XXXX"} {
			if strings.Contains(log, never) {
				t.Errorf("%s: the log holds %q: %s", name, never, log)
			}
		}
	}
}

func TestEveryAnswerHasTheSafeHeaders(t *testing.T) {
	f := newFront(t)
	for _, c := range []call{{method: "GET", target: "/"}, {method: "GET", target: "/incidents"}, {method: "GET", target: "/incidents", key: readKey}, {method: "PUT", target: "/nowhere"}} {
		res := f.do(t, c)
		for name, want := range map[string]string{"X-Content-Type-Options": "nosniff", "Cache-Control": "no-store", "Referrer-Policy": "no-referrer",
			"Content-Security-Policy": "default-src 'none'; frame-ancestors 'none'", "Access-Control-Allow-Origin": ""} {
			if got := res.Header.Get(name); got != want {
				t.Errorf("%s %s: %s %q; want %q", c.method, c.target, name, got, want)
			}
		}
	}
}

func TestHEADIsGETWithoutABody(t *testing.T) {
	f := newFront(t)
	for _, target := range []string{"/", "/healthz", "/incidents", "/incidents/" + waitingID, "/incidents/" + ghostID, "/tickets"} {
		get := f.do(t, call{method: "GET", target: target, key: readKey})
		head := f.do(t, call{method: "HEAD", target: target, key: readKey})
		if head.StatusCode != get.StatusCode || head.Header.Get("Content-Length") != get.Header.Get("Content-Length") || text(t, head) != "" {
			t.Errorf("%s: HEAD %d, %s; GET %d, %s", target, head.StatusCode, head.Header.Get("Content-Length"), get.StatusCode, get.Header.Get("Content-Length"))
		}
	}
}
