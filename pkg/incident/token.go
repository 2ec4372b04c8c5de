package incident

import (
	"encoding/json"
	"log/slog"
)

// TaskToken is the workflow's handle for resuming a waiting execution. Its holder
// can resume without being asked who they are, so it prints and marshals as a
// placeholder. Only the stores and the workflow adapters may call Reveal; a test
// checks that.
type TaskToken struct{ text string }

const hiddenToken = "[task token]"

// NewTaskToken wraps the text that the workflow gave.
func NewTaskToken(text string) TaskToken { return TaskToken{text} }

// Reveal returns the token itself.
func (t TaskToken) Reveal() string { return t.text }

// IsZero reports whether there is no token.
func (t TaskToken) IsZero() bool { return t.text == "" }

func (t TaskToken) String() string               { return hiddenToken }
func (t TaskToken) GoString() string             { return hiddenToken }
func (t TaskToken) LogValue() slog.Value         { return slog.StringValue(hiddenToken) }
func (t TaskToken) MarshalJSON() ([]byte, error) { return json.Marshal(hiddenToken) }

// UnmarshalJSON takes the token as a step's input brings it.
func (t *TaskToken) UnmarshalJSON(b []byte) error { return json.Unmarshal(b, &t.text) }
