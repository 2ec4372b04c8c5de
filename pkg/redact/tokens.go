package redact

import "strings"

// class is a set of bytes.
type class [256]bool

func classOf(chars string) *class {
	var c class
	for i := 0; i < len(chars); i++ {
		c[chars[i]] = true
	}
	return &c
}

const (
	digits = "0123456789"
	upper  = "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
	lower  = "abcdefghijklmnopqrstuvwxyz"
)

var (
	decimal    = classOf(digits)
	hex        = classOf(digits + "abcdefABCDEF")
	upperDigit = classOf(digits + upper)
	alnum      = classOf(digits + upper + lower)
	base64Std  = classOf(digits + upper + lower + "+/=")
	base64URL  = classOf(digits + upper + lower + "-_")
	dotted     = classOf(digits + upper + lower + "-_.")
	percented  = classOf(digits + upper + lower + "-_.%")
	pathLike   = classOf(digits + upper + lower + "-_/")
	authChars  = classOf(digits + upper + lower + "-._~+/=")
	nameChars  = classOf(digits + upper + lower + "-_.")
)

// run returns the end of the longest run of c in s from i on.
func (c *class) run(s string, i int) int {
	for i < len(s) && c[s[i]] {
		i++
	}
	return i
}

// tokenRule finds a token by the prefix that its issuer gave it so that it can be found. There is no upper bound and no
// check of what follows: logs cut tokens and glue them together, and issuers lengthen them.
type tokenRule struct {
	prefix string
	kind   string
	chars  *class
	min    int // bytes after the prefix; well under what the issuer makes, for logs cut lines
	word   bool
	digit  bool // must hold a digit early on: the prefix also begins ordinary words
}

// Shapes as the issuers document them; compared with what secret scanners such as gitleaks look for.
var tokenRules = []tokenRule{
	{prefix: "AKIA", kind: kindAWSKeyID, chars: upperDigit, min: 16},
	{prefix: "ASIA", kind: kindAWSKeyID, chars: upperDigit, min: 16},
	{prefix: "ABIA", kind: kindAWSKeyID, chars: upperDigit, min: 16},
	{prefix: "ACCA", kind: kindAWSKeyID, chars: upperDigit, min: 16},
	{prefix: "AIza", kind: kindGCPKey, chars: base64URL, min: 30},
	{prefix: "GOCSPX-", kind: kindGCPOAuth, chars: base64URL, min: 20},
	{prefix: "ya29.", kind: kindGCPOAuth, chars: dotted, min: 20},
	{prefix: "ghp_", kind: kindGitHub, chars: base64URL, min: 20},
	{prefix: "gho_", kind: kindGitHub, chars: base64URL, min: 20},
	{prefix: "ghu_", kind: kindGitHub, chars: base64URL, min: 20},
	{prefix: "ghs_", kind: kindGitHub, chars: dotted, min: 20},
	{prefix: "ghr_", kind: kindGitHub, chars: base64URL, min: 20},
	{prefix: "github_pat_", kind: kindGitHub, chars: base64URL, min: 20},
	{prefix: "glpat-", kind: kindGitLab, chars: dotted, min: 16},
	{prefix: "gldt-", kind: kindGitLab, chars: dotted, min: 16},
	{prefix: "glrt-", kind: kindGitLab, chars: dotted, min: 16},
	{prefix: "glptt-", kind: kindGitLab, chars: dotted, min: 16},
	{prefix: "glcbt-", kind: kindGitLab, chars: dotted, min: 16},
	{prefix: "gloas-", kind: kindGitLab, chars: dotted, min: 16},
	{prefix: "glsoat-", kind: kindGitLab, chars: dotted, min: 16},
	{prefix: "glagent-", kind: kindGitLab, chars: dotted, min: 16},
	{prefix: "xapp-", kind: kindSlack, chars: base64URL, min: 10, digit: true},
	{prefix: "xoxa-", kind: kindSlack, chars: base64URL, min: 8},
	{prefix: "xoxb-", kind: kindSlack, chars: base64URL, min: 8},
	{prefix: "xoxc-", kind: kindSlack, chars: base64URL, min: 8},
	{prefix: "xoxd-", kind: kindSlack, chars: percented, min: 8},
	{prefix: "xoxe-", kind: kindSlack, chars: base64URL, min: 8},
	{prefix: "xoxe.", kind: kindSlack, chars: dotted, min: 8},
	{prefix: "xoxo-", kind: kindSlack, chars: base64URL, min: 8},
	{prefix: "xoxp-", kind: kindSlack, chars: base64URL, min: 8},
	{prefix: "xoxr-", kind: kindSlack, chars: base64URL, min: 8},
	{prefix: "xoxs-", kind: kindSlack, chars: base64URL, min: 8},
	{prefix: "sk_live_", kind: kindStripe, chars: base64URL, min: 10},
	{prefix: "sk_test_", kind: kindStripe, chars: base64URL, min: 10},
	{prefix: "rk_live_", kind: kindStripe, chars: base64URL, min: 10},
	{prefix: "rk_test_", kind: kindStripe, chars: base64URL, min: 10},
	{prefix: "whsec_", kind: kindStripeWebhook, chars: base64Std, min: 16},
	{prefix: "SK", kind: kindTwilio, chars: hex, min: 32, word: true},
	{prefix: "npm_", kind: kindNPM, chars: alnum, min: 30},
	{prefix: "pypi-AgE", kind: kindPyPI, chars: base64URL, min: 30},
	{prefix: "sk-ant-", kind: kindAnthropic, chars: base64URL, min: 16, word: true, digit: true},
	{prefix: "sk-proj-", kind: kindOpenAI, chars: base64URL, min: 20, word: true, digit: true},
	{prefix: "sk-svcacct-", kind: kindOpenAI, chars: base64URL, min: 20, word: true, digit: true},
	{prefix: "sk-admin-", kind: kindOpenAI, chars: base64URL, min: 20, word: true, digit: true},
	{prefix: "sk-or-v1-", kind: kindVendor, chars: alnum, min: 20, word: true},
	{prefix: "sk-", kind: kindOpenAI, chars: alnum, min: 20, word: true, digit: true},
	{prefix: "ogk_", kind: kindOperatorKey, chars: base64URL, min: 8, word: true},
	{prefix: "AGE-SECRET-KEY-1", kind: kindPrivateKey, chars: upperDigit, min: 20},
	{prefix: "HRKU-", kind: kindVendor, chars: base64URL, min: 30},
	{prefix: "NRAK-", kind: kindVendor, chars: upperDigit, min: 20},
	{prefix: "PMAK-", kind: kindVendor, chars: base64URL, min: 40},
	{prefix: "dapi", kind: kindVendor, chars: hex, min: 32, word: true},
	{prefix: "dckr_pat_", kind: kindVendor, chars: base64URL, min: 20},
	{prefix: "dop_v1_", kind: kindVendor, chars: hex, min: 40},
	{prefix: "glsa_", kind: kindVendor, chars: base64URL, min: 32},
	{prefix: "gsk_", kind: kindVendor, chars: alnum, min: 40, word: true},
	{prefix: "hf_", kind: kindVendor, chars: alnum, min: 30, word: true},
	{prefix: "hvs.", kind: kindVendor, chars: base64URL, min: 24, word: true},
	{prefix: "lin_api_", kind: kindVendor, chars: alnum, min: 30},
	{prefix: "shpat_", kind: kindVendor, chars: hex, min: 32},
	{prefix: "shpss_", kind: kindVendor, chars: hex, min: 32},
	{prefix: "sntrys_", kind: kindVendor, chars: base64Std, min: 40},
}

// begins holds, by its first two bytes, whether a prefix may begin: most text is passed over at the cost of one look-up.
var begins = func() (t [256][256]bool) {
	for _, r := range tokenRules {
		t[r.prefix[0]][r.prefix[1]] = true
	}
	return t
}()

// mayHold reports whether the two bytes at i begin a prefix.
func (s *scanner) mayHold(i int) bool {
	return i+1 < len(s.in) && begins[s.in[i]][s.in[i+1]]
}

// prefixes are the rules by first byte, in the order above: sk-ant- before sk-.
var prefixes = func() (t [256][]tokenRule) {
	for _, r := range tokenRules {
		t[r.prefix[0]] = append(t[r.prefix[0]], r)
	}
	return t
}()

// tokenAt returns the token that begins at i; a word may begin at barrier.
func (s *scanner) tokenAt(i, barrier int) (span, bool) {
	if s.mayHold(i) {
		if found, ok := s.ruled(i, barrier); ok {
			return found, true
		}
	}
	switch s.in[i] {
	case 'e':
		return s.jwtAt(i)
	case 'S':
		return s.sendGridAt(i)
	case 'M', 'N', 'O':
		return s.discordAt(i)
	case '-':
		return s.pemAt(i)
	case 'h':
		return s.slackWebhookAt(i)
	case 'd':
		return s.discordWebhookAt(i)
	}
	return span{}, false
}

// ruled returns the token that begins at i by one of the rules.
func (s *scanner) ruled(i, barrier int) (span, bool) {
	for k := range prefixes[s.in[i]] {
		r := &prefixes[s.in[i]][k]
		if !strings.HasPrefix(s.in[i:], r.prefix) || !s.mayBegin(r, i, barrier) {
			continue
		}
		from := i + len(r.prefix)
		end := s.run(r.chars, from)
		for end > from && s.in[end-1] == '.' { // a full stop of the sentence around it
			end--
		}
		if end-from >= r.min {
			return span{i, end, r.kind}, true
		}
	}
	return span{}, false
}

// tokenBegins is tokenAt for those that need not know where the token ends. It reads no further than it must: they do not
// consume what it reads, so a long run may be asked about many times.
func (s *scanner) tokenBegins(i, barrier int) bool {
	for k := range prefixes[s.in[i]] {
		r := &prefixes[s.in[i]][k]
		if !strings.HasPrefix(s.in[i:], r.prefix) || !s.mayBegin(r, i, barrier) {
			continue
		}
		from := i + len(r.prefix)
		end := r.chars.run(s.in[:min(len(s.in), from+r.min)], from)
		s.steps += end - from + 1
		if end-from < r.min {
			continue
		}
		// As in tokenAt, full stops at the end of the run do not count.
		for end < len(s.in) && s.in[end-1] == '.' && r.chars[s.in[end]] {
			end++
			s.steps++
		}
		if s.in[end-1] != '.' {
			return true
		}
	}
	_, ok := s.tokenAt(i, barrier) // no prefix fits; a shape may
	return ok
}

// mayBegin tells whether the token of r can begin at i, where its prefix stands. Whatever refuses a token does it here,
// before the run or by a bounded part of it, to keep the scan linear.
func (s *scanner) mayBegin(r *tokenRule, i, barrier int) bool {
	if r.word && !edge(s.in, i, barrier) {
		return false
	}
	if !r.digit {
		return true
	}
	from := i + len(r.prefix)
	return s.holds(digits, from, r.chars.run(s.in[:min(len(s.in), from+64)], from))
}
