package gemini

import (
	"bytes"
	"encoding/json"
	"io"
	"strings"

	"github.com/google/generative-ai-go/genai"

	"github.com/opsguard/opsguard/pkg/incident"
	"github.com/opsguard/opsguard/pkg/steps"
)

// Bounds of an answer. The step that asked bounds further what is stored.
const (
	maxText         = 64 << 10 // bytes
	maxCause        = 4000     // bytes
	maxEvidence     = 20       // lines
	maxEvidenceLine = 2000     // bytes
	maxFixID        = 100      // bytes
	maxParameters   = 20
)

// textOf takes the text of the first candidate, in however many parts it came.
func textOf(resp *genai.GenerateContentResponse) (string, error) {
	if len(resp.Candidates) == 0 || resp.Candidates[0] == nil {
		return "", unusable("it holds no candidate")
	}
	c := resp.Candidates[0]
	switch c.FinishReason {
	case genai.FinishReasonStop, genai.FinishReasonUnspecified:
	case genai.FinishReasonMaxTokens:
		return "", unusable("it was cut off, MAX_TOKENS")
	default:
		return "", unusable("it ended early, reason %d", int(c.FinishReason))
	}
	if c.Content == nil {
		return "", unusable("it is empty")
	}
	var text strings.Builder
	for _, part := range c.Content.Parts {
		t, ok := part.(genai.Text)
		if !ok {
			return "", unusable("it holds something that is not text")
		}
		if text.Len()+len(t) > maxText {
			return "", unusable("it is over %d KiB", maxText>>10)
		}
		text.WriteString(string(t))
	}
	if strings.TrimSpace(text.String()) == "" {
		return "", unusable("it is empty")
	}
	return text.String(), nil
}

// said is what the schema asks for.
type said struct {
	Cause      *string        `json:"cause"`
	Evidence   []string       `json:"evidence"`
	Confidence *float64       `json:"confidence"`
	FixID      *string        `json:"fixId"`
	Parameters map[string]any `json:"parameters"`
}

// parse reads one JSON object of exactly the schema's fields; a Markdown fence
// around it, which models like to add, is taken off.
func parse(text string) (steps.Answer, error) {
	dec := json.NewDecoder(bytes.NewReader(unfence(text)))
	dec.DisallowUnknownFields()
	dec.UseNumber()
	var s said
	if err := dec.Decode(&s); err != nil {
		return steps.Answer{}, unusable("it is not the JSON that was asked for")
	}
	if _, err := dec.Token(); err != io.EOF {
		return steps.Answer{}, unusable("something follows the JSON that was asked for")
	}
	switch {
	case s.Cause == nil:
		return steps.Answer{}, unusable("it names no cause")
	case s.FixID == nil:
		return steps.Answer{}, unusable("it names no fix, not even none")
	case s.Confidence == nil:
		return steps.Answer{}, unusable("it gives no confidence")
	case len(*s.FixID) > maxFixID, len(s.Parameters) > maxParameters:
		return steps.Answer{}, unusable("its fix is out of bounds")
	}
	a := steps.Answer{Cause: incident.Cut(*s.Cause, maxCause), Confidence: *s.Confidence, Parameters: s.Parameters}
	if *s.FixID != noFix {
		a.FixID = *s.FixID
	}
	for _, l := range s.Evidence[:min(len(s.Evidence), maxEvidence)] {
		a.Evidence = append(a.Evidence, incident.Cut(l, maxEvidenceLine))
	}
	return a, nil
}

func unfence(text string) []byte {
	const fence = "```"
	s := strings.TrimSpace(text)
	if inner, ok := strings.CutPrefix(s, fence); ok {
		if _, body, ok := strings.Cut(inner, "\n"); ok {
			s = strings.TrimSuffix(strings.TrimSpace(body), fence)
		}
	}
	return []byte(s)
}
