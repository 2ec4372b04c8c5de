package main

import (
	"encoding/json"
	"os"
	"strings"
	"testing"

	"github.com/opsguard/opsguard/infra/local"
)

func TestWhatWasNotShownIsCountedWhereItIsMissing(t *testing.T) {
	for n, want := range map[int]string{1: "1 message was", 344: "344 messages were"} {
		if got := string(lostMessages(n)); got != "\n"+want+" not shown; look at GET /incidents\n" {
			t.Errorf("%d: %q", n, got)
		}
	}
	var line struct {
		Level string
		Lines int
	}
	err := json.Unmarshal(lostLines(local.Settings{LogFormat: "json", LogLevel: "error"}, 7), &line)
	if err != nil || line.Lines != 7 || line.Level != "ERROR" {
		t.Errorf("a log in JSON gets %+v, %v", line, err)
	}
	text := string(lostLines(local.Settings{LogFormat: "text", LogLevel: "error"}, 7))
	if !strings.Contains(text, "lines=7") || strings.Count(text, "\n") != 1 {
		t.Errorf("a log in text gets %q", text)
	}
}

func TestOneTerminalIsKnownAsOne(t *testing.T) {
	_, pipe, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	defer pipe.Close()
	_, other, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	if !sameFile(pipe, pipe) || sameFile(pipe, other) {
		t.Errorf("a pipe and itself: %v; and another: %v", sameFile(pipe, pipe), sameFile(pipe, other))
	}
	other.Close()
	if sameFile(pipe, other) || sameFile(other, other) {
		t.Error("a file that is closed is taken for another")
	}
}
