package statemachine_test

import (
	"encoding/json"
	"maps"
	"slices"
	"strings"

	"github.com/opsguard/opsguard/pkg/asl"
	"github.com/opsguard/opsguard/pkg/steps"
)

// known is a set of data paths that are there on every way to a state.
type known map[string]bool

// dataFlow checks that no state reads a path that some way to it does not write:
// a missing path is States.Runtime, which no Catch sees.
func dataFlow(f *findings, def *asl.Definition) {
	at := map[string]known{def.StartAt(): startOf()}
	for changed := true; changed; {
		changed = false
		for _, s := range def.States() {
			here, reached := at[s.Name]
			if !reached {
				continue
			}
			for _, next := range s.Successors() {
				after := leave(here, s, next.Label)
				if before, ok := at[next.To]; ok {
					maps.DeleteFunc(after, func(path string, _ bool) bool { return !before[path] })
				}
				if !maps.Equal(at[next.To], after) || at[next.To] == nil {
					at[next.To] = after
					changed = true
				}
			}
		}
	}
	for _, s := range def.States() {
		for _, path := range reads(s) {
			if !at[s.Name][path] {
				f.add("reads what is there", s.Name, "%s is not written on every way here", path)
			}
		}
	}
}

// startOf is the execution's input.
func startOf() known {
	k := known{}
	for _, name := range membersOf(steps.ExecutionInput{}) {
		k["$."+name] = true
	}
	return k
}

// leave adds what a state has written when it is left by that edge.
func leave(here known, s asl.State, label string) known {
	after := maps.Clone(here)
	for i, c := range s.Catch {
		if label == s.Successors()[len(s.Successors())-len(s.Catch)+i].Label {
			return put(after, c.ResultPath, []string{"Error", "Cause"})
		}
	}
	if s.Type == asl.Task {
		return put(after, s.ResultPath, members(s.ResultSelector))
	}
	return after
}

// writes is where a state writes when it is left by that edge; "" for nowhere.
func writes(s asl.State, label string) string {
	at := s.ResultPath
	for i, c := range s.Catch {
		if label == s.Successors()[len(s.Successors())-len(s.Catch)+i].Label {
			at = c.ResultPath
		}
	}
	if s.Type != asl.Task || at.IsNull() {
		return ""
	}
	return at.String()
}

// put is ResultPath: what stood there before is gone.
func put(k known, at asl.Path, fields []string) known {
	if at.IsNull() {
		return k
	}
	where := at.String()
	maps.DeleteFunc(k, func(path string, _ bool) bool { return strings.HasPrefix(path+".", where+".") })
	if where != "$" {
		k[where] = true
	}
	for _, field := range fields {
		k[where+"."+strings.TrimSuffix(field, ".$")] = true
	}
	return k
}

// reads gives the data paths that a state needs.
func reads(s asl.State) []string {
	var paths []string
	var template any
	if json.Unmarshal(s.Parameters, &template) == nil {
		paths = templatePaths(template)
	}
	for _, path := range []string{s.TimeoutSecondsPath, s.SecondsPath} {
		if path != "" {
			paths = append(paths, path)
		}
	}
	if slices.Contains(paths, "$") { // a step that takes everything still needs to know which incident
		paths = append(paths, "$.tenant", "$.incidentId")
	}
	for _, rule := range s.Choices {
		var condition map[string]any
		if json.Unmarshal([]byte(rule.String()), &condition) == nil {
			paths = append(paths, conditionPaths(condition, known{})...)
		}
	}
	return slices.DeleteFunc(paths, func(p string) bool { return p == "$" || strings.HasPrefix(p, "$$") })
}

func templatePaths(template any) []string {
	var paths []string
	switch t := template.(type) {
	case map[string]any:
		for name, value := range t {
			if text, ok := value.(string); ok && strings.HasSuffix(name, ".$") {
				paths = append(paths, text)
			} else {
				paths = append(paths, templatePaths(value)...)
			}
		}
	case []any:
		for _, item := range t {
			paths = append(paths, templatePaths(item)...)
		}
	}
	return paths
}

// conditionPaths gives the variables that a condition reads without having asked
// first whether they are there. And stops at the first part that does not hold,
// so parts after an IsPresent may rely on it.
func conditionPaths(condition map[string]any, present known) []string {
	var paths []string
	for _, part := range list(condition["And"]) {
		if part["IsPresent"] == true {
			variable, _ := part["Variable"].(string)
			present = maps.Clone(present)
			present[variable] = true
			continue
		}
		paths = append(paths, conditionPaths(part, present)...)
	}
	for _, part := range list(condition["Or"]) {
		paths = append(paths, conditionPaths(part, present)...)
	}
	if not, ok := condition["Not"].(map[string]any); ok {
		paths = append(paths, conditionPaths(not, present)...)
	}
	_, asks := condition["IsPresent"]
	for name, value := range condition {
		text, _ := value.(string)
		if (name == "Variable" && !asks || strings.HasSuffix(name, "Path")) && !present[text] {
			paths = append(paths, text)
		}
	}
	return paths
}

func list(value any) []map[string]any {
	items, _ := value.([]any)
	var all []map[string]any
	for _, item := range items {
		if object, ok := item.(map[string]any); ok {
			all = append(all, object)
		}
	}
	return all
}

// contracts checks what passes between the definition and the steps' structs.
func contracts(f *findings, def *asl.Definition) {
	for _, s := range def.States() {
		if s.Type != asl.Task {
			continue
		}
		c := contractOf(s.Name)
		var parameters struct {
			Payload map[string]json.RawMessage
			Whole   string `json:"Payload.$"`
		}
		if err := json.Unmarshal(s.Parameters, &parameters); err != nil {
			f.add("gives the step its input", s.Name, "%v", err)
		}
		var given []string
		for name := range parameters.Payload {
			given = append(given, strings.TrimSuffix(name, ".$"))
		}
		slices.Sort(given)
		if want := membersOf(c.input); parameters.Whole != "$" && !slices.Equal(given, want) {
			f.add("gives the step its input", s.Name, "it gives %v, the step takes %v", given, want)
		}
		if parameters.Whole != "$" && (s.Name == createTicket || s.Name == logResolution) {
			f.add("gives the step its input", s.Name, "what failed on the way is there only if it did: the step needs the data whole")
		}
		for _, template := range []json.RawMessage{s.Parameters, s.ResultSelector} {
			tokens := strings.Count(string(template), "$$.Task.Token")
			allowed := 0
			if s.Name == waitState && string(template) == string(s.Parameters) && string(parameters.Payload["taskToken.$"]) == `"$$.Task.Token"` {
				allowed = 1
			}
			if tokens > allowed {
				f.add("gives the token to one step", s.Name, "a task token in an execution's data is in its history")
			}
		}
		results(f, s, c)
	}
}

// resultOf is where a state's result stands. The three that work on a fix say in one
// place how far it has come: the last answer counts.
func resultOf(state string) string {
	return map[string]string{investigate: "$.investigation", analyze: "$.analysis", planFix: "$.plan", waitState: "$.approval",
		executeFix: "$.fix", verifyFix: "$.fix", undoFix: "$.fix", createTicket: "$.ticket", logResolution: "$.resolution"}[state]
}

// results checks that of an answer only the step's own small fields stay.
func results(f *findings, s asl.State, c contract) {
	if want := resultOf(s.Name); s.ResultPath.String() != want {
		f.add("keeps its result apart", s.Name, "ResultPath is %s, not %s", s.ResultPath, want)
	}
	if c.output == nil {
		if s.ResultSelector != nil {
			f.add("keeps a small result", s.Name, "the callback's answer is kept as it is")
		}
		return
	}
	var selector map[string]string
	if err := json.Unmarshal(s.ResultSelector, &selector); err != nil {
		f.add("keeps a small result", s.Name, "without a ResultSelector of paths all that Lambda answers is kept")
		return
	}
	for name, path := range selector {
		field, found := strings.CutPrefix(path, "$.Payload.")
		if !found || name != field+".$" || !slices.Contains(membersOf(c.output), field) {
			f.add("keeps a small result", s.Name, "%s: %s is no field of the step's output", name, path)
		}
	}
}
