package asl

import (
	"fmt"
	"strings"
)

// Problem is one reason to refuse a definition.
type Problem struct {
	Path string // JSON path in the definition, such as $.States.Analyze.HeartbeatSeconds
	Text string
}

// Error gives the path and the reason.
func (p Problem) Error() string { return p.Path + ": " + p.Text }

// LoadError holds everything wrong with a definition, in the order it is met. It is never empty.
type LoadError struct{ Problems []Problem }

// Error gives each problem on a line of its own.
func (e *LoadError) Error() string {
	lines := make([]string, len(e.Problems))
	for i, p := range e.Problems {
		lines[i] = p.Error()
	}
	return "state machine definition refused:\n" + strings.Join(lines, "\n")
}

// Unwrap lets errors.As find a Problem.
func (e *LoadError) Unwrap() []error {
	all := make([]error, len(e.Problems))
	for i, p := range e.Problems {
		all[i] = p
	}
	return all
}

type problems struct{ list []Problem }

func (p *problems) add(path, format string, args ...any) {
	p.list = append(p.list, Problem{path, fmt.Sprintf(format, args...)})
}

func (p *problems) err() error {
	if len(p.list) == 0 {
		return nil
	}
	return &LoadError{p.list}
}

// childPath appends a member's name, quoted where dots or blanks would mislead.
func childPath(path, key string) string {
	plain := key != ""
	for _, r := range key {
		letter := r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' || r >= '0' && r <= '9'
		plain = plain && (letter || r == '_' || r == '-' || r == '$')
	}
	if plain {
		return path + "." + key
	}
	return fmt.Sprintf("%s[%q]", path, key)
}
