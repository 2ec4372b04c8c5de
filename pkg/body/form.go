package body

import (
	"net/url"
	"strings"
	"unicode/utf8"

	"github.com/opsguard/opsguard/pkg/incident"
)

// ReadQuery reads a URL's query by the rules of a form.
func ReadQuery(rawQuery string, names ...string) (Values, error) {
	r := record{names: names, values: make(Values, len(names))}
	if err := r.readPairs(rawQuery, "the query"); err != nil {
		return nil, err
	}
	return r.values, r.problem
}

func (r *record) readForm(raw string) error {
	trimmed := strings.TrimSpace(raw)
	if trimmed == "" {
		return incident.BadField("", "the body is empty; send the fields %s", strings.Join(r.names, ", "))
	}
	if trimmed[0] == '{' { // what curl -d sends unless told otherwise
		return incident.BadField("", `the body looks like JSON but was sent as a form; add the header "Content-Type: application/json"`)
	}
	return r.readPairs(raw, "the form")
}

// readPairs goes through name=value pairs in order, which net/url does not keep.
func (r *record) readPairs(raw, where string) error {
	for pair := range strings.SplitSeq(raw, "&") {
		if pair == "" {
			continue
		}
		rawName, rawValue, _ := strings.Cut(pair, "=")
		name, errName := url.QueryUnescape(rawName)
		value, errValue := url.QueryUnescape(rawValue)
		if errName != nil || !utf8.ValidString(name) {
			return incident.BadField("", "%s has a field name with a broken %%-escape", where)
		}
		if !r.admit(name) {
			continue
		}
		if errValue != nil {
			r.fail(incident.BadField(name, "has a broken %%-escape; write a percent sign as %%25"))
			continue
		}
		if !utf8.ValidString(value) {
			r.fail(incident.BadField(name, "is not valid UTF-8"))
			continue
		}
		r.values[name] = value
	}
	return nil
}
