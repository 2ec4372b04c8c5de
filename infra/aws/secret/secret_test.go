package secret

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"

	"github.com/opsguard/opsguard/pkg/incident"
)

// parameters is an SSM that answers GetParameter.
type parameters struct {
	mu     sync.Mutex
	values map[string]string
	calls  int
}

func (p *parameters) set(name, value string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.values[name] = value
}

func (p *parameters) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	var in struct {
		Name           string
		WithDecryption bool
	}
	json.NewDecoder(r.Body).Decode(&in)
	p.mu.Lock()
	defer p.mu.Unlock()
	p.calls++
	value, ok := p.values[in.Name]
	if !ok || !in.WithDecryption {
		w.WriteHeader(http.StatusBadRequest)
		fmt.Fprint(w, `{"__type":"ParameterNotFound"}`)
		return
	}
	json.NewEncoder(w).Encode(map[string]any{"Parameter": map[string]string{"Name": in.Name, "Value": value}})
}

// open opens a store over p, with a clock that the test moves.
func open(t *testing.T, p *parameters, names ...Name) (*Store, *time.Time, error) {
	t.Helper()
	server := httptest.NewServer(p)
	t.Cleanup(server.Close)
	now := time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)
	s, err := Open(t.Context(), aws.Config{Region: "us-east-1", BaseEndpoint: &server.URL, Credentials: aws.AnonymousCredentials{}},
		func() time.Time { return now }, names...)
	return s, &now, err
}

func TestARotatedSecretReachesAWarmFunctionWithinFiveMinutes(t *testing.T) {
	p := &parameters{values: map[string]string{"/keys": "old\n"}}
	s, now, err := open(t, p, Name{"KEYS_PARAM", "/keys"})
	if err != nil {
		t.Fatal(err)
	}
	p.set("/keys", "new")
	for _, step := range []struct {
		after time.Duration
		want  string
		calls int
	}{{0, "old", 1}, {MaxAge - time.Millisecond, "old", 1}, {time.Millisecond, "new", 2}, {time.Minute, "new", 2}} {
		*now = now.Add(step.after)
		got, err := s.Get(t.Context(), "KEYS_PARAM")
		if err != nil || got != step.want || p.calls != step.calls {
			t.Errorf("after %s more: %q, %v, %d calls; want %q, %d calls", step.after, got, err, p.calls, step.want, step.calls)
		}
	}
}

func TestASecretThatCanNoLongerBeReadIsNotUsed(t *testing.T) {
	p := &parameters{values: map[string]string{"/keys": "old"}}
	s, now, err := open(t, p, Name{"KEYS_PARAM", "/keys"})
	if err != nil {
		t.Fatal(err)
	}
	delete(p.values, "/keys")
	*now = now.Add(MaxAge)
	if got, err := s.Get(t.Context(), "KEYS_PARAM"); got != "" || incident.KindOf(err) != incident.Unavailable {
		t.Errorf("got %q, %v", got, err)
	}
}

func TestAMissingSecretIsNamedByItsSetting(t *testing.T) {
	_, _, err := open(t, &parameters{values: map[string]string{}}, Name{"KEYS_PARAM", "/none"})
	if err == nil || !strings.HasPrefix(err.Error(), "KEYS_PARAM: ") || !strings.Contains(err.Error(), "/none") {
		t.Errorf("%v", err)
	}
	if _, _, err := open(t, &parameters{}, Name{"A_PARAM", ""}); err != nil {
		t.Errorf("a setting that names nothing: %v", err)
	}
}

func TestAMalformedRotationLetsNobodyIn(t *testing.T) {
	p := &parameters{values: map[string]string{"/keys": "good"}}
	s, now, err := open(t, p, Name{"KEYS_PARAM", "/keys"})
	if err != nil {
		t.Fatal(err)
	}
	made := 0
	parsed, err := Parse(t.Context(), s, "KEYS_PARAM", func(text string) (string, error) {
		made++
		if text == "bad" {
			return "", errors.New("is bad")
		}
		return "made of " + text, nil
	})
	if err != nil {
		t.Fatal(err)
	}
	get := func(ctx context.Context) string {
		v, err := parsed.Get(ctx)
		if err != nil {
			return string(incident.KindOf(err))
		}
		return v
	}
	if got := get(t.Context()); got != "made of good" || made != 1 {
		t.Errorf("got %q, made %d times", got, made)
	}
	p.set("/keys", "bad")
	*now = now.Add(MaxAge)
	if got := get(t.Context()); got != "Unavailable" {
		t.Errorf("malformed: %q", got)
	}
	p.set("/keys", "better")
	*now = now.Add(MaxAge)
	if got := get(t.Context()); got != "made of better" {
		t.Errorf("mended: %q", got)
	}
}
