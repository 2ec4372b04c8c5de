package discord

import (
	"strings"
	"unicode"
	"unicode/utf16"
	"unicode/utf8"

	"github.com/opsguard/opsguard/pkg/brief"
)

// special are the characters that begin or end something in Discord's markdown
// wherever they stand: emphasis, spoiler, code, masked link, and all that is
// written <...> (mention, emoji, timestamp, command) or @... A backslash makes any
// of them itself; Discord takes one before every character that is neither
// letter, digit nor space.
const special = "\\`*_~|<[]@"

// opening are those that make a block, and only at the start of a line: heading,
// quote, list.
const opening = "#>-+"

// needsEscape reports whether the character r, which follows before and is
// followed by after, could be read as markup. A colon begins the // of a URL or a
// :emoji:; a point makes the number before it a list.
func needsEscape(before string, r rune, after string) bool {
	switch {
	case strings.ContainsRune(special, r):
		return true
	case strings.ContainsRune(opening, r):
		return before == ""
	case r == ':':
		next, _ := utf8.DecodeRuneInString(after)
		return next == '/' || next == '_' || next == '+' || next == '-' || unicode.IsLetter(next) || unicode.IsDigit(next)
	case r == '.' || r == ')':
		return before != "" && strings.Trim(before, "0123456789") == ""
	}
	return false
}

// units is a text's length as the limits are held here: UTF-16 code units.
// Discord says "characters" and not which; no other sensible count is larger.
func units(s string) int {
	n := 0
	for _, r := range s {
		n += max(1, utf16.RuneLen(r))
	}
	return n
}

// escape makes text from outside literal, in at most limit units; what is cut
// off is marked, and never in the middle of an escape.
func escape(text string, limit int) string {
	const ellipsis = "…"
	var out strings.Builder
	used := 0
	text = strings.ToValidUTF8(text, "")
	for i, r := range text {
		piece := string(r)
		if needsEscape(text[:i], r, text[i+utf8.RuneLen(r):]) {
			piece = `\` + piece
		}
		n := units(piece)
		if room := limit - used; n > room || n > room-1 && i+utf8.RuneLen(r) < len(text) {
			if room > 0 {
				out.WriteString(ellipsis)
			}
			break
		}
		out.WriteString(piece)
		used += n
	}
	return out.String()
}

// quote makes a line of text from outside a block quote of its own.
func quote(text brief.Outside, limit int) string {
	return "> " + escape(string(text), limit-2)
}

// masked makes a link of ours, "" if it is too long or not fit to be one.
func masked(text, to string, limit int) string {
	if strings.ContainsAny(to, "()<>[]\\ \n\t\"`") {
		return ""
	}
	link := "[" + text + "](" + to + ")"
	if units(link) > limit {
		return ""
	}
	return link
}
