package e2e

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"os/exec"
	"strings"
	"testing"
	"time"
)

// raw writes a request byte for byte, as a browser, a tunnel or a proxy would
// send it: net/http's client would put some of it right.
func raw(t *testing.T, addr, request string) answer {
	t.Helper()
	conn, err := net.DialTimeout("tcp", addr, 5*time.Second)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	if err := conn.SetDeadline(time.Now().Add(10 * time.Second)); err != nil {
		t.Fatal(err)
	}
	if _, err := io.WriteString(conn, request); err != nil {
		t.Fatal(err)
	}
	resp, err := http.ReadResponse(bufio.NewReader(conn), nil)
	if err != nil {
		t.Fatalf("%q: %v", request, err)
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Fatal(err)
	}
	return answer{resp.StatusCode, resp.Header, body}
}

// lines puts a request together; host is its Host header's value.
func lines(method, path, host, body string, headers ...string) string {
	r := fmt.Sprintf("%s %s HTTP/1.1\r\nHost: %s\r\nConnection: close\r\n", method, path, host)
	for _, h := range headers {
		r += h + "\r\n"
	}
	if body != "" {
		r += fmt.Sprintf("Content-Length: %d\r\n", len(body))
	}
	return r + "\r\n" + body
}

// foreignHosts are names under which a page of somebody else's reaches a loopback
// address: by DNS that is answered with 127.0.0.1 the second time, by a tunnel,
// by odd spellings.
func foreignHosts(port string) []string {
	return []string{
		"evil.example", "rebind.evil.example:" + port, "localhost.evil.example", "127.0.0.1.nip.io", "127.0.0.1.evil.example:" + port,
		"evil-localhost", "localhost.", "sub.localhost:" + port, "localhost@evil.example", "localhost:" + port + "@evil.example", "localhost:x",
		"a1b2.ngrok-free.app", "x.trycloudflare.com", "me.loca.lt", "host.docker.internal:" + port,
		"127.0.0.2", "127.1", "0.0.0.0:" + port, "2130706433", "0x7f.0.0.1", "127.0.0.1:" + port + ":80",
		"[::]:" + port, "[::ffff:127.0.0.1]:" + port, "[::1%25lo]", "::1", "[0:0:0:0:0:0:0:1]", "192.168.0.10:" + port, "10.0.0.1",
	}
}

// foreignHeaders are what a browser adds to another site's request or to one that
// nobody asked for, and what proxies and tunnels add.
func foreignHeaders(port string) []string {
	var all []string
	for _, site := range []string{"cross-site", "same-site", "CROSS-SITE", "anything"} {
		all = append(all, "Sec-Fetch-Site: "+site)
	}
	for _, origin := range []string{"null", "https://evil.example", "http://evil.example:" + port, "http://localhost:1", "http://127.0.0.1.evil.example",
		"http://127.0.0.1:" + port + ".evil.example", "file://", "chrome-extension://abcdef", "http://127.0.0.1:" + port + "\r\nOrigin: https://evil.example"} {
		all = append(all, "Origin: "+origin)
	}
	for _, referer := range []string{"https://evil.example/", "http://127.0.0.1:" + port + ".evil.example/", "http://127.0.0.1:" + port + "@evil.example/", "https://discord.com/channels/1"} {
		all = append(all, "Referer: "+referer)
	}
	all = append(all, "Sec-Purpose: prefetch", "Sec-Purpose: prefetch;prerender", "Purpose: prefetch", "X-Moz: prefetch", "X-Purpose: preview")
	for _, name := range []string{"X-Forwarded-For", "X-Forwarded-Host", "X-Forwarded-Proto", "X-Forwarded-Anything", "x-forwarded-for", "Forwarded", "Via",
		"X-Real-IP", "CF-Connecting-IP", "True-Client-IP", "X-Client-IP", "X-Cluster-Client-IP", "X-Original-Host", "X-Original-Forwarded-For"} {
		all = append(all, name+": 127.0.0.1")
	}
	return all
}

// foreigners are the requests that a stranger would like to be taken for
// somebody on this machine: all kinds, in all those ways.
func foreigners(host, port, id string) map[string]string {
	type request struct{ method, path, body, kind string }
	requests := map[string]request{
		"approve by GET":    {"GET", "/approve-fix?incidentId=" + id, "", ""},
		"escalate by GET":   {"GET", "/approve-fix?incidentId=" + id + "&action=escalate", "", ""},
		"approve by a form": {"POST", "/approve-fix", "incidentId=" + id + "&action=approve", "application/x-www-form-urlencoded"},
		"approve by JSON":   {"POST", "/approve-fix", `{"incidentId":"` + id + `","action":"approve"}`, "application/json"},
		"an alert":          {"POST", "/ingest-alert", "serverName=prod-api-01&errorLogs=x", "application/x-www-form-urlencoded"},
		"reading":           {"GET", "/incidents/" + id, "", ""},
		"listing":           {"GET", "/incidents", "", ""},
		"the trail":         {"GET", "/incidents/" + id + "/audit", "", ""},
		"tickets":           {"GET", "/tickets", "", ""},
	}
	all := map[string]string{}
	for name, r := range requests {
		var headers []string
		if r.kind != "" {
			headers = []string{"Content-Type: " + r.kind}
		}
		for _, foreign := range foreignHosts(port) {
			all[name+", Host: "+foreign] = lines(r.method, r.path, foreign, r.body, headers...)
		}
		for _, foreign := range foreignHeaders(port) {
			all[name+", "+foreign] = lines(r.method, r.path, host, r.body, append(headers, foreign)...)
		}
	}
	all["no Host at all"] = "GET /approve-fix?incidentId=" + id + " HTTP/1.0\r\n\r\n"
	return all
}

// TestWithoutKeysNobodyElsesRequestCounts is keyless mode: what a browser, a
// tunnel or a proxy on this machine passes on for somebody else does nothing and
// shows nothing; a person here decides all the same.
func TestWithoutKeysNobodyElsesRequestCounts(t *testing.T) {
	for _, loopback := range []string{"127.0.0.1", "::1"} {
		t.Run(loopback, func(t *testing.T) {
			l, err := net.Listen("tcp", net.JoinHostPort(loopback, "0"))
			if err != nil {
				t.Skipf("this machine has no %s: %v", loopback, err)
			}
			addr := l.Addr().String()
			l.Close()
			c := newClient(t, serve(t, t.TempDir(), addr).target())
			id := c.waiting(oom)
			c.eventually("the note that people were told", func() bool { return len(c.events(id)) == 5 }, func() string { return c.incident(id).String() })
			_, port, _ := net.SplitHostPort(addr)
			before := c.call("GET", "/incidents", "", nil)
			tried := foreigners(addr, port, id)
			for name, request := range tried {
				got := raw(t, addr, request)
				// A Host that is no Host is refused by the HTTP server itself.
				if got.status != http.StatusForbidden && !(got.status == http.StatusBadRequest && strings.Contains(name, "Host: ")) {
					t.Errorf("%s: %s", name, got)
				}
				if strings.Contains(string(got.body), "heap") || strings.Contains(string(got.body), "plan") {
					t.Errorf("%s: shows something: %s", name, got)
				}
			}
			if after := c.call("GET", "/incidents", "", nil); string(after.body) != string(before.body) {
				t.Errorf("something changed:\n%s\n%s", before, after)
			}
			t.Logf("%d foreign requests tried, 0 counted", len(tried))
			for _, host := range []string{"localhost:" + port, "LOCALHOST:" + port, "127.0.0.1:" + port, "127.0.0.1", "[::1]:" + port, "[::1]"} {
				if got := raw(t, addr, lines("GET", "/incidents/"+id, host, "", "Sec-Fetch-Site: none")); got.status != http.StatusOK {
					t.Errorf("Host %s, typed by a person: %s", host, got)
				}
			}
			got := raw(t, addr, lines("GET", "/approve-fix?incidentId="+id, "localhost:"+port, "", "Sec-Fetch-Site: same-origin", "Origin: http://localhost:"+port, "Referer: http://localhost:"+port+"/incidents/"+id))
			if got.status != http.StatusOK || got.text("by") != "local" {
				t.Errorf("a person here: %s", got)
			}
			c.until(id, "RESOLVED")
		})
	}
}

// TestWithoutKeysItListensToThisMachineOnly tries every way to write an address
// that others reach.
func TestWithoutKeysItListensToThisMachineOnly(t *testing.T) {
	path, err := binary()
	if err != nil {
		t.Fatal(err)
	}
	for _, addr := range []string{"0.0.0.0:0", ":0", "[::]:0", "[::ffff:0.0.0.0]:0", "192.168.0.1:0", "example.com:0", "127.0.0.1.evil.example:0", "localhost.evil.example:0", "0:0"} {
		ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
		cmd := exec.CommandContext(ctx, path, "serve", "--addr", addr, "--data-dir", t.TempDir())
		cmd.Env = cleanEnv()
		out, err := cmd.CombinedOutput()
		cancel()
		if err == nil || !strings.Contains(string(out), "OPSGUARD_API_KEYS") {
			t.Errorf("--addr %s: %v: %s", addr, err, out)
		}
	}
}
