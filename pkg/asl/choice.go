package asl

import (
	"encoding/json"
	"fmt"
)

// condition is a choice rule without its Next. A condition that reads a path with nothing at it is a fault, except for IsPresent;
// And and Or stop at the first answer, so a rule can ask IsPresent first.
type condition interface {
	holds(data any, context contextObject) (bool, *fault)
}

type group struct {
	all        bool // And; else Or
	conditions []condition
}

func (g group) holds(data any, context contextObject) (bool, *fault) {
	for _, c := range g.conditions {
		holds, fault := c.holds(data, context)
		if fault != nil || holds != g.all {
			return holds, fault
		}
	}
	return g.all, nil
}

type not struct{ condition condition }

func (n not) holds(data any, context contextObject) (bool, *fault) {
	holds, fault := n.condition.holds(data, context)
	return !holds, fault
}

type comparison struct {
	variable Path
	operator string // without the suffix Path
	operand  operand
}

type operand struct {
	value any
	path  *Path // where set, the value is what it selects
}

func (c comparison) holds(data any, context contextObject) (bool, *fault) {
	left, found := c.variable.resolve(data, context)
	if c.operator == opIsPresent {
		return found == c.operand.value, nil
	}
	if !found {
		return false, choicePathFault(c.variable)
	}
	right := c.operand.value
	if c.operand.path != nil {
		if right, found = c.operand.path.resolve(data, context); !found {
			return false, choicePathFault(*c.operand.path)
		}
	}
	if is, ok := isKind(c.operator, left); ok {
		return is == right, nil
	}
	return compare(c.operator, left, right), nil
}

func choicePathFault(path Path) *fault {
	return runtimeFault(fmt.Sprintf("Invalid path '%s': The choice state's condition path references an invalid value.", path))
}

// isKind answers the Is operators but IsPresent; ok is false for every other.
func isKind(operator string, value any) (is, ok bool) {
	switch operator {
	case opIsNull:
		return value == nil, true
	case opIsString:
		_, is = value.(string)
	case opIsNumeric:
		_, is = value.(json.Number)
	case opIsBoolean:
		_, is = value.(bool)
	case opIsTimestamp:
		text, isText := value.(string)
		if isText {
			_, is = timestamp(text)
		}
	default:
		return false, false
	}
	return is, true
}
