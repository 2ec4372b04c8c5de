package gemini

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strconv"
)

const (
	// maxBody bounds what is read of an answer, in bytes: several times maxText, for
	// the JSON around it and the signatures of thinking models.
	maxBody = 256 << 10
	// maxErrorBody bounds what is read of a refusal.
	maxErrorBody = 16 << 10
)

var (
	errTooLarge  = errors.New("the answer is too large")
	errElsewhere = errors.New("the request is for another host")
)

// transport stands between the library and the network.
type transport struct {
	base http.RoundTripper
	host string
	key  func(context.Context) (string, error)
}

// keyError is a key that cannot be read or used.
type keyError struct{ error }

func (e keyError) Unwrap() error { return e.error }

// RoundTrip sends the key in a header, where no error message picks it up, and
// to the endpoint's host only. It reads the whole answer within maxBody, and
// turns every status but 200 into an error of its own: the library would repeat
// a 503 by itself, for as long as the context lasts, and net/http would follow a
// redirect with the logs.
func (t transport) RoundTrip(req *http.Request) (*http.Response, error) {
	if req.URL.Host != t.host {
		return nil, errElsewhere
	}
	key, err := t.key(req.Context())
	if err != nil {
		return nil, keyError{err}
	}
	req = req.Clone(req.Context())
	req.Header.Set("X-Goog-Api-Key", key)
	resp, err := t.base.RoundTrip(req)
	if err != nil {
		return nil, err
	}
	defer resp.Body.Close()
	if resp.StatusCode != http.StatusOK {
		body, _ := io.ReadAll(io.LimitReader(resp.Body, maxErrorBody)) // what came of it tells enough
		return nil, statusError{resp.StatusCode, codeOf(body)}
	}
	body, err := io.ReadAll(io.LimitReader(resp.Body, maxBody+1))
	if err != nil {
		return nil, err
	}
	if len(body) > maxBody {
		return nil, errTooLarge
	}
	body = knownParts(body)
	resp.Body = io.NopCloser(bytes.NewReader(body))
	resp.ContentLength = int64(len(body))
	resp.Header.Del("Content-Length")
	return resp, nil
}

// statusError is an answer other than 200.
type statusError struct {
	status int
	code   string // Google's word for it, as RESOURCE_EXHAUSTED; "" if it gave none
}

func (e statusError) Error() string {
	if e.code == "" {
		return "Gemini answered " + strconv.Itoa(e.status)
	}
	return fmt.Sprintf("Gemini answered %d %s", e.status, e.code)
}

// isCode takes a word of Google's, such as RESOURCE_EXHAUSTED.
func isCode(s string) bool { return madeOf(s, upper+"_", 2, 40) && s[0] != '_' }

// codeOf reads the code of Google's error format, and the reason if one is given.
// The message beside them is left: it may repeat what was sent.
func codeOf(body []byte) string {
	var e struct {
		Error struct {
			Status  string `json:"status"`
			Details []struct {
				Reason string `json:"reason"`
			} `json:"details"`
		} `json:"error"`
	}
	if json.Unmarshal(body, &e) != nil || !isCode(e.Error.Status) {
		return ""
	}
	for _, d := range e.Error.Details {
		if isCode(d.Reason) {
			return e.Error.Status + " " + d.Reason
		}
	}
	return e.Error.Status
}

// knownParts leaves only parts with text in an answer's candidates, and of those
// no thoughts. The library is older than the models that think: it takes a
// thought for the answer, and panics on a part that holds a signature only. What
// is not of that form passes unchanged, for the library to refuse.
func knownParts(body []byte) []byte {
	var answer map[string]json.RawMessage
	var candidates []map[string]json.RawMessage
	if json.Unmarshal(body, &answer) != nil || json.Unmarshal(answer["candidates"], &candidates) != nil {
		return body
	}
	for _, c := range candidates {
		var content map[string]json.RawMessage
		var parts []struct {
			Text    *string `json:"text"`
			Thought bool    `json:"thought"`
		}
		if json.Unmarshal(c["content"], &content) != nil || json.Unmarshal(content["parts"], &parts) != nil {
			continue
		}
		kept := []map[string]string{}
		for _, p := range parts {
			if p.Text != nil && !p.Thought {
				kept = append(kept, map[string]string{"text": *p.Text})
			}
		}
		content["parts"] = mustJSON(kept)
		c["content"] = mustJSON(content)
	}
	answer["candidates"] = mustJSON(candidates)
	return mustJSON(answer)
}

// mustJSON writes values made of strings and of JSON that was just read, which
// cannot fail; if it did, the null would be refused further on.
func mustJSON(v any) json.RawMessage {
	b, err := json.Marshal(v)
	if err != nil {
		return json.RawMessage("null")
	}
	return b
}
