package inventory

import (
	"maps"
	"slices"
	"strings"

	"go.yaml.in/yaml/v3"

	"github.com/opsguard/opsguard/pkg/redact"
)

// noSecret refuses what looks like a secret where people would read it: in what a fix does
// and on what. It never repeats the text.
func (r *reader) noSecret(n *yaml.Node, path string) {
	found := secretIn(n.Value)
	for i, child := range n.Content {
		if n.Kind == yaml.MappingNode && i%2 == 0 {
			continue
		}
		switch n.Kind {
		case yaml.SequenceNode:
			r.noSecret(child, item(path, i))
		case yaml.MappingNode:
			r.noSecret(child, join(path, n.Content[i-1].Value))
		}
	}
	if n.Kind == yaml.SequenceNode { // a name and its value may be two arguments
		var args []string
		whole := true
		for _, child := range n.Content {
			args = append(args, child.Value)
			whole = whole && secretIn(child.Value) == ""
		}
		if whole {
			found = secretIn(strings.Join(args, " "))
		}
	}
	if found != "" {
		r.at(n, path, "holds what looks like a secret (%s), and plans show it to people; give it as secret: NAME where the type takes one, "+
			"else let the command or the receiver read it itself", found)
	}
}

// secretIn names the kinds of secrets in a text; "" if there are none.
func secretIn(text string) string {
	_, found := redact.Line(text)
	return strings.Join(slices.Sorted(maps.Keys(found)), ", ")
}
