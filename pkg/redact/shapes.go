package redact

import (
	"encoding/base64"
	"strings"
)

// jwtAt finds a signed or encrypted token in compact form: base64 of `{"`, then one to four more parts. A second part
// that was cut off is enough, for it holds the claims.
func (s *scanner) jwtAt(i int) (span, bool) {
	in := s.in
	if !strings.HasPrefix(in[i:], "eyJ") || s.noJWT.covers(i) {
		return span{}, false
	}
	head := s.run(base64URL, i)
	if head-i < 17 || head == len(in) || in[head] != '.' {
		s.noJWT = gap{i, head}
		return span{}, false
	}
	end := s.run(base64URL, head+1)
	if end-head-1 < 10 {
		s.noJWT = gap{i, head}
		return span{}, false
	}
	for part := 2; part < 5 && end < len(in) && in[end] == '.'; part++ {
		next := s.run(base64URL, end+1)
		if next == end+1 {
			break
		}
		end = next
	}
	return span{i, s.wrappedRest(i, end), kindJWT}, true
}

// wrappedRest returns where a token goes on to that line ends cut: a long line, then lines that hold nothing else.
func (s *scanner) wrappedRest(i, end int) int {
	for line := i; end < len(s.in) && s.in[end] == '\n' && end-line >= 48; {
		from := end + 1
		to := s.run(dotted, from)
		if to-from < 4 || to < len(s.in) && s.in[to] != '\n' {
			break
		}
		line, end = from, to
	}
	return end
}

// sendGridAt finds SG., 22 characters of id, a dot, 43 of secret.
func (s *scanner) sendGridAt(i int) (span, bool) {
	in := s.in
	if !strings.HasPrefix(in[i:], "SG.") {
		return span{}, false
	}
	dot := s.run(base64URL, i+3)
	if n := dot - i - 3; n < 16 || n > 32 || dot == len(in) || in[dot] != '.' {
		return span{}, false
	}
	end := s.run(base64URL, dot+1)
	if end-dot-1 < 16 {
		return span{}, false
	}
	return span{i, end, kindSendGrid}, true
}

// discordAt finds a bot token: base64 of the bot's id in decimal, a time stamp of 6 characters, a signature of 27 or
// more. In base64 every fourth character of a decimal number is M, N or O, which rules out almost everything at once.
func (s *scanner) discordAt(i int) (span, bool) {
	in := s.in
	if i+60 > len(in) || !mno(in[i+4]) || !mno(in[i+8]) || !mno(in[i+12]) {
		return span{}, false
	}
	dot := alnum.run(in[:min(len(in), i+32)], i)
	if dot-i < 22 || in[dot] != '.' {
		return span{}, false
	}
	id, err := base64.RawStdEncoding.DecodeString(in[i:dot])
	if err != nil || decimal.run(string(id), 0) != len(id) {
		return span{}, false
	}
	second := s.run(base64URL, dot+1)
	if second-dot-1 < 5 || second-dot-1 > 7 || second == len(in) || in[second] != '.' {
		return span{}, false
	}
	end := s.run(base64URL, second+1)
	if end-second-1 < 20 {
		return span{}, false
	}
	return span{i, end, kindDiscord}, true
}

func mno(c byte) bool { return c == 'M' || c == 'N' || c == 'O' }

// entraAt finds a client secret of Entra: three characters, a digit, Q~, 31 to 34 more; i is at the ~.
func (s *scanner) entraAt(i int) (span, bool) {
	if i-5 < s.barrier || s.in[i-1] != 'Q' || !decimal[s.in[i-2]] {
		return span{}, false
	}
	for _, c := range []byte(s.in[i-5 : i-2]) {
		if !entraChars[c] {
			return span{}, false
		}
	}
	end := s.run(entraChars, i+1)
	return span{i - 5, end, kindAzureKey}, end-i-1 >= 28
}

// numberedAt finds a secret behind a number that is public and this separator: the token of a Telegram bot (: and an A),
// an app's access token of Facebook (|).
func (s *scanner) numberedAt(i, least int, kind string) (span, bool) {
	from := i
	for from > s.barrier && i-from < least && decimal[s.in[from-1]] {
		from--
	}
	s.steps += i - from
	if i-from < least {
		return span{}, false
	}
	end := s.run(base64URL, i+1)
	return span{i + 1, end, kind}, end-i-1 >= 27 && end-i-1 <= 64 && s.holds(digits, i+1, end)
}

// atlasAt finds a token of Terraform Cloud: 14 characters, .atlasv1., 60 or more; i is after the first dot.
func (s *scanner) atlasAt(i int) (span, bool) {
	const mark = "atlasv1."
	if i-15 < s.barrier || !strings.HasPrefix(s.in[i:], mark) || s.in[i-1] != '.' || alnum.run(s.in[:i-1], i-15) != i-1 {
		return span{}, false
	}
	end := s.run(base64URL, i+len(mark))
	return span{i - 15, end, kindVendor}, end-i-len(mark) >= 40
}

// discordWebhookAt finds the token of a webhook; the id before it is public and tells which one it is.
func (s *scanner) discordWebhookAt(i int) (span, bool) {
	in := s.in
	rest, ok := strings.CutPrefix(in[i:], "discord.com/api/")
	if !ok {
		if rest, ok = strings.CutPrefix(in[i:], "discordapp.com/api/"); !ok {
			return span{}, false
		}
	}
	if strings.HasPrefix(rest, "v") {
		rest = strings.TrimPrefix(rest[decimal.run(rest, 1):], "/")
	}
	if rest, ok = strings.CutPrefix(rest, "webhooks/"); !ok {
		return span{}, false
	}
	id := decimal.run(rest, 0)
	s.steps += len(in) - len(rest) - i + id
	if id == 0 || id == len(rest) || rest[id] != '/' {
		return span{}, false
	}
	from := len(in) - len(rest) + id + 1
	end := s.run(base64URL, from)
	return span{from, end, kindDiscordWebhook}, end-from >= 16
}
