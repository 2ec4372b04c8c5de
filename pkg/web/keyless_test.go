package web

import (
	"maps"
	"net/http"
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/opsguard/opsguard/pkg/incident"
)

func TestKeylessServesThisMachine(t *testing.T) {
	get := "/approve-fix?incidentId=" + waitingID
	for name, c := range map[string]call{
		"curl":             {method: "GET", target: get},
		"127.0.0.1":        {method: "GET", target: get, host: "127.0.0.1:3000"},
		"IPv6":             {method: "GET", target: get, host: "[::1]:3000", remote: "[::1]:50000"},
		"IPv6, no port":    {method: "GET", target: get, host: "[::1]", remote: "[::1]:50000"},
		"no port":          {method: "GET", target: get, host: "localhost"},
		"capitals":         {method: "GET", target: get, host: "LOCALHOST:3000"},
		"IPv4 in IPv6":     {method: "GET", target: get, remote: "[::ffff:127.0.0.1]:50000"},
		"other loopback":   {method: "GET", target: get, remote: "127.8.9.1:50000"},
		"typed":            {method: "GET", target: get, headers: []string{"Sec-Fetch-Site", "none", "Sec-Fetch-Mode", "navigate"}},
		"own page":         {method: "GET", target: get, headers: []string{"Sec-Fetch-Site", "same-origin", "Referer", "http://localhost:3000/"}},
		"own origin, POST": {method: "POST", target: "/approve-fix", body: "action=approve&incidentId=" + waitingID, headers: []string{"Origin", "http://localhost:3000"}},
		"key of no use":    {method: "GET", target: get, key: "ogk_x"},
	} {
		t.Run(name, func(t *testing.T) {
			f := newFront(t, keyless)
			res := f.do(t, c)
			if got := text(t, res); res.StatusCode != 200 || !strings.Contains(got, `"by": "local"`) {
				t.Errorf("%d %s", res.StatusCode, got)
			}
		})
	}
	f := newFront(t, keyless)
	for _, target := range []string{"/", "/healthz", "/incidents", "/incidents/" + waitingID, "/incidents/" + waitingID + "/audit", "/tickets", "/tickets/SIM-1"} {
		if res := f.do(t, call{method: "GET", target: target}); res.StatusCode != 200 {
			t.Errorf("GET %s: %d %s", target, res.StatusCode, text(t, res))
		}
	}
	if res := f.do(t, call{method: "POST", target: "/ingest-alert", body: `{"serverName":"s","errorLogs":"x"}`}); res.StatusCode != 202 || f.alerts[0].By != incident.Local {
		t.Errorf("POST /ingest-alert: %d by %v", res.StatusCode, f.alerts)
	}
}

// What a page, a tunnel or a neighbour can send, and none of it may do anything.
func TestKeylessRefusesWhatDidNotComeFromHere(t *testing.T) {
	attacks := map[string]call{
		"DNS rebinding":             {host: "attacker.example:3000"},
		"rebinding, look-alike":     {host: "localhost.attacker.example"},
		"rebinding, prefix":         {host: "127.0.0.1.attacker.example:3000"},
		"user in the host":          {host: "localhost:3000@attacker.example"},
		"tunnel":                    {host: "abc123.ngrok.app"},
		"LAN address":               {host: "192.168.1.5:3000"},
		"any address":               {host: "0.0.0.0:3000"},
		"other loopback name":       {host: "127.0.0.2:3000"},
		"bare IPv6":                 {host: "::1"},
		"IPv4 in IPv6":              {host: "[::ffff:127.0.0.1]:3000"},
		"other IPv6":                {host: "[::2]:3000"},
		"trailing dot":              {host: "localhost.:3000"},
		"port that is a name":       {host: "localhost:evil"},
		"neighbour":                 {remote: "192.168.1.9:50000"},
		"neighbour, IPv6":           {remote: "[fe80::1]:50000"},
		"unknown remote":            {remote: "@"},
		"X-Forwarded-For":           {headers: []string{"X-Forwarded-For", "127.0.0.1"}},
		"X-Forwarded-Host":          {headers: []string{"X-Forwarded-Host", "localhost"}},
		"X-Forwarded-Proto":         {headers: []string{"x-forwarded-proto", "https"}},
		"Forwarded":                 {headers: []string{"Forwarded", "for=127.0.0.1"}},
		"Via":                       {headers: []string{"Via", "1.1 proxy"}},
		"X-Real-IP":                 {headers: []string{"X-Real-IP", "127.0.0.1"}},
		"CF-Connecting-IP":          {headers: []string{"CF-Connecting-IP", "127.0.0.1"}},
		"cross-site":                {headers: []string{"Sec-Fetch-Site", "cross-site"}},
		"same site, other port":     {headers: []string{"Sec-Fetch-Site", "same-site"}},
		"odd Sec-Fetch-Site":        {headers: []string{"Sec-Fetch-Site", "same-origin, cross-site"}},
		"other origin":              {headers: []string{"Origin", "https://attacker.example"}},
		"other port's origin":       {headers: []string{"Origin", "http://localhost:8080"}},
		"null origin":               {headers: []string{"Origin", "null"}},
		"empty origin":              {headers: []string{"Origin", ""}},
		"two origins":               {headers: []string{"Origin", "http://localhost:3000", "Origin", "https://attacker.example"}},
		"old browser's referer":     {headers: []string{"Referer", "https://attacker.example/page"}},
		"referer, look-alike":       {headers: []string{"Referer", "http://localhost:3000.attacker.example/"}},
		"prefetched":                {headers: []string{"Sec-Purpose", "prefetch;prerender", "Sec-Fetch-Site", "none"}},
		"prefetched, older browser": {headers: []string{"Purpose", "prefetch"}},
	}
	calls := []call{
		{method: "GET", target: "/approve-fix?incidentId=" + waitingID},
		{method: "POST", target: "/approve-fix", body: "action=approve&incidentId=" + waitingID},
		{method: "POST", target: "/approve-fix", body: `{"action":"approve","incidentId":"` + waitingID + `"}`},
		{method: "POST", target: "/ingest-alert", body: `{"serverName":"s","errorLogs":"x"}`},
		{method: "GET", target: "/incidents"},
		{method: "GET", target: "/incidents/" + waitingID + "/audit"},
		{method: "GET", target: "/tickets"},
	}
	for name, attack := range attacks {
		for _, c := range calls {
			t.Run(name+" "+c.method+" "+strings.Split(c.target, "?")[0], func(t *testing.T) {
				f := newFront(t, keyless)
				c.host, c.remote, c.headers = attack.host, attack.remote, attack.headers
				problemIn(t, f.do(t, c), 403, "forbidden")
				if f.incidents[waitingID].Decision != nil || len(f.alerts) > 0 {
					t.Error("it acted")
				}
				if !strings.Contains(f.log.String(), `"level":"WARN"`) {
					t.Errorf("the attempt is not in the log: %s", f.log)
				}
			})
		}
	}
}

// The usual ones are refused; of the list nothing is missing in SECURITY.md, and
// nothing stands there that is not checked.
func TestKeylessRefusesTheHeadersThatProxiesUsuallyAdd(t *testing.T) {
	for _, name := range []string{
		"Forwarded", "Via", "X-Forwarded", "X-Forwarded-For", "X-Forwarded-Host", "X-Forwarded-Proto", "X-Forwarded-Port",
		"X-Forwarded-Server", "X-Forwarded-User", "X-Real-IP", "X-Client-IP", "X-Cluster-Client-IP", "True-Client-IP",
		"CF-Connecting-IP", "CF-Ray", "CF-Visitor", "CDN-Loop", "Fastly-Client-IP", "Fastly-FF", "Fly-Client-IP",
		"X-Original-URL", "X-Original-Host", "X-Original-Forwarded-For", "X-Rewrite-URL", "X-Envoy-External-Address",
		"X-Envoy-Expected-Rq-Timeout-Ms", "Tailscale-User-Login", "Tailscale-User-Name", "ngrok-auth-user-email",
		"Ngrok-Trace-Id", "X-Azure-ClientIP", "X-Azure-FDID", "X-AppEngine-User-IP", "X-Vercel-Id", "X-Amzn-Trace-Id",
		"X-Amz-Cf-Id", "Akamai-Origin-Hop", "X-Akamai-Edgescape", "X-ProxyUser-Ip", "Proxy-Client-IP", "WL-Proxy-Client-IP",
		"X-Remote-IP", "X-Remote-Addr",
	} {
		f := newFront(t, keyless)
		sent := call{method: "GET", target: "/incidents", headers: []string{strings.ToLower(name), "127.0.0.1"}}
		p := problemIn(t, f.do(t, sent), 403, "forbidden")
		if !strings.Contains(p.Detail, "a proxy or tunnel passed on (") {
			t.Errorf("%s: %s", name, p.Detail)
		}
	}
	for _, name := range []string{"User-Agent", "Accept", "X-Request-Id", "Traceparent", "Authorization", "Content-Type", "X-Api-Key"} {
		if sign := forwarding(http.CanonicalHeaderKey(name)); sign != "" {
			t.Errorf("%s, which programs here send, counts as %s", name, sign)
		}
	}
	text, err := os.ReadFile("../../SECURITY.md")
	if err != nil {
		t.Fatal(err)
	}
	_, list, _ := strings.Cut(string(text), "by its Host and by these headers: ")
	list, _, _ = strings.Cut(list, ". One that adds none")
	var listed, checked []string
	for _, quoted := range regexp.MustCompile("`([^`]+)`").FindAllStringSubmatch(list, -1) {
		listed = append(listed, http.CanonicalHeaderKey(quoted[1]))
	}
	checked = append(slices.Collect(maps.Keys(forwardingNames)), forwardingPrefixes...)
	slices.Sort(listed)
	slices.Sort(checked)
	if diff := cmp.Diff(checked, listed); diff != "" {
		t.Errorf("SECURITY.md's list (-checked +listed):\n%s", diff)
	}
}

// Rebinding reads too, and a proxy must not pass a tunnel off as a health check.
func TestKeylessRefusesStrangersEvenWhereNoKeyIsNeeded(t *testing.T) {
	f := newFront(t, keyless)
	for _, target := range []string{"/", "/healthz", "/nowhere"} {
		problemIn(t, f.do(t, call{method: "GET", target: target, host: "attacker.example"}), 403, "forbidden")
		problemIn(t, f.do(t, call{method: "GET", target: target, headers: []string{"X-Forwarded-For", "::1"}}), 403, "forbidden")
	}
}

// A link followed from a web page is cross-site, and its form has the origin
// "null" because the page sends no referrer: the token is what counts. Being
// here then adds nothing to what the token grants.
func TestALinkWorksInKeylessModeToo(t *testing.T) {
	f := newFront(t, keyless)
	cross := []string{"Sec-Fetch-Site", "cross-site", "Accept", "text/html"}
	res := f.do(t, call{method: "GET", target: f.linkTo(waitingID, "approve"), headers: cross})
	if got := text(t, res); res.StatusCode != 200 || !strings.Contains(got, "<form") || f.incidents[waitingID].Decision != nil {
		t.Fatalf("the page: %d\n%s", res.StatusCode, got)
	}
	post := call{method: "POST", target: "/approve-fix", body: "incidentId=" + waitingID + "&action=approve&t=" + f.token(waitingID, "approve"),
		headers: []string{"Origin", "null", "Sec-Fetch-Site", "same-origin", "Accept", "text/html"}}
	if res := f.do(t, post); res.StatusCode != http.StatusSeeOther {
		t.Errorf("its form: %d %s", res.StatusCode, text(t, res))
	}
	if d := f.incidents[waitingID].Decision; d == nil || d.By != "link:discord" {
		t.Errorf("decision: %+v", d)
	}
	problemIn(t, f.do(t, call{method: "GET", target: "/approve-fix?t=x&incidentId=" + manualID + "&action=resolve"}), 403, "forbidden")
	problemIn(t, f.do(t, call{method: "GET", target: f.linkTo(waitingID, "approve"), host: "attacker.example"}), 403, "forbidden")
	if f.incidents[manualID].Decision != nil {
		t.Error("a bad link decided because it was followed here")
	}
}

// With keys, none of what keyless mode looks at matters.
func TestWithKeysTheHostAndProxiesDoNotMatter(t *testing.T) {
	f := newFront(t)
	c := call{method: "GET", target: "/incidents", key: readKey, host: "api.example.com", remote: "203.0.113.9:1", headers: []string{"X-Forwarded-For", "127.0.0.1", "Sec-Fetch-Site", "cross-site"}}
	if res := f.do(t, c); res.StatusCode != 200 {
		t.Errorf("%d %s", res.StatusCode, text(t, res))
	}
	c = call{method: "GET", target: "/approve-fix?incidentId=" + waitingID}
	problemIn(t, f.do(t, c), 401, "unauthorized")
}
