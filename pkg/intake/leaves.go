package intake

import (
	"encoding/json"
	"strconv"
	"strings"
	"time"
)

// Leaf is a text, a number, true or false somewhere in a document.
type Leaf struct {
	Path string // from the value that was asked
	Text string // as it is written
}

// Leaves returns what the value holds at any depth and is not empty, in the order of the
// names, the first most of it, and how many more there are.
func (v Value) Leaves(most int) (leaves []Leaf, more int) {
	walk(v.is, "", func(path, text string) {
		if len(leaves) < most {
			leaves = append(leaves, Leaf{path, text})
		} else {
			more++
		}
	})
	return leaves, more
}

func walk(is any, path string, found func(path, text string)) {
	switch is := is.(type) {
	case map[string]any:
		for _, name := range sortedKeys(is) {
			walk(is[name], join(path, name), found)
		}
	case []any:
		for i, one := range is {
			walk(one, item(path, i), found)
		}
	default:
		if text := (Value{is: is}).Written(); strings.TrimSpace(text) != "" {
			found(path, text)
		}
	}
}

// Plain returns the value as encoding/json would without UseNumber, but with whole
// numbers as int64: what a library compares.
func (v Value) Plain() any { return plain(v.is) }

func plain(is any) any {
	switch is := is.(type) {
	case json.Number:
		if n, err := is.Int64(); err == nil {
			return n
		}
		n, _ := is.Float64() // too large: infinite
		return n
	case map[string]any:
		all := make(map[string]any, len(is))
		for name, one := range is {
			all[name] = plain(one)
		}
		return all
	case []any:
		all := make([]any, len(is))
		for i, one := range is {
			all[i] = plain(one)
		}
		return all
	case missing:
		return nil
	}
	return is
}

// Of is a value that was not read but made, such as an object of HTTP headers. path is
// what its mistakes are told with. is may hold what a JSON document does: nil, bool,
// json.Number, string, []any, map[string]any and other Values.
func Of(path string, is any) Value { return Value{path, raw(is), new(error)} }

func raw(is any) any {
	switch is := is.(type) {
	case Value:
		return is.is
	case map[string]any:
		all := make(map[string]any, len(is))
		for name, one := range is {
			all[name] = raw(one)
		}
		return all
	}
	return is
}

// Moment reads a time as senders write it: RFC 3339, or seconds, milliseconds,
// microseconds or nanoseconds since 1970, by how large the number is. It is the zero
// time for what it cannot read.
func Moment(text string) time.Time {
	text = strings.TrimSpace(text)
	if at, err := time.Parse(time.RFC3339, text); err == nil {
		return Plausible(at)
	}
	whole, fraction, _ := strings.Cut(text, ".")
	n, err := strconv.ParseInt(whole, 10, 64)
	if err != nil || n <= 0 || strings.Trim(fraction, "0123456789") != "" {
		return time.Time{}
	}
	switch {
	case n < 1e11: // until the year 5138
		nanos, _ := strconv.Atoi((fraction + "000000000")[:9])
		return Plausible(time.Unix(n, int64(nanos)))
	case n < 1e14:
		return Plausible(time.UnixMilli(n))
	case n < 1e17:
		return Plausible(time.UnixMicro(n))
	}
	return Plausible(time.Unix(0, n))
}
