package redact

import (
	"strings"
	"testing"
)

// Each case says which text must be gone, and what the line becomes. want is compared only where it is set.
type secretCase struct {
	name, in string
	gone     []string
	want     string
}

func one(s string) []string { return []string{s} }

func TestTokensWithKnownPrefixesVanish(t *testing.T) {
	runSecrets(t, []secretCase{
		{"aws access key id", "user " + awsID + " denied", one(awsID), "user [REDACTED:aws-access-key-id] denied"},
		{"aws session key id", "as ASIA" + awsID[4:], one(awsID[4:]), "as [REDACTED:aws-access-key-id]"},
		{"aws secret, env", "AWS_SECRET_ACCESS_KEY=" + awsKey, one(awsKey), "AWS_SECRET_ACCESS_KEY=[REDACTED:aws-secret-access-key]"},
		{"aws secret, sdk dump", `Credentials{accessKeyId: "` + awsID + `", secretAccessKey: "` + awsKey + `"}`, []string{awsID, awsKey},
			`Credentials{accessKeyId: "[REDACTED:aws-access-key-id]", secretAccessKey: "[REDACTED:aws-secret-access-key]"}`},
		{"gcp api key in a query", "GET /v1?key=" + gcpKey + "&x=1", one(gcpKey), "GET /v1?key=[REDACTED:gcp-api-key]&x=1"},
		{"gcp oauth", "ya29." + alnum40, one(alnum40), "[REDACTED:gcp-oauth-secret]"},
		{"github", "remote: " + github, one(github), "remote: [REDACTED:github-token]"},
		{"github, fine grained", githubV2, one(alnum40[:12]), "[REDACTED:github-token]"},
		{"github, as user of a url", "https://" + github + "@github.com/a/b.git", one(github), "https://[REDACTED:github-token]@github.com/a/b.git"},
		{"gitlab", "PRIVATE-TOKEN: " + gitlab, one(gitlab), "PRIVATE-TOKEN: [REDACTED:gitlab-token]"},
		{"slack bot", slackBot, one(slackBot[5:]), "[REDACTED:slack-token]"},
		{"slack app", slackApp, one(hexes32), "[REDACTED:slack-token]"},
		{"slack webhook", "https://hooks.slack.com/services/" + slackURL, one(slackURL), "https://hooks.slack.com/services/[REDACTED:slack-webhook]"},
		{"discord webhook", "https://discord.com/api/webhooks/1086654321987654321/" + discURL + "?wait=true", one(discURL),
			"https://discord.com/api/webhooks/1086654321987654321/[REDACTED:discord-webhook]?wait=true"},
		{"discord webhook, versioned", "https://canary.discordapp.com/api/v10/webhooks/10866/" + discURL, one(discURL), ""},
		{"discord bot", "login " + discord, one(discord), "login [REDACTED:discord-bot-token]"},
		{"stripe", "key " + stripe, one(stripe), "key [REDACTED:stripe-key]"},
		{"stripe restricted", "rk_live_" + alnum40, one(alnum40), "[REDACTED:stripe-key]"},
		{"stripe webhook", whsec, one(whsec[6:]), "[REDACTED:stripe-webhook-secret]"},
		{"twilio", "sid " + twilio, one(hexes32), "sid [REDACTED:twilio-api-key]"},
		{"sendgrid", "using " + sendgrid + ".", one(sendgrid), "using [REDACTED:sendgrid-api-key]."},
		{"npm", "//packages.example.com/:_authToken=" + npm, one(npm), "//packages.example.com/:_authToken=[REDACTED:npm-token]"},
		{"pypi", pypi, one(alnum40), "[REDACTED:pypi-token]"},
		{"openai", "Incorrect API key provided: " + openai, one(alnum40), "Incorrect API key provided: [REDACTED:openai-api-key]"},
		{"openai, first format", openaiV1, one(openaiV1[3:]), "[REDACTED:openai-api-key]"},
		{"anthropic", claude, one(alnum40), "[REDACTED:anthropic-api-key]"},
		{"jwt", "session " + jwt + " expired", one(jwt), "session [REDACTED:jwt] expired"},
		{"jwt without its signature", jwt[:60], one(jwt[:60]), "[REDACTED:jwt]"},
		{"our operator key", "401 for " + operator, one(operator), "401 for [REDACTED:opsguard-key]"},
		{"our link token", "GET /approve-fix?incidentId=INC-01&action=approve&t=abc.DEF-123_x HTTP/1.1", one("abc.DEF-123_x"),
			"GET /approve-fix?incidentId=INC-01&action=approve&t=[REDACTED:opsguard-link-token] HTTP/1.1"},
		{"after an escaped line end", `{"log":"id:\n` + awsID + `\n"}`, one(awsID), `{"log":"id:\n[REDACTED:aws-access-key-id]\n"}`},
		{"glued to a word", "token" + github, one(github), ""},
		{"cut off", "clone with " + github[:26], one(github[:26]), "clone with [REDACTED:github-token]"},
	})
}

func TestPrivateKeysVanish(t *testing.T) {
	lines := strings.Split(strings.TrimSpace(pemBody), "\n")
	cut := pem[:strings.Index(pem, "-----END")]
	prefixed := strings.ReplaceAll(pem, "\n", "\n2026-01-02T03:04:05Z app | ")
	runSecrets(t, []secretCase{
		{"block", "loaded\n" + pem + "\nready", lines, "loaded\n[REDACTED:private-key]\nready"},
		{"pkcs8", strings.ReplaceAll(pem, "RSA ", ""), lines, "[REDACTED:private-key]"},
		{"openssh", strings.ReplaceAll(pem, "RSA", "OPENSSH"), lines, "[REDACTED:private-key]"},
		{"encrypted, with headers", strings.Replace(pem, "KEY-----\n", "KEY-----\nProc-Type: 4,ENCRYPTED\nDEK-Info: AES-128-CBC,0F\n\n", 1), lines,
			"[REDACTED:private-key]"},
		{"without its end", cut, lines, "[REDACTED:private-key]\n"},
		{"without its end, log goes on", cut + "2026-01-02 server listening on 8080", lines, "[REDACTED:private-key]\n2026-01-02 server listening on 8080"},
		{"cut within a line", pem[:120], one(alnum40), "[REDACTED:private-key]"},
		{"escaped, on one line", strings.ReplaceAll(pem, "\n", `\n`), lines, "[REDACTED:private-key]"},
		{"escaped, without its end", strings.ReplaceAll(cut, "\n", `\n`) + " and more", lines, ""},
		{"each line prefixed", prefixed, lines, "[REDACTED:private-key]"},
		{"gcp service account", `{"type":"service_account","private_key_id":"` + hexes32 + `","private_key":"` +
			strings.ReplaceAll(pem, "\n", `\n`) + `\n","client_email":"a@b.iam"}`, append(lines, hexes32), ""},
		{"public parts stay", "-----BEGIN CERTIFICATE-----\nMIIB\n-----END CERTIFICATE-----\n" + pem, lines,
			"-----BEGIN CERTIFICATE-----\nMIIB\n-----END CERTIFICATE-----\n[REDACTED:private-key]"},
	})
	line, _ := Line("key " + pem + " loaded")
	if want := "key [REDACTED:private-key] loaded"; line != want {
		t.Errorf("Line of a block: %q, want %q", line, want)
	}
}

func TestCredentialsInURLsVanish(t *testing.T) {
	runSecrets(t, []secretCase{
		{"postgres", "dial postgres://app:hunter2@db:5432/x failed", one("hunter2"), "dial postgres://app:[REDACTED:url-password]@db:5432/x failed"},
		{"no user", "redis://:hunter2@cache:6379", one("hunter2"), "redis://:[REDACTED:url-password]@cache:6379"},
		{"at sign inside", "amqp://app:p@ssw0rd@mq/v", one("ssw0rd"), "amqp://app:[REDACTED:url-password]@mq/v"},
		{"slash inside", "mysql://app:pa/ss#1@db/x", one("pa/ss"), "mysql://app:[REDACTED:url-password]@db/x"},
		{"several hosts", "mongodb+srv://app:hunter2@a.net,b.net/?w=1", one("hunter2"), "mongodb+srv://app:[REDACTED:url-password]@a.net,b.net/?w=1"},
		{"quoted", `"url":"https://bob:hunter2@example.com/"`, one("hunter2"), `"url":"https://bob:[REDACTED:url-password]@example.com/"`},
		{"token as user", "https://0123456789abcdef:x-oauth-basic@github.com/a", one("0123456789abcdef"), ""},
		{"token as user, with a password", "https://" + github + ":hunter2@h/x", []string{github, "hunter2"}, "https://[REDACTED:url-password]@h/x"},
		{"jwt as user, a reference like one as password", "https://" + jwt + ":${eyJabc}@h/x", one(jwt), "https://[REDACTED:jwt]:${eyJabc}@h/x"},
		{"key as user", "https://k3yk3yk3y:@api.example.com", one("k3yk3yk3y"), ""},
		{"go mysql driver", "open app:hunter2@tcp(10.0.0.1:3306)/db", one("hunter2"), "open app:[REDACTED:url-password]@tcp(10.0.0.1:3306)/db"},
		{"azure sas", "https://x.blob.core.windows.net/c?sv=2024&sp=r&sig=aB3%2FdEf6HiJ9kLmNoPqRs%3D&se=2027", one("aB3%2FdEf6"),
			"https://x.blob.core.windows.net/c?sv=2024&sp=r&sig=[REDACTED:url-signature]&se=2027"},
		{"azure storage", "DefaultEndpointsProtocol=https;AccountName=a;AccountKey=" + alnum40 + "==;EndpointSuffix=core.windows.net", one(alnum40),
			"DefaultEndpointsProtocol=https;AccountName=a;AccountKey=[REDACTED:azure-key];EndpointSuffix=core.windows.net"},
		{"azure service bus", "Endpoint=sb://x/;SharedAccessKeyName=Root;SharedAccessKey=" + alnum40 + "=", one(alnum40),
			"Endpoint=sb://x/;SharedAccessKeyName=Root;SharedAccessKey=[REDACTED:azure-key]"},
		{"aws presigned", "/o?X-Amz-Credential=" + awsID + "%2F2026&X-Amz-Signature=" + hexes32, []string{awsID, hexes32}, ""},
		{"access token in a query", "GET /me?access_token=abc123def&fields=id", one("abc123def"), "GET /me?access_token=[REDACTED:token]&fields=id"},
		{"query escaped by Go's JSON", `"/me?token=abc123def\u0026x=1"`, one("abc123def"), `"/me?token=[REDACTED:token]\u0026x=1"`},
		{"percent encoded", "next=%2Fin%3Fpassword%3Dhunter2%26x%3D1", one("hunter2"), "next=%2Fin%3Fpassword%3D[REDACTED:password]%26x%3D1"},
	})
}

func runSecrets(t *testing.T, cases []secretCase) {
	t.Helper()
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			got, found := Text(c.in)
			for _, g := range c.gone {
				if strings.Contains(got, g) {
					t.Errorf("%q is still in %q", g, got)
				}
			}
			if c.want != "" && got != c.want {
				t.Errorf("got  %q\nwant %q", got, c.want)
			}
			if found.Total() == 0 {
				t.Errorf("counted nothing in %q", c.in)
			}
			if again, found := Text(got); again != got || found != nil {
				t.Errorf("a second pass made %q of %q and counted %v", again, got, found)
			}
		})
	}
}
