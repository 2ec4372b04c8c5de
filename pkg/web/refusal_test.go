package web

import (
	"context"
	"fmt"
	"net/http"
	"strings"
	"testing"

	"github.com/opsguard/opsguard/pkg/incident"
	"github.com/opsguard/opsguard/pkg/link"
)

func TestOddCredentialsAreNone(t *testing.T) {
	for name, test := range map[string]struct {
		headers []string
		status  int
		slug    string
	}{
		"basic":         {[]string{"Authorization", "Basic YTpi"}, 401, "unauthorized"},
		"no scheme":     {[]string{"Authorization", operateKey}, 401, "unauthorized"},
		"empty":         {[]string{"Authorization", "Bearer "}, 401, "unauthorized"},
		"two":           {[]string{"Authorization", "Bearer " + operateKey, "Authorization", "Bearer " + operateKey}, 401, "unauthorized"},
		"two in one":    {[]string{"Authorization", "Bearer " + operateKey + ", Bearer " + operateKey}, 403, "forbidden"},
		"other case":    {[]string{"Authorization", "Bearer " + strings.ToUpper(operateKey)}, 403, "forbidden"},
		"hash":          {[]string{"Authorization", "Bearer " + strings.Repeat("0", 64)}, 403, "forbidden"},
		"other headers": {[]string{"X-Api-Key", operateKey, "Cookie", "key=" + operateKey}, 401, "unauthorized"},
	} {
		t.Run(name, func(t *testing.T) {
			f := newFront(t)
			problemIn(t, f.do(t, call{method: "GET", target: "/incidents", headers: test.headers}), test.status, test.slug)
			problemIn(t, f.do(t, call{method: "GET", target: "/approve-fix?incidentId=" + waitingID, headers: test.headers}), test.status, test.slug)
		})
	}
	f := newFront(t)
	if res := f.do(t, call{method: "GET", target: "/incidents", headers: []string{"Authorization", "bearer  " + readKey}}); res.StatusCode != 200 {
		t.Errorf("a scheme in lower case: %d", res.StatusCode)
	}
}

// The order of ARCHITECTURE.md, HTTP: 401, 403, 404, 400, 410, 409. Each case has
// the later mistakes too.
func TestRefusalsOfADecisionComeInOrder(t *testing.T) {
	const noAction = "&action=launch"
	late := func(f *front) { f.clock = deadline }
	for name, test := range map[string]struct {
		query   string
		key     string
		prepare func(*front)
		status  int
		slug    string
	}{
		"no credential":              {"incidentId=" + ghostID + noAction, "", nil, 401, "unauthorized"},
		"no credential, broken":      {"incidentId=%zz", "", nil, 401, "unauthorized"},
		"bad token":                  {"incidentId=" + ghostID + noAction + "&t=x", "", nil, 403, "forbidden"},
		"empty token":                {"incidentId=" + waitingID + "&t=", "", nil, 403, "forbidden"},
		"bad key":                    {"incidentId=" + ghostID + noAction, "ogk_x", nil, 403, "forbidden"},
		"read key":                   {"incidentId=" + ghostID + noAction, readKey, nil, 403, "forbidden"},
		"unknown incident":           {"incidentId=" + ghostID + noAction, operateKey, nil, 404, "not-found"},
		"malformed id":               {"incidentId=INC-1" + noAction, operateKey, nil, 404, "not-found"},
		"lower case id":              {"incidentId=" + strings.ToLower(waitingID), operateKey, nil, 404, "not-found"},
		"unknown and odd":            {"incidentId=" + ghostID + "&x=1", operateKey, nil, 404, "not-found"},
		"unknown action":             {"incidentId=" + waitingID + noAction, operateKey, late, 400, "invalid"},
		"empty action":               {"incidentId=" + waitingID + "&action=", operateKey, late, 400, "invalid"},
		"no id":                      {"action=approve", operateKey, late, 400, "invalid"},
		"empty id":                   {"incidentId=", operateKey, late, 400, "invalid"},
		"unknown parameter":          {"incidentId=" + waitingID + "&x=1", operateKey, late, 400, "invalid"},
		"note by GET":                {"incidentId=" + waitingID + "&note=1", operateKey, late, 400, "invalid"},
		"twice":                      {"incidentId=" + waitingID + "&incidentId=" + waitingID, operateKey, late, 400, "invalid"},
		"late":                       {"incidentId=" + waitingID, operateKey, late, 410, "expired"},
		"late, nothing to approve":   {"incidentId=" + manualID, operateKey, late, 410, "expired"},
		"nobody was asked":           {"incidentId=" + detectedID, operateKey, nil, 409, "not-waiting"},
		"nothing to approve":         {"incidentId=" + manualID, operateKey, nil, 409, "no-fix"},
		"already decided":            {"incidentId=" + fixedID + "&action=escalate", operateKey, nil, 409, "already-decided"},
		"already decided, then late": {"incidentId=" + fixedID + "&action=resolve", operateKey, nil, 409, "already-decided"},
	} {
		t.Run(name, func(t *testing.T) {
			f := newFront(t)
			if test.prepare != nil {
				test.prepare(f)
			}
			problemIn(t, f.do(t, call{method: "GET", target: "/approve-fix?" + test.query, key: test.key}), test.status, test.slug)
			if f.incidents[waitingID].Decision != nil {
				t.Error("a refused call decided")
			}
		})
	}
}

func TestBadDecisionBodiesNameWhatIsWrong(t *testing.T) {
	id := `"incidentId":"` + waitingID + `"`
	for name, test := range map[string]struct {
		body, contentType, query, key string
		status                        int
		slug, field, detail           string
	}{
		"no action":             {`{` + id + `}`, "", "", operateKey, 400, "invalid", "action", "action is missing; send approve, escalate or resolve"},
		"null action":           {`{` + id + `,"action":null}`, "", "", operateKey, 400, "invalid", "action", "action is missing; send approve, escalate or resolve"},
		"no id":                 {`{"action":"approve"}`, "", "", operateKey, 400, "invalid", "incidentId", "incidentId is missing; send the incident's id, INC-..."},
		"unknown field":         {`{` + id + `,"action":"approve","force":"yes"}`, "", "", operateKey, 400, "invalid", "force", "force is not a field of this call; it takes incidentId, action, t, note, planHash"},
		"wrong type":            {`{` + id + `,"action":["approve"]}`, "", "", operateKey, 400, "invalid", "action", "action must be a string, not an array"},
		"two actions":           {`{` + id + `,"action":"approve","action":"escalate"}`, "", "", operateKey, 400, "invalid", "action", "action was sent twice; send it once"},
		"broken":                {`{` + id, "", "", operateKey, 400, "invalid", "", "the body has broken JSON (it breaks off) at line 1, character 47"},
		"empty":                 {"", "application/json", "", operateKey, 400, "invalid", "", "the body is empty; send one JSON object"},
		"long note":             {`{` + id + `,"action":"approve","note":"` + strings.Repeat("x", 1001) + `"}`, "", "", operateKey, 400, "invalid", "note", "note has 1001 bytes; send at most 1000"},
		"query too":             {`{` + id + `,"action":"approve"}`, "", "?action=escalate", operateKey, 400, "invalid", "action", ""},
		"other plan":            {`{` + id + `,"action":"approve","planHash":"` + strings.Repeat("0", 64) + `"}`, "", "", operateKey, 409, "plan-changed", "", ""},
		"content type":          {"x", "text/plain", "", operateKey, 415, "unsupported-media-type", "", ""},
		"no content type":       {"", "", "", operateKey, 415, "unsupported-media-type", "", ""},
		"too large":             {`{"note":"` + strings.Repeat("x", 256*1024) + `"}`, "", "", operateKey, 413, "too-large", "", ""},
		"too large, no key":     {`{"note":"` + strings.Repeat("x", 256*1024) + `"}`, "", "", "", 401, "unauthorized", "", ""},
		"broken, no key":        {`{`, "", "", "", 401, "unauthorized", "", ""},
		"no key":                {`{` + id + `,"action":"approve"}`, "", "", "", 401, "unauthorized", "", ""},
		"wrong token type":      {`{` + id + `,"action":"approve","t":7}`, "", "", "", 401, "unauthorized", "", ""},
		"unknown incident":      {`{"incidentId":"` + ghostID + `","action":"launch"}`, "", "", operateKey, 404, "not-found", "", ""},
		"malformed incident id": {`{"incidentId":"../etc","action":"approve"}`, "", "", operateKey, 404, "not-found", "", ""},
	} {
		t.Run(name, func(t *testing.T) {
			f := newFront(t)
			p := problemIn(t, f.do(t, call{method: "POST", target: "/approve-fix" + test.query, key: test.key, body: test.body, contentType: test.contentType}), test.status, test.slug)
			if got := deref(p.Field); got != test.field || test.detail != "" && p.Detail != test.detail {
				t.Errorf("field %q, detail %q; want %q, %q", got, p.Detail, test.field, test.detail)
			}
			if f.incidents[waitingID].Decision != nil {
				t.Error("a refused call decided")
			}
		})
	}
}

func deref(s *string) string {
	if s == nil {
		return ""
	}
	return *s
}

func TestHEADNeverDecides(t *testing.T) {
	for name, f := range map[string]*front{"key": newFront(t), "keyless": newFront(t, keyless)} {
		res := f.do(t, call{method: "HEAD", target: "/approve-fix?incidentId=" + waitingID, key: operateKey})
		if res.StatusCode != http.StatusMethodNotAllowed || res.Header.Get("Allow") != "GET, POST" || f.incidents[waitingID].Decision != nil {
			t.Errorf("%s: %d, Allow %q, decision %v", name, res.StatusCode, res.Header.Get("Allow"), f.incidents[waitingID].Decision)
		}
	}
}

func TestKeysThatCannotBeReadLetNobodyIn(t *testing.T) {
	f := newFront(t, func(c *Config) {
		c.Keys = func(ctx context.Context) (Keyring, error) { return Keyring{}, fmt.Errorf("ssm: /secret/path") }
		c.LinkKeys = func(ctx context.Context) (link.Keys, error) { return link.Keys{}, fmt.Errorf("ssm: /secret/path") }
	})
	for _, c := range []call{
		{method: "GET", target: "/incidents", key: readKey},
		{method: "GET", target: f.linkTo(waitingID, incident.Approve)},
	} {
		if p := problemIn(t, f.do(t, c), 503, "unavailable"); strings.Contains(p.Detail, "secret") {
			t.Errorf("%s: %s", c.target, p.Detail)
		}
	}
	if !strings.Contains(f.log.String(), "ssm: /secret/path") {
		t.Errorf("the log does not say why: %s", f.log)
	}
	empty := newFront(t, func(c *Config) { c.Keys = FixedKeys(Keyring{}) })
	problemIn(t, empty.do(t, call{method: "GET", target: "/incidents", key: readKey}), 403, "forbidden")
	problemIn(t, empty.do(t, call{method: "GET", target: "/incidents"}), 401, "unauthorized")
}
