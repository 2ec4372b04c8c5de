package redact

import (
	"encoding/base64"
	"flag"
	"fmt"
	"math/rand/v2"
	"os"
	"strings"
	"testing"
)

var update = flag.Bool("update", false, "write the table of docs/redaction.md")

// The corpus is made here, the same at every run: names, values and the shapes they stand in, put together. The rules were
// written with the first part in sight. The second part has other names and shapes, some of which no rule knows. Rules were
// changed by what its first run showed, so it is no measure of unseen texts any more.

// shapes hold %n, a name, and %v, its value.
type part struct {
	name                                string
	names, own, below, weak, bare, logs []string
	foreign                             []string // prefixes of tokens that no rule lists
}

var corpus = []part{
	{
		name:  "first part",
		names: []string{"password", "DB_PASSWORD", "clientSecret", "api_key", "X-Auth-Token", "accessToken", "secret_key", "PGPASSWORD"},
		own: []string{
			"%n=%v", `{"user":"bob","%n":"%v"}`, "%n: %v", "cli --%n %v run", "connect with %n='%v'; host=db", `{"log":"%n=\"%v\""}`,
			"Config(user=bob, %n=%v, port=1)", "GET /x?a=1&%n=%v&b=2", "<%n>%v</%n>", "postgres://bob:%v@db/x", "Authorization: Bearer %v",
			"Cookie: sid=%v; a=b", `{"name":"%n","value":"%v"}`, `1,"{""%n"":""%v""}"`, "%n={%v};a=b", `setProperty("%n", "%v")`,
		},
		below: []string{"%n:\n  %v\nhost: db", "%n: |\n  %v\n", "\"%n\":\n  \"%v\",", "<%n>\n  %v\n</%n>", "%n=$(cat <<EOF\n%v\nEOF\n)", "%n:\n%v\nok"},
		weak:  []string{"key", "auth", "credential", "session", "salt", "STRIPE_KEY", "signature", "pw", "jwt", "ticket"},
		bare:  []string{"sent %v to it", `{"id":"%v"}`, "%v", "at %v."},
		logs: []string{
			"2026-03-01T12:00:%2Z ERROR [exec-%d] com.example.OrderService - order=%h failed: timeout",
			"\tat com.example.auth.TokenFilter.doFilter(TokenFilter.java:%d)", `{"level":"info","msg":"GET /v1/orders","status":200,"trace":"%h"}`,
			`10.0.0.%d - - [01/Mar/2026:12:00:00 +0000] "GET /login?next=%2Fhome&id=%d HTTP/1.1" 302 0`, "request 01234567-89ab-cdef-0123-%h done",
			"token expired for user %d, key=orders.created.%d", "Failed password for invalid user admin from 10.0.0.%d port %d ssh2",
		},
	},
	{
		name:  "second part",
		names: []string{"smtp_password", "REDIS_PASSWORD", "appSecret", "mailgun_api_key", "refreshToken", "WEBHOOK_SECRET", "signingKey", "userPasswd", "GRAFANA_TOKEN"},
		own: []string{
			`string %n = "%v";`, "var %n string = \"%v\"", "%n := `%v`", `$%n .= "%v"`, `%n ?= "%v"`, `%n :::= "%v"`, `  "%n" => "%v"`, `%n ??= "%v"`,
			"{PATH=/usr/bin, %n=%v, LC_ALL=C}", `curl -H "%n: %v" https://x`, "[db] %n = %v ; from vault", "env: [%n=%v, A=b]", `request.%n("%v")`,
			"SET %n '%v'", "ftp://bob:%v@files.example.com/a", "the %n is %v", `msg="bad %n" got="%v"`, "process.env.%n = '%v'", "%n -> %v",
			"export %n=\"%v\" && run", `level=error %n=%v err="timeout"`, `{\"%n\": \"%v\"}`, `<add key="%n" value="%v" />`, "-e %n=%v -p 80:80",
		},
		below: []string{"  %n:\n      %v\n  port: 1", "%n: >-\n    %v\n", "'%n':\n\t'%v'", "%n = <<~SQL\n  %v\nSQL", "%n =\n  \"%v\"", "cli --%n \\\n  %v \\\n  --go", "%n is:\n%v\n"},
		weak:  []string{"ALGOLIA_KEY", "sonar.login", "csrf", "hmac", "bearer", "gcp_creds", "license", "ADMIN_PW", "codecov", "magic_link", "assertion", "deploy_key"},
		bare:  []string{"error: 401 for <%v>", "x=%v&y", "[%v]", "retry with %v, then stop", "('%v',)"},
		logs: []string{
			"kubelet[%d]: E0301 12:00:00 pod_workers.go:%d] Error syncing pod %h, skipping: CrashLoopBackOff", "I/ActivityManager(%d): Start proc %d:com.example/u0a%d",
			"dfs.DataNode$PacketResponder: Received block blk_%d of size %d from /10.0.0.%d", "session=0x%h closed, sessionid: 0x%h, timeout %d",
			"haproxy[%d]: 10.0.0.%d:%d [01/Mar/2026:12:00:00.000] fe be/s1 0/0/1/2/3 200 %d - - ---- 1/1/0/0/0 0/0 {a|b} \"GET / HTTP/1.1\"",
			"npm ERR! code E401 Unable to authenticate, need: Basic realm=\"x\" (%d)", "pushed sha256:%h%h%h%h size %d", "LOG:  duration: %d ms  statement: SELECT token FROM s WHERE id = %d",
			"WARN cache miss key=user:%d:profile etag=\"%h\" auth: none", "passwd[%d]: pam_unix(passwd:chauthtok): password changed for app%d", "Set TokenBucket(rate=%d, key=api) in %d ms",
		},
		foreign: []string{"odt_", "flb_live_", "na1.", "ion_", "ak_live_", "shltm_"},
	},
}

const perKind = 2000 // texts of each kind and part

func randomValue(r *rand.Rand) string {
	length := 10 + r.IntN(30)
	b := make([]byte, length)
	for i := range b {
		b[i] = alnum40[r.IntN(len(alnum40))]
	}
	b[r.IntN(5)], b[5+r.IntN(5)] = digits[r.IntN(10)], lower[r.IntN(26)]
	return string(b)
}

func strongValue(r *rand.Rand) string { return randomValue(r) + randomValue(r) }

// token makes what an issuer could have made: of a rule, or of the shapes that are no prefix.
func (p part) token(r *rand.Rand) string {
	others := 8 + len(p.foreign)
	n := r.IntN(len(tokenRules) + others)
	if n < len(tokenRules) {
		rule := tokenRules[n]
		b := []byte(sample(rule.chars, max(rule.full, rule.min+r.IntN(3)*min(1, max(0, 1-rule.full)))))
		if !rule.exact && len(b) > 8 {
			r.Shuffle(len(b)-4, func(i, j int) { b[4+i], b[4+j] = b[4+j], b[4+i] })
		}
		return rule.prefix + string(b)
	}
	body := strongValue(r) + strongValue(r)
	switch n -= len(tokenRules); n {
	case 0:
		return "eyJhbGciOiJIUzI1NiJ9." + base64.RawURLEncoding.EncodeToString([]byte(`{"sub":"`+body+`"}`)) + "." + body[:40]
	case 1:
		return "SG." + body[:22] + "." + alnum40 + "abc"
	case 2:
		return "abc8Q~" + body[:34]
	case 3:
		return "https://api.telegram.org/bot123456789:AA" + body[:33] + "/x"
	case 4:
		return alnum40[:14] + ".atlasv1." + body[:40] + alnum40[:25]
	case 5:
		return "123456789012345|" + body[:27]
	case 6:
		return "MTA4NjY1NDMyMTk4NzY1NDMy.GhT9xQ." + body[:38]
	case 7:
		return "https://bob:" + body[:20] + "@example.com/"
	}
	return p.foreign[n-8] + body[:40]
}

// row is one line of the table: how many of how many leak, or are taken wrongly.
type row struct {
	kind       string
	limit      float64 // per cent
	bad, total [2]int
}

func (r row) percent(i int) float64 { return 100 * float64(r.bad[i]) / float64(r.total[i]) }

func measure() []row {
	rows := []row{
		{kind: "own texts: a name and its value", limit: 15}, {kind: "the value on the next line", limit: 15},
		{kind: "weak names (key, auth, session)", limit: 25}, {kind: "bare, but self-identifying", limit: 5},
		{kind: "log lines without a secret, taken wrongly", limit: 0.05},
	}
	for i, p := range corpus {
		r := rand.New(rand.NewPCG(12, uint64(i)))
		pick := func(of []string) string { return of[r.IntN(len(of))] }
		leaks := func(k int, shape, name, v string) {
			out, _ := Text(strings.NewReplacer("%n", name, "%v", v).Replace(shape))
			rows[k].total[i]++
			if body := v[len(v)*2/5 : len(v)*4/5]; strings.Contains(out, body) {
				rows[k].bad[i]++
			}
		}
		for range perKind {
			leaks(0, pick(p.own), pick(p.names), randomValue(r))
			leaks(1, pick(p.below), pick(p.names), randomValue(r))
			leaks(2, pick([]string{"%n=%v", `"%n": "%v"`, "%n: %v", "x=1&%n=%v"}), pick(p.weak), strongValue(r))
			leaks(3, pick(p.bare), "", p.token(r))
		}
		for range 10 * perKind {
			line := pick(p.logs)
			for strings.Contains(line, "%d") {
				line = strings.Replace(line, "%d", fmt.Sprint(r.IntN(100_000)), 1)
			}
			for strings.Contains(line, "%h") {
				line = strings.Replace(line, "%h", fmt.Sprintf("%016x", r.Uint64()), 1)
			}
			rows[4].total[i]++
			if _, found := Text(line); found != nil {
				rows[4].bad[i]++
			}
		}
	}
	return rows
}

func TestTheCorpusKeepsItsFigures(t *testing.T) {
	var table strings.Builder
	table.WriteString("| kind | wanted | first part | second part | texts of each part |\n|---|---|---|---|---|\n")
	for _, r := range measure() {
		fmt.Fprintf(&table, "| %s | under %g %% | %.2f %% | %.2f %% | %d |\n", r.kind, r.limit, r.percent(0), r.percent(1), r.total[0])
		for i, p := range corpus {
			if r.percent(i) >= r.limit {
				t.Errorf("%s, %s: %.2f %%, wanted under %g %%", r.kind, p.name, r.percent(i), r.limit)
			}
		}
	}
	t.Logf("\n%s", table.String())
	checkTable(t, "../../docs/redaction.md", table.String())
}

// checkTable holds the document to the table, or writes it.
func checkTable(t *testing.T, path, table string) {
	t.Helper()
	const begin, end = "<!-- corpus: begin -->\n", "<!-- corpus: end -->"
	doc, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	head, rest, ok := strings.Cut(string(doc), begin)
	old, foot, ok2 := strings.Cut(rest, end)
	if !ok || !ok2 {
		t.Fatalf("%s has no place for the table", path)
	}
	if old == table {
		return
	}
	if !*update {
		t.Fatalf("%s differs from the measured table; run make docs", path)
	}
	if err := os.WriteFile(path, []byte(head+begin+table+end+foot), 0o644); err != nil {
		t.Fatal(err)
	}
}
