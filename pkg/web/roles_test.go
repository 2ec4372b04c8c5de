package web

import (
	"fmt"
	"net/http"
	"slices"
	"strings"
	"testing"

	"github.com/opsguard/opsguard/pkg/incident"
)

// promise is what the API says of a route, beside the table: who may call it, and
// how a call is answered that may be made.
type promise struct {
	access Access
	target string
	body   string
	status int
}

// promises has a case for every route. A route without one fails
// TestEveryRouteTakesOnlyItsRoles.
func promises() map[string]promise {
	word := `{"incidentId":"` + waitingID + `","action":"escalate"}`
	return map[string]promise{
		"POST /ingest-alert":        {AccessIngest, "/ingest-alert", `{"serverName":"s","errorLogs":"x"}`, 202},
		"POST /ingest/{source}":     {AccessSource, "/ingest/somebody", "{}", 404},
		"OPTIONS /ingest/{source}":  {AccessNone, "/ingest/somebody", "", 404},
		"GET /approve-fix":          {AccessLink, "/approve-fix?action=escalate&incidentId=" + waitingID, "", 200},
		"POST /approve-fix":         {AccessLink, "/approve-fix", word, 200},
		"GET /incidents":            {AccessRead, "/incidents", "", 200},
		"GET /incidents/{id}":       {AccessRead, "/incidents/" + waitingID, "", 200},
		"GET /incidents/{id}/audit": {AccessRead, "/incidents/" + waitingID + "/audit", "", 200},
		"GET /brake":                {AccessRead, "/brake", "", 200},
		"POST /brake":               {AccessOperate, "/brake", `{"stops":"fixes","reason":"a bad release"}`, 200},
		"GET /tickets":              {AccessRead, "/tickets", "", 200},
		"GET /tickets/{key}":        {AccessRead, "/tickets/SIM-1", "", 200},
		"GET /healthz":              {AccessNone, "/healthz", "", 200},
		"GET /":                     {AccessNone, "/", "", 200},
	}
}

// credential is one way to call; good lists what it is enough for.
type credential struct {
	name      string
	give      func(*front, *call)
	good      []Access
	otherwise int // what all else answers
}

func credentials() []credential {
	key := func(k string) func(*front, *call) { return func(_ *front, c *call) { c.key = k } }
	return []credential{
		{"nothing", func(*front, *call) {}, nil, 401},
		{"an ingest key", key(ingestKey), []Access{AccessIngest}, 403},
		{"a read key", key(readKey), []Access{AccessRead}, 403},
		{"an operate key", key(operateKey), []Access{AccessRead, AccessOperate, AccessLink}, 403},
		{"an unknown key", key("ogk_unknown"), nil, 403},
		{"two headers", func(_ *front, c *call) {
			c.headers = []string{"Authorization", "Bearer " + operateKey, "Authorization", "Bearer " + ingestKey}
		}, nil, 401},
		{"a link", func(f *front, c *call) { withToken(c, f.token(waitingID, incident.Escalate)) }, []Access{AccessLink}, 401},
		{"a forged link", func(_ *front, c *call) { withToken(c, "AAAA") }, nil, 0},
		{"a link and an unknown key", func(f *front, c *call) {
			withToken(c, f.token(waitingID, incident.Escalate))
			c.key = "ogk_unknown"
		}, nil, 403},
	}
}

// withToken puts a link's token where a call has it.
func withToken(c *call, token string) {
	switch {
	case strings.HasPrefix(c.body, "{"):
		c.body = `{"t":"` + token + `",` + c.body[1:]
	case strings.Contains(c.target, "?"):
		c.target += "&t=" + token
	default:
		c.target += "?t=" + token
	}
}

// wants is the status that a credential gets on a route.
func (c credential) wants(a Access, promised int) int {
	switch {
	case a == AccessNone, a == AccessSource, slices.Contains(c.good, a):
		return promised
	case c.otherwise != 0:
		return c.otherwise
	case a == AccessLink: // a forged link is a bad credential, elsewhere it is none
		return 403
	}
	return 401
}

// roleFaults calls every route with every kind of credential and tells what is not
// as promised.
func roleFaults(t *testing.T, rows []row, promised map[string]promise) (faults []string) {
	t.Helper()
	listed := map[string]bool{}
	for _, r := range rows {
		name := r.Method + " " + r.Pattern
		listed[name] = true
		p, ok := promised[name]
		switch {
		case !ok:
			faults = append(faults, name+": has no case in promises")
			continue
		case p.access != r.Access:
			faults = append(faults, fmt.Sprintf("%s: may be called with %s; promised is %s", name, r.Access, p.access))
		}
		for _, c := range credentials() {
			if fault := roleFault(t, rows, r, p, c); fault != "" {
				faults = append(faults, name+" with "+c.name+": "+fault)
			}
		}
	}
	for name := range promised {
		if !listed[name] {
			faults = append(faults, name+": is promised and not there")
		}
	}
	return faults
}

func roleFault(t *testing.T, rows []row, r row, p promise, c credential) string {
	t.Helper()
	f := frontOf(t, rows)
	sent := call{method: r.Method, target: p.target, body: p.body}
	c.give(f, &sent)
	res := f.do(t, sent)
	log, want := f.log.String(), c.wants(p.access, p.status)
	switch {
	case res.StatusCode != want:
		return fmt.Sprintf("answered %d, want %d: %s", res.StatusCode, want, text(t, res))
	case strings.Contains(log, "ogk_"):
		return "the log holds the credential: " + log
	case want < 400 || p.access == AccessSource || p.access == AccessNone: // no credential of ours is wrong there
		return ""
	case len(f.words)+len(f.alerts) > 0:
		return "a refused call reached a step"
	case want == 401 && !strings.HasPrefix(res.Header.Get("WWW-Authenticate"), "Bearer"):
		return fmt.Sprintf("WWW-Authenticate: %q", res.Header.Get("WWW-Authenticate"))
	}
	for _, part := range []string{`"remote":"127.0.0.1:50000"`, `"reason":`, `"level":"WARN"`} {
		if !strings.Contains(log, part) {
			return "the failed attempt is not in the log: " + log
		}
	}
	return ""
}

func TestEveryRouteTakesOnlyItsRoles(t *testing.T) {
	for _, fault := range roleFaults(t, table(), promises()) {
		t.Error(fault)
	}
}

// answerOK is a handler that looks at nobody's credential.
func answerOK(_ *server, x *exchange) error {
	return x.send(http.StatusOK, "text/plain; charset=utf-8", []byte("ok\n"))
}

func TestARouteWithoutATestIsFound(t *testing.T) {
	rows := append(table(), row{Route{"GET", "/made-up", AccessNone, PartRead, "x", nil, nil}, answerOK},
		row{Route{"POST", "/made-up/{id}", AccessOperate, PartDecide, "x", nil, nil}, answerOK})
	got := roleFaults(t, rows, promises())
	want := []string{"GET /made-up: has no case in promises", "POST /made-up/{id}: has no case in promises"}
	if !slices.Equal(got, want) {
		t.Errorf("%q; want %q", got, want)
	}
}

func TestARouteThatLetsTheWrongOnesInIsFound(t *testing.T) {
	promised := promises()
	promised["GET /made-up"] = promise{AccessOperate, "/made-up", "", 200}
	for name, test := range map[string]struct {
		access Access
		finds  []string
	}{
		"as promised":            {AccessOperate, nil},
		"another role":           {AccessRead, []string{"GET /made-up with a read key: answered 200, want 403"}},
		"for everybody":          {AccessNone, []string{"GET /made-up with nothing: answered 200, want 401", "with an unknown key: answered 200"}},
		"links, looks at nobody": {AccessLink, []string{"GET /made-up with a forged link: answered 200", "with nothing: answered 200, want 401"}},
		"its own signature":      {AccessSource, []string{"GET /made-up with nothing: answered 200, want 401"}},
	} {
		made := row{Route{"GET", "/made-up", test.access, PartRead, "x", nil, nil}, answerOK}
		got := strings.Join(roleFaults(t, append(table(), made), promised), "\n")
		for _, part := range test.finds {
			if !strings.Contains(got, part) {
				t.Errorf("%s: does not find %q:\n%s", name, part, got)
			}
		}
		if test.finds == nil && got != "" {
			t.Errorf("%s: finds %s", name, got)
		}
	}
}

func TestARouteThatIsNotWholeIsRefusedAtTheStart(t *testing.T) {
	whole := row{Route{"GET", "/made-up", AccessRead, PartRead, "x", nil, nil}, answerOK}
	for says, spoil := range map[string]func(*row){
		"does not say who may call it":       func(r *row) { r.Access = "" },
		"who may call it (its Access is \"a": func(r *row) { r.Access = "admin" },
		"which part serves it":               func(r *row) { r.Part = "" },
		"what it is for":                     func(r *row) { r.For = "" },
		"has no handler":                     func(r *row) { r.handle = nil },
		"a method that is not served":        func(r *row) { r.Method = "HEAD" },
		"does not begin with /":              func(r *row) { r.Pattern = "made-up" },
		"is listed twice":                    func(r *row) { r.Pattern = "/incidents" },
	} {
		var c Config
		newFront(t, func(given *Config) { c = *given })
		spoiled := whole
		spoil(&spoiled)
		if h, err := newHandler(c, append(table(), spoiled)); h != nil || err == nil || !strings.Contains(err.Error(), says) {
			t.Errorf("%s: %v", says, err)
		}
	}
}

// Without keys a person here may call everything, and nobody else anything.
func TestEveryRouteIsOnlyForThisMachineWithoutKeys(t *testing.T) {
	for name, p := range promises() {
		method, _, _ := strings.Cut(name, " ")
		sent := call{method: method, target: p.target, body: p.body}
		if res := newFront(t, keyless).do(t, sent); res.StatusCode != p.status {
			t.Errorf("%s from here: %d %s", name, res.StatusCode, text(t, res))
		}
		for from, change := range map[string]func(*call){
			"another machine": func(c *call) { c.remote = "192.168.1.9:50000" },
			"another host":    func(c *call) { c.host = "attacker.example" },
			"a proxy":         func(c *call) { c.headers = []string{"X-Forwarded-For", "127.0.0.1"} },
		} {
			f, foreign := newFront(t, keyless), sent
			change(&foreign)
			if res := f.do(t, foreign); res.StatusCode != 403 || len(f.words)+len(f.alerts) > 0 {
				t.Errorf("%s from %s: %d %s", name, from, res.StatusCode, text(t, res))
			}
		}
	}
}

// What a row says of its fields is what the call says it takes.
func TestTheTableNamesTheFieldsThatAreTaken(t *testing.T) {
	for name, p := range promises() {
		method, _, _ := strings.Cut(name, " ")
		at := slices.IndexFunc(table(), func(r row) bool { return r.Method+" "+r.Pattern == name })
		r := serve(table()[at])
		names := r.query
		key := map[Access]string{AccessIngest: ingestKey, AccessRead: readKey, AccessLink: operateKey, AccessOperate: operateKey}[p.access]
		sent := call{method: method, target: p.target, body: p.body, key: key}
		if len(r.body) > 0 {
			names, sent.body = r.body, `{"utm":1,`+p.body[1:]
		} else if sent.target += "?utm=1"; strings.Contains(p.target, "?") {
			sent.target = p.target + "&utm=1"
		}
		if len(names) == 0 {
			continue
		}
		want := "utm is not a field of this call; it takes " + strings.Join(names, ", ")
		if got := problemIn(t, newFront(t).do(t, sent), 400, "invalid"); got.Detail != want {
			t.Errorf("%s: %q; want %q", name, got.Detail, want)
		}
	}
}

// Routes is what docs are made of.
func TestRoutesTellsTheTable(t *testing.T) {
	routes := Routes()
	if len(routes) != len(promises()) {
		t.Fatalf("%d routes; want %d", len(routes), len(promises()))
	}
	for i, r := range table() {
		if routes[i].Method != r.Method || routes[i].Pattern != r.Pattern || routes[i].For != r.For {
			t.Errorf("%+v", routes[i])
		}
	}
}
