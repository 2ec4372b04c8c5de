// Package body reads request bodies that are one flat record of named texts,
// as JSON or as a form, and refuses whatever could be read in two ways: unknown
// and repeated fields, several objects, other types, text that is not Unicode.
// Both kinds yield the same Values, so whoever uses them sees no difference.
//
// Start at Read. Errors are incident.Error Invalid, naming the field where one
// is to blame. Broken syntax is reported before anything else; of the rest, the
// first thing that is wrong. The caller bounds the size.
package body

import (
	"mime"
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/opsguard/opsguard/pkg/incident"
)

// MaxSize bounds the body of any call, in bytes: the largest errorLogs, its
// escapes, and room for the rest.
const MaxSize = 256 * 1024

// Kind is how a body is written.
type Kind int

const (
	JSON Kind = iota + 1
	Form
)

// KindOf tells the kind from a Content-Type header; false if it is neither, or
// in another character set than UTF-8.
func KindOf(contentType string) (Kind, bool) {
	if contentType == "application/json" { // nearly always; spares the parser
		return JSON, true
	}
	media, params, err := mime.ParseMediaType(contentType)
	if err != nil {
		return 0, false
	}
	if charset, ok := params["charset"]; ok && !strings.EqualFold(charset, "utf-8") && !strings.EqualFold(charset, "utf8") {
		return 0, false
	}
	switch media {
	case "application/json":
		return JSON, true
	case "application/x-www-form-urlencoded":
		return Form, true
	}
	return 0, false
}

// Values are the fields that were sent. Null in JSON is the same as not sent.
type Values map[string]string

// Read reads a body that may hold the fields of these names. With an error that
// is not one of syntax it still returns what could be read, so that a caller
// can find a credential in it before it answers.
func Read(kind Kind, raw []byte, names ...string) (Values, error) {
	if at := invalidUTF8(raw); at >= 0 {
		return nil, syntaxError(raw, at, "a byte that is not UTF-8")
	}
	r := record{names: names, values: make(Values, len(names))}
	var err error
	if kind == JSON {
		err = r.readJSON(raw)
	} else {
		err = r.readForm(string(raw))
	}
	if err != nil {
		return nil, err
	}
	return r.values, r.problem
}

// record collects fields and the first problem among them.
type record struct {
	names   []string
	seen    []string
	values  Values
	problem error
}

// admit reports whether a field of this name may be stored now.
func (r *record) admit(name string) bool {
	switch {
	case len(r.names) == 0: // a query beside a body
		r.fail(unknown(name, "does not belong into the address; send everything in the body"))
		return false
	case !slices.Contains(r.names, name):
		r.fail(unknown(name, "is not a field of this call; it takes "+strings.Join(r.names, ", ")))
		return false
	case slices.Contains(r.seen, name):
		r.fail(incident.BadField(name, "was sent twice; send it once"))
		delete(r.values, name) // neither of the two is to be believed
		return false
	}
	r.seen = append(r.seen, name)
	return true
}

func (r *record) fail(err error) {
	if r.problem == nil {
		r.problem = err
	}
}

// maxShownName is how long an unknown field's name may be to come back, in bytes.
// No name that is meant is longer; a key and a link's token are.
const maxShownName = 32

// keyPrefix is what operators' keys begin with.
const keyPrefix = "ogk_"

// unknown refuses a field that the call does not have. A secret that stands where a
// name belongs, as in ?KEY instead of ?t=KEY, must not come back or get into a log.
func unknown(name, what string) error {
	if len(name) > maxShownName || strings.Contains(strings.ToLower(name), keyPrefix) {
		return incident.BadField("", "a name of %d characters, which is not shown since it may be a secret, %s", utf8.RuneCountInString(name), what)
	}
	return incident.BadField(name, "%s", what)
}

// invalidUTF8 returns where the first byte is that belongs to no character; -1
// if all do.
func invalidUTF8(b []byte) int {
	if utf8.Valid(b) {
		return -1
	}
	for i := 0; i < len(b); {
		r, size := utf8.DecodeRune(b[i:])
		if r == utf8.RuneError && size == 1 {
			return i
		}
		i += size
	}
	return -1
}

// syntaxError tells what is wrong and where: lines and characters count from 1.
func syntaxError(raw []byte, at int, what string) error {
	before := string(raw[:min(at, len(raw))])
	line := 1 + strings.Count(before, "\n")
	column := 1 + utf8.RuneCountInString(before[strings.LastIndexByte(before, '\n')+1:])
	return incident.BadField("", "the body has %s at line %d, character %d", what, line, column)
}
