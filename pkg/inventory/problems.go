package inventory

import (
	"fmt"
	"slices"
	"strconv"
	"strings"

	"go.yaml.in/yaml/v3"

	"github.com/opsguard/opsguard/pkg/incident"
)

const (
	fileName = "services.yaml"
	// maxProblems bounds what one bad file can make Load say.
	maxProblems = 100
	maxQuoted   = 128 // bytes of a value that a problem repeats
)

// problem is one thing that is wrong. Line 0 is the file as a whole.
type problem struct {
	line int
	path string
	what string
}

func (p problem) String() string {
	s := fileName
	if p.line > 0 {
		s += ":" + strconv.Itoa(p.line)
	}
	if p.path != "" {
		s += ": " + p.path
	}
	return s + ": " + p.what
}

// problems is the error that Load returns: one line each, in the file's order.
type problems []problem

func (ps problems) Error() string {
	sorted := slices.Clone(ps)
	slices.SortStableFunc(sorted, func(a, b problem) int { return a.line - b.line })
	lines := make([]string, 0, len(sorted))
	for i, p := range sorted {
		if i == maxProblems {
			lines = append(lines, fmt.Sprintf("%s: and %d more", fileName, len(sorted)-i))
			break
		}
		lines = append(lines, p.String())
	}
	return strings.Join(lines, "\n")
}

func (r *reader) at(n *yaml.Node, path, format string, args ...any) {
	r.problems = append(r.problems, problem{n.Line, path, fmt.Sprintf(format, args...)})
}

func quote(s string) string { return strconv.Quote(incident.Cut(s, maxQuoted)) }
