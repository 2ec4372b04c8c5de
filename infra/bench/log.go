package main

import (
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
)

// What is shown of a server's log when a measurement fails.
const (
	shownLines = 10
	shownBytes = 8 << 10
)

// logFile is what the last server logged.
func (b *bench) logFile() string { return filepath.Join(b.dir, "log") }

// explain adds to a failure what the last server logged at its end.
func (b *bench) explain(part string, failure error) error {
	lines, err := lastLines(b.logFile())
	switch {
	case err != nil:
		return fmt.Errorf("%s: %w (the server's log cannot be read: %v)", part, failure, err)
	case lines == "":
		return fmt.Errorf("%s: %w (the server logged nothing)", part, failure)
	}
	return fmt.Errorf("%s: %w; the server logged last:\n%s", part, failure, lines)
}

// lastLines reads the end of a file: at most shownLines and shownBytes of it.
func lastLines(path string) (string, error) {
	f, err := os.Open(path)
	if err != nil {
		return "", err
	}
	defer f.Close()
	info, err := f.Stat()
	if err != nil {
		return "", err
	}
	text, err := io.ReadAll(io.NewSectionReader(f, max(0, info.Size()-shownBytes), shownBytes))
	if err != nil {
		return "", err
	}
	lines := strings.Split(strings.TrimSpace(string(text)), "\n")
	return strings.Join(lines[max(0, len(lines)-shownLines):], "\n"), nil
}
