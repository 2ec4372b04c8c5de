package statemachine_test

import (
	"encoding/json"
	"slices"

	"github.com/opsguard/opsguard/pkg/asl"
)

// edge is one way from a state to another.
type edge struct {
	from, label, to string
}

func edges(def *asl.Definition) []edge {
	var all []edge
	for _, s := range def.States() {
		for _, next := range s.Successors() {
			all = append(all, edge{s.Name, next.Label, next.To})
		}
	}
	return all
}

// graph checks what holds for every path.
func graph(f *findings, def *asl.Definition) {
	all := edges(def)
	if name := onCycle(def, all); name != "" {
		f.add("never comes back", name, "an execution can pass it twice")
	}
	approvals := approvalEdges(def)
	for _, s := range def.States() {
		if s.FunctionName != functionOf(executeFix) {
			continue
		}
		if reaches(def.StartAt(), without(all, approvals), s.Name) {
			f.add("is approved first", s.Name, "a path leads to the fix past the approve branch")
		}
		asked := edge{waitState, "Next", decided}
		if reaches(def.StartAt(), without(all, []edge{asked}), s.Name) {
			f.add("is asked first", s.Name, "a path leads to the fix past the answer of %s", waitState)
		}
	}
	wait, _ := def.State(waitState)
	for _, s := range def.States() {
		if s.Name != waitState && s.Type == asl.Task && s.ResultPath.String() == wait.ResultPath.String() {
			f.add("alone answers", s.Name, "it writes %s, which must come from a person", wait.ResultPath)
		}
		for _, c := range s.Catch {
			if c.ResultPath.String() == wait.ResultPath.String() {
				f.add("alone answers", s.Name, "its Catch writes %s, which must come from a person", wait.ResultPath)
			}
		}
		if s.Type == asl.Pass {
			f.add("alone answers", s.Name, "a Pass can make up data")
		}
	}
}

// approvalEdges are the choices that hold only if the answer is approve.
func approvalEdges(def *asl.Definition) []edge {
	var found []edge
	for _, e := range edges(def) {
		s, _ := def.State(e.from)
		for i, rule := range s.Choices {
			if s.Successors()[i].Label == e.label && implies(rule.String(), "$.approval.decision", "approve") {
				found = append(found, e)
			}
		}
	}
	return found
}

// implies reports whether a choice rule can hold only if the variable is exactly
// value.
func implies(rule, variable, value string) bool {
	var r struct {
		And, Or      []json.RawMessage
		Variable     string
		StringEquals string
	}
	if json.Unmarshal([]byte(rule), &r) != nil {
		return false
	}
	says := func(part json.RawMessage) bool { return implies(string(part), variable, value) }
	switch {
	case len(r.And) > 0:
		return slices.ContainsFunc(r.And, says)
	case len(r.Or) > 0:
		return !slices.ContainsFunc(r.Or, func(part json.RawMessage) bool { return !says(part) })
	}
	return r.Variable == variable && r.StringEquals == value
}

func without(all, removed []edge) []edge {
	return slices.DeleteFunc(slices.Clone(all), func(e edge) bool { return slices.Contains(removed, e) })
}

func reaches(from string, all []edge, to string) bool {
	seen := map[string]bool{}
	queue := []string{from}
	for len(queue) > 0 {
		name := queue[0]
		queue = queue[1:]
		if name == to {
			return true
		}
		if seen[name] {
			continue
		}
		seen[name] = true
		for _, e := range all {
			if e.from == name {
				queue = append(queue, e.to)
			}
		}
	}
	return false
}

// onCycle names the first state, in the document's order, that can follow itself.
func onCycle(def *asl.Definition, all []edge) string {
	for _, s := range def.States() {
		seen := map[string]bool{}
		queue := []string{s.Name}
		for len(queue) > 0 {
			name := queue[0]
			queue = queue[1:]
			for _, e := range all {
				switch {
				case e.from != name || seen[e.to]:
				case e.to == s.Name:
					return s.Name
				default:
					seen[e.to] = true
					queue = append(queue, e.to)
				}
			}
		}
	}
	return ""
}
