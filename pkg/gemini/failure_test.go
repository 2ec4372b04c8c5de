package gemini_test

import (
	"fmt"
	"io"
	"net/http"
	"strings"
	"testing"

	"github.com/opsguard/opsguard/pkg/incident"
)

// marker stands in every answer that must not be repeated.
const marker = "IGNORE-ALL-RULES"

func googleError(code int, status, reason string) string {
	return fmt.Sprintf(`{"error":{"code":%d,"message":"%s key=%s","status":%q,"details":[{"@type":"type.googleapis.com/google.rpc.ErrorInfo","reason":%q}]}}`, code, marker, key, status, reason)
}

func TestEveryStatusIsJudgedAndAskedOnce(t *testing.T) {
	elsewhere := http.Header{"Location": {"http://evil.test/"}}
	for _, tc := range []struct {
		status int
		body   string
		kind   incident.Kind
		says   string
	}{
		{307, "", incident.Invalid, "redirect"},
		{204, "", incident.Invalid, "204"},
		{400, googleError(400, "INVALID_ARGUMENT", ""), incident.Invalid, "400 INVALID_ARGUMENT: it refused the question"},
		{400, googleError(400, "INVALID_ARGUMENT", "API_KEY_INVALID"), incident.Invalid, "check GEMINI_API_KEY"},
		{401, googleError(401, "UNAUTHENTICATED", ""), incident.Invalid, "check GEMINI_API_KEY"},
		{403, googleError(403, "PERMISSION_DENIED", ""), incident.Invalid, "check GEMINI_API_KEY"},
		{404, googleError(404, "NOT_FOUND", ""), incident.Invalid, "set GEMINI_MODEL"},
		{408, "", incident.Unavailable, "408"},
		{413, "", incident.Invalid, "413"},
		{429, googleError(429, "RESOURCE_EXHAUSTED", "RATE_LIMIT_EXCEEDED"), incident.Unavailable, "429 RESOURCE_EXHAUSTED RATE_LIMIT_EXCEEDED: over quota"},
		{429, "<html>" + marker, incident.Unavailable, "Gemini answered 429: over quota"},
		{500, googleError(500, "INTERNAL", ""), incident.Unavailable, "500 INTERNAL"},
		{500, `{"error":{"status":"` + marker + `"}}`, incident.Unavailable, "answered 500: "},
		{502, "", incident.Unavailable, "502"},
		{503, googleError(503, "UNAVAILABLE", ""), incident.Unavailable, "503 UNAVAILABLE"},
		{504, strings.Repeat("x", 10<<20), incident.Unavailable, "504"},
	} {
		t.Run(fmt.Sprintf("%d %s", tc.status, tc.says), func(t *testing.T) {
			f := newFake(t, status(tc.status, elsewhere, tc.body))
			_, err := f.open(t, nil).Analyze(t.Context(), question())
			if incident.KindOf(err) != tc.kind || !strings.Contains(err.Error(), tc.says) {
				t.Errorf("got %v (%s), want %s saying %q", err, incident.KindOf(err), tc.kind, tc.says)
			}
			if strings.Contains(err.Error(), marker) {
				t.Errorf("the error repeats the answer: %v", err)
			}
			noKey(t, err)
			if f.calls != 1 {
				t.Errorf("asked %d times, want once: repeating is the state machine's", f.calls)
			}
		})
	}
}

func TestAnUnusableAnswerIsInvalid(t *testing.T) {
	pad := func(n int) string { return `{"cause":"` + marker + strings.Repeat("x", n) + `"}` }
	for name, tc := range map[string]struct{ answer, says string }{
		"empty body":            {"", "form"},
		"HTML":                  {"<html>" + marker, "form"},
		"cut-off JSON":          {candidate(1, good)[:60], "form"},
		"an array":              {"[" + candidate(1, good) + "]", "form"},
		"candidates: a string":  {`{"candidates":"` + marker + `"}`, "form"},
		"null":                  {"null", "form"},
		"no candidates":         {`{"candidates":[]}`, "no candidate"},
		"an empty object":       {`{}`, "no candidate"},
		"a null candidate":      {`{"candidates":[null]}`, "not usable"},
		"blocked question":      {`{"promptFeedback":{"blockReason":1}}`, "SAFETY"},
		"blocked, new reason":   {`{"promptFeedback":{"blockReason":4}}`, "blocked, the question"},
		"SAFETY":                {candidate(3, good), "SAFETY"},
		"RECITATION":            {candidate(4, good), "RECITATION"},
		"MAX_TOKENS":            {candidate(2, good), "MAX_TOKENS"},
		"OTHER":                 {candidate(5, good), "reason 5"},
		"a reason not known":    {candidate(9, good), "reason 9"},
		"no content":            {`{"candidates":[{"finishReason":1}]}`, "empty"},
		"no parts":              {candidate(1), "empty"},
		"blank text":            {candidate(1, " \n"), "empty"},
		"function call":         {`{"candidates":[{"content":{"parts":[{"functionCall":{"name":"restart","args":{}}}]},"finishReason":1}]}`, "empty"},
		"malformed text":        {candidate(1, `{"cause":"`+marker), "not the JSON"},
		"prose":                 {candidate(1, "Sure! "+good), "not the JSON"},
		"prose after it":        {candidate(1, good+" "+marker), "follows the JSON"},
		"two objects":           {candidate(1, good+good), "follows the JSON"},
		"text is an array":      {candidate(1, "["+good+"]"), "not the JSON"},
		"text is null":          {candidate(1, "null"), "names no cause"},
		"unknown field":         {candidate(1, `{"cause":"x","evidence":[],"confidence":1,"fixId":"none","command":"`+marker+`"}`), "not the JSON"},
		"cause is a number":     {candidate(1, `{"cause":1,"evidence":[],"confidence":1,"fixId":"none"}`), "not the JSON"},
		"evidence is a string":  {candidate(1, `{"cause":"x","evidence":"y","confidence":1,"fixId":"none"}`), "not the JSON"},
		"confidence is a word":  {candidate(1, `{"cause":"x","evidence":[],"confidence":"high","fixId":"none"}`), "not the JSON"},
		"parameters: an array":  {candidate(1, `{"cause":"x","evidence":[],"confidence":1,"fixId":"none","parameters":[1]}`), "not the JSON"},
		"no cause":              {candidate(1, `{"evidence":[],"confidence":1,"fixId":"none"}`), "names no cause"},
		"no fix":                {candidate(1, `{"cause":"x","evidence":[],"confidence":1}`), "names no fix"},
		"no confidence":         {candidate(1, `{"cause":"x","evidence":[],"fixId":"none"}`), "no confidence"},
		"a long fix id":         {candidate(1, `{"cause":"x","evidence":[],"confidence":1,"fixId":"`+strings.Repeat("x", 101)+`"}`), "out of bounds"},
		"text over 64 KiB":      {candidate(1, pad(64<<10)), "over 64 KiB"},
		"parts over 64 KiB":     {candidate(1, strings.Repeat("x", 40<<10), strings.Repeat("x", 40<<10)), "over 64 KiB"},
		"10 MB":                 {candidate(1, pad(10<<20)), "over 256 KiB"},
		"10 MB of white space":  {strings.Repeat(" ", 10<<20), "over 256 KiB"},
		"deep nesting":          {strings.Repeat("[", 100_000), "form"},
		"deep nesting, in text": {candidate(1, `{"parameters":`+strings.Repeat("[", 30_000)), "not the JSON"},
	} {
		t.Run(name, func(t *testing.T) {
			f := newFake(t, body(tc.answer))
			got, err := f.open(t, nil).Analyze(t.Context(), question())
			if incident.KindOf(err) != incident.Invalid || !strings.Contains(err.Error(), tc.says) || !strings.HasPrefix(err.Error(), "Gemini's answer was not usable: ") {
				t.Errorf("got %+v, %v (%s), want Invalid saying %q", got, err, incident.KindOf(err), tc.says)
			}
			if err != nil && strings.Contains(err.Error(), marker) {
				t.Errorf("the error repeats the answer: %v", err)
			}
			if f.calls != 1 {
				t.Errorf("asked %d times, want once", f.calls)
			}
		})
	}
}

func TestAnEndlessAnswerIsCutOff(t *testing.T) {
	for name, code := range map[string]int{"answer": 200, "refusal": 400} {
		t.Run(name, func(t *testing.T) {
			f := newFake(t, func(w http.ResponseWriter, r *http.Request) {
				w.WriteHeader(code)
				for r.Context().Err() == nil {
					if _, err := io.WriteString(w, strings.Repeat(" ", 64<<10)); err != nil {
						return
					}
				}
			})
			if _, err := f.open(t, nil).Analyze(t.Context(), question()); incident.KindOf(err) != incident.Invalid {
				t.Errorf("got %v, want Invalid", err)
			}
		})
	}
}
