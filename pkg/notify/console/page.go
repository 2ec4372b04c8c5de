package console

import (
	"fmt"
	"strings"
	"unicode/utf8"

	"github.com/opsguard/opsguard/pkg/brief"
)

const (
	// width is a terminal's; only what must be pasted whole is longer.
	width = 80
	// quoted marks what others wrote; nothing of ours begins like that.
	quoted = "  | "
)

// page collects lines and wraps them.
type page struct{ strings.Builder }

func (p *page) line(s string)  { p.WriteString(s + "\n") }
func (p *page) blank()         { p.WriteString("\n") }
func (p *page) rule(ch string) { p.line(strings.Repeat(ch, width)) }

// wrap writes text under a first and a following prefix, broken at spaces, or in
// the middle of a word that no line could hold.
func (p *page) wrap(first, next, text string) {
	prefix, line := first, ""
	flush := func() {
		p.line(prefix + line)
		prefix, line = next, ""
	}
	for _, word := range strings.Fields(text) {
		for {
			room := max(1, width-utf8.RuneCountInString(prefix))
			if line != "" {
				room -= utf8.RuneCountInString(line) + 1
			}
			n := utf8.RuneCountInString(word)
			if n <= room {
				line = strings.TrimPrefix(line+" "+word, " ")
				break
			}
			if line == "" { // longer than a whole line
				r := []rune(word)
				line, word = string(r[:room]), string(r[room:])
			}
			flush()
		}
	}
	if line != "" {
		flush()
	}
}

func (p *page) text(indent, s string) { p.wrap(indent, indent, s) }

// margin is a word in the margin.
func margin(name string) string { return fmt.Sprintf("%-12s", name) }

// field writes a word in the margin and what it says beside it.
func (p *page) field(name, value string) {
	if value != "" {
		p.wrap(margin(name), margin(""), value)
	}
}

// outside writes what others wrote behind a word of ours. Where it wraps, the
// lines that follow are marked: they must not begin like ours.
func (p *page) outside(first string, text brief.Outside) { p.wrap(first, quoted+"  ", string(text)) }

func (p *page) quote(lines ...brief.Outside) {
	for _, l := range lines {
		p.wrap(quoted, quoted+"  ", string(l))
	}
}

// section writes a heading after a blank line.
func (p *page) section(heading string) {
	p.blank()
	p.text("", heading)
}
