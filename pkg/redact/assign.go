package redact

import "strings"

// assignment handles a separator at i, followed by the value from after on: shell, env, YAML, JSON, query strings,
// headers, code. The name before it decides.
func (s *scanner) assignment(i, after int) (span, bool) {
	name, start := nameBefore(s.in[s.barrier:i])
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
	switch kind {
	case kindAuthorization:
		return s.authorization(after)
	case kindCookie:
		return s.cookie(after)
	}
	if ordinary(name, s.in[skipBlanks(s.in, after):]) {
		return span{}, false
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

// secret returns the value after i as a secret of this kind, or of a better one if a token fills it.
func (s *scanner) secret(i int, kind string) (span, bool) {
	v, ok := s.valueAt(i)
	if !ok || s.innocent(v, kind) || s.prose(i, v, kind) {
		return span{}, false
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
	if label, _ := nameBefore(left[:len(left)-1]); !equalFold(label, "name") && !equalFold(label, "key") {
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
	end := limit
	if kind != "" {
		end = s.next(&s.noTag, "<\n", i+1, limit)
	}
	if end == i+1 || end == limit || s.in[end] != '<' {
		return span{}, false
	}
	v := value{i + 1, end, true}
	if placeholderLen(s.in[v.start:]) > 0 || s.innocent(v, kind) {
		return span{}, false
	}
	return span{v.start, v.end, kind}, true
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
	after := skipBlanks(s.in, i+end)
	if kind == "" || after < len(s.in) && s.in[after] == '-' {
		return span{}, false
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

// sqlPassword handles IDENTIFIED BY 'x' and PASSWORD 'x', which databases log; i is the first quote.
func (s *scanner) sqlPassword(i int) (span, bool) {
	left := s.in[s.barrier:i]
	if n := len(left); n < 3 || left[n-1] != ' ' || left[n-2]|0x20 != 'y' && left[n-2]|0x20 != 'd' {
		return span{}, false
	}
	left = strings.ToLower(left[max(0, len(left)-len("identified by ")):])
	if left != "identified by " && !strings.HasSuffix(left, "password ") {
		return span{}, false
	}
	v := s.quotedAt(i)
	if !v.quoted || v.end == v.start || placeholderLen(s.in[v.start:]) > 0 || s.innocent(v, kindPassword) {
		return span{}, false
	}
	return span{v.start, v.end, kindPassword}, true
}
