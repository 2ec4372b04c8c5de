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
		from = skipBlanks(s.in, from)
		end := v.end
		if !v.quoted {
			end = headerEnd(s.in, from)
			s.steps += end - from
		}
		if end <= from || placeholderLen(s.in[from:]) > 0 {
			return span{}, false
		}
		return span{from, end, kindAuthorization}, strings.ContainsAny(s.in[from:end], "=:")
	case word && !v.quoted:
		return s.secret(from, kind)
	case word:
		from = skipBlanks(s.in, from)
		rest := value{start: from, end: v.end, quoted: true}
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
	next := bareEnd(s.in[:min(len(s.in), from+longestBare)], from+1)
	s.steps += next - from
	if word := s.in[from+1 : next]; !v.quoted && len(word) >= 8 && strings.ContainsAny(word, digits) {
		next = s.whole(value{start: from + 1, end: next, cut: true}).end
		return span{v.start, next, kindAuthorization}, !plainWords()[scheme] && !verdicts()[scheme]
	}
	return s.secret(i, kindAuthorization)
}

// cookie handles the value of a Cookie or Set-Cookie header: all of it, for every cookie in it may be a session.
func (s *scanner) cookie(i int) (span, bool) {
	v, ok := s.valueAt(i)
	if !ok {
		return span{}, false
	}
	name := nameChars.run(s.in, v.start)
	s.steps += name - v.start
	if name == v.start || name == len(s.in) || s.in[name] != '=' {
		if !v.quoted && (v.end-v.start < 8 || !strings.ContainsAny(s.in[v.start:v.end], digits)) {
			return span{}, false // prose or code
		}
		return s.secret(i, kindCookie)
	}
	if !v.quoted {
		v.end = headerEnd(s.in, v.start)
		s.steps += v.end - v.start
	}
	return span{v.start, v.end, kindCookie}, true
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
		end := authChars.run(s.in, from)
		return span{from, end, kindBearer}, end-from >= 8 && strings.ContainsAny(s.in[from:end], digits)
	}
	if head := s.in[i : i+6]; equalFold(head, "basic ") {
		from := i + 6
		end := base64Std.run(s.in, from)
		plain, err := base64.RawStdEncoding.DecodeString(strings.TrimRight(s.in[from:end], "="))
		return span{from, end, kindBasic}, err == nil && len(plain) >= 4 && strings.Contains(string(plain), ":")
	}
	return span{}, false
}
