package main

import (
	"encoding/json"
	"io"
)

// printJSON prints for programs, and so that a person can read it too.
func printJSON(out io.Writer, value any) error {
	enc := json.NewEncoder(out)
	enc.SetEscapeHTML(false)
	enc.SetIndent("", "  ")
	return enc.Encode(value)
}
