package redact

import (
	"strings"
	"sync"
)

// longestInnocent bounds, in bytes, what may be taken for no secret.
const longestInnocent = 64

// verdicts are words that say something about a secret in the place where it would stand ("password: must be longer").
// plainWords are the same and those that stand for no value at all; weak passwords are not among them.
var (
	verdicts = wordSet(`must should cannot can't could couldn't does doesn't do don't did didn't is isn't was wasn't are has have had
		will would may not no too missing required invalid incorrect wrong expired revoked mismatch mismatched denied failed failure
		error unknown unauthorized unauthenticated forbidden rejected malformed expected unexpected`)
	plainWords = wordSet(`null nil none undefined true false yes no on off empty unset nan n/a na the a an for from in of to with and
		or but by at as this that it its been be being used using user field value validation authentication authorization
		verification signature characters string str int bool boolean integer number object bytes byte []byte array ok okay found
		provided exists present absent set changed updated reset rotated refreshed refreshing renewed issued created deleted revoking
		optional enabled disabled redacted filtered masked hidden removed omitted censored sensitive protected encrypted bearer
		basic token request response retry retrying getting fetching loading generated generating verified accepted eof context connection connect connecting dial lookup read write open permission illegal timeout timed
		unable i/o net http https parse decode truncated refused reset unsupported chauthtok`)
)

// wordSet makes the set when it is first asked for: a function that redacts nothing
// need not pay for it at its start.
func wordSet(words string) func() map[string]bool {
	return sync.OnceValue(func() map[string]bool {
		set := map[string]bool{}
		for w := range strings.FieldsSeq(words) {
			set[w] = true
		}
		return set
	})
}

// innocent tells whether a value is plainly no secret: nothing, a mask, a word of prose, a reference to where the secret
// is, or code that fetches it. What it accepts must not depend on text that a token rule would replace: see scanner.
func (s *scanner) innocent(v value, kind string) bool {
	text := s.in[v.start:v.end]
	s.steps += min(len(text), longestInnocent)
	if v.quoted {
		if first, _, more := strings.Cut(text[:min(len(text), longestInnocent)], " "); more && verdicts()[strings.ToLower(first)] {
			return true
		}
	}
	if len(text) > longestInnocent {
		return false
	}
	bare := strings.TrimRight(text, ".!?:,;)")
	word := strings.ToLower(strings.TrimLeft(bare, "("))
	switch {
	case word == "" || plainWords()[word] || verdicts()[word]:
		return true
	case masked(text) || short(text, kind):
		return true
	}
	return (reference(text) || code(text)) && !s.holdsToken(v)
}

// longestWord is the most, in bytes, that a word of prose has.
const longestWord = 20

// prose tells whether the value after a colon at i-1 is the beginning of a sentence, as in an error that is wrapped in
// "fetch token: ": a word of letters, or a name with a colon, and a word after it. Passwords are words often enough to be
// kept out of this.
func (s *scanner) prose(i int, v value, kind string) bool {
	if kind == kindPassword || v.quoted || i == 0 || s.in[i-1] != ':' || v.start == i || v.end-v.start > longestWord || v.end+1 >= len(s.in) {
		return false
	}
	word, next := s.in[v.start:v.end], s.in[v.end+1:]
	if s.in[v.end] != ' ' || !(alnum[next[0]] && !decimal[next[0]] || placeholderLen(next) > 0) || s.holdsToken(v) {
		return false
	}
	name, wraps := strings.CutSuffix(word, ":")
	return wraps && nameChars.run(name, 0) == len(name) || strings.Trim(strings.TrimSuffix(word, ","), lower+upper) == ""
}

// masked tells whether text stands where a secret was: a run of one character (****, xxxx), or a word in angle brackets.
func masked(text string) bool {
	if strings.Trim(text, "*") == "" || len(text) >= 3 && strings.Trim(text, text[:1]) == "" && !decimal[text[0]] {
		return true
	}
	if strings.HasPrefix(text, "\u2022") && strings.Trim(text, "\u2022") == "" {
		return true
	}
	inner, opened := strings.CutPrefix(text, "<")
	inner, _ = strings.CutSuffix(inner, ">")
	return opened && len(inner) <= 24 && strings.Trim(inner, lower+upper+" _-") == ""
}

// short tells whether text is too little to be a secret: punctuation that a parser names, or a number that counts.
func short(text, kind string) bool {
	if len(text) <= 3 && strings.IndexFunc(text, func(r rune) bool { return r >= 0x80 || alnum[byte(r)] }) < 0 {
		return true
	}
	switch kind {
	case kindSignature:
		return len(text) < 16
	case kindPassword:
		return false
	}
	return len(text) <= 4 && strings.Trim(text, digits) == ""
}

// reference tells whether text names a secret in place of holding it: $NAME, ${NAME}, $1, %s.
func reference(text string) bool {
	if rest, ok := strings.CutPrefix(text, "$"); ok && rest != "" {
		if inner, ok := strings.CutPrefix(rest, "{"); ok {
			inner, closed := strings.CutSuffix(inner, "}")
			return closed && nameChars.run(inner, 0) == len(inner)
		}
		return strings.Trim(rest, upper+digits+"_") == ""
	}
	rest, ok := strings.CutPrefix(text, "%")
	return ok && len(rest) <= 2 && strings.Trim(rest, "+#svqdxXT") == ""
}

// code tells whether text is the beginning of an expression, as stack traces quote it, or the name of an exception.
func code(text string) bool {
	for _, head := range []string{"process.env", "os.environ", "config.", "self.", "this.", "req.", "request.", "(*", "0xc0"} {
		if strings.HasPrefix(text, head) {
			return true
		}
	}
	if class, ok := strings.CutSuffix(text, ":"); ok && nameChars.run(class, 0) == len(class) &&
		(strings.HasSuffix(class, "Error") || strings.HasSuffix(class, "Exception")) {
		return true
	}
	if name, _, dump := strings.Cut(text, "{"); dump && name != "" && name[0] >= 'A' && name[0] <= 'Z' && strings.Trim(name, lower+upper) == "" {
		return true // Token{2f1c0a ..}, as Java prints an object
	}
	if class, id, object := strings.Cut(text, "@"); object && strings.Count(class, ".") >= 2 && strings.Trim(class, lower+upper+".$") == "" &&
		id != "" && len(id) <= 8 && hex.run(id, 0) == len(id) {
		return true // android.os.BinderProxy@4c1b0b9
	}
	name, _, call := strings.Cut(text, "(")
	return call && name != "" && strings.Trim(name, lower+upper+"_.") == ""
}

func (s *scanner) holdsToken(v value) bool {
	s.steps += v.end - v.start
	for i := v.start; i < v.end; i++ {
		if s.tokenBegins(i, v.start) {
			return true
		}
	}
	return false
}
