package gemini

import (
	"encoding/json"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/opsguard/opsguard/pkg/incident"
)

// Whatever a model says is refused as Invalid, in words of ours, or is bounded.
func FuzzParse(f *testing.F) {
	for _, seed := range []string{
		`{"cause":"c","evidence":["a"],"confidence":0.5,"fixId":"restart-service","parameters":{"n":1}}`, "```json\n{\"cause\":\"c\",\"confidence\":1,\"fixId\":\"none\"}\n```", "```", "``````",
		`{"cause":"c","confidence":1e999,"fixId":"x"}`, `{"cause":"c","confidence":1,"fixId":"x"}{}`, `{"cause":"c","confidence":1,"fixId":"x","decision":"approve"}`, `{"cause":null}`, `[]`, "",
		`{"cause":"secret-word","confidence":"x"}`,
	} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, text string) {
		a, err := parse(text)
		if err != nil {
			if incident.KindOf(err) != incident.Invalid || len(err.Error()) > 200 {
				t.Fatalf("%q: %v", text, err)
			}
			return
		}
		if len(a.Cause) > maxCause || len(a.Evidence) > maxEvidence || len(a.FixID) > maxFixID || len(a.Parameters) > maxParameters || a.FixID == noFix {
			t.Fatalf("%q: out of bounds: %+v", text, a)
		}
		for _, line := range a.Evidence {
			if len(line) > maxEvidenceLine || !utf8.ValidString(line) {
				t.Fatalf("%q: the line %q", text, line)
			}
		}
	})
}

// Whatever body comes, what is left of it has no part that the library does not
// know, and a refusal's code is a plain word.
func FuzzAnswerBody(f *testing.F) {
	for _, seed := range []string{
		`{"candidates":[{"content":{"parts":[{"text":"x"},{"thought":true,"text":"y"},{"functionCall":{"name":"n"}},{"thoughtSignature":"s"}]}}]}`,
		`{"candidates":[null]}`, `{"candidates":[{"content":null}]}`, `{"candidates":[{"content":{"parts":null}}]}`, `{"candidates":"x"}`,
		`{"error":{"status":"RESOURCE_EXHAUSTED","details":[{"reason":"API_KEY_INVALID"}]}}`, `{"error":{"status":"x\u001b[2J"}}`, "",
	} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, body []byte) {
		kept := knownParts(body)
		var answer struct {
			Candidates []struct {
				Content struct{ Parts []map[string]any }
			}
		}
		if json.Unmarshal(body, &answer) == nil && json.Unmarshal(kept, &answer) != nil {
			t.Fatalf("%q became %q", body, kept)
		}
		if code := codeOf(body); strings.Trim(code, "ABCDEFGHIJKLMNOPQRSTUVWXYZ_ ") != "" || len(code) > 81 {
			t.Fatalf("%q: the code %q", body, code)
		}
	})
}
