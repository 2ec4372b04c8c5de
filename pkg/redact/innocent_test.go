package redact

import (
	"strings"
	"testing"
)

func TestInnocentLinesStayAsTheyAre(t *testing.T) {
	for name, line := range map[string]string{
		"uuid":                   "request 01234567-89ab-cdef-0123-456789abcdef done",
		"git sha":                "HEAD is now at 9f2c1e7ab34d5f60718293a4b5c6d7e8f9012345 Fix login",
		"sha256":                 "sha256:e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855",
		"base64 image":           "data:image/png;base64,iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg==",
		"secret santa":           "Secret Santa: draw on Friday",
		"sql parameter":          "SELECT id FROM users WHERE password = ? AND token = $1",
		"sql column":             "SELECT password, token FROM users ORDER BY secret",
		"token expired":          "401 token expired",
		"token: expired":         "auth failed, token: expired",
		"invalid password":       "invalid password for user bob",
		"postgres":               `FATAL:  password authentication failed for user "bob"`,
		"mysql":                  "Access denied for user 'root'@'localhost' (using password: YES)",
		"validation":             `{"errors":{"password":"must be at least 8 characters"}}`,
		"validation, prose":      "Password: must contain a digit",
		"null":                   `{"password": null, "token": "", "secret":null}`,
		"masked":                 "password=*** token=xxxxxxxx secret=<hidden> api_key=[FILTERED]",
		"placeholder":            "password=[REDACTED:password] Authorization: Bearer [REDACTED:jwt]",
		"go nil":                 "{Token:<nil> Secret:(null)}",
		"environment reference":  "password=${DB_PASSWORD} token=$API_TOKEN secret={{ .Values.secret }}",
		"format verb":            `fmt.Errorf("token=%s secret=%q", a, b)`,
		"working directory":      "PWD=/srv/app OLDPWD=/root",
		"node parser":            "SyntaxError: Unexpected token < in JSON at position 0",
		"php parser":             "Parse error: unexpected token: semicolon in x.php",
		"antlr":                  "mismatched token: <EOF>",
		"parser, punctuation":    "token: }",
		"token counts":           "max_tokens=1024 tokens: 5031 prompt_tokens=12 token_type=bearer",
		"paging":                 "nextToken=abcdefabcdef12345 nextPageToken: abcdefabcdef12345",
		"secret by name":         "secretName: tls-cert, secretKeyRef: {name: db, key: pw}",
		"secret missing":         `MountVolume.SetUp failed for volume "x" : secret "db-credentials" not found`,
		"tests":                  "tests: 12, pass: 10, fail: 2, bypass: yes",
		"java stack":             "\tat com.example.auth.TokenFilter.doFilter(TokenFilter.java:42)\n\tat java.base/java.lang.Thread.run(Thread.java:833)",
		"python stack":           "  File \"/app/auth.py\", line 12, in login\n    token = request.headers[\"X-Token\"]\n    password = getPassword(user)",
		"go stack":               "goroutine 1 [running]:\nmain.main()\n\t/app/main.go:12 +0x1d",
		"rust path":              "thread panicked at Token::Invalid, src/lib.rs:7:5",
		"url with port and at":   "GET http://localhost:8080/@bob and https://medium.com/@bob/x and http://h:80/a@2x.png",
		"url with user":          "ssh://git@github.com/a/b and https://o1@sentry.io/1",
		"mail":                   "mailto:bob@example.com, time 12:34:56, ratio 3:4",
		"certificate":            "-----BEGIN CERTIFICATE-----\nMIIBkTCB+wIJAKHHIG\n-----END CERTIFICATE-----",
		"public key":             "-----BEGIN PUBLIC KEY-----\nMIIBIjANBgkqhkiG9w0BAQEFAAOCAQ8A\n-----END PUBLIC KEY-----",
		"challenge":              `WWW-Authenticate: Bearer authorization_uri="https://login", error="invalid_token"`,
		"bearer prose":           "Bearer authentication failed; the bearer of this",
		"basic prose":            "Basic authentication is disabled, basic understanding",
		"authorization prose":    "Authorization: denied; authorization failed",
		"cookie prose":           "cookie: missing; Cookie: expired",
		"signal":                 "exited, sig=9 code=137",
		"words like prefixes":    "task-runner-configuration-loader1 disk-a1b2c3d4e5f6a7b8c9d0e1f2 risk-assessment disk-usage SKIP msg.SG.x npm_config_registry npm_lifecycle_event",
		"docker user":            "docker run -u 1000:1000 --user www-data:www-data img",
		"option without a value": "usage: cli --password --token <token> --user",
		"a link of others":       "GET /search?t=abcdefghijklmnop&q=1",
		"kubectl age":            "secret/db-credentials   Opaque   3      12d",
		"empty assignment":       "PASSWORD=\nTOKEN=''\nSECRET: \"\"",
		"amqp":                   "routing_key=orders.created exchange=shop",
		"wrapped error":          "fetch access token: context deadline exceeded",
		"wrapped refusal":        "get secret: connection refused; read password: unexpected EOF",
		"wrapped twice":          "refresh token: oauth2: cannot fetch token: 400 Bad Request",
		"wrapped exception":      "read password: java.lang.OutOfMemoryError: Java heap space; get token: ConnectTimeoutException: x",
		"unfamiliar error":       "verify api key: signature has no issuer",
		"file of a secret":       "open /run/secrets/db_password: permission denied",
		"loop over cookies":      "for _, cookie := range c.Jar.Cookies(u) {",
		"rows of dashes":         "----------------------------------------------\n--- FAIL: TestX (0.00s)",
		"unclosed placeholders":  "[REDACTED: [REDACTED:] [REDACTED:nothing-we-know]",
		"unicode":                "Пользователь вошёл, 用户登录成功, café ✓",
	} {
		t.Run(name, func(t *testing.T) {
			got, found := Text(line)
			if got != line || found != nil {
				t.Errorf("got  %q (%v)\nwant %q", got, found, line)
			}
		})
	}
}

func TestPlaceholdersOfUnknownKindsShieldNothing(t *testing.T) {
	got, _ := Text("password=[REDACTED:hunter2]")
	if strings.Contains(got, "hunter2") {
		t.Errorf("got %q", got)
	}
}

func TestSameSecretsGiveTheSamePlaceholders(t *testing.T) {
	a, _ := Text("password=hunter2 failed")
	b, _ := Text("password=correct-horse failed")
	if a != b {
		t.Errorf("%q and %q differ: a rotated secret would change an alert's fingerprint", a, b)
	}
}

func TestCountsNameTheKinds(t *testing.T) {
	_, found := Text("password=a1b2 password=c3d4 " + awsID)
	if found["password"] != 2 || found["aws-access-key-id"] != 1 || found.Total() != 3 {
		t.Errorf("got %v", found)
	}
}
