package redact

import (
	"slices"
	"strings"
)

// A name next to a value tells what the value is: DB_PASSWORD, "clientSecret", --api-key, X-Auth-Token.

// fit says how a name must match: as the end of the name with case and separators left out (dbPassword, DB_PASSWORD and
// dbpassword all end in password), as its last word, or as the whole of it.
type fit int

const (
	suffix fit = iota
	lastWord
	whole
	weakWord // as lastWord, but the value must look random too: the name alone says little
)

type nameRule struct {
	text string // lower case, no separators
	fit  fit
	kind string
}

var nameRules = []nameRule{
	{"password", suffix, kindPassword},
	{"passwordconfirmation", suffix, kindPassword},
	{"passwordhash", suffix, kindPassword},
	{"passwd", suffix, kindPassword},
	{"passphrase", suffix, kindPassword},
	{"passcode", suffix, kindPassword},
	{"pwd", lastWord, kindPassword},
	{"pass", lastWord, kindPassword},
	{"pgpass", suffix, kindPassword},
	{"dbpass", suffix, kindPassword},
	{"requirepass", whole, kindPassword},
	{"masterauth", whole, kindPassword},
	{"secretaccesskey", suffix, kindAWSSecret},
	{"awssecretkey", suffix, kindAWSSecret},
	{"awssecret", suffix, kindAWSSecret},
	{"accountkey", suffix, kindAzureKey},
	{"sharedaccesskey", suffix, kindAzureKey},
	{"sharedaccesssignature", suffix, kindAzureKey},
	{"azurestoragekey", suffix, kindAzureKey},
	{"sig", whole, kindSignature},
	{"xamzsignature", whole, kindSignature},
	{"xgoogsignature", whole, kindSignature},
	{"secret", suffix, kindSecret},
	{"secretkey", suffix, kindSecret},
	{"secretkeybase", suffix, kindSecret},
	{"secretvalue", suffix, kindSecret},
	{"secretid", whole, kindSecret}, // Vault's AppRole; the name of a secret at AWS, where losing it costs little
	{"sharedkey", suffix, kindSecret},
	{"signingkey", suffix, kindSecret},
	{"encryptionkey", suffix, kindSecret},
	{"masterkey", suffix, kindSecret},
	{"privatekey", suffix, kindPrivateKey},
	{"privatekeyid", suffix, kindPrivateKey},
	{"clientkeydata", suffix, kindPrivateKey}, // a kubeconfig
	{"keyfiledata", suffix, kindPrivateKey},
	{"presharedkey", suffix, kindPrivateKey},
	{"unsealkey", suffix, kindSecret}, // "Unseal Key 1: x", as Vault prints them
	{"recoverykey", suffix, kindSecret},
	{"hmackey", suffix, kindSecret},
	{"webhookkey", suffix, kindSecret},
	{"secretstring", suffix, kindSecret},
	{"sshkey", suffix, kindPrivateKey},
	{"apikey", suffix, kindAPIKey},
	{"accesskey", suffix, kindAPIKey},
	{"appkey", lastWord, kindAPIKey},
	{"applicationkey", suffix, kindAPIKey},
	{"authkey", suffix, kindAPIKey},
	{"consumerkey", suffix, kindAPIKey},
	{"functionskey", suffix, kindAPIKey},
	{"integrationkey", suffix, kindAPIKey},
	{"licensekey", suffix, kindAPIKey},
	{"servicekey", suffix, kindAPIKey},
	{"subscriptionkey", suffix, kindAPIKey},
	{"token", suffix, kindToken},
	{"tokenvalue", suffix, kindToken},
	{"jsessionid", suffix, kindToken},
	{"phpsessid", suffix, kindToken},
	{"npmauth", whole, kindToken},
	{"authorization", suffix, kindAuthorization},
	{"cookie", suffix, kindCookie},
	{"passwordstdin", suffix, kindPassword},
	{"passw", lastWord, kindPassword},
	{"paswd", lastWord, kindPassword},
	{"psw", lastWord, kindPassword},
	{"key", weakWord, kindWeak},
	{"auth", whole, kindAuth},
	{"auth", weakWord, kindWeak},
	{"cred", weakWord, kindWeak},
	{"creds", weakWord, kindWeak},
	{"credential", weakWord, kindWeak},
	{"credentials", weakWord, kindWeak},
	{"pw", weakWord, kindWeak},
	{"otp", weakWord, kindWeak},
	{"session", weakWord, kindWeak},
	{"sessionid", weakWord, kindWeak},
	{"sid", weakWord, kindWeak},
	{"salt", weakWord, kindWeak},
	{"hmac", weakWord, kindWeak},
	{"seed", weakWord, kindWeak},
	{"jwt", weakWord, kindWeak},
	{"bearer", weakWord, kindWeak},
	{"ticket", weakWord, kindWeak},
	{"csrf", weakWord, kindWeak},
	{"xsrf", weakWord, kindWeak},
	{"license", weakWord, kindWeak},
	{"pat", weakWord, kindWeak},
	{"webhook", weakWord, kindWeak},
	{"signature", weakWord, kindWeak},
	{"passkey", weakWord, kindWeak},
	{"assertion", weakWord, kindWeak},
	{"verifier", weakWord, kindWeak},
	{"tok", weakWord, kindWeak},
	{"access", weakWord, kindWeak},
	{"private", weakWord, kindWeak},
	{"login", weakWord, kindWeak},
	{"keys", weakWord, kindWeak},
	{"secrets", weakWord, kindWeak},
	{"tokens", weakWord, kindWeak},
	{"passwords", weakWord, kindWeak},
}

// notSecret lists whole names (after the last dot) that end like a secret and are none: where a list goes on, and what a
// parser stumbled over. STATUSPAGE_TOKEN is none of them.
var notSecret = []string{
	"nexttoken", "pagetoken", "nextpagetoken", "prevpagetoken", "continuationtoken", "nextcontinuationtoken", "synctoken",
	"nextsynctoken", "unexpectedtoken", "cancellationtoken",
}

// nameEnds are the rules by last byte; the longer first, so that the more telling kind wins.
var nameEnds = func() (t [256][]nameRule) {
	for _, r := range nameRules {
		last := r.text[len(r.text)-1]
		at := 0
		for at < len(t[last]) && len(t[last][at].text) >= len(r.text) {
			at++
		}
		t[last] = slices.Insert(t[last], at, r)
	}
	return t
}()

// longestName is how much of a name is looked at, in bytes from its end.
const longestName = 64

// kindOfName returns the kind of secret that a value of this name is, or "".
func kindOfName(name string) string {
	if name == "" {
		return ""
	}
	if decimal[name[len(name)-1]] { // API_KEY_2, password1
		end := len(name) - 1
		for end > 0 && len(name)-end < 4 && (decimal[name[end-1]] || name[end-1] == '_' || name[end-1] == '-' || name[end-1] == ' ') {
			end--
		}
		if end == 0 || !alnum[name[end-1]] || decimal[name[end-1]] {
			return ""
		}
		name = name[:end]
	}
	last := name[len(name)-1] | 0x20 // lower case; digits stay
	if len(nameEnds[last]) == 0 {
		return ""
	}
	var buf [longestName]byte
	squeezed := squeeze(buf[:0], name)
	for _, r := range nameEnds[last] {
		if !strings.HasSuffix(squeezed, r.text) {
			continue
		}
		if r.fit == whole && squeezed != r.text || (r.fit == lastWord || r.fit == weakWord) && !beginsWord(name, len(r.text)) {
			continue
		}
		last := name[strings.LastIndexByte(name, '.')+1:]
		if r.kind == kindToken && slices.Contains(notSecret, squeeze(buf[:0], last)) {
			return ""
		}
		return r.kind
	}
	return ""
}

// squeeze appends name in lower case without its separators.
func squeeze(buf []byte, name string) string {
	for i := max(0, len(name)-longestName); i < len(name); i++ {
		switch c := name[i]; {
		case c == '_' || c == '-' || c == '.' || c == ' ':
		case c >= 'A' && c <= 'Z':
			buf = append(buf, c|0x20)
		default:
			buf = append(buf, c)
		}
	}
	return string(buf)
}

// beginsWord tells whether the last n bytes of name are a word of it: db_pass and dbPass, but not bypass.
func beginsWord(name string, n int) bool {
	at := len(name) - n
	if at <= 0 {
		return true
	}
	c, before := name[at], name[at-1]
	return !alnum[before] || c >= 'A' && c <= 'Z' && before >= 'a' && before <= 'z'
}

// nameBefore returns the name that left ends with, in front of a separator: bare, quoted, or as an index (["name"]).
// start is where the name begins in left.
func nameBefore(left string) (name string, start int) {
	end := len(left)
	for n := 0; n < 3 && end > 0 && (left[end-1] == ' ' || left[end-1] == '\t'); n++ {
		end--
	}
	if end > 0 && left[end-1] == ']' {
		end--
	}
	if end > 0 && isQuote(left[end-1]) {
		if end--; end > 0 && left[end-1] == left[end] {
			end-- // doubled, as in CSV
		}
		for n := 0; n < 7 && end > 0 && left[end-1] == '\\'; n++ {
			end--
		}
	}
	start = end
	for start > 0 && end-start < longestName && nameChars[left[start-1]] {
		start--
	}
	name = left[start:end]
	if start > 1 && (equalFold(name, "string") || equalFold(name, "is")) { // var token string = "x"; the token is: x
		if before := strings.TrimRight(left[max(0, start-2):start], " :"); before == "" || len(before) < min(2, start) {
			return wordBefore(left[:start])
		}
	}
	if word := len(name); word > 0 && word <= 2 && decimal.run(name, 0) == word && start > 4 && equalFold(left[start-5:start], " key ") {
		from := start - 5 // "Unseal Key 1: x"
		for from > 0 && start-from < longestName && alnum[left[from-1]] {
			from--
		}
		return left[from:end], from
	}
	// "API key: x" is two words in prose, as is "unexpected token: x", which is no secret.
	if word := len(name); start > 1 && left[start-1] == ' ' && (equalFold(name, "key") || equalFold(name, "token")) {
		from := start - 1
		for from > 0 && start-1-from < longestName-word && alnum[left[from-1]] {
			from--
		}
		name = left[from:end]
	}
	return name, start
}

// wordBefore is nameBefore for a name that a type or a verb follows.
func wordBefore(left string) (name string, start int) {
	end := len(left)
	for n := 0; n < 2 && end > 0 && (left[end-1] == ' ' || left[end-1] == ':'); n++ {
		end--
	}
	start = end
	for start > 0 && end-start < longestName && nameChars[left[start-1]] {
		start--
	}
	if name = left[start:end]; start > 1 && equalFold(name, "key") {
		from := start - 1
		for from > 0 && start-from < longestName && alnum[left[from-1]] {
			from--
		}
		name = left[from:end]
	}
	return name, start
}

func endsIn(name, end string) bool {
	return len(name) >= len(end) && equalFold(name[len(name)-len(end):], end)
}

func isQuote(c byte) bool { return c == '"' || c == '\'' || c == '`' }

func equalFold(a, b string) bool { return len(a) == len(b) && strings.EqualFold(a, b) }
