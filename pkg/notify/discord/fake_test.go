package discord_test

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"unicode/utf16"
)

const (
	webhookID = "223704706495545344"
	token     = "3d89bb7572e0fb30d8128367b3b1b44fecd1726de135cbe28a41f8b2f777c372ba2939e72279b94526ff5d1bd4358d65cf11"
	path      = "/api/webhooks/" + webhookID + "/" + token
)

// fake speaks the part of Discord's API that a webhook needs, as documented under
// Execute Webhook and Edit Webhook Message, and holds the message to the
// documented limits itself.
type fake struct {
	*httptest.Server
	t  *testing.T
	mu sync.Mutex
	// next are answers given before a message is taken.
	next     []answer
	calls    int
	messages map[string]posted
	queries  []string
}

type answer struct {
	status int
	header map[string]string
	body   string
}

type posted struct {
	Content *string `json:"content"`
	Embeds  []struct {
		Title       string `json:"title"`
		Description string `json:"description"`
		Color       int    `json:"color"`
		Fields      []struct {
			Name   string `json:"name"`
			Value  string `json:"value"`
			Inline bool   `json:"inline"`
		} `json:"fields"`
	} `json:"embeds"`
	AllowedMentions *struct {
		Parse []string `json:"parse"`
	} `json:"allowed_mentions"`
}

func newFake(t *testing.T, next ...answer) *fake {
	f := &fake{t: t, next: next, messages: map[string]posted{}}
	f.Server = httptest.NewServer(f)
	t.Cleanup(f.Close)
	return f
}

func (f *fake) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.calls++
	f.queries = append(f.queries, r.URL.RawQuery)
	if len(f.next) > 0 {
		a := f.next[0]
		f.next = f.next[1:]
		for k, v := range a.header {
			w.Header().Set(k, v)
		}
		w.WriteHeader(a.status)
		_, _ = w.Write([]byte(a.body))
		return
	}
	id := fmt.Sprint(1112223334445556667 + len(f.messages))
	switch {
	case r.Method == http.MethodPost && r.URL.Path == path:
		if r.URL.Query().Get("wait") != "true" {
			w.WriteHeader(http.StatusNoContent)
			return
		}
	case r.Method == http.MethodPatch && strings.HasPrefix(r.URL.Path, path+"/messages/"):
		id = strings.TrimPrefix(r.URL.Path, path+"/messages/")
		if _, ok := f.messages[id]; !ok {
			refuse(w, 404, 10008, "Unknown Message")
			return
		}
	default:
		refuse(w, 404, 10015, "Unknown Webhook")
		return
	}
	var m posted
	dec := json.NewDecoder(r.Body)
	dec.DisallowUnknownFields()
	if r.Header.Get("Content-Type") != "application/json" || dec.Decode(&m) != nil {
		refuse(w, 400, 50109, "The request body contains invalid JSON.")
		return
	}
	if problem := m.problem(); problem != "" {
		f.t.Errorf("Discord would refuse the message: %s", problem)
		refuse(w, 400, 50035, "Invalid Form Body")
		return
	}
	f.messages[id] = m
	w.Header().Set("Content-Type", "application/json")
	_, _ = fmt.Fprintf(w, `{"id":%q,"channel_id":"199737254929760256","type":0,"content":""}`, id)
}

func refuse(w http.ResponseWriter, status, code int, message string) {
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	_, _ = fmt.Fprintf(w, `{"message":%q,"code":%d}`, message, code)
}

// problem holds the documented limits, in UTF-16 code units.
func (m posted) problem() string {
	if m.AllowedMentions == nil || m.AllowedMentions.Parse == nil || len(m.AllowedMentions.Parse) != 0 {
		return "allowed_mentions is not {parse: []}"
	}
	if m.Content == nil || *m.Content == "" || size(*m.Content) > 2000 {
		return "content is missing or over 2000"
	}
	if len(m.Embeds) < 1 || len(m.Embeds) > 10 {
		return fmt.Sprintf("%d embeds", len(m.Embeds))
	}
	total, fields := 0, 0
	check := func(what, s string, limit int, empty bool) string {
		total += size(s)
		if size(s) > limit || strings.TrimSpace(s) == "" && !empty {
			return fmt.Sprintf("%s has %d units, want 1 to %d", what, size(s), limit)
		}
		return ""
	}
	var problems []string
	for _, e := range m.Embeds {
		problems = append(problems, check("title", e.Title, 256, false), check("description", e.Description, 4096, true))
		for _, f := range e.Fields {
			problems = append(problems, check("name", f.Name, 256, false), check("value of "+f.Name, f.Value, 1024, false))
		}
		fields = max(fields, len(e.Fields))
	}
	if fields > 25 || total > 6000 {
		problems = append(problems, fmt.Sprintf("%d fields, %d units in all", fields, total))
	}
	return strings.Join(strings.Fields(strings.Join(problems, " ")), " ")
}

func size(s string) int { return len(utf16.Encode([]rune(s))) }

// text is all that people see of a message.
func (m posted) text() string {
	all := []string{*m.Content}
	for _, e := range m.Embeds {
		all = append(all, e.Title, e.Description)
		for _, f := range e.Fields {
			all = append(all, f.Name+"\n"+f.Value)
		}
	}
	return strings.Join(all, "\n\n") + "\n"
}

func (f *fake) message(id string) posted {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.messages[id]
}
