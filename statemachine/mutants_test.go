package statemachine_test

import (
	"encoding/json"
	"slices"
	"strings"
	"testing"

	"github.com/opsguard/opsguard/pkg/asl"
	"github.com/opsguard/opsguard/statemachine"
)

// mutant is a copy of the definition with one thing wrong, and exactly the
// promises that it breaks.
type mutant struct {
	name   string
	change func(document)
	breaks []string // of those that are read off the definition
	runs   []string // of those that a run shows; nil: it is not run
}

// document is a definition to be changed. A path is names and indices with
// slashes between, below States unless it begins with a slash.
type document struct {
	t    *testing.T
	root map[string]any
}

func (d document) at(path string) (holder any, last string) {
	parts := strings.Split("States/"+path, "/")
	if rest, ok := strings.CutPrefix(path, "/"); ok {
		parts = strings.Split(rest, "/")
	}
	holder = d.root
	for _, name := range parts[:len(parts)-1] {
		holder = d.member(holder, name)
	}
	return holder, parts[len(parts)-1]
}

func (d document) member(holder any, name string) any {
	switch h := holder.(type) {
	case map[string]any:
		if v, ok := h[name]; ok {
			return v
		}
	case []any:
		if i := int(name[0] - '0'); i < len(h) {
			return h[i]
		}
	}
	d.t.Fatalf("the definition has no %s here any more: mend the mutant", name)
	return nil
}

// set puts JSON at a path.
func (d document) set(path, text string) {
	var value any
	if err := json.Unmarshal([]byte(text), &value); err != nil {
		d.t.Fatalf("%s: %v", text, err)
	}
	switch holder, last := d.at(path); h := holder.(type) {
	case map[string]any:
		h[last] = value
	case []any:
		h[int(last[0]-'0')] = value
	}
}

// drop removes what must be there.
func (d document) drop(path string) {
	holder, last := d.at(path)
	d.member(holder, last)
	if h, ok := holder.(map[string]any); ok {
		delete(h, last)
	}
}

func set(path, text string) func(document)    { return func(d document) { d.set(path, text) } }
func drop(path string) func(document)         { return func(d document) { d.drop(path) } }
func both(a, b func(document)) func(document) { return func(d document) { a(d); b(d) } }

// mutate gives the copy's text.
func mutate(t *testing.T, change func(document)) []byte {
	t.Helper()
	d := document{t, map[string]any{}}
	if err := json.Unmarshal(statemachine.Definition, &d.root); err != nil {
		t.Fatal(err)
	}
	change(d)
	text, err := json.Marshal(d.root)
	if err != nil {
		t.Fatal(err)
	}
	return text
}

// TestABrokenDefinitionIsRefusedForItsOwnReason shows that the checks can fail,
// each for what it is about and none for anything else.
func TestABrokenDefinitionIsRefusedForItsOwnReason(t *testing.T) {
	if testing.Short() {
		t.Skip("it runs every broken definition, for 12 s; make test does")
	}
	broken := map[string]bool{}
	for _, m := range slices.Concat(approvalMutants(), failureMutants(), dataMutants(), shapeMutants(), settleMutants(), undoMutants()) {
		t.Run(m.name, func(t *testing.T) {
			text := mutate(t, m.change)
			got := promises(text)
			if want := slices.Sorted(slices.Values(m.breaks)); !slices.Equal(got.names(), want) {
				t.Errorf("it breaks %q, want %q:%s", got.names(), want, got)
			}
			ran := &findings{said: map[violation]string{}}
			if _, err := asl.Load(text); err == nil && m.runs != nil {
				explore(ran, shortened(t, text), something())
			}
			if want := slices.Sorted(slices.Values(m.runs)); !slices.Equal(ran.names(), slices.Compact(want)) {
				t.Errorf("runs break %q, want %q:%s", ran.names(), want, ran)
			}
			for v := range got.said {
				broken[v.promise] = true
			}
			for v := range ran.said {
				broken[v.promise] = true
			}
		})
	}
	for _, promise := range []string{"loads", "is explained", "only steps time out", "starts with the investigation", "waits once", "keeps the data whole",
		"ends in LogResolution", "calls its own function", "times out", "fails loudly", "catches everything", "keeps why it failed",
		"retries what is safe", "backs off", "waits for its turn", "never comes back", "is approved first", "is asked first", "alone answers",
		"reads what is there", "gives the step its input", "gives the token to one step", "keeps its result apart", "keeps a small result",
		"goes in order", "waits before it looks", "waits for what settles", "undoes what was done", "undoes what is to be undone", "undoes a fix once", "hands failures to people",
		"resolves what is seen to work", "runs no fix unapproved", "runs a fix once", "ends through LogResolution", "tries long to end"} {
		if !broken[promise] {
			t.Errorf("no copy breaks %q: nothing shows that its check can fail", promise)
		}
	}
}

// TestTheUnchangedCopyIsFine guards the mutants: what they break is their change.
func TestTheUnchangedCopyIsFine(t *testing.T) {
	if f := promises(mutate(t, func(document) {})); len(f.said) > 0 {
		t.Errorf("it breaks:%s", f)
	}
}
