package intake_test

import (
	"fmt"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/google/go-cmp/cmp"

	"github.com/opsguard/opsguard/pkg/incident"
	"github.com/opsguard/opsguard/pkg/intake"
)

func TestEvidenceIsLinesThatAPersonReads(t *testing.T) {
	var e intake.Evidence
	e.Line("ALERT  disk\tfull\n(critical)")
	e.Line(" \n ")
	e.Add("value", " 97 %\r\nstatus: resolved ")
	e.Add("nothing", " ")
	e.Add("a\nname", "x")
	e.AddAll(map[string]string{"b": "2", "a": "1", "severity": "page", "empty": ""}, "severity")
	e.Block("\n\tat main.go:7\n\tat run.go:9\n\n")
	e.Block(" \n\t")
	want := "ALERT disk full (critical)\nvalue: 97 % status: resolved\na name: x\na: 1\nb: 2\n\n\tat main.go:7\n\tat run.go:9"
	if diff := cmp.Diff(want, e.String()); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

func TestEvidenceIsBoundedValidAndKeepsItsBeginning(t *testing.T) {
	var e intake.Evidence
	e.Line("ALERT \xff " + strings.Repeat("x", 10_000))
	for i := range 5 {
		e.Block(strings.Repeat("line \xe2\x82 of "+strings.Repeat("é", i+40)+"\n", 4000))
	}
	e.Line("the end")
	got := e.String()
	a := incident.Alert{Service: "s", Severity: incident.High, ErrorLogs: got}
	if err := a.Validate(); err != nil {
		t.Error(err)
	}
	if !strings.HasPrefix(got, "ALERT \ufffd x") || !strings.HasSuffix(got, "\nthe end") ||
		!strings.Contains(got, " bytes left out ...]\n") {
		t.Errorf("%d bytes: %.80q ... %.80q", len(got), got, got[len(got)-80:])
	}
	first, _, _ := strings.Cut(got, "\n")
	if len(first) > 3*1024 {
		t.Errorf("the first line has %d bytes", len(first))
	}
	var spaces intake.Evidence
	spaces.Line(strings.Repeat(" ", 5000) + "x")
	if spaces.String() != "x" {
		t.Errorf("white space of 5,000 characters hides what follows: %q", spaces.String())
	}
}

// leftOut finds the line in the middle, and what stands before and after it.
func leftOut(cut string) (head, tail string, said int, found bool) {
	i := strings.LastIndex(cut, "\n[... ")
	j := strings.LastIndex(cut, " bytes left out ...]\n")
	if i < 0 || j < i {
		return cut, "", 0, false
	}
	if _, err := fmt.Sscanf(cut[i:], "\n[... %d bytes", &said); err != nil {
		return cut, "", 0, false
	}
	return cut[:i], cut[j+len(" bytes left out ...]\n"):], said, true
}

func checkCut(t *testing.T, text string, limit int) {
	t.Helper()
	got := intake.CutMiddle(text, limit)
	if len(text) <= limit {
		if got != text {
			t.Fatalf("limit %d: a text that fits was changed: %.200q", limit, got)
		}
		return
	}
	if len(got) > max(0, limit) {
		t.Fatalf("limit %d: %d bytes of %.200q", limit, len(got), got)
	}
	if utf8.ValidString(text) && !utf8.ValidString(got) {
		t.Fatalf("limit %d: not UTF-8: %.200q", limit, got)
	}
	head, tail, said, found := leftOut(got)
	if !strings.HasPrefix(text, head) || !strings.HasSuffix(text, tail) {
		t.Fatalf("limit %d: it is not the beginning and the end: %.200q", limit, got)
	}
	if found && said != len(text)-len(head)-len(tail) {
		t.Fatalf("limit %d: it says that %d bytes are left out, of %d it shows %d and %d", limit, said, len(text), len(head), len(tail))
	}
}

func TestWhatIsCutSaysHowMuchIsLeftOutAtEveryLimit(t *testing.T) {
	for _, text := range []string{
		"", "x", strings.Repeat("é", 300), strings.Repeat("😀\n", 100), strings.Repeat("a line\n", 80), strings.Repeat("\n", 500),
		strings.Repeat("x", 250) + "\n" + strings.Repeat("y", 250), "\xff\xfe" + strings.Repeat("\x80", 300),
	} {
		for limit := -3; limit <= len(text)+3; limit++ {
			checkCut(t, text, limit)
		}
	}
	lines := strings.Repeat("2026-11-20 03:12:44 ERROR connection refused\n", 100)
	if got := intake.CutMiddle(lines, 1000); strings.Count(got, "ERROR connection refused\n") < 18 || !strings.HasSuffix(got, "refused\n") {
		t.Errorf("lines are not kept whole: %q", got)
	}
}

func FuzzCutMiddle(f *testing.F) {
	f.Add("a line\nanother one, longer than the others\n", 40)
	f.Add(strings.Repeat("😀é\n", 50), 99)
	f.Fuzz(func(t *testing.T, text string, limit int) {
		if !strings.Contains(text, "bytes left out") { // else the test cannot tell which line is ours
			checkCut(t, text, limit%10_000)
		}
	})
}

// FuzzReadJSON holds that whatever is read is bounded, valid and written again the same.
func FuzzReadJSON(f *testing.F) {
	f.Add([]byte(`{"alerts":[{"labels":{"a":"b"},"at":"2026-11-20T03:12:44Z","n":-1.5e3}],"x":null}`))
	f.Add([]byte(`[[[[{"\ud83d\ude00":"\u0000\u001b"}]]]]`))
	f.Fuzz(func(t *testing.T, raw []byte) {
		v, err := intake.ReadJSON(raw)
		if err != nil {
			if incident.KindOf(err) != incident.Invalid || len(err.Error()) > 1000 || !utf8.ValidString(err.Error()) {
				t.Fatalf("%q: refused by %v", raw, err)
			}
			return
		}
		once := v.JSON()
		again, err := intake.ReadJSON([]byte(once))
		if err != nil || again.JSON() != once {
			t.Fatalf("%q is written as %q, which is read as %q, %v", raw, once, again.JSON(), err)
		}
		v.At("alerts").List(3)
		v.Fields()
		v.At("at").Time()
		if err := v.Err(); err != nil && incident.KindOf(err) != incident.Invalid {
			t.Fatalf("%q: %v", raw, err)
		}
	})
}
