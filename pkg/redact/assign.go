package redact

import (
	"encoding/base64"
	"strings"
)

// assignment handles a separator at i, followed by the value from after on: shell, env, YAML, JSON, query strings,
// headers, code. The name before it decides.
func (s *scanner) assignment(i, after int) (span, bool) {
	if s.in[i] == ':' && after < len(s.in) && s.in[after] == '=' {
		return span{}, false // := is read at its =
	}
	left := s.in[s.barrier:i]
	for n := 0; n < 3 && s.in[i] == '=' && left != "" && strings.IndexByte("?:.+", left[len(left)-1]) >= 0; n++ {
		left = left[:len(left)-1] // ?=, :=, .=, +=
	}
	if s.in[i] == '>' {
		left = strings.TrimSuffix(left, "-") // ->
	}
	name, start := nameBefore(left)
	s.steps += i - s.barrier - start
	if name == "t" && s.in[i] == '=' && i < s.linkEnd {
		return s.secret(after, kindLinkToken)
	}
	if len(name) == len("value") && equalFold(name, "value") {
		return s.pairValue(s.barrier+start, after)
	}
	kind := kindOfName(name)
	if kind == "" {
		return span{}, false
	}
	if s.in[i] == ':' && (strings.HasPrefix(s.in[after:], ":") || i > s.barrier && s.in[i-1] == ':') {
		return span{}, false // Token::Invalid is a path
	}
	if s.in[i] == ':' && start > 0 && s.in[s.barrier+start-1] == '/' {
		return span{}, false // so is /run/secrets/db_password, and an error follows it
	}
	for n := 0; n < 2 && after < len(s.in) && (s.in[after] == '=' || s.in[after] == '>'); n++ {
		after++
	}
	if next, ok := s.nextLine(after, false); ok {
		after = next
	}
	if strings.HasPrefix(s.in[after:], "<<<") {
		after += len("<<<")
	}
	switch kind {
	case kindAuthorization:
		return s.authorization(after)
	case kindCookie:
		return s.cookie(after)
	}
	if ordinary(name, s.in[skipBlanks(s.in, after):]) || s.measured(s.barrier+start) {
		return span{}, false
	}
	if kind == kindAuth {
		return s.encodedPair(after)
	}
	return s.secret(after, kind)
}

// ordinary tells whether a name that may mean a password means something else, by the value: pwd the shell's working
// directory, pass a count of tests.
func ordinary(name, rest string) bool {
	switch {
	case equalFold(name, "pwd") || equalFold(name, "oldpwd"):
		return strings.HasPrefix(rest, "/") || strings.HasPrefix(rest, "~")
	case equalFold(name, "pass"):
		n := decimal.run(rest[:min(len(rest), 7)], 0)
		return n > 0 && n <= 6 && (n == len(rest) || strings.IndexByte(" ,;\n)", rest[n]) >= 0)
	}
	return false
}

// measures are what a line may tell of a secret without telling it: "SHA1 of given password: f638ff".
var measures = []string{
	"sha1 of", "sha256 of", "sha512 of", "md5 of", "hash of", "checksum of", "digest of", "length of", "size of", "strength of", "age of",
}

// measured tells whether the name at start is only what something is of.
func (s *scanner) measured(start int) bool {
	left := s.in[max(s.barrier, start-len("sha512 of current ")):start]
	s.steps += len(left)
	left = strings.TrimSuffix(strings.ToLower(left), " ")
	for _, word := range []string{" given", " the", " your", " current", " new", " old"} {
		left = strings.TrimSuffix(left, word)
	}
	for _, m := range measures {
		if strings.HasSuffix(left, m) {
			return true
		}
	}
	return false
}

// encodedPair handles "auth", which holds user:password in base64 where Docker and npm keep it, and anything elsewhere.
func (s *scanner) encodedPair(i int) (span, bool) {
	v, ok := s.valueStart(i)
	if !ok {
		return span{}, false
	}
	end := s.run(base64Body, v.start)
	for n := 0; n < 2 && end < len(s.in) && s.in[end] == '='; n++ {
		end++
	}
	plain, err := base64.RawStdEncoding.DecodeString(strings.TrimRight(s.in[v.start:end], "="))
	if err == nil && len(plain) >= 4 && strings.Contains(string(plain), ":") {
		return span{v.start, end, kindBasic}, true
	}
	return s.secret(i, kindWeak)
}

// argument handles a secret as the first argument of a call, PASSWORD('x') and withToken("x"), and one after its name in a
// list, setProperty("API_TOKEN", "x"); i is at the ( or the comma.
func (s *scanner) argument(i int) (span, bool) {
	from := i + 1
	if s.in[i] == ',' {
		if i == s.barrier || !isQuote(s.in[i-1]) {
			return span{}, false
		}
		from = skipBlanks(s.in, from)
	}
	if from >= len(s.in) || !isQuote(s.in[from]) {
		return span{}, false
	}
	name, start := nameBefore(s.in[s.barrier:i])
	s.steps += i - s.barrier - start
	kind := kindOfName(name)
	if kind == "" || kind == kindAuth || kind == kindCookie || kind == kindAuthorization {
		return span{}, false
	}
	for _, verb := range []string{"get", "find", "is", "has", "load", "read", "lookup", "missing", "invalid", "require"} {
		if s.in[i] == '(' && len(name) > len(verb) && equalFold(name[:len(verb)], verb) {
			return span{}, false
		}
	}
	v := s.quotedAt(from)
	if !v.quoted || s.in[i] == ',' && (v.end-v.start < 8 || !s.random(v.start, 8)) {
		return span{}, false
	}
	return s.secret(from, kind)
}

// secret returns the value after i as a secret of this kind, or of a better one if a token fills it.
func (s *scanner) secret(i int, kind string) (span, bool) {
	if v, ok := s.valueStart(i); kind == kindWeak && (!ok || !s.random(v.start, 16)) {
		return span{}, false // before the search for the value's end, which would be repeated at each of many names
	}
	v, ok := s.valueAt(i)
	if !ok || s.innocent(v, kind) || s.prose(i, v, kind) {
		return span{}, false
	}
	if kind == kindWeak {
		if v.end-v.start < 16 {
			return span{}, false
		}
		kind = kindSecret
	}
	if token, ok := s.tokenAt(v.start, v.start); ok && token.start == v.start && token.end >= v.end {
		return token, true
	}
	return span{v.start, v.end, kind}, true
}

// pairValue handles lists of pairs, where the name of a variable is itself a value: {"name": "DB_PASSWORD", "value": x}.
// start is where the word value begins.
func (s *scanner) pairValue(start, after int) (span, bool) {
	const between = " \t\n\"',\\`"
	left := tail(s.in[s.barrier:start])
	s.steps += len(left)
	left = strings.TrimRight(left, between)
	name, from := nameBefore(left)
	kind := kindOfName(name)
	if kind == "" {
		return span{}, false
	}
	left = strings.TrimRight(left[:from], between)
	if left == "" || left[len(left)-1] != ':' && left[len(left)-1] != '=' {
		return span{}, false
	}
	if label, _ := nameBefore(left[:len(left)-1]); !endsIn(label, "name") && !endsIn(label, "key") {
		return span{}, false
	}
	return s.secret(after, kind)
}

// tail returns the last 256 bytes of text, enough for a name and what is around it.
func tail(text string) string { return text[max(0, len(text)-256):] }

// element handles <password>x</password>; i is the first > of it.
func (s *scanner) element(i int) (span, bool) {
	name, start := nameBefore(s.in[s.barrier:i])
	s.steps += i - s.barrier - start
	at := s.barrier + start
	if name == "" || at == s.barrier || s.in[at-1] != '<' && s.in[at-1] != ':' {
		return span{}, false
	}
	kind := kindOfName(name)
	limit := min(len(s.in), i+1+longestQuoted)
	from, end := i+1, limit
	if kind != "" && kind != kindWeak && kind != kindAuth {
		if from < len(s.in) && s.in[from] == '\n' {
			from = skipBlanks(s.in, from+1) // on a line of its own
		}
		end = s.next(&s.noTag, "<\n", from, max(from, limit))
	}
	if end <= from || end >= limit || s.in[end] != '<' && !closesElement(s.in[end:]) {
		return span{}, false
	}
	v := value{from, end, true}
	if placeholderLen(s.in[v.start:]) > 0 || s.innocent(v, kind) {
		return span{}, false
	}
	return span{v.start, v.end, kind}, true
}

// closesElement tells whether rest, from a line end on, begins with a closing tag.
func closesElement(rest string) bool {
	return strings.HasPrefix(rest[skipBlanks(rest, 1):], "</")
}

// flag handles options of commands whose value is the next word: --password x, and curl's -u user:x.
func (s *scanner) flag(i int) (span, bool) {
	if i > s.barrier && alnum[s.in[i-1]] || i > s.barrier && s.in[i-1] == '-' {
		return span{}, false
	}
	rest := s.in[i:]
	if strings.HasPrefix(rest, "-u ") || strings.HasPrefix(rest, "--user ") {
		return s.curlUser(i)
	}
	if len(rest) < 4 || rest[1] != '-' || !alnum[rest[2]] {
		return span{}, false
	}
	end := nameChars.run(rest[:min(len(rest), longestName)], 2)
	s.steps += end
	if end == len(rest) || rest[end] != ' ' {
		return span{}, false
	}
	kind := kindOfName(rest[2:end])
	if kind == "" {
		return span{}, false
	}
	after, ok := s.nextLine(i+end, true)
	if !ok {
		after = skipBlanks(s.in, i+end)
	}
	if strings.HasPrefix(s.in[after:], "<<<") {
		after = skipBlanks(s.in, after+len("<<<"))
	}
	// A value may begin with one dash; -u and --name are the next option.
	if next := s.in[after:]; strings.HasPrefix(next, "-") && (len(next) < 3 || next[1] == '-' || !alnum[next[2]]) {
		return span{}, false
	}
	if kind == kindAuth {
		return s.encodedPair(after)
	}
	return s.secret(after, kind)
}

// curlUser handles -u user:password, but only of curl: elsewhere -u takes a user and a group.
func (s *scanner) curlUser(i int) (span, bool) {
	read := s.in[s.curlPos:i]
	s.steps += len(read)
	s.curlPos = i
	if n := strings.LastIndexByte(read, '\n'); n >= 0 {
		s.curlSeen, read = false, read[n:]
	}
	s.curlSeen = s.curlSeen || strings.Contains(read, "curl")
	if !s.curlSeen {
		return span{}, false
	}
	v, ok := s.valueAt(i + strings.IndexByte(s.in[i:], ' '))
	if !ok {
		return span{}, false
	}
	from := s.find(":", v.start, v.end) + 1
	if from >= v.end || placeholderLen(s.in[from:v.end]) > 0 {
		return span{}, false
	}
	return span{from, v.end, kindPassword}, true
}

// longestClause is how far before a quote IDENTIFIED may stand: WITH and the name of a plug-in come between.
const longestClause = 64

// sqlPassword handles IDENTIFIED WITH a BY 'x' and PASSWORD 'x', which databases log; i is the first quote.
func (s *scanner) sqlPassword(i int) (span, bool) {
	if i-2 < s.barrier || s.in[i-1] != ' ' && s.in[i-1] != '(' && s.in[i-1] != 'N' {
		return span{}, false
	}
	left := s.in[max(s.barrier, i-longestClause):i]
	left = strings.TrimSuffix(strings.TrimSuffix(left, "N"), "(")
	if n := len(left); n < 3 || left[n-1] != ' ' || left[n-2]|0x20 != 'y' && left[n-2]|0x20 != 'd' && left[n-2]|0x20 != 's' {
		return span{}, false
	}
	s.steps += len(left)
	left = strings.ToLower(strings.TrimRight(left, " "))
	left = left[strings.LastIndexByte(left, '\n')+1:]
	switch {
	case strings.HasSuffix(left, " by"), strings.HasSuffix(left, " as"):
		if !strings.Contains(left, "identified ") {
			return span{}, false
		}
	case s.in[i] == '"' || !strings.HasSuffix(left, "password"):
		return span{}, false
	}
	v := s.quotedAt(i)
	if !v.quoted || v.end == v.start || placeholderLen(s.in[v.start:]) > 0 || s.innocent(v, kindPassword) {
		return span{}, false
	}
	return span{v.start, v.end, kindPassword}, true
}
