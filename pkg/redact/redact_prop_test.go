package redact

import (
	"strings"
	"testing"
	"unicode/utf8"

	"pgregory.net/rapid"
)

// checkPromises holds what Text and Line promise of any input.
func checkPromises(t interface{ Errorf(string, ...any) }, in string) {
	out, found := Text(in)
	if !utf8.ValidString(out) {
		t.Errorf("not UTF-8: %q of %q", out, in)
	}
	for _, r := range out {
		if r == '\r' || stripped(r) || endsLine(r) {
			t.Errorf("%U is left in %q of %q", r, out, in)
		}
	}
	if again, found := Text(out); again != out || found != nil {
		t.Errorf("second pass %v:\n in  %q\n out %q\n 2nd %q", found, in, out, again)
	}
	if found.Total() > 0 && !strings.Contains(out, placeholderHead) {
		t.Errorf("counted %v, but %q has no placeholder", found, out)
	}
	line, _ := Line(in)
	if strings.ContainsAny(line, "\n\t\r") {
		t.Errorf("Line gave %q of %q", line, in)
	}
	if again, _ := Line(line); again != line {
		t.Errorf("second pass of Line:\n in  %q\n out %q\n 2nd %q", in, line, again)
	}
}

// pieces are what secrets and their surroundings are made of: glued together at random they try every rule against what
// the others leave behind.
var pieces = []string{
	"password", "token", "t", "pwd", "pass", "secret", "api_key", "Authorization", "cookie", "value", "name", "sig", "API key",
	"=", ":", "=>", ": ", " = ", "::", "%3D", "://", "@", "@tcp(", "<", ">", "</", "[", "]", "{", "}", "(", ")", "\"", "'", "`", "\\", "\\\"", `\n`,
	" ", "\n", "\t", ",", ";", "&", "|", ".", "-", "--", "-u ", "curl ", "/", "?", "#", "$", "${", "%", "*", "***", "null", "must ", "not",
	"Bearer ", "Basic ", "Digest ", "Custom ", "approve-fix?", "hunter2", "a", "B7", "1234", "identified by ", "process.env.", "get(",
	"[REDACTED:password]", "[REDACTED:jwt]", "[REDACTED:", "REDACTED", "\u200b", "\x1b[", "\x1b]", "\x00", "\xff", "é", "用",
	"-----BEGIN RSA PRIVATE KEY-----", "-----END RSA PRIVATE KEY-----", "-----", "Zm9vYmFyYmF6cXV4Zm9vYmFyYmF6cXV4Zm9vYmFyYmF6cXV4",
	awsID, gcpKey, github, gitlab, slackBot, stripe, twilio, sendgrid, npm, openai, claude, jwt, discord, operator, "eyJ", "AKIA", "sk-", "SK",
	"https://hooks.slack.com/services/" + slackURL, "discord.com/api/webhooks/123/" + discURL, "bob:hunter2@", alnum40, hexes32,
}

func TestEveryMixtureKeepsThePromises(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		parts := rapid.SliceOfN(rapid.SampledFrom(pieces), 2, 40).Draw(t, "parts")
		checkPromises(t, strings.Join(parts, ""))
	})
}

func TestAnyStringKeepsThePromises(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		checkPromises(t, string(rapid.SliceOf(rapid.Byte()).Draw(t, "bytes")))
	})
}

func FuzzText(f *testing.F) {
	for _, p := range pieces {
		f.Add("x " + p + "=" + p + " y")
	}
	f.Add(pem)
	for _, once := range []string{ // where a second pass once saw something else
		"password=token\\" + npm, "://" + awsID + "bob:hunter2@", "approve-fix?-----BEGIN RSA PRIVATE KEY-----!&t=password", "token: password:curl password",
		"password=null," + github + "=", "Authorization: Custom q7w8e9r0t1", "eyJ" + jwt, "password=${" + awsID + "}",
	} {
		f.Add(once)
	}
	f.Fuzz(func(t *testing.T, in string) { checkPromises(t, in) })
}
