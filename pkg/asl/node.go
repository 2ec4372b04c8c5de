package asl

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"unicode/utf8"
)

// node is one JSON value of a definition with its place in it. Objects keep the order of their members, so that
// problems come out in the order a reader meets them.
type node struct {
	path    string
	kind    kind
	members []member
	items   []*node
	scalar  any // string, json.Number, bool or nil
}

type member struct {
	key   string
	value *node
}

type kind string

const (
	objectKind kind = "an object"
	arrayKind  kind = "an array"
	stringKind kind = "a string"
	numberKind kind = "a number"
	boolKind   kind = "a boolean"
	nullKind   kind = "null"
)

// maxDefinition is AWS's quota for a definition, in bytes.
const maxDefinition = 1 << 20

// parse reads one JSON document, and reports members named twice, which encoding/json would let the last one win.
func parse(data []byte, problems *problems) (*node, error) {
	if len(data) > maxDefinition {
		return nil, fmt.Errorf("definition: %d bytes, at most %d are allowed", len(data), maxDefinition)
	}
	if !utf8.Valid(data) {
		return nil, errors.New("definition: not valid UTF-8")
	}
	// Decode bounds the nesting, which Token does not.
	decoder := json.NewDecoder(bytes.NewReader(data))
	var whole json.RawMessage
	if err := decoder.Decode(&whole); err != nil {
		return nil, fmt.Errorf("definition: offset %d: %w", decoder.InputOffset(), err)
	}
	if _, err := decoder.Token(); !errors.Is(err, io.EOF) {
		return nil, fmt.Errorf("definition: data after the end of the document, at offset %d", len(whole))
	}
	reader := &nodeReader{decoder: json.NewDecoder(bytes.NewReader(whole)), problems: problems}
	reader.decoder.UseNumber()
	return reader.value("$")
}

type nodeReader struct {
	decoder  *json.Decoder
	problems *problems
}

func (r *nodeReader) value(path string) (*node, error) {
	token, err := r.decoder.Token()
	if err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	switch token := token.(type) {
	case json.Delim:
		if token == '{' {
			return r.object(path)
		}
		return r.array(path)
	case string:
		return &node{path: path, kind: stringKind, scalar: token}, nil
	case json.Number:
		return &node{path: path, kind: numberKind, scalar: token}, nil
	case bool:
		return &node{path: path, kind: boolKind, scalar: token}, nil
	default:
		return &node{path: path, kind: nullKind}, nil
	}
}

func (r *nodeReader) object(path string) (*node, error) {
	n := &node{path: path, kind: objectKind}
	seen := map[string]bool{}
	for r.decoder.More() {
		token, err := r.decoder.Token()
		if err != nil {
			return nil, fmt.Errorf("%s: %w", path, err)
		}
		key, ok := token.(string)
		if !ok {
			return nil, fmt.Errorf("%s: a member's name is not a string", path)
		}
		child, err := r.value(childPath(path, key))
		if err != nil {
			return nil, err
		}
		if seen[key] {
			r.problems.add(child.path, "given twice")
			continue
		}
		seen[key] = true
		n.members = append(n.members, member{key, child})
	}
	_, err := r.decoder.Token() // the closing brace
	return n, err
}

func (r *nodeReader) array(path string) (*node, error) {
	n := &node{path: path, kind: arrayKind}
	for r.decoder.More() {
		child, err := r.value(fmt.Sprintf("%s[%d]", path, len(n.items)))
		if err != nil {
			return nil, err
		}
		n.items = append(n.items, child)
	}
	_, err := r.decoder.Token() // the closing bracket
	return n, err
}

// plain gives the value as encoding/json would with UseNumber.
func (n *node) plain() any {
	switch n.kind {
	case objectKind:
		object := make(map[string]any, len(n.members))
		for _, m := range n.members {
			object[m.key] = m.value.plain()
		}
		return object
	case arrayKind:
		array := make([]any, len(n.items))
		for i, item := range n.items {
			array[i] = item.plain()
		}
		return array
	default:
		return n.scalar
	}
}
