package redact

import "testing"

func TestAssignedSecretsVanish(t *testing.T) {
	pw := one("hunter2")
	runSecrets(t, []secretCase{
		{"env", "DB_PASSWORD=hunter2", pw, "DB_PASSWORD=[REDACTED:password]"},
		{"shell export", "export PGPASSWORD='hunter2'; psql", pw, "export PGPASSWORD='[REDACTED:password]'; psql"},
		{"json", `{"user":"bob","password":"hunter2","x":1}`, pw, `{"user":"bob","password":"[REDACTED:password]","x":1}`},
		{"json, spaced", `"Password" : "hunter2"`, pw, `"Password" : "[REDACTED:password]"`},
		{"json in json", `{"body":"{\"password\":\"hunter2\",\"x\":1}"}`, pw, `{"body":"{\"password\":\"[REDACTED:password]\",\"x\":1}"}`},
		{"json in json in json", `"{\\\"password\\\":\\\"hunter2\\\"}"`, pw, `"{\\\"password\\\":\\\"[REDACTED:password]\\\"}"`},
		{"json number", `{"password": 12345678, "a": 1}`, one("12345678"), `{"password": [REDACTED:password], "a": 1}`},
		{"escaped quote inside", `"password":"hun\"ter2"`, one("ter2"), `"password":"[REDACTED:password]"`},
		{"phrase", `"passphrase": "correct horse battery staple"`, one("horse"), `"passphrase": "[REDACTED:password]"`},
		{"yaml", "db:\n  password: hunter2\n  host: db", pw, "db:\n  password: [REDACTED:password]\n  host: db"},
		{"python dict", `{'password': 'hunter2', 'u': 1}`, pw, `{'password': '[REDACTED:password]', 'u': 1}`},
		{"python bytes", `password=b'hunter2'`, pw, `password=b'[REDACTED:password]'`},
		{"ruby hash", `{:password=>"hunter2", :id=>1}`, pw, `{:password=>"[REDACTED:password]", :id=>1}`},
		{"php array", `['password'] => hunter2`, pw, `['password'] => [REDACTED:password]`},
		{"go struct", `{User:bob Password:hunter2}`, pw, `{User:bob Password:[REDACTED:password]}`},
		{"go struct, nested", `cfg={DB:{Password:hunter2}}`, pw, `cfg={DB:{Password:[REDACTED:password]}}`},
		{"go header", `map[X-Api-Key:[hunter2abc] Accept:[*/*]]`, one("hunter2abc"), `map[X-Api-Key:[[REDACTED:api-key]] Accept:[*/*]]`},
		{"java toString", `Config(user=bob, password=hunter2, port=1)`, pw, `Config(user=bob, password=[REDACTED:password], port=1)`},
		{"java toString, last", `Config(password=hunter2)`, pw, `Config(password=[REDACTED:password])`},
		{"ado.net", "Server=db;Uid=sa;Pwd=hunter2;Encrypt=yes", pw, "Server=db;Uid=sa;Pwd=[REDACTED:password];Encrypt=yes"},
		{"ado.net, spaced key", "Password=hunter2;User Id=sa;", pw, "Password=[REDACTED:password];User Id=sa;"},
		{"libpq", "host=db user=app password=hunter2 dbname=x", pw, "host=db user=app password=[REDACTED:password] dbname=x"},
		{"punctuation inside", "password=a,b;c&d)e'f", one("c&d"), "password=[REDACTED:password]"},
		{"in a quoted message", `msg="login password=hunter2" user=bob`, pw, `msg="login password=[REDACTED:password]" user=bob`},
		{"in escaped quotes", `"cmd \"PASSWORD=hunter2\" failed"`, pw, `"cmd \"PASSWORD=[REDACTED:password]\" failed"`},
		{"prose", "using password: hunter2 for bob", pw, "using password: [REDACTED:password] for bob"},
		{"quote never closed", `password="hunter2 and so on`, pw, `password="[REDACTED:password] and so on`},
		{"flag", "mysqldump --password hunter2 db", pw, "mysqldump --password [REDACTED:password] db"},
		{"flag with equals", "cli --client-secret=hunter2 run", pw, "cli --client-secret=[REDACTED:secret] run"},
		{"curl user", "curl -s -u bob:hunter2 https://x", pw, "curl -s -u bob:[REDACTED:password] https://x"},
		{"xml", "<db><password>hunter2</password></db>", pw, "<db><password>[REDACTED:password]</password></db>"},
		{"xml attribute", `<db user="bob" password="hunter2"/>`, pw, `<db user="bob" password="[REDACTED:password]"/>`},
		{"container environment", `{"name":"DB_PASSWORD","value":"hunter2"}`, pw, `{"name":"DB_PASSWORD","value":"[REDACTED:password]"}`},
		{"pod environment", "- name: API_TOKEN\n  value: hunter2abc", one("hunter2abc"), "- name: API_TOKEN\n  value: [REDACTED:token]"},
		{"postgres statement", "STATEMENT:  ALTER USER app WITH PASSWORD 'hunter2'", pw, "STATEMENT:  ALTER USER app WITH PASSWORD '[REDACTED:password]'"},
		{"mysql statement", "CREATE USER a IDENTIFIED BY 'hunter2'", pw, "CREATE USER a IDENTIFIED BY '[REDACTED:password]'"},
		{"sql assignment", "UPDATE u SET password = 'hunter2' WHERE id = 1", pw, "UPDATE u SET password = '[REDACTED:password]' WHERE id = 1"},
		{"datadog", "DD_API_KEY=" + hexes32, one(hexes32), "DD_API_KEY=[REDACTED:api-key]"},
		{"heroku", "HEROKU_API_KEY: 01234567-89ab-cdef-0123-456789abcdef", one("456789abcdef"), "HEROKU_API_KEY: [REDACTED:api-key]"},
		{"two words", "API key: hunter2abc", one("hunter2abc"), "API key: [REDACTED:api-key]"},
		{"client secret", "client_secret=hunter2&grant_type=x", pw, "client_secret=[REDACTED:secret]&grant_type=x"},
		{"camel case", `accessToken: 'hunter2'`, pw, `accessToken: '[REDACTED:token]'`},
		{"default of a variable", "password=${PASSWORD:-hunter2}", pw, ""},
		{"two on a line", "password=hunter2 token=hunter2x", pw, "password=[REDACTED:password] token=[REDACTED:token]"},
		{"not only ascii", "password=h\u00fcnter2\u00df x", one("nter2"), "password=[REDACTED:password] x"},
		{"other letters", "password=\u5bc6\u7801\u5bc6\u7801", one("\u5bc6"), "password=[REDACTED:password]"},
	})
}

func TestHeadersAreRedacted(t *testing.T) {
	secret := one("q7w8e9r0t1")
	runSecrets(t, []secretCase{
		{"bearer", "Authorization: Bearer q7w8e9r0t1", secret, "Authorization: Bearer [REDACTED:bearer-token]"},
		{"bearer jwt", "authorization: bearer " + jwt, one(jwt), "authorization: bearer [REDACTED:jwt]"},
		{"basic", "Authorization: Basic q7w8e9r0t1==", secret, "Authorization: Basic [REDACTED:basic-auth]"},
		{"proxy", "Proxy-Authorization: Basic q7w8e9r0t1", secret, "Proxy-Authorization: Basic [REDACTED:basic-auth]"},
		{"json", `{"authorization":"Bearer q7w8e9r0t1","a":"b"}`, secret, `{"authorization":"Bearer [REDACTED:bearer-token]","a":"b"}`},
		{"json in json", `{"h":"{\"authorization\":\"Bearer q7w8e9r0t1\"}"}`, secret, `{"h":"{\"authorization\":\"Bearer [REDACTED:bearer-token]\"}"}`},
		{"curl", `curl -H 'Authorization: Bearer q7w8e9r0t1' https://x`, secret, `curl -H 'Authorization: Bearer [REDACTED:bearer-token]' https://x`},
		{"go header", `map[Authorization:[Bearer q7w8e9r0t1] Accept:[*/*]]`, secret, `map[Authorization:[Bearer [REDACTED:bearer-token]] Accept:[*/*]]`},
		{"no scheme", "Authorization: q7w8e9r0t1", secret, "Authorization: [REDACTED:authorization]"},
		{"unknown scheme", "Authorization: Custom q7w8e9r0t1 x", secret, "Authorization: [REDACTED:authorization] x"},
		{"github scheme", "Authorization: token q7w8e9r0t1", secret, "Authorization: token [REDACTED:authorization]"},
		{"digest", `Authorization: Digest username="bob", nonce="1", response="q7w8e9r0t1"`, secret, "Authorization: Digest [REDACTED:authorization]"},
		{"aws signature", "Authorization: AWS4-HMAC-SHA256 Credential=" + awsID + "/x, SignedHeaders=host, Signature=q7w8e9r0t1", []string{awsID, "q7w8e9r0t1"},
			"Authorization: AWS4-HMAC-SHA256 [REDACTED:authorization]"},
		{"bearer without a header", "sent Bearer q7w8e9r0t1 to api", secret, "sent Bearer [REDACTED:bearer-token] to api"},
		{"basic without a header", "sent Basic Ym9iOmh1bnRlcjI= to api", one("Ym9iOmh1"), "sent Basic [REDACTED:basic-auth] to api"},
		{"api key", "X-Api-Key: q7w8e9r0t1", secret, "X-Api-Key: [REDACTED:api-key]"},
		{"cookie", "Cookie: a=1; sid=q7w8e9r0t1\nHost: x", secret, "Cookie: [REDACTED:cookie]\nHost: x"},
		{"set-cookie", "< Set-Cookie: sid=q7w8e9r0t1; Path=/; HttpOnly", secret, "< Set-Cookie: [REDACTED:cookie]"},
		{"cookie, json", `{"cookie":"sid=q7w8e9r0t1; b=2","host":"x"}`, secret, `{"cookie":"[REDACTED:cookie]","host":"x"}`},
		{"cookie, curl", `curl -H 'Cookie: sid=q7w8e9r0t1' https://x`, secret, `curl -H 'Cookie: [REDACTED:cookie]' https://x`},
	})
}

func TestNothingInvisibleHidesASecret(t *testing.T) {
	for name, between := range map[string]string{
		"zero-width space": "\u200b", "soft hyphen": "\u00ad", "byte order mark": "\ufeff", "word joiner": "\u2060", "nul": "\x00",
		"bidi override": "\u202e", "tag": "\U000E0041", "variation selector": "\ufe0f", "color": "\x1b[31m", "c1 color": "\u009b31m",
		"title": "\x1b]0;hi\x07", "delete": "\x7f", "hangul filler": "\u3164",
	} {
		for _, secret := range []string{awsID, github, "password=hunter2"} {
			got, found := Text("x " + secret[:7] + between + secret[7:] + " y")
			if found.Total() != 1 {
				t.Errorf("%s within %q: got %q", name, secret, got)
			}
		}
	}
}
