package redact

import (
	"encoding/base64"
	"strings"
)

// oneWord are the schemes of an Authorization header whose credentials are one word; paramList those with a list of
// parameters, which goes to the end of the header.
var (
	oneWord = map[string]string{
		"bearer": kindBearer, "basic": kindBasic, "token": kindAuthorization, "apikey": kindAuthorization,
		"api-key": kindAuthorization, "negotiate": kindAuthorization, "ntlm": kindAuthorization, "bot": kindAuthorization,
		"ssws": kindAuthorization, "dpop": kindAuthorization, "splunk": kindAuthorization, "key": kindAuthorization,
	}
	paramList = map[string]bool{
		"digest": true, "aws4-hmac-sha256": true, "hawk": true, "oauth": true, "signature": true, "sharedkey": true,
		"sharedkeylite": true, "sharedaccesssignature": true, "mac": true, "genie-key": true, "genie": true,
	}
)

// authorization handles the value of an Authorization header, from i on. The scheme stays: it tells how a request was
// signed, which is often what went wrong.
func (s *scanner) authorization(i int) (span, bool) {
	v, ok := s.valueAt(i)
	if !ok {
		return span{}, false
	}
	scheme := strings.ToLower(s.in[v.start:nameChars.run(s.in[:min(len(s.in), v.start+32)], v.start)])
	from := v.start + len(scheme)
	if from == len(s.in) || s.in[from] != ' ' || scheme == "" {
		if s.innocent(v, kindAuthorization) {
			return span{}, false
		}
		return s.secret(i, kindAuthorization)
	}
	kind, word := oneWord[scheme]
	switch {
	case paramList[scheme]:
		return s.parameters(skipBlanks(s.in, from), v)
	case word && !v.quoted:
		return s.secret(from, kind)
	case word:
		from = skipBlanks(s.in, from)
		rest := value{from, v.end, true}
		if from >= v.end || placeholderLen(s.in[from:]) > 0 || s.innocent(rest, kind) {
			return span{}, false
		}
		if token, ok := s.tokenAt(from, from); ok && token.start == from && token.end >= v.end {
			return token, true
		}
		return span{from, v.end, kind}, true
	}
	// A scheme we do not know, or no scheme and prose after it: the first word goes, and the next with it if it could be
	// the credentials.
	next := s.bareEnd(from + 1)
	if !v.quoted && next-from-1 >= 8 && s.holds(digits, from+1, next) {
		return span{v.start, next, kindAuthorization}, !plainWords()[scheme] && !verdicts()[scheme]
	}
	return s.secret(i, kindAuthorization)
}

// parameters returns the parameters of a scheme, which begin at from in the header's value v.
func (s *scanner) parameters(from int, v value) (span, bool) {
	end := v.end
	if !v.quoted {
		if s.noParams.covers(from) {
			return span{}, false
		}
		end = s.headerEnd(from)
	}
	if end <= from || placeholderLen(s.in[from:]) > 0 {
		return span{}, false
	}
	if s.holds("=:", from, end) {
		return span{from, end, kindAuthorization}, true
	}
	if !v.quoted {
		s.noParams = gap{from, end}
	}
	return span{}, false
}

// cookie handles the value of a Cookie or Set-Cookie header: all of it, for every cookie in it may be a session.
func (s *scanner) cookie(i int) (span, bool) {
	v, ok := s.valueStart(i)
	if !ok {
		return span{}, false
	}
	first := v.start
	if s.in[first] == '$' {
		first++ // $Version
	}
	if strings.HasPrefix(s.in[first:], "mstshash=") {
		return span{}, false // a remote desktop's user
	}
	name := s.run(nameChars, first)
	if name == first || name == len(s.in) || s.in[name] != '=' {
		if !v.quoted && !s.cookieLike(v.start) {
			return span{}, false // prose or code
		}
		return s.secret(i, kindCookie)
	}
	if !v.quoted {
		v.end = s.headerEnd(v.start)
	}
	return span{v.start, v.end, kindCookie}, true
}

// cookieLike tells whether the bare value at i could be a session's: it is long enough and has a digit.
func (s *scanner) cookieLike(i int) bool {
	// A value that begins within another ends with it or before it: bareEnd lets open brackets only lengthen a value.
	if s.noDigit.covers(i) {
		return false
	}
	end := s.bareEnd(i)
	if s.holds(digits, i, end) {
		return end-i >= 8
	}
	s.noDigit = gap{i, end}
	return false
}

// headerEnd returns where a header's value ends if nothing quotes it: at the line's end, or at a quote around it. Quotes
// around a parameter in it are not that.
func headerEnd(in string, i int) int {
	inParameter := false
	for k := i; k < len(in); k++ {
		switch in[k] {
		case '\n', '\'', '`':
			return k
		case '"':
			if !inParameter && in[k-1] != '=' {
				return k
			}
			inParameter = !inParameter
		case '\\':
			if k+1 < len(in) && (in[k+1] == 'n' || in[k+1] == 'r') {
				return k
			}
		case '[':
			if placeholderLen(in[k:]) > 0 {
				return k
			}
		}
	}
	return len(in)
}

// bareAuth handles Bearer x and Basic x where no header's name is near. In prose "bearer" and "basic" are words, so a
// bearer token must hold a digit, and basic credentials must decode to user:password.
func (s *scanner) bareAuth(i int) (span, bool) {
	if len(s.in)-i < 14 || !edge(s.in, i, s.barrier) {
		return span{}, false
	}
	if head := s.in[i : i+7]; equalFold(head, "bearer ") {
		from := i + 7
		end := s.run(authChars, from)
		return span{from, end, kindBearer}, end-from >= 8 && s.holds(digits, from, end)
	}
	if head := s.in[i : i+6]; equalFold(head, "basic ") {
		from := i + 6
		end := s.run(base64Std, from)
		plain, err := base64.RawStdEncoding.DecodeString(strings.TrimRight(s.in[from:end], "="))
		return span{from, end, kindBasic}, err == nil && len(plain) >= 4 && strings.Contains(string(plain), ":")
	}
	return span{}, false
}
