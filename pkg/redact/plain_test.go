package redact

import (
	"strings"
	"testing"
)

func TestTextBecomesPlain(t *testing.T) {
	for _, c := range []struct{ name, in, want string }{
		{"kept", "a\tb\nc é 用 ✓ \u00a0.", "a\tb\nc é 用 ✓ \u00a0."},
		{"windows line ends", "a\r\nb\rc\r\n", "a\nb\nc\n"},
		{"other line ends", "a\u2028b\u2029c\u0085d", "a\nb\nc\nd"},
		{"nul and other controls", "a\x00b\x01\x08\x0b\x0c\x1f\x7fc\u0080\u0099d", "abcd"},
		{"colors", "\x1b[1;31merror\x1b[0m: \x1b[38;5;196mx\x1b[K", "error: x"},
		{"colors, one character", "\u009b31merror\u009b0m", "error"},
		{"cursor and modes", "\x1b[2J\x1b[?25l\x1b[10;20Hx\x1b7\x1b(B\x1bc", "x"},
		{"title", "a\x1b]0;evil title\x07b\x1b]2;t\x1b\\c\u009dt\u009cd", "abcd"},
		{"link", "\x1b]8;;https://evil\x1b\\text\x1b]8;;\x1b\\", "text"},
		{"device command", "a\x1bPq#0\x1b\\b\x1b_x\x1b\\c\x1b^y\x1b\\d\x1bXz\x1b\\e", "abcde"},
		{"title without an end", "a\x1b]0;evil\nnext", "a0;evil\nnext"},
		{"sequence cut off", "a\x1b[31", "a"},
		{"lone escape", "a\x1b", "a"},
		{"escape before a letter beyond ASCII", "a\x1bé", "aé"},
		{"bidi", "a\u202eb\u2066c\u2069d\u200ee\u061cf", "abcdef"},
		{"zero width", "a\u200bb\u200cc\u200dd\u2060e\ufefff\u00adg\u034fh", "abcdefgh"},
		{"tags and selectors", "a\U000E0061\U000E007Fb\ufe0fc\U000E0100d\u180be", "abcde"},
		{"broken UTF-8", "a\xff\xfeb\xc3(\xed\xa0\x80c", "a\ufffdb\ufffd(\ufffdc"},
		{"replacement character", "a\ufffd\ufffdb", "a\ufffd\ufffdb"},
		{"broken across a control", "a\xff\x00\xffb", "a\ufffdb"},
	} {
		if got, _ := Text(c.in); got != c.want {
			t.Errorf("%s: got %q, want %q", c.name, got, c.want)
		}
	}
}

func TestLineIsOneLine(t *testing.T) {
	got, _ := Line("a\tb\r\nc\u2028d\x1b[0m password:\nhunter2")
	if want := "a b c d password: [REDACTED:password]"; got != want {
		t.Errorf("got %q, want %q", got, want)
	}
}

func TestPlainASCIIIsNotCopied(t *testing.T) {
	in := strings.Repeat("a quiet line of log, nothing in it\n", 30)
	if n := testing.AllocsPerRun(10, func() { Text(in) }); n != 0 {
		t.Errorf("%v allocations", n)
	}
}
