package asl

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"slices"
	"unicode/utf8"
)

const (
	errorAll        = "States.ALL"
	errorTimeout    = "States.Timeout"
	errorTaskFailed = "States.TaskFailed"
	errorRuntime    = "States.Runtime"
	errorDataLimit  = "States.DataLimitExceeded"
	errorResultPath = "States.ResultPathMatchFailure"
)

// The quotas below are AWS's: of any input, result or output in bytes, and of an error's two parts.
const (
	maxPayload    = 262_144
	maxErrorName  = 256
	maxErrorCause = 32_768
)

// fault is a state's error, before Retry and Catch have looked at it.
type fault struct{ name, cause string }

func newFault(name, cause string) *fault {
	return &fault{shorten(name, maxErrorName), shorten(cause, maxErrorCause)}
}

// runtimeFault is what AWS reports for a path that finds nothing, and for a choice that matches nothing: the specification's
// States.ParameterPathFailure and States.NoChoiceMatched are reserved there and never seen.
func runtimeFault(cause string) *fault { return newFault(errorRuntime, cause) }

func dataFault(what string) *fault {
	return newFault(errorDataLimit, fmt.Sprintf("%s exceeds the maximum of %d bytes.", what, maxPayload))
}

// matchedBy tells whether an ErrorEquals names the fault. Neither wildcard covers States.Runtime, which always fails the
// execution, nor States.DataLimitExceeded, which must be named.
func (f *fault) matchedBy(names []string) bool {
	if f.name == errorRuntime {
		return false
	}
	if slices.Contains(names, f.name) {
		return true
	}
	if f.name == errorDataLimit {
		return false
	}
	return slices.Contains(names, errorAll) || slices.Contains(names, errorTaskFailed) && f.name != errorTimeout
}

func shorten(text string, most int) string {
	if len(text) <= most {
		return text
	}
	for most > 0 && !utf8.RuneStart(text[most]) {
		most--
	}
	return text[:most]
}

// encode writes JSON without HTML's escapes, so that sizes are those AWS counts.
func encode(value any) (json.RawMessage, error) {
	var buffer bytes.Buffer
	encoder := json.NewEncoder(&buffer)
	encoder.SetEscapeHTML(false)
	if err := encoder.Encode(value); err != nil {
		return nil, err
	}
	return bytes.TrimSuffix(buffer.Bytes(), []byte("\n")), nil
}

// decode reads one JSON document, keeping numbers as they are written.
func decode(text json.RawMessage) (any, error) {
	decoder := json.NewDecoder(bytes.NewReader(text))
	decoder.UseNumber()
	var value any
	if err := decoder.Decode(&value); err != nil {
		return nil, err
	}
	if _, err := decoder.Token(); !errors.Is(err, io.EOF) {
		return nil, errors.New("data after the end of the document")
	}
	return value, nil
}
