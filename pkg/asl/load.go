package asl

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"slices"
)

// The quotas below are AWS's.
const (
	maxNameRunes   = 80
	maxSeconds     = 99_999_999 // about three years; what a task has when it gives no timeout
	maxAttempts    = 99_999_999
	maxDelaySecond = 31_622_399
)

// Load reads a definition. Everything wrong with one is reported at once, in a [*LoadError]; text that is not JSON at all
// is reported alone.
func Load(data []byte) (*Definition, error) {
	found := &problems{}
	root, err := parse(data, found)
	if err != nil {
		return nil, err
	}
	sum := sha256.Sum256(data)
	l := &loader{problems: found, definition: &Definition{digest: hex.EncodeToString(sum[:]), states: map[string]*State{}}}
	l.document(root)
	if err := found.err(); err != nil {
		return nil, err
	}
	return l.definition, nil
}

type loader struct {
	*problems
	definition *Definition
	references []reference
}

// reference is a name that must be a state's.
type reference struct {
	path string
	name string
}

func (l *loader) document(root *node) {
	f := object(root, l.problems)
	l.definition.comment = f.string("Comment")
	l.definition.timeoutSeconds = f.whole("TimeoutSeconds", 0, 1, maxSeconds)
	if f.has("Version") {
		l.oneOf(f, "Version", "1.0")
	}
	l.queryLanguage(f)
	l.definition.startAt = l.target(f, "StartAt")
	if states, ok := f.required("States"); ok {
		l.states(states)
	}
	f.close()
	for _, r := range l.references {
		if _, ok := l.definition.states[r.name]; !ok {
			l.add(r.path, "there is no state %q", r.name)
		}
	}
	l.unreachable()
}

func (l *loader) states(n *node) {
	f := object(n, l.problems)
	if n.kind == objectKind && len(n.members) == 0 {
		l.add(n.path, "must not be empty")
	}
	for _, m := range n.members {
		f.taken[m.key] = true
		if runes := len([]rune(m.key)); runes == 0 || runes > maxNameRunes {
			l.add(m.value.path, "a state's name has 1 to %d characters, not %d", maxNameRunes, runes)
		}
		l.definition.names = append(l.definition.names, m.key)
		l.definition.states[m.key] = l.state(m.key, m.value)
	}
}

// unreachable follows the graph from StartAt. With a name that leads nowhere the graph is not whole, and its holes are
// already reported.
func (l *loader) unreachable() {
	reached := map[string]bool{}
	queue := []string{l.definition.startAt}
	for len(queue) > 0 {
		name := queue[0]
		queue = queue[1:]
		state, ok := l.definition.states[name]
		if !ok {
			return
		}
		if reached[name] {
			continue
		}
		reached[name] = true
		for _, successor := range state.Successors() {
			queue = append(queue, successor.To)
		}
	}
	for _, name := range l.definition.names {
		if !reached[name] {
			l.add(childPath("$.States", name), "cannot be reached from StartAt")
		}
	}
}

// target reads a required member that names a state.
func (l *loader) target(f *fields, key string) string {
	name := f.requiredString(key)
	if name != "" {
		l.references = append(l.references, reference{childPath(f.node.path, key), name})
	}
	return name
}

func (l *loader) queryLanguage(f *fields) {
	if f.has("QueryLanguage") {
		l.oneOf(f, "QueryLanguage", "JSONPath")
	}
}

func (l *loader) oneOf(f *fields, key string, allowed ...string) string {
	text := f.string(key)
	if n, ok := f.take(key); ok && n.kind == stringKind && !slices.Contains(allowed, text) {
		l.add(n.path, "%q is not implemented by this engine; there is %q", text, allowed)
	}
	return text
}

// path reads a path that may be of the data or the context object.
func (l *loader) path(n *node, waits bool) (Path, bool) {
	text, ok := n.scalar.(string)
	if !ok {
		l.add(n.path, "must be a path, not %s", n.kind)
		return Path{}, false
	}
	path, err := parsePath(text)
	if err != nil {
		l.add(n.path, "%q: %s", text, err)
		return Path{}, false
	}
	if path.context {
		if problem := contextPathProblem(path, waits); problem != "" {
			l.add(n.path, "%q: %s", text, problem)
			return Path{}, false
		}
	}
	return path, true
}

// pathField reads an InputPath or OutputPath, which may be null.
func (l *loader) pathField(f *fields, key string) Path {
	n, ok := f.take(key)
	if !ok {
		return Path{}
	}
	if n.kind == nullKind {
		return Path{null: true}
	}
	path, _ := l.path(n, false)
	return path
}

// resultPath reads a ResultPath, which is written to: names only, and never into the context object.
func (l *loader) resultPath(f *fields) Path {
	path := l.pathField(f, "ResultPath")
	if path.context {
		l.add(f.node.path+".ResultPath", "%q: the context object cannot be written", path)
	}
	if _, ok := path.keys(); !ok {
		l.add(f.node.path+".ResultPath", "%q: an index is not implemented by this engine where a result is put", path)
	}
	return path
}

// raw gives a value's JSON again, for those who read the definition.
func (n *node) raw() json.RawMessage {
	text, err := encode(n.plain())
	if err != nil {
		return nil // cannot be: it was JSON
	}
	return text
}
