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
	// The two ways back that there may be: after a look, and after an undoing, it is
	// asked whether there is something to wait for.
	back := []edge{{verifyFix, "Next", settled}, {undoFix, "Next", settled}}
	if name := onCycle(def, without(all, back)); name != "" {
		f.add("never comes back", name, "an execution can pass it twice")
	}
	inOrder(f, def)
	judged(f, def)
	for _, s := range def.States() {
		switch s.FunctionName {
		case functionOf(executeFix):
			approvedBefore(f, def, s.Name)
		case functionOf(undoFix):
			approvedBefore(f, def, s.Name)
			undoneOnly(f, def, s.Name)
		case functionOf(verifyFix):
			if reaches(def.StartAt(), without(all, into(all, pause)), s.Name) || inCircle(without(all, into(all, pause)), s.Name) {
				f.add("waits before it looks", s.Name, "it is looked again without a %s", pause)
			}
		}
	}
	aloneAnswers(f, def)
}

// inOrder: nobody is asked before it was looked for what is wrong, and for what would
// mend it.
func inOrder(f *findings, def *asl.Definition) {
	order := []string{investigate, analyze, planFix, waitState}
	for n, state := range order[1:] {
		out := func(e edge) bool { return e.from == order[n] }
		if reaches(def.StartAt(), slices.DeleteFunc(edges(def), out), state) {
			f.add("goes in order", state, "a path leads here past %s", order[n])
		}
	}
}

// judged: how a fix ended is asked only when it has, and no fix leads to the end without
// a ticket but one that is verified.
func judged(f *findings, def *asl.Definition) {
	all := edges(def)
	if reaches(def.StartAt(), without(all, []edge{{settled, "Default", fixVerified}}), fixVerified) {
		f.add("waits for what settles", fixVerified, "a path leads here past %s", settled)
	}
	seen := append(edgesIf(def, "$.fix.verified", "true"), into(all, createTicket)...)
	for _, from := range fixing() {
		if passes(without(all, seen), from, logResolution) {
			f.add("resolves what is seen to work", logResolution, "a path leads here from %s without a ticket and without a verified fix", from)
		}
	}
}

// approvedBefore: whatever leads to a state that may change the target passes the
// question, and the branch that only an approval takes.
func approvedBefore(f *findings, def *asl.Definition, state string) {
	all := edges(def)
	if reaches(def.StartAt(), without(all, edgesIf(def, "$.approval.decision", `"approve"`)), state) {
		f.add("is approved first", state, "a path leads here past the approve branch")
	}
	if reaches(def.StartAt(), without(all, []edge{{waitState, "Next", decided}}), state) {
		f.add("is asked first", state, "a path leads here past the answer of %s", waitState)
	}
}

// undoneOnly: an undoing follows a fix that was acted on, and an answer that says that
// it is to be undone.
func undoneOnly(f *findings, def *asl.Definition, state string) {
	all := edges(def)
	acted := slices.DeleteFunc(slices.Clone(all), func(e edge) bool { return e.from == executeFix && e.label == "Next" })
	if reaches(def.StartAt(), acted, state) {
		f.add("undoes what was done", state, "a path leads here past the answer of %s", executeFix)
	}
	// After the undoing it must be asked again: so the paths begin at each answer.
	for _, from := range append(fixing(), def.StartAt()) {
		if passes(without(all, edgesIf(def, "$.fix.undo", "true")), from, state) {
			f.add("undoes what is to be undone", state, "a path leads here from %s past the branch that asks for it", from)
			return
		}
	}
}

// aloneAnswers: what a choice goes by is written by those who may say it: the approval by
// people, and how far a fix has come by the steps that work on it.
func aloneAnswers(f *findings, def *asl.Definition) {
	who := map[string][]string{resultOf(waitState): {waitState}, resultOf(executeFix): fixing()}
	for _, s := range def.States() {
		may, asked := who[s.ResultPath.String()]
		if s.Type == asl.Task && asked && !slices.Contains(may, s.Name) {
			f.add("alone answers", s.Name, "it writes %s, which only %v may", s.ResultPath, may)
		}
		for _, c := range s.Catch {
			if who[c.ResultPath.String()] != nil {
				f.add("alone answers", s.Name, "its Catch writes %s, where an answer is expected", c.ResultPath)
			}
		}
		if s.Type == asl.Pass {
			f.add("alone answers", s.Name, "a Pass can make up data")
		}
	}
}

// edgesIf are the choices that hold only if a variable is exactly that value.
func edgesIf(def *asl.Definition, variable, value string) []edge {
	var found []edge
	for _, e := range edges(def) {
		s, _ := def.State(e.from)
		for i, rule := range s.Choices {
			if s.Successors()[i].Label == e.label && implies(rule.String(), variable, value) {
				found = append(found, e)
			}
		}
	}
	return found
}

// implies reports whether a choice rule can hold only if the variable is exactly
// value, a text or a boolean in JSON.
func implies(rule, variable, value string) bool {
	var r struct {
		And, Or                     []json.RawMessage
		Variable                    string
		StringEquals, BooleanEquals json.RawMessage
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
	return r.Variable == variable && (string(r.StringEquals) == value || string(r.BooleanEquals) == value)
}

// into are the edges that lead to a state.
func into(all []edge, state string) []edge {
	return slices.DeleteFunc(slices.Clone(all), func(e edge) bool { return e.to != state })
}

// inCircle reports whether a state can follow itself.
func inCircle(all []edge, state string) bool { return passes(all, state, state) }

// passes reports whether a state can follow another, with at least one edge between.
func passes(all []edge, from, to string) bool {
	return slices.ContainsFunc(all, func(e edge) bool { return e.from == from && reaches(e.to, all, to) })
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
