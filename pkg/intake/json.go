package intake

import (
	"encoding/json"
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/opsguard/opsguard/pkg/incident"
)

// Value is one value of a JSON document, or its absence, with its path. Its methods
// never fail: what is wrong is kept, the first mistake only, and Err tells it. So a
// source reads all that it needs and asks once.
type Value struct {
	path  string
	is    any // nil, bool, json.Number, string, []any, map[string]any; absent: missing
	wrong *error
}

type missing struct{}

// Err is the first mistake that a method of this value, or of one reached from it,
// met. It is Invalid and names the field.
func (v Value) Err() error {
	if v.wrong == nil {
		return nil
	}
	return *v.wrong
}

// Refuse records a mistake of this value, unless there was one before.
func (v Value) Refuse(format string, args ...any) {
	if v.wrong != nil && *v.wrong == nil {
		*v.wrong = incident.BadField(v.path, format, args...)
	}
}

// Path is where the value stands, such as alerts[0].labels.
func (v Value) Path() string { return v.path }

// Has reports whether there is a value that is not null.
func (v Value) Has() bool {
	_, absent := v.is.(missing)
	return !absent && v.is != nil
}

// At goes down by names: v.At("data", "alert"). A name that is not there, or is below
// something that is not there, leads to an absent value; below a text or a number is
// a mistake.
func (v Value) At(names ...string) Value {
	for _, name := range names {
		next := Value{join(v.path, name), missing{}, v.wrong}
		switch is := v.is.(type) {
		case map[string]any:
			if value, found := is[name]; found {
				next.is = value
			}
		case nil, missing:
		default:
			v.Refuse("must be an object, not %s", kindOf(v.is))
		}
		v = next
	}
	return v
}

// List returns the items of an array, none for an absent one. Each has its own Err:
// one bad item costs the others nothing. More than most is a mistake of the list,
// and the first ones are returned.
func (v Value) List(most int) []Value {
	if !v.Has() {
		return nil
	}
	if !v.IsArray() {
		v.Refuse("must be an array, not %s", kindOf(v.is))
		return nil
	}
	items := v.Items()
	if len(items) > most {
		v.Refuse("holds %d items; the first %d are taken, send the rest in requests of their own", len(items), most)
		return items[:most]
	}
	return items
}

// Items returns the items of an array, none for anything else. Each has its own Err.
func (v Value) Items() []Value {
	all, _ := v.is.([]any)
	items := make([]Value, len(all))
	for i, is := range all {
		items[i] = Value{item(v.path, i), is, new(error)}
	}
	return items
}

// IsObject reports whether At can lead anywhere from here.
func (v Value) IsObject() bool { _, is := v.is.(map[string]any); return is }

// IsArray reports whether List returns items.
func (v Value) IsArray() bool { _, is := v.is.([]any); return is }

// Text returns a text; an absent one, null or anything else is a mistake.
func (v Value) Text() string {
	if !v.Has() {
		v.Refuse("is missing")
		return ""
	}
	return v.Maybe()
}

// Maybe returns a text, "" for an absent one or null.
func (v Value) Maybe() string {
	text, ok := v.is.(string)
	if !ok && v.Has() {
		v.Refuse("must be a string, not %s", kindOf(v.is))
	}
	return text
}

// Written returns what the document says: a text, a number as it is written, true or
// false; "" for what is absent, null, an object or an array. Nothing is a mistake.
// It is for values that are shown to people and for senders that are not sure
// whether they send a number or a text.
func (v Value) Written() string {
	switch is := v.is.(type) {
	case string:
		return is
	case json.Number:
		return is.String()
	case bool:
		return strconv.FormatBool(is)
	}
	return ""
}

// First returns what the first of several names says that is not empty.
func (v Value) First(names ...string) string {
	for _, name := range names {
		if text := v.At(name).Written(); text != "" {
			return text
		}
	}
	return ""
}

// Fields returns what an object holds directly, by name: texts, numbers, true and
// false as they are written. Objects and arrays in it are left out. At most MaxLabels
// are returned.
func (v Value) Fields() map[string]string {
	if !v.Has() {
		return nil
	}
	object, ok := v.is.(map[string]any)
	if !ok {
		v.Refuse("must be an object, not %s", kindOf(v.is))
		return nil
	}
	fields := map[string]string{}
	for _, name := range sortedKeys(object) {
		text := Value{is: object[name]}.Written()
		if len(fields) < MaxLabels && text != "" {
			fields[name] = text
		}
	}
	return fields
}

// Names returns the names of an object's fields, sorted; none for anything else.
func (v Value) Names() []string {
	object, _ := v.is.(map[string]any)
	return sortedKeys(object)
}

// Time returns a time in RFC 3339, the zero time for an absent or empty one and for
// 0001-01-01T00:00:00Z, which several senders write for "not yet".
func (v Value) Time() time.Time {
	text := v.Maybe()
	if text == "" {
		return time.Time{}
	}
	at, err := time.Parse(time.RFC3339, text)
	if err != nil {
		v.Refuse("must be a time in RFC 3339, like 2026-01-31T10:00:00Z")
		return time.Time{}
	}
	return Plausible(at)
}

// FirstTime is the first of several times that is set. What is no time is left out and is
// no mistake.
func FirstTime(values ...Value) time.Time {
	for _, v := range values {
		if at := v.Apart().Time(); !at.IsZero() {
			return at
		}
	}
	return time.Time{}
}

// Plausible is a time of an event, or the zero time if it lies outside of the years
// 1971 to 9999: 1970 is what a clock says that was never set.
func Plausible(at time.Time) time.Time {
	if year := at.UTC().Year(); year <= 1970 || year > 9999 {
		return time.Time{}
	}
	return incident.Stamp(at)
}

// JSON writes the value again, compact and with sorted names, for evidence; "" for an
// absent one.
func (v Value) JSON() string {
	if _, absent := v.is.(missing); absent {
		return ""
	}
	var b strings.Builder
	enc := json.NewEncoder(&b)
	enc.SetEscapeHTML(false)
	if err := enc.Encode(v.is); err != nil {
		return "" // cannot be: it was read from JSON
	}
	return strings.TrimSuffix(b.String(), "\n")
}

func kindOf(is any) string {
	switch is.(type) {
	case nil, missing:
		return "null"
	case bool:
		return "true or false"
	case json.Number:
		return "a number"
	case string:
		return "a string"
	case []any:
		return "an array"
	case map[string]any:
		return "an object"
	}
	return fmt.Sprintf("%T", is)
}
