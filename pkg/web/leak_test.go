package web

import (
	"fmt"
	"io"
	"log"
	"log/slog"
	"net"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/opsguard/opsguard/pkg/incident"
)

// misplaced are requests, byte for byte, that hold a secret where none belongs: by
// a wrong curl flag, a wrong template, a proxy's rewriting.
func misplaced(secret string) map[string]string {
	lines := func(first string, headers ...string) string {
		return first + "\r\n" + strings.Join(append(headers, "Connection: close"), "\r\n") + "\r\n\r\n"
	}
	host := "Host: localhost:3000"
	post := func(target, kind, body string) string {
		return lines("POST "+target+" HTTP/1.1", host, "Authorization: Bearer "+operateKey, "Content-Type: "+kind,
			fmt.Sprint("Content-Length: ", len(body))) + body
	}
	get := func(target string, headers ...string) string {
		return lines("GET "+target+" HTTP/1.1", append(headers, host)...)
	}
	authorized := "Authorization: Bearer " + readKey
	all := map[string]string{
		"method":            lines(secret+" / HTTP/1.1", host),
		"host":              lines("GET / HTTP/1.1", "Host: "+secret),
		"host's port":       lines("GET / HTTP/1.1", "Host: localhost:"+secret),
		"protocol":          lines("GET / "+secret, host),
		"whole line":        lines(secret, host),
		"absolute URI":      get("http://" + secret + "/"),
		"user in the URI":   get("http://" + secret + "@localhost:3000/incidents"),
		"scheme":            get(secret + "://localhost/"),
		"header name":       get("/incidents", secret+": 1"),
		"header value":      get("/incidents", "X-Api-Key: "+secret),
		"cookie":            get("/incidents", "Cookie: key="+secret),
		"forwarded name":    get("/incidents", "X-Forwarded-"+secret+": 1"),
		"forwarded value":   get("/incidents", "X-Forwarded-For: "+secret),
		"origin":            get("/incidents", "Origin: https://"+secret),
		"referer":           get("/incidents", "Referer: https://"+secret+"/"),
		"fetch site":        get("/incidents", "Sec-Fetch-Site: "+secret),
		"scheme of a key":   get("/incidents", "Authorization: "+secret),
		"unknown key":       get("/incidents", "Authorization: Bearer "+secret+"x"),
		"basic":             get("/incidents", "Authorization: Basic "+secret),
		"expect":            get("/incidents", "Expect: "+secret),
		"transfer encoding": get("/incidents", "Transfer-Encoding: "+secret),
		"content length":    get("/incidents", "Content-Length: "+secret),
		"content encoding":  lines("POST /ingest-alert HTTP/1.1", host, "Authorization: Bearer "+ingestKey, "Content-Encoding: "+secret),
		"content type":      post("/approve-fix", secret, "x"),
		"form as JSON":      post("/approve-fix", "application/x-www-form-urlencoded", `{"t":"`+secret+`"}`),
		"broken JSON":       post("/approve-fix", "application/json", `{"`+secret),
		"JSON string":       post("/approve-fix", "application/json", `"`+secret+`"`),
		"JSON name":         post("/approve-fix", "application/json", `{"`+secret+`":"x","incidentId":"`+waitingID+`","action":"approve"}`),
		"JSON name, nested": post("/approve-fix", "application/json", `{"note":{"`+secret+`":1}}`),
		"form name":         post("/approve-fix", "application/x-www-form-urlencoded", secret+"=x&incidentId="+waitingID),
		"form name alone":   post("/approve-fix", "application/x-www-form-urlencoded", secret),
		"query of a POST":   post("/approve-fix?"+secret, "application/json", `{"incidentId":"`+waitingID+`","action":"approve"}`),
	}
	paths := []string{"/%s", "/incidents/%s", "/incidents/%s/audit", "/tickets/%s", "/ingest/%s", "//%s", "/a/../%s", "/incidents/%%zz%s"}
	for _, at := range paths {
		all["path "+at] = get(fmt.Sprintf(at, secret), authorized)
	}
	queries := []string{
		"%s", "%s=1", "x=1&%s=1", "%%zz%s=1", "limit=%s", "key=%s", "%s;a", "status=%s", "cursor=%s", "incidentId=%s&action=%s",
	}
	for _, at := range []string{"/", "/healthz", "/nowhere", "/incidents", "/tickets", "/approve-fix", "/ingest-alert", "/ingest/x"} {
		for _, query := range queries {
			filled := strings.ReplaceAll(strings.ReplaceAll(query, "%s", secret), "%%", "%")
			all["query "+at+"?"+query] = get(at+"?"+filled, authorized)
			all["query, no key "+at+"?"+query] = get(at + "?" + filled)
		}
	}
	for _, field := range []string{"incidentId", "action", "t", "note", "planHash"} {
		all["value of "+field] = post("/approve-fix", "application/json", `{"`+field+`":"`+secret+`"}`)
	}
	for _, field := range []string{"serverName", "errorLogs", "severity", "timestamp", "dedupKey"} {
		body := `{"` + field + `":"` + secret + `"}`
		all["alert's "+field] = strings.Replace(post("/ingest-alert", "application/json", body), operateKey, ingestKey, 1)
	}
	return all
}

// exchangeBytes sends a request as it is and returns all that comes back.
func exchangeBytes(t *testing.T, addr, request string) string {
	t.Helper()
	conn, err := net.Dial("tcp", addr)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	if err := conn.SetDeadline(time.Now().Add(20 * time.Second)); err != nil {
		t.Fatal(err)
	}
	if _, err := io.WriteString(conn, request); err != nil {
		t.Fatal(err)
	}
	answer, err := io.ReadAll(conn)
	if err != nil && len(answer) == 0 {
		t.Fatalf("%.80q: %v", request, err)
	}
	return string(answer)
}

// logged is a log that a server writes while a test reads it.
type logged struct {
	mu sync.Mutex
	b  strings.Builder
}

func (l *logged) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.Write(p)
}

// take returns what was logged since the last time.
func (l *logged) take() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	defer l.b.Reset()
	return l.b.String()
}

func TestAMisplacedSecretIsInNoLogLineAndNoAnswer(t *testing.T) {
	key, _, err := NewOperatorKey("anna", RoleOperate, strings.NewReader(strings.Repeat("misplaced", 4)))
	if err != nil {
		t.Fatal(err)
	}
	links := newFront(t)
	secrets := map[string]string{"key": key, "short key": "ogk_x7Qp", "link": links.token(manualID, incident.Resolve)}
	for mode, change := range map[string]func(*Config){"keys": func(*Config) {}, "keyless": keyless} {
		lines := &logged{}
		f := newFront(t, change, func(c *Config) {
			c.Log = slog.New(slog.NewJSONHandler(lines, &slog.HandlerOptions{Level: slog.LevelDebug}))
		})
		server := httptest.NewUnstartedServer(f)
		server.Config.ErrorLog = log.New(lines, "", 0) // what net/http itself logs
		server.Start()
		tried := 0
		for kind, secret := range secrets {
			for where, request := range misplaced(secret) {
				answer := exchangeBytes(t, server.Listener.Addr().String(), request)
				tried++
				for place, said := range map[string]string{"the log": lines.take(), "the answer": answer} {
					if holds(said, secret) {
						t.Errorf("%s: a %s as %s is in %s:\n%s", mode, kind, where, place, said)
					}
				}
			}
		}
		server.Close()
		t.Logf("%s: %d requests", mode, tried)
	}
}

// holds also finds a secret in another case, escaped, or half of it.
func holds(said, secret string) bool {
	half := secret[:len(secret)/2+1]
	if len(half) < 8 {
		half = secret
	}
	said = strings.ToLower(said)
	unescaped, err := url.QueryUnescape(said)
	return strings.Contains(said, strings.ToLower(half)) || err == nil && strings.Contains(unescaped, strings.ToLower(half))
}

// A link's token in its own place comes back in the page's form and where its form
// leads, and nowhere else.
func TestALinksTokenIsOnlyInItsOwnAnswer(t *testing.T) {
	f := newFront(t)
	token := f.token(waitingID, incident.Approve)
	res := f.do(t, call{method: "GET", target: f.linkTo(waitingID, incident.Approve), headers: browser})
	if got := text(t, res); strings.Count(got, token) != 1 || res.StatusCode != http.StatusOK {
		t.Errorf("%d, the token is there %d times", res.StatusCode, strings.Count(got, token))
	}
	if holds(f.log.String(), token) {
		t.Errorf("the log holds it: %s", f.log)
	}
}
