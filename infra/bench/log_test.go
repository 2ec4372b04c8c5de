package main

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func TestAFailedPartShowsWhatTheServerLoggedLast(t *testing.T) {
	b := &bench{dir: t.TempDir()}
	failure := errors.New("exit status 1")
	for name, c := range map[string]struct{ logged, want string }{
		"a line":  {"engine: tasks were cut off\n", "waiting: exit status 1; the server logged last:\nengine: tasks were cut off"},
		"nothing": {"", "waiting: exit status 1 (the server logged nothing)"},
	} {
		if err := os.WriteFile(b.logFile(), []byte(c.logged), 0o600); err != nil {
			t.Fatal(err)
		}
		if err := b.explain("waiting", failure); !errors.Is(err, failure) || err.Error() != c.want {
			t.Errorf("%s: %q, want %q", name, err, c.want)
		}
	}
	if err := (&bench{dir: t.TempDir()}).explain("start", failure); !errors.Is(err, failure) || !strings.Contains(err.Error(), "cannot be read") {
		t.Errorf("without a log: %v", err)
	}
}

func TestALongLogIsCutToItsLastLines(t *testing.T) {
	var long strings.Builder
	for n := range 10_000 {
		fmt.Fprintf(&long, "line %d\n", n)
	}
	path := filepath.Join(t.TempDir(), "log")
	for name, c := range map[string]struct{ logged, first, last string }{
		"many lines":  {long.String(), "line 9990", "line 9999"},
		"a long line": {strings.Repeat("x", 100_000) + "end", strings.Repeat("x", shownBytes-3) + "end", strings.Repeat("x", shownBytes-3) + "end"},
	} {
		if err := os.WriteFile(path, []byte(c.logged), 0o600); err != nil {
			t.Fatal(err)
		}
		got, err := lastLines(path)
		lines := strings.Split(got, "\n")
		if err != nil || len(lines) > shownLines || lines[0] != c.first || lines[len(lines)-1] != c.last {
			t.Errorf("%s: %v, %d lines, %.40q to %.40q", name, err, len(lines), lines[0], lines[len(lines)-1])
		}
	}
}

// The server plays one that logs and gives up.
func TestTheLogOfTheServerIsKept(t *testing.T) {
	b := &bench{dir: t.TempDir()}
	program := "#!/bin/sh\necho shown to people\necho it cannot work >&2\nexit 1\n"
	if err := os.WriteFile(filepath.Join(b.dir, "opsguard"), []byte(program), 0o700); err != nil {
		t.Fatal(err)
	}
	_, err := b.serve(t.Context(), "data")
	if err == nil {
		t.Fatal("it is healthy")
	}
	if lines, err := lastLines(b.logFile()); err != nil || lines != "it cannot work" {
		t.Errorf("%q, %v", lines, err)
	}
}
