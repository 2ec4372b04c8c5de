package stepstest

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"

	"github.com/opsguard/opsguard/pkg/incident"
	"github.com/opsguard/opsguard/pkg/steps"
)

const (
	longText   = incident.MaxErrorLogs + incident.MaxErrorLogs/2 // bytes; half as much again as evidence may have
	mostTexts  = 15                                              // of a body are made long, one after the other
	fewTexts   = 5                                               // the same for the inner loop
	wholeOfAll = steps.MaxRequest * 3 / 4                        // bytes, when all are made long at once
)

// longLine is what a long text is made of.
const longLine = "2026-11-20 03:12:44 ERROR é connection refused\n"

// cutsWhatIsLong: evidence that is larger than OpsGuard keeps is cut, and costs no alert.
// Each text of a JSON body is made that long, alone and with all others. OpsGuard's own
// body, which nobody else signs, is refused instead, and other bodies than JSON are left
// alone.
func (o opened[T]) cutsWhatIsLong(t *testing.T, s Sent) {
	source, ok := any(o.It).(steps.Source)
	if !ok {
		t.Fatal("not a source")
	}
	texts, _ := lengthened(s.Request.Body, nil)
	if s.Proof == ProofByNothing || len(texts) == 0 {
		t.Skip("its body holds no text to make long")
	}
	bodies := map[string]map[string]int{"all texts": {}}
	most := mostTexts
	if testing.Short() {
		most = fewTexts
	}
	for i, path := range texts {
		bodies["all texts"][path] = wholeOfAll / len(texts)
		if i%(len(texts)/most+1) == 0 {
			bodies[path] = map[string]int{path: longText}
		}
	}
	for what, long := range bodies {
		_, body := lengthened(s.Request.Body, long)
		batch, err := source.Parse(t.Context(), steps.Request{Header: s.Request.Header, Body: body})
		for _, err := range append(batch.Refused, err) {
			var wrong *incident.Error
			if errors.As(err, &wrong) && strings.HasSuffix(wrong.Field, "errorLogs") {
				t.Errorf("with %s of %d bytes an alert is refused: %v", what, longText, err)
			}
		}
		for _, a := range batch.Alerts {
			if err := a.Validate(); err != nil {
				t.Errorf("with %s of %d bytes an alert is not valid: %v", what, longText, err)
			}
		}
	}
}

// lengthened returns the paths of all texts of a JSON body, none for another body, and the
// body in which each text that long names has that many bytes.
func lengthened(body []byte, long map[string]int) (paths []string, changed []byte) {
	var document any
	dec := json.NewDecoder(bytes.NewReader(body))
	dec.UseNumber()
	if dec.Decode(&document) != nil {
		return nil, nil
	}
	var walk func(is any, path string) any
	walk = func(is any, path string) any {
		switch is := is.(type) {
		case string:
			paths = append(paths, path)
			if n, found := long[path]; found {
				return strings.Repeat(longLine, n/len(longLine)+1)
			}
		case []any:
			for i := range is {
				is[i] = walk(is[i], fmt.Sprintf("%s[%d]", path, i))
			}
		case map[string]any:
			for _, name := range slices.Sorted(maps.Keys(is)) {
				is[name] = walk(is[name], path+"."+name)
			}
		}
		return is
	}
	changed, err := json.Marshal(walk(document, ""))
	if err != nil {
		return nil, nil
	}
	return paths, changed
}
