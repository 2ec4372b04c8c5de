package stepstest

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/opsguard/opsguard/pkg/incident"
	"github.com/opsguard/opsguard/pkg/steps"
)

// ReadsAnyBody is a source's fuzz target. It parses made-up bodies, beginning with the
// source's own fixtures in testdata. Each is answered by Invalid or by alerts that are
// valid.
func ReadsAnyBody(f *testing.F, source steps.Source) {
	files, err := filepath.Glob("testdata/*.json")
	if err != nil {
		f.Fatal(err)
	}
	for _, file := range files {
		body, err := os.ReadFile(file)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(body)
	}
	f.Fuzz(func(t *testing.T, body []byte) {
		batch, err := source.Parse(t.Context(), steps.Request{Body: body})
		if err != nil && incident.KindOf(err) != incident.Invalid {
			t.Fatalf("%q: %v", body, err)
		}
		for _, a := range batch.Alerts {
			if err := a.Validate(); err != nil {
				t.Fatalf("%q: taken, but %v", body, err)
			}
		}
	})
}
