package rules

import (
	"fmt"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/google/go-cmp/cmp"
)

func TestNotableLinesAreThoseThatMatter(t *testing.T) {
	routine := func(n int) string {
		var b strings.Builder
		for i := range n {
			fmt.Fprintf(&b, "2026-03-01 12:%02d:01 INFO order %d placed in %d ms\n", i%60, i, i%9)
		}
		return b.String()
	}
	for _, c := range []struct {
		name, log string
		want      []string
	}{
		{"nothing", " \n\n", []string{}},
		{"one line", "it is odd", []string{"it is odd"}},
		{"an error in the middle of routine", routine(50) + "12:50 ERROR ledger mismatch\n" + routine(50) + "12:59 bye\n",
			[]string{"12:50 ERROR ledger mismatch", "12:59 bye"}},
		{"errors of one shape once, the latest", "ERROR job 1 lost\nERROR job 2 lost\nERROR job 3 lost\nWARN queue grows\n",
			[]string{"ERROR job 3 lost", "WARN queue grows"}},
		{"a fatal one before many errors", "FATAL ledger gone\n" + strings.Repeat("ERROR a\nERROR b\nERROR c\nERROR d\nERROR e\n", 20) + "bye\n",
			[]string{"FATAL ledger gone", "ERROR c", "ERROR d", "ERROR e", "bye"}},
		{"a rare line among routine", routine(40) + "switching to ledger B\n" + routine(20),
			[]string{"switching to ledger B", "2026-03-01 12:19:01 INFO order 19 placed in 1 ms"}},
		{"no frames, and not what was dealt with", "ERROR lost\n\tat com.example.ErrorHandler.fail(E.java:1)\nINFO error handled\n",
			[]string{"ERROR lost", "at com.example.ErrorHandler.fail(E.java:1)", "INFO error handled"}},
	} {
		if diff := cmp.Diff(c.want, Notable(c.log)); diff != "" {
			t.Errorf("%s (-want +got):\n%s", c.name, diff)
		}
	}
}

func FuzzNotable(f *testing.F) {
	f.Add("ERROR a\n\xff\n\nERROR b\r\nfatal c")
	f.Add(strings.Repeat("ü", 3000))
	f.Fuzz(func(t *testing.T, log string) {
		lines := Notable(log)
		if len(lines) > MaxLines {
			t.Errorf("%d lines", len(lines))
		}
		for _, line := range lines {
			if !strings.Contains(log, line) || !utf8.ValidString(line) || utf8.RuneCountInString(line) > MaxLineLength || line == "" {
				t.Errorf("%q", line)
			}
		}
	})
}
