package asl

import (
	"cmp"
	"encoding/json"
	"strings"
	"time"
)

const (
	opIsPresent     = "IsPresent"
	opIsNull        = "IsNull"
	opIsString      = "IsString"
	opIsNumeric     = "IsNumeric"
	opIsBoolean     = "IsBoolean"
	opIsTimestamp   = "IsTimestamp"
	opStringMatches = "StringMatches"
)

// operandKind gives the JSON kind that an operator's right side must have, and whether there is such an operator.
func operandKind(operator string) (kind, bool) {
	switch operator {
	case opIsPresent, opIsNull, opIsString, opIsNumeric, opIsBoolean, opIsTimestamp, "BooleanEquals":
		return boolKind, true
	case opStringMatches:
		return stringKind, true
	}
	for _, family := range []struct {
		name string
		kind kind
	}{{"String", stringKind}, {"Numeric", numberKind}, {"Timestamp", stringKind}} {
		relation, ok := strings.CutPrefix(operator, family.name)
		if !ok {
			continue
		}
		switch relation {
		case "Equals", "LessThan", "GreaterThan", "LessThanEquals", "GreaterThanEquals":
			return family.kind, true
		}
	}
	return "", false
}

// compare answers the operators with two sides. Values of another kind than the operator's are not an error: they do not match.
func compare(operator string, left, right any) bool {
	switch {
	case operator == "BooleanEquals":
		l, isLeft := left.(bool)
		r, isRight := right.(bool)
		return isLeft && isRight && l == r
	case operator == opStringMatches:
		l, isLeft := left.(string)
		r, isRight := right.(string)
		return isLeft && isRight && matches(l, r)
	case strings.HasPrefix(operator, "String"):
		l, isLeft := left.(string)
		r, isRight := right.(string)
		return isLeft && isRight && related(strings.TrimPrefix(operator, "String"), strings.Compare(l, r))
	case strings.HasPrefix(operator, "Numeric"):
		l, isLeft := left.(json.Number)
		r, isRight := right.(json.Number)
		return isLeft && isRight && related(strings.TrimPrefix(operator, "Numeric"), compareNumbers(l, r))
	default:
		l, isLeft := left.(string)
		r, isRight := right.(string)
		if !isLeft || !isRight {
			return false
		}
		leftTime, isLeft := timestamp(l)
		rightTime, isRight := timestamp(r)
		return isLeft && isRight && related(strings.TrimPrefix(operator, "Timestamp"), leftTime.Compare(rightTime))
	}
}

func related(relation string, order int) bool {
	switch relation {
	case "Equals":
		return order == 0
	case "LessThan":
		return order < 0
	case "GreaterThan":
		return order > 0
	case "LessThanEquals":
		return order <= 0
	default:
		return order >= 0
	}
}

// compareNumbers is exact for integers of 64 bits; others are compared as doubles, as AWS does.
func compareNumbers(left, right json.Number) int {
	l, leftErr := left.Int64()
	r, rightErr := right.Int64()
	if leftErr == nil && rightErr == nil {
		return cmp.Compare(l, r)
	}
	lf, _ := left.Float64() // out of range is an infinity, which compares as it should
	rf, _ := right.Float64()
	return cmp.Compare(lf, rf)
}

// timestamp reads the language's times: RFC 3339 with an upper-case T, and Z where there is no offset.
func timestamp(text string) (time.Time, bool) {
	if !strings.Contains(text, "T") || strings.Contains(text, "z") || strings.Contains(text, ",") {
		return time.Time{}, false
	}
	at, err := time.Parse(time.RFC3339Nano, text)
	return at, err == nil
}

// matches compares text with a pattern in which * is any run of characters and \* and \\ stand for themselves. It remembers
// only the last star, so it takes at most len(text) times len(pattern) steps.
func matches(text, pattern string) bool {
	t, p := 0, 0
	star, resume := -1, 0
	for t < len(text) {
		literal, width := patternByte(pattern, p)
		switch {
		case p < len(pattern) && width == 1 && pattern[p] == '*':
			star, resume = p, t
			p++
		case p < len(pattern) && literal == text[t]:
			p += width
			t++
		case star >= 0:
			resume++
			p, t = star+1, resume
		default:
			return false
		}
	}
	return strings.Trim(pattern[p:], "*") == ""
}

// patternByte gives the byte at p and how many bytes of the pattern it takes.
func patternByte(pattern string, p int) (byte, int) {
	if p >= len(pattern) {
		return 0, 0
	}
	if pattern[p] == '\\' && p+1 < len(pattern) && (pattern[p+1] == '*' || pattern[p+1] == '\\') {
		return pattern[p+1], 2
	}
	return pattern[p], 1
}
