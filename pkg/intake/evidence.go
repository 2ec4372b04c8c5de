package intake

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/opsguard/opsguard/pkg/incident"
)

// Limits of what is taken of an alert.
const (
	MaxLabels = 64       // labels, annotations or fields of one alert
	maxValue  = 2 * 1024 // bytes of one value in the evidence
	maxBlock  = incident.MaxErrorLogs
)

// Evidence writes what an alert says as lines that a person reads quickly and that
// the rules can match: a headline, then "name: value" a line, then blocks of lines
// such as a stack trace. What is empty is left out.
type Evidence struct {
	lines []string
}

// Line adds one line, its white space folded.
func (e *Evidence) Line(text string) {
	if text = oneLine(text); text != "" {
		e.lines = append(e.lines, text)
	}
}

// Add adds "name: value", unless the value is empty.
func (e *Evidence) Add(name, value string) {
	if value = oneLine(value); value != "" {
		e.lines = append(e.lines, oneLine(name)+": "+value)
	}
}

// AddTime adds "name: time", unless the time is zero.
func (e *Evidence) AddTime(name string, at time.Time) {
	if !at.IsZero() {
		e.Add(name, incident.FormatTime(at))
	}
}

// Headline adds "WORD title (severity)", where the word says whether the alert goes on or
// is over.
func (e *Evidence) Headline(a incident.Alert, firing, over, title string) {
	word := firing
	if a.Recovered {
		word = over
	}
	e.Line(word + " " + title + " (" + string(a.Severity) + ")")
}

// AddAll adds every pair, sorted by name, but those whose name is left out.
func (e *Evidence) AddAll(pairs map[string]string, leaveOut ...string) {
	for _, name := range slices.Sorted(maps.Keys(pairs)) {
		if !slices.Contains(leaveOut, name) {
			e.Add(name, pairs[name])
		}
	}
}

// Block adds text with its own lines, such as log lines or a stack trace.
func (e *Evidence) Block(text string) {
	text = strings.TrimRight(strings.ReplaceAll(text, "\r\n", "\n"), " \t\r\n")
	if strings.TrimSpace(text) != "" {
		e.lines = append(e.lines, CutMiddle(text, maxBlock))
	}
}

// String returns the lines as valid UTF-8, cut in the middle to incident.MaxErrorLogs.
func (e *Evidence) String() string {
	return CutMiddle(strings.ToValidUTF8(strings.Join(e.lines, "\n"), "\uFFFD"), incident.MaxErrorLogs)
}

// AddLeaves adds what a value holds at any depth, each with the path that leads to it
// from there, but what is left out. Lines of a text stay lines.
func (e *Evidence) AddLeaves(v Value, leaveOut ...string) {
	leaves, more := v.Leaves(MaxLabels)
	for _, l := range leaves {
		switch {
		case slices.Contains(leaveOut, l.Path):
		case strings.Contains(strings.TrimSpace(l.Text), "\n"):
			e.Line(l.Path + ":")
			e.Block(l.Text)
		default:
			e.Add(l.Path, l.Text)
		}
	}
	if more > 0 {
		e.Line(fmt.Sprintf("[... %d more fields left out ...]", more))
	}
}

// oneLine folds white space. It cuts what is longer than a person reads in one line.
func oneLine(text string) string {
	text = strings.TrimSpace(text)
	if cut := incident.Cut(text, maxValue); cut != text {
		text = cut + leftOut(len(text)-len(cut))
	}
	return strings.Join(strings.Fields(text), " ")
}

// CutMiddle returns at most limit bytes of text: its beginning and its end, whole
// lines where it has any, and between them a line that says how many bytes were left
// out. Where there is no room for that line, it returns the beginning only.
func CutMiddle(text string, limit int) string {
	if len(text) <= limit {
		return text
	}
	half := (limit - len(leftOut(len(text)))) / 2
	if half <= 0 {
		return incident.Cut(text, max(0, limit))
	}
	head, tail := incident.Cut(text, half), text[len(text)-half:]
	for len(tail) > 0 && !utf8.RuneStart(tail[0]) {
		tail = tail[1:]
	}
	if i := strings.LastIndexByte(head, '\n'); i > half/2 {
		head = head[:i]
	}
	if i := strings.IndexByte(tail, '\n'); i >= 0 && i < half/2 {
		tail = tail[i+1:]
	}
	return head + leftOut(len(text)-len(head)-len(tail)) + tail
}

func leftOut(bytes int) string { return fmt.Sprintf("\n[... %d bytes left out ...]\n", bytes) }

func sortedKeys[V any](m map[string]V) []string { return slices.Sorted(maps.Keys(m)) }
