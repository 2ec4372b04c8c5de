package redact

import "strings"

// longestUserInfo is how far after :// an @ is looked for, in bytes: tokens that stand in for passwords (IAM) are long.
const longestUserInfo = 2048

// urlPassword handles scheme://user:password@host; i is at the ://. The user stays.
func (s *scanner) urlPassword(i int) (span, bool) {
	from := i + len("://")
	if s.noPassword.covers(from) {
		return span{}, false
	}
	window := s.in[from:min(len(s.in), from+longestUserInfo)]
	at := s.next(&s.noAt, "@", from, from+len(window)) - from
	if at == len(window) {
		return span{}, false
	}
	colon := s.find(":", from, from+at) - from
	if colon == at {
		at = s.mailUser(from, at) // the user is an address of mail
		colon = s.find(":", from, from+at) - from
	}
	slash := s.find("/?#", from, from+at) - from
	if colon == at || slash < colon {
		return span{}, false // no password, or an @ somewhere in the path
	}
	// A raw / belongs to the password unless what is before it is a port: http://host:8080/@user.
	if slash < at && strings.Trim(window[colon+1:slash], digits) == "" {
		return span{}, false
	}
	if end := s.find(" \t\n\"'`<>\\", from, from+at); end < from+at {
		s.noPassword = gap{from, end}
		return span{}, false
	}
	if n := strings.Index(window[:at], placeholderHead); n >= 0 {
		s.noPassword = gap{from, from + n}
		return span{}, false
	}
	// A raw @ belongs to the password too: the last one before the path counts.
	rest := window[at:]
	if n := strings.IndexAny(rest, "/?#, \t\n\"'`<>\\["); n >= 0 {
		rest = rest[:n]
	}
	s.steps += len(rest)
	at += strings.LastIndexByte(rest, '@')
	user, password := window[:colon], window[colon+1:at]
	switch {
	case password == "" && user == "" || strings.Trim(password, "*") == "" && password != "":
		return span{}, false
	case password == "" || password == "x-oauth-basic":
		return span{from, from + colon, kindURLPassword}, user != "" // the user is the token
	case reference(password) && !s.holdsToken(value{start: from + colon + 1, end: from + at}):
		return span{}, false
	}
	return span{from + colon + 1, from + at, kindURLPassword}, true
}

// mailUser returns where the user and password end whose user holds the @ at: at the next @ of the same authority, if a
// colon stands between that no port explains. Offsets are from from.
func (s *scanner) mailUser(from, at int) int {
	end := s.find("/?#, \t\n\"'`<>\\[@", from+at+1, min(len(s.in), from+at+1+longestName*2)) - from
	if from+end < len(s.in) && s.in[from+end] == '@' && s.holds(":", from+at, from+end) {
		return end
	}
	return at
}

// dataSource handles user:password@tcp(host), the form of Go's MySQL driver; i is at the @.
func (s *scanner) dataSource(i int) (span, bool) {
	if !strings.HasPrefix(s.in[i:], "@tcp(") && !strings.HasPrefix(s.in[i:], "@unix(") {
		return span{}, false
	}
	left := tail(s.in[s.barrier:i])
	s.steps += len(left)
	left = left[strings.LastIndexAny(left, " \t\n\"'`")+1:]
	if n := strings.LastIndex(left, "://"); n >= 0 {
		left = left[n+3:]
	}
	user, password, ok := strings.Cut(left, ":")
	if !ok || user == "" || password == "" {
		return span{}, false
	}
	return span{i - len(password), i, kindURLPassword}, true
}

// noteLink remembers how far the query of an approve-fix link goes; in there t= is a token of ours.
func (s *scanner) noteLink(i int) {
	const path = "approve-fix"
	if i < s.linkEnd || !strings.HasPrefix(s.in[i:], path) {
		return
	}
	s.linkEnd = s.findLinkEnd(i + len(path))
}

func (s *scanner) findLinkEnd(i int) int {
	return s.find(" \t\n\"'`<>", i, len(s.in))
}
