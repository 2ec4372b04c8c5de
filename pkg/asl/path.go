package asl

import (
	"errors"
	"fmt"
	"strings"

	"github.com/ohler55/ojg/jp"
)

// Path selects one value of a state's data ($) or of the context object ($$). Its zero value selects everything, which is
// what an absent InputPath, ResultPath or OutputPath means.
type Path struct {
	text    string
	expr    jp.Expr
	null    bool
	context bool
}

// String gives the path as it was written, $ where it was left out, and null where it was JSON's null.
func (p Path) String() string {
	switch {
	case p.null:
		return "null"
	case p.text == "":
		return "$"
	default:
		return p.text
	}
}

// IsNull tells that the path was written as null: nothing is selected, or the result is discarded.
func (p Path) IsNull() bool { return p.null }

// parsePath refuses what can select several values or none by design: filters, wildcards, slices, functions. It also
// refuses a text that does not come out of the parser as it went in, because the parser drops a stray trailing $ and
// lets an index overflow.
func parsePath(text string) (Path, error) {
	if text == "States" || strings.HasPrefix(text, "States.") {
		return Path{}, errors.New("intrinsic functions are not implemented by this engine")
	}
	if !strings.HasPrefix(text, "$") {
		return Path{}, errors.New("must be a path, beginning with $")
	}
	rest, isContext := strings.CutPrefix(text, "$$")
	if isContext {
		rest = "$" + rest
	} else {
		rest = text
	}
	expr, err := jp.ParseString(rest)
	if err != nil {
		return Path{}, fmt.Errorf("not a path: %w", err)
	}
	if !expr.Normal() {
		return Path{}, errors.New("only names and indices are implemented by this engine in a path")
	}
	if expr.String() != rest && expr.BracketString() != rest {
		return Path{}, fmt.Errorf("not a path in its plain form, which would be %q", expr.String())
	}
	for _, fragment := range expr {
		if index, ok := fragment.(jp.Nth); ok && index < 0 {
			return Path{}, errors.New("an index from the end is not implemented by this engine")
		}
	}
	return Path{text: text, expr: expr, context: isContext}, nil
}

// find gives the selected value and whether there is one: a null that is there is found.
func (p Path) find(data any) (any, bool) {
	if len(p.expr) <= 1 {
		return data, true
	}
	return p.expr.FirstFound(data)
}

// keys gives the names from the root down, for a path that has no index.
func (p Path) keys() ([]string, bool) {
	var keys []string
	for _, fragment := range p.expr {
		switch fragment := fragment.(type) {
		case jp.Root, jp.Bracket:
		case jp.Child:
			keys = append(keys, string(fragment))
		default:
			return nil, false
		}
	}
	return keys, true
}

// contextPaths are the parts of the context object that have one meaning here and on AWS. Execution.Id and StateMachine are
// ARNs there, so they are not offered.
func contextPathProblem(p Path, waits bool) string {
	const plain = "$$.Execution.Name, $$.Execution.Input, $$.Execution.StartTime, $$.State.Name, $$.State.EnteredTime and $$.State.RetryCount"
	switch name := p.String(); {
	case name == "$$.Execution.Name", name == "$$.Execution.StartTime",
		name == "$$.State.Name", name == "$$.State.EnteredTime", name == "$$.State.RetryCount",
		name == "$$.Execution.Input", strings.HasPrefix(name, "$$.Execution.Input."), strings.HasPrefix(name, "$$.Execution.Input["):
		return ""
	case name == "$$.Task.Token" && waits:
		return ""
	case name == "$$.Task.Token":
		return "only a .waitForTaskToken task has a task token"
	default:
		return "not implemented by this engine; of the context object there are " + plain
	}
}

// place puts value into data at the names in keys and gives the new whole; data itself stays as it was. It fails where a
// name leads through something that is not an object.
func place(data any, keys []string, value any) (any, bool) {
	if len(keys) == 0 {
		return value, true
	}
	object, ok := data.(map[string]any)
	if !ok {
		return nil, false
	}
	child, exists := object[keys[0]]
	if !exists {
		child = map[string]any{}
	}
	child, ok = place(child, keys[1:], value)
	if !ok {
		return nil, false
	}
	changed := make(map[string]any, len(object)+1)
	for key, member := range object {
		changed[key] = member
	}
	changed[keys[0]] = child
	return changed, true
}
