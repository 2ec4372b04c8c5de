package redact

import (
	"strings"
	"testing"
)

// secretText is what the cases below hide, put where issue reports showed it to leak.
func TestWhatOnceLeakedVanishes(t *testing.T) {
	pw := one("hunter2")
	b64 := strings.Repeat(alnum40, 8)
	runSecrets(t, []secretCase{
		{"statuspage", "STATUSPAGE_TOKEN=hunter2", pw, "STATUSPAGE_TOKEN=[REDACTED:token]"},
		{"facebook page", "FB_PAGE_TOKEN=hunter2", pw, "FB_PAGE_TOKEN=[REDACTED:token]"},
		{"appsync", "APPSYNC_TOKEN: hunter2", pw, "APPSYNC_TOKEN: [REDACTED:token]"},
		{"mail as user", "https://bob@example.com:hunter2@db.example.com/x", pw, "https://bob@example.com:[REDACTED:url-password]@db.example.com/x"},
		{"escaped less-than", `password=ab\u003chunter2 x`, pw, "password=[REDACTED:password] x"},
		{"escaped greater-than", `password=ab\u003ehunter2 x`, pw, "password=[REDACTED:password] x"},
		{"braces", "Server=db;Pwd={hunter2};Encrypt=yes", pw, "Server=db;Pwd={[REDACTED:password]};Encrypt=yes"},
		{"doubled quotes inside", `password="ab""hunter2" x`, pw, `password="[REDACTED:password]" x`},
		{"doubled quotes around", `1,"{""password"":""hunter2""}",x`, pw, `1,"{""password"":""[REDACTED:password]""}",x`},
		{"csv of name and value", `"API_TOKEN","a1b2c3d4e5f6"`, one("a1b2c3d4e5f6"), `"API_TOKEN","[REDACTED:token]"`},
		{"cookie after $Version", "Cookie: $Version=1; sid=hunter2", pw, "Cookie: [REDACTED:cookie]"},
		{"flag with a dash", "cli --token -hunter2 run", pw, "cli --token [REDACTED:token] run"},
		{"here-document", "DB_PASSWORD=$(cat <<EOF\nhunter2\nEOF\n)", pw, "DB_PASSWORD=$(cat <<EOF\n[REDACTED:password]\nEOF\n)"},
		{"terraform here-document", "password = <<-EOT\n  hunter2\nEOT", pw, "password = <<-EOT\n  [REDACTED:password]\nEOT"},
		{"password on standard input", "docker login --password-stdin <<EOF\nhunter2\nEOF", pw, ""},
		{"here-string", "docker login --password-stdin <<< hunter2", pw, ""},
		{"entra", "secret is abc8Q~" + alnum40[:34], one(alnum40[:34]), "secret is [REDACTED:azure-key]"},
		{"telegram", "POST https://api.telegram.org/bot123456789:AAF" + alnum40[:32] + "/getMe", one(alnum40[:32]),
			"POST https://api.telegram.org/bot123456789:[REDACTED:telegram-bot-token]/getMe"},
		{"atlassian", "with ATATT3" + alnum40 + alnum40, one(alnum40), "with [REDACTED:vendor-token]"},
		{"teams", "https://a.webhook.office.com/webhookb2/01234567-89ab-cdef-0123-456789abcdef@01234567-89ab-cdef-0123-456789abcdef/IncomingWebhook/" + hexes32 + "/0",
			one(hexes32), "https://a.webhook.office.com/webhookb2/[REDACTED:webhook-url]"},
		{"zapier", "https://hooks.zapier.com/hooks/catch/1234567/abcd123/", one("abcd123"), "https://hooks.zapier.com/hooks/catch/[REDACTED:webhook-url]"},
		{"vault batch", "hvb." + alnum40 + alnum40, one(alnum40), "[REDACTED:vendor-token]"},
		{"vault before 1.10", "token s." + "Zx9Kq2Lm7Pw4Rt6Vb8Nc1Df3" + " ok", one("Zx9Kq2Lm7Pw4Rt6Vb8Nc1Df3"), "token [REDACTED:vendor-token] ok"},
		{"unseal key", "Unseal Key 1: " + alnum40 + "a1b=", one(alnum40), "Unseal Key 1: [REDACTED:secret]"},
		{"terraform cloud", "use Zx9Kq2Lm7Pw4Rt.atlasv1." + alnum40 + alnum40[:20], one(alnum40), "use [REDACTED:vendor-token]"},
		{"doppler", "dp.pt." + alnum40, one(alnum40), "[REDACTED:vendor-token]"},
		{"1password", "ops_eyJ" + b64, one(alnum40), "[REDACTED:vendor-token]"},
		{"bedrock", "ABSK" + b64[:120], one(alnum40), "[REDACTED:vendor-token]"},
		{"openshift", "sha256~" + alnum40 + "abc", one(alnum40), "[REDACTED:vendor-token]"},
		{"grafana cloud", "glc_" + alnum40, one(alnum40), "[REDACTED:vendor-token]"},
		{"square", "sq0atp-" + alnum40[:22], one(alnum40[:22]), "[REDACTED:vendor-token]"},
		{"facebook app", "123456789012345|" + alnum40[:27], one(alnum40[:27]), "123456789012345|[REDACTED:vendor-token]"},
		{"facebook user", "EAAC" + b64[:110], one(alnum40), "[REDACTED:vendor-token]"},
		{"docker auth", `{"auths":{"x":{"auth":"Ym9iOmh1bnRlcjI="}}}`, one("Ym9iOmh1"), `{"auths":{"x":{"auth":"[REDACTED:basic-auth]"}}}`},
		{"kubeconfig", "    client-key-data: LS0tLS1CRUdJTi", one("LS0tLS1C"), "    client-key-data: [REDACTED:private-key]"},
		{"oracle", `ALTER USER app IDENTIFIED BY "hunter2"`, pw, `ALTER USER app IDENTIFIED BY "[REDACTED:password]"`},
		{"mysql plug-in", "ALTER USER a IDENTIFIED WITH mysql_native_password BY 'hunter2'", pw, ""},
		{"mysql function", "SET PASSWORD FOR a = PASSWORD('hunter2')", pw, "SET PASSWORD FOR a = PASSWORD('[REDACTED:password]')"},
		{"github, wrapped", "token ghp_" + alnum40[:20] + "\n" + alnum40[20:36] + "\nok", one(alnum40[20:36]), "token [REDACTED:github-token]\nok"},
		{"jwt, wrapped", jwt[:70] + "\n" + jwt[70:] + "\nok", one(jwt[70:]), "[REDACTED:jwt]\nok"},
		{"yaml block", "password: |\n  hunter2\nuser: bob", pw, "password: |\n  [REDACTED:password]\nuser: bob"},
		{"yaml below", "password:\n  hunter2\nuser: bob", pw, "password:\n  [REDACTED:password]\nuser: bob"},
		{"json below", "\"password\":\n    \"hunter2\",\n", pw, "\"password\":\n    \"[REDACTED:password]\",\n"},
		{"prompt", "Password:\nhunter2\nok", pw, "Password:\n[REDACTED:password]\nok"},
		{"header below", "Authorization:\n  Bearer q7w8e9r0t1", one("q7w8e9r0t1"), "Authorization:\n  Bearer [REDACTED:bearer-token]"},
		{"element below", "<password>\n  hunter2\n</password>", pw, "<password>\n  [REDACTED:password]\n</password>"},
		{"weak name", "STRIPE_KEY=a1b2c3d4e5f6g7h8i9", one("a1b2c3d4e5f6"), "STRIPE_KEY=[REDACTED:secret]"},
		{"numbered name", "DB_PASSWORD_2=hunter2", pw, "DB_PASSWORD_2=[REDACTED:password]"},
		{"argument", `System.setProperty("API_TOKEN", "a1b2c3d4e5f6")`, one("a1b2c3d4e5f6"), ""},
	})
}

func TestWhatWasOnceTakenWronglyStays(t *testing.T) {
	for name, line := range map[string]string{
		"android token":      "Start proc token=Token{2f1c0a7 ActivityRecord{9a1b2c3 u0 com.example/.Main}}",
		"android binder":     "addWindow token=android.os.BinderProxy@4c1b0b9",
		"hash of a password": "SHA1 of given password: f638ff4a",
		"remote desktop":     "Cookie: mstshash=administr",
		"paging":             "res.nextPageToken=abcdefabcdef12345 page_token=abcdefabcdef12345",
		"weak, words":        "key=orders.created auth=success session=started-by-operator pin=12 cache key=user:42:profile",
		"weak, id":           "session=01234567-89ab-cdef-0123-456789abcdef sessionid:0x14ed93111f20027",
		"below, prose":       "password:\nplease try again",
		"below, fields":      "password:\n  secretKeyRef:\n    name: db\ntoken:\n  - a1\npasswd:\nuser=bob",
		"below, log":         "invalid token:\n2026-03-01T12:00:07Z INFO restarted",
		"sql":                `INSERT INTO t VALUES ("a", 'by', "password", 'x')`,
		"getter":             `getPassword("db") hasToken('x')`,
		"s.identifier":       "s.handleRequestForCustomer1 s.abcdefabcdefabcdefabcdef",
		"options":            "cli --password -u bob --token --verbose",
		"template":           "password={{ .Values.password }} token={} secret={name: x}",
	} {
		if got, found := Text(line); got != line || found != nil {
			t.Errorf("%s: got %q (%v)", name, got, found)
		}
	}
}
