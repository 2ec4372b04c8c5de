package gemini_test

import (
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/opsguard/opsguard/pkg/gemini"
	"github.com/opsguard/opsguard/pkg/integration"
	"github.com/opsguard/opsguard/pkg/steps/stepstest"
)

const key = "AIzaSyA-secret_key-0123456789abcdefghijk"

// fake speaks the one method of Gemini's API that is used, as the library calls
// it: enums are numbers, because it asks for enum-encoding=int.
type fake struct {
	*httptest.Server
	t      *testing.T
	answer http.HandlerFunc
	mu     sync.Mutex
	calls  int
	asked  request
	raw    string
}

// request is the documented body of generateContent, as far as it may be used.
type request struct {
	Model             string    `json:"model"`
	SystemInstruction content   `json:"systemInstruction"`
	Contents          []content `json:"contents"`
	GenerationConfig  struct {
		CandidateCount   *int     `json:"candidateCount"`
		MaxOutputTokens  int      `json:"maxOutputTokens"`
		Temperature      *float64 `json:"temperature"`
		ResponseMIMEType string   `json:"responseMimeType"`
		ResponseSchema   schema   `json:"responseSchema"`
	} `json:"generationConfig"`
}

type content struct {
	Role  string `json:"role"`
	Parts []struct {
		Text string `json:"text"`
	} `json:"parts"`
}

type schema struct {
	Type        int               `json:"type"`
	Format      string            `json:"format"`
	Description string            `json:"description"`
	Enum        []string          `json:"enum"`
	Items       *schema           `json:"items"`
	Properties  map[string]schema `json:"properties"`
	Required    []string          `json:"required"`
}

func newFake(t *testing.T, answer http.HandlerFunc) *fake {
	f := &fake{t: t, answer: answer}
	f.Server = httptest.NewServer(f)
	t.Cleanup(f.Close)
	return f
}

func (f *fake) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	body, err := io.ReadAll(r.Body)
	f.mu.Lock()
	f.calls++
	f.raw = string(body)
	f.mu.Unlock()
	var asked request
	dec := json.NewDecoder(strings.NewReader(string(body)))
	dec.DisallowUnknownFields()
	switch decoded := dec.Decode(&asked); {
	case err != nil || decoded != nil:
		f.t.Errorf("the body is not generateContent's: %v %v", err, decoded)
	case r.Method != http.MethodPost || r.URL.Path != "/v1beta/"+asked.Model+":generateContent":
		f.t.Errorf("%s %s, with the model %s in the body", r.Method, r.URL.Path, asked.Model)
	case r.URL.Query().Get("$alt") != "json;enum-encoding=int":
		f.t.Errorf("the answer is asked for as %q", r.URL.Query().Get("$alt"))
	case r.Header.Get("X-Goog-Api-Key") != key || strings.Contains(r.URL.String(), key):
		f.t.Errorf("the key is not in its header, or it is in the URL")
	}
	f.mu.Lock()
	f.asked = asked
	f.mu.Unlock()
	f.answer(w, r)
}

// opened opens the model with this key.
func opened(t *testing.T, key string, change func(*gemini.Settings)) *gemini.Analyst {
	t.Helper()
	secret, err := integration.NamedSecret(gemini.SettingKey)
	if err != nil {
		t.Fatal(err)
	}
	s := gemini.Settings{APIKey: secret, Model: gemini.DefaultModel, Endpoint: "https://example.test", Timeout: 20 * time.Second}
	if change != nil {
		change(&s)
	}
	a, err := gemini.Open(stepstest.Env(stepstest.Secrets{gemini.SettingKey: key}), s)
	if err != nil {
		t.Fatal(err)
	}
	return a
}

func (f *fake) open(t *testing.T, change func(*gemini.Settings)) *gemini.Analyst {
	t.Helper()
	a := opened(t, key, func(s *gemini.Settings) {
		s.Endpoint = f.URL
		if change != nil {
			change(s)
		}
	})
	t.Cleanup(func() {
		if err := a.Close(); err != nil {
			t.Errorf("closing: %v", err)
		}
	})
	return a
}

// body answers 200 with this.
func body(s string) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "application/json; charset=UTF-8")
		_, _ = io.WriteString(w, s)
	}
}

// candidate is a whole answer with one candidate of these texts.
func candidate(finish int, texts ...string) string {
	type part struct {
		Text string `json:"text"`
	}
	parts := []part{}
	for _, t := range texts {
		parts = append(parts, part{t})
	}
	b, err := json.Marshal(map[string]any{
		"candidates": []any{map[string]any{
			"content": map[string]any{"parts": parts, "role": "model"}, "finishReason": finish, "index": 0}},
		"usageMetadata": map[string]any{"promptTokenCount": 900, "candidatesTokenCount": 80, "totalTokenCount": 1200, "thoughtsTokenCount": 220},
		"modelVersion":  "gemini-3.8-flash", "responseId": "abc",
	})
	if err != nil {
		return err.Error()
	}
	return string(b)
}

func status(code int, header http.Header, s string) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) {
		for k := range header {
			w.Header().Set(k, header.Get(k))
		}
		w.WriteHeader(code)
		_, _ = io.WriteString(w, s)
	}
}
