package intake

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"strconv"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/opsguard/opsguard/pkg/incident"
)

// Limits of a JSON document.
const (
	maxDepth  = 64      // of objects and arrays in each other
	maxValues = 200_000 // in one document
	maxName   = 64      // bytes of a name that an error repeats
	maxPath   = 512     // bytes of a path that an error repeats
)

// ReadJSON reads one document. It refuses, as Invalid, what is no JSON, what follows
// it, text that is not UTF-8, a name that stands twice in an object, more than 64
// levels and more than 200,000 values.
func ReadJSON(raw []byte) (Value, error) { return ReadWithin(raw, maxDepth, maxValues) }

// ReadWithin is ReadJSON of a document that must have fewer levels and values. What has
// more costs little: it is refused where it begins to. It is for what is read before
// anybody knows whose it is.
func ReadWithin(raw []byte, levels, values int) (Value, error) {
	if !utf8.Valid(raw) {
		return Value{}, incident.BadField("", "the body is not valid UTF-8")
	}
	if len(bytes.TrimSpace(raw)) == 0 {
		return Value{}, incident.BadField("", "the body is empty; send JSON")
	}
	r := reader{dec: json.NewDecoder(bytes.NewReader(raw)), levels: levels, most: values}
	r.dec.UseNumber()
	is, err := r.value()
	if err != nil {
		return Value{}, err
	}
	if _, err := r.dec.Token(); !errors.Is(err, io.EOF) {
		return Value{}, incident.BadField("", "the body goes on after its JSON value; send one")
	}
	return Value{is: is, wrong: new(error)}, nil
}

// reader keeps where it is as steps. Only an error needs the path, and writing it for
// every value would take a second for a document that is made for it.
type reader struct {
	dec    *json.Decoder
	levels int // that it may have
	most   int // values that it may have
	values int
	at     []step // one for each container that is open
}

// step is a name of an object or, if it is in an array, an index.
type step struct {
	name    string
	index   int
	inArray bool
}

func (r *reader) value() (any, error) {
	token, err := r.dec.Token()
	if err != nil {
		return nil, r.broken(err)
	}
	if r.values++; r.values > r.most {
		return nil, incident.BadField(r.path(), "the body holds more than %d values", r.most)
	}
	opens, container := token.(json.Delim)
	if !container {
		return token, nil
	}
	if len(r.at) == r.levels {
		return nil, incident.BadField(r.path(), "is nested more than %d levels deep", r.levels)
	}
	if opens == '[' {
		return r.array()
	}
	return r.object()
}

func (r *reader) array() (any, error) {
	all := []any{}
	r.at = append(r.at, step{inArray: true})
	for r.dec.More() {
		r.at[len(r.at)-1].index = len(all)
		v, err := r.value()
		if err != nil {
			return nil, err
		}
		all = append(all, v)
	}
	r.at = r.at[:len(r.at)-1]
	_, err := r.dec.Token()
	return all, r.broken(err)
}

func (r *reader) object() (any, error) {
	all := map[string]any{}
	r.at = append(r.at, step{})
	for r.dec.More() {
		token, err := r.dec.Token()
		if err != nil {
			return nil, r.broken(err)
		}
		name, _ := token.(string)
		r.at[len(r.at)-1].name = name
		if _, twice := all[name]; twice {
			return nil, incident.BadField(r.path(), "stands twice in its object")
		}
		if all[name], err = r.value(); err != nil {
			return nil, err
		}
	}
	r.at = r.at[:len(r.at)-1]
	_, err := r.dec.Token()
	return all, r.broken(err)
}

func (r *reader) path() string {
	path := ""
	for _, s := range r.at {
		if s.inArray {
			path = item(path, s.index)
		} else {
			path = join(path, s.name)
		}
	}
	return path
}

func (r *reader) broken(err error) error {
	if err == nil {
		return nil
	}
	if errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) {
		return incident.BadField("", "the body ends within its JSON, after %d bytes", r.dec.InputOffset())
	}
	return incident.BadField("", "the body is not JSON at byte %d", r.dec.InputOffset())
}

// join goes down by a name. A name that would be misread, or that could steer a
// terminal, is quoted.
func join(path, name string) string {
	odd := strings.ContainsFunc(name, func(r rune) bool { return r == '"' || unicode.IsSpace(r) || !unicode.IsGraphic(r) })
	if name == "" || odd || len(name) > maxName {
		name = strconv.QuoteToGraphic(incident.Cut(name, maxName))
	}
	if path == "" {
		return bounded(name)
	}
	return bounded(path + "." + name)
}

func item(path string, i int) string { return bounded(path + "[" + strconv.Itoa(i) + "]") }

// bounded keeps the beginning of a path that is longer than anybody reads.
func bounded(path string) string {
	if len(path) <= maxPath {
		return path
	}
	return strings.TrimSuffix(incident.Cut(path, maxPath), more) + more
}

const more = "..."
