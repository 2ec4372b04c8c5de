package stepstest

import (
	"path/filepath"
	"testing"

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
		f.Add(Fixture(f, filepath.Base(file)))
	}
	f.Fuzz(func(t *testing.T, body []byte) {
		batch, err := source.Parse(t.Context(), steps.Request{Body: body})
		ReadOrInvalid(t, body, batch, err)
	})
}
