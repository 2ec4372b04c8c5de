package integration

import (
	"encoding/json"
	"errors"
	"fmt"
	"reflect"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/opsguard/opsguard/pkg/incident"
)

// Setting is one setting as it is written in services.yaml.
type Setting struct {
	Name  string
	Line  int // in services.yaml; 0 where there is none
	Value Value
}

// Value is a scalar, a list, a mapping, or a mapping to lists.
type Value struct {
	Text  string
	List  []string
	Map   map[string]string
	Lists map[string][]string
}

// IsText reports whether the value is one text.
func (v Value) IsText() bool { return v.List == nil && v.Map == nil && v.Lists == nil }

// structured begins the text of a value that is none: no text of services.yaml holds it.
const structured = "\x00"

// Pack writes the value as one text, which Unpack reads: the attributes of a target are
// texts, because a plan's hash is over them.
func (v Value) Pack() string {
	if v.IsText() {
		return v.Text
	}
	text, err := json.Marshal(v.Structure())
	if err != nil { // strings can always be written
		return ""
	}
	return structured + string(text)
}

// Structure is the value as JSON would have it: a text, a list, or a mapping.
func (v Value) Structure() any {
	switch {
	case v.Lists != nil:
		return v.Lists
	case v.Map != nil:
		return v.Map
	case v.List != nil:
		return v.List
	}
	return v.Text
}

// Unpack reads what Pack has written.
func Unpack(text string) (v Value) {
	packed, ok := strings.CutPrefix(text, structured)
	if !ok {
		return Value{Text: text}
	}
	for _, into := range []any{&v.List, &v.Map, &v.Lists} {
		if json.Unmarshal([]byte(packed), into) == nil {
			return v
		}
		v = Value{}
	}
	return Value{Text: text}
}

// Problem is one setting that is refused.
type Problem struct {
	Setting string // "" for the integration as a whole
	Line    int    // 0: the entry's own
	What    string
}

func (p Problem) Error() string {
	if p.Setting == "" {
		return p.What
	}
	return p.Setting + ": " + p.What
}

// Field describes one setting. In the struct it is a field with the tags
//
//	setting:"webhookUrl"   its name in services.yaml
//	help:"..."             what it is for, for the docs
//	default:"..."          what it is if left out; "" makes it optional
//	example:"..."          as the docs show it, in YAML; an optional one is shown if it has one
//
// A field without a default is required. Types: string, bool, int,
// time.Duration, []string, map[string]string, map[string][]string, and Secret.
// The settings of an embedded struct are the struct's own.
type Field struct {
	Name     string
	Help     string
	Example  string
	Kind     string // text, yes or no, number, duration, list, mapping, secret; "" for a type that cannot be read
	Default  string
	Required bool
	Secret   bool
}

func fieldsOf[S any]() (fields []Field, anySettings bool) {
	t := reflect.TypeFor[S]()
	if t == reflect.TypeFor[map[string]string]() {
		return nil, true
	}
	for _, f := range settingsOf(t) {
		fields = append(fields, fieldOf(f))
	}
	return fields, false
}

// settingsOf are the settings of a struct in order, those of an embedded struct in its
// place: what several integrations have is described once.
func settingsOf(t reflect.Type) []reflect.StructField {
	return slices.DeleteFunc(reflect.VisibleFields(t), func(f reflect.StructField) bool { return f.Anonymous })
}

func fieldOf(f reflect.StructField) Field {
	byDefault, optional := f.Tag.Lookup("default")
	return Field{
		Name: f.Tag.Get("setting"), Help: f.Tag.Get("help"), Example: f.Tag.Get("example"), Kind: kindName(f.Type),
		Default: byDefault, Required: !optional, Secret: f.Type == reflect.TypeFor[Secret](),
	}
}

func kindName(t reflect.Type) string {
	switch t {
	case reflect.TypeFor[Secret]():
		return "secret"
	case reflect.TypeFor[time.Duration]():
		return "duration"
	case reflect.TypeFor[[]string]():
		return "list"
	case reflect.TypeFor[map[string]string]():
		return "mapping"
	case reflect.TypeFor[map[string][]string]():
		return "mapping of lists"
	}
	switch t.Kind() {
	case reflect.String:
		return "text"
	case reflect.Bool:
		return "yes or no"
	case reflect.Int:
		return "number"
	}
	return ""
}

// validator is what a settings struct implements to hold its settings to more
// than their types. It names the setting, or a place in it such as labels.host, in an
// incident.Error's Field, and may join several errors by errors.Join.
type validator interface{ Validate() error }

// decode fills an S. All problems are reported, not only the first.
func decode[S any](settings []Setting) (any, []Problem) {
	var into S
	v := reflect.ValueOf(&into).Elem()
	if v.Kind() == reflect.Map {
		return decodeAny(settings)
	}
	var problems []Problem
	known := map[string]reflect.Value{}
	var names []string
	for _, field := range settingsOf(v.Type()) {
		f, place := fieldOf(field), v.FieldByIndex(field.Index)
		known[f.Name], names = place, append(names, f.Name)
		at := slices.IndexFunc(settings, func(s Setting) bool { return s.Name == f.Name })
		switch {
		case at >= 0:
			if why := set(place, settings[at].Value); why != "" {
				problems = append(problems, Problem{f.Name, settings[at].Line, why})
			}
		case f.Required:
			problems = append(problems, Problem{f.Name, 0, "is missing; " + f.Help})
		case f.Default != "":
			if why := set(place, Value{Text: f.Default}); why != "" {
				problems = append(problems, Problem{f.Name, 0, "has a default that cannot be read: " + why})
			}
		}
	}
	for _, s := range settings {
		if _, ok := known[s.Name]; !ok {
			problems = append(problems, Problem{s.Name, s.Line, "is not a setting here; known: " + orNone(names)})
		}
	}
	if check, ok := any(into).(validator); ok {
		unread := slices.Clone(problems)
		for _, err := range unjoined(check.Validate()) {
			p := blamed(err, settings)
			// Of a setting that could not be read, one problem is enough.
			if !slices.ContainsFunc(unread, func(other Problem) bool { return SettingOf(other.Setting) == SettingOf(p.Setting) }) {
				problems = append(problems, p)
			}
		}
	}
	return into, problems
}

// blamed turns what Validate reports into a problem of the setting that it names.
func blamed(err error, settings []Setting) Problem {
	var wrong *incident.Error
	if !errors.As(err, &wrong) {
		return Problem{What: err.Error()}
	}
	p := Problem{Setting: wrong.Field, What: wrong.Message}
	for _, s := range settings {
		if s.Name == SettingOf(p.Setting) {
			p.Line = s.Line
		}
	}
	return p
}

// unjoined returns the errors that errors.Join joined, however often.
func unjoined(err error) []error {
	if err == nil {
		return nil
	}
	joined, ok := err.(interface{ Unwrap() []error })
	if !ok {
		return []error{err}
	}
	var all []error
	for _, one := range joined.Unwrap() {
		all = append(all, unjoined(one)...)
	}
	return all
}

// SettingOf is the setting of a place in it, such as labels of labels.host.
func SettingOf(place string) string {
	if i := strings.IndexAny(place, ".["); i >= 0 {
		return place[:i]
	}
	return place
}

func decodeAny(settings []Setting) (any, []Problem) {
	into := make(map[string]string, len(settings))
	var problems []Problem
	for _, s := range settings {
		if !s.Value.IsText() {
			problems = append(problems, Problem{s.Name, s.Line, "must be one value"})
		}
		into[s.Name] = s.Value.Text
	}
	return into, problems
}

func orNone(names []string) string {
	if len(names) == 0 {
		return "none"
	}
	return strings.Join(names, ", ")
}

// set writes a value into a field, or says why it cannot. It never repeats the
// value: it may be a secret that was written in the wrong place.
func set(into reflect.Value, v Value) string {
	switch kindName(into.Type()) {
	case "secret":
		name, ok := v.Map["secret"]
		if !ok || len(v.Map) != 1 {
			return "is a secret and must not be written here; write {secret: NAME} and store the value under that name"
		}
		s, err := NamedSecret(name)
		if err != nil {
			return err.Error()
		}
		into.Set(reflect.ValueOf(s))
		return ""
	case "list":
		if v.List == nil {
			return "must be a list"
		}
		into.Set(reflect.ValueOf(slices.Clone(v.List)))
		return ""
	case "mapping":
		if v.Map == nil {
			return "must be a mapping"
		}
		into.Set(reflect.ValueOf(v.Map))
		return ""
	case "mapping of lists":
		if v.Lists == nil {
			return "must be a mapping of names to lists"
		}
		into.Set(reflect.ValueOf(v.Lists))
		return ""
	}
	if !v.IsText() {
		return "must be one value"
	}
	return setScalar(into, v.Text)
}

func setScalar(into reflect.Value, text string) string {
	switch kindName(into.Type()) {
	case "text":
		into.SetString(text)
	case "duration":
		d, err := time.ParseDuration(text)
		if err != nil || d < 0 {
			return "must be a duration such as 30s or 5m"
		}
		into.SetInt(int64(d))
	case "yes or no":
		if text != "true" && text != "false" {
			return "must be true or false"
		}
		into.SetBool(text == "true")
	case "number":
		n, err := strconv.Atoi(text)
		if err != nil {
			return "must be a whole number"
		}
		into.SetInt(int64(n))
	default:
		return fmt.Sprintf("is of the type %s, which cannot be read", into.Type())
	}
	return ""
}

// secretsIn returns the secrets that a settings value names.
func secretsIn(settings any) []Secret {
	v := reflect.ValueOf(settings)
	if v.Kind() != reflect.Struct {
		return nil
	}
	var all []Secret
	for _, f := range settingsOf(v.Type()) {
		if s, ok := v.FieldByIndex(f.Index).Interface().(Secret); ok && !s.IsZero() {
			all = append(all, s)
		}
	}
	return all
}
