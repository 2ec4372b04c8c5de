package stepstest

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/opsguard/opsguard/pkg/incident"
	"github.com/opsguard/opsguard/pkg/integration"
)

// Vendor plays the outside system of an integration. Handler speaks its documented
// wire format and answers as it does when all is well. Entry makes the entry's
// settings and secrets for a server at that URL; a secret's value must be at least
// eight characters, for the contract looks for it in errors and logs.
//
// An integration that calls nobody has a nil Handler.
type Vendor struct {
	Handler http.Handler
	// GivesIDs: the vendor names what is created, and Handler answers 404 to a name that
	// it did not give.
	GivesIDs bool
	Entry    func(url string) (settings []integration.Setting, secrets Secrets)
	// World changes what the integration sees of the world, such as Env.Outside; nil
	// leaves it as Env makes it.
	World func(env *integration.Env)
}

// faults stands in front of a vendor and answers in its place as it is told to.
type faults struct {
	vendor http.Handler

	mu    sync.Mutex
	next  func(w http.ResponseWriter, r *http.Request) // nil: the vendor answers
	calls int
}

func (f *faults) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	f.mu.Lock()
	f.calls++
	next := f.next
	f.mu.Unlock()
	if next == nil {
		f.vendor.ServeHTTP(w, r)
		return
	}
	next(w, r)
}

// answer sets what every call gets from now on; nil lets the vendor answer again.
func (f *faults) answer(next func(w http.ResponseWriter, r *http.Request)) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.next, f.calls = next, 0
}

func (f *faults) made() int {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.calls
}

// opened is an integration at work against its vendor.
type opened[T any] struct {
	It      T
	check   func(context.Context) error
	faults  *faults
	secrets Secrets
	waits   *[]time.Duration // what Env.After was asked for
	log     *strings.Builder
}

func open[T any](t *testing.T, kind integration.Kind, d integration.Descriptor[T], v Vendor) opened[T] {
	t.Helper()
	o := opened[T]{faults: &faults{vendor: v.Handler}, waits: new([]time.Duration), log: new(strings.Builder)}
	server := httptest.NewServer(o.faults)
	t.Cleanup(server.CloseClientConnections) // what hangs is let go
	var settings []integration.Setting
	if v.Entry != nil {
		settings, o.secrets = v.Entry(server.URL)
	}
	env := Env(o.secrets)
	env.Log = slog.New(slog.NewTextHandler(o.log, &slog.HandlerOptions{Level: slog.LevelDebug}))
	env.Console = io.Discard
	at := env.Now()
	env.After = func(d time.Duration) <-chan time.Time {
		*o.waits = append(*o.waits, d)
		fired := make(chan time.Time, 1)
		fired <- at
		return fired
	}
	if v.World != nil {
		v.World(&env)
	}
	it := Open(t, env, kind, d, settings...)
	o.It, o.check = it.It, it.Check
	t.Cleanup(func() { o.noSecrets(t, "its log", errors.New(o.log.String())) })
	return o
}

// noSecrets looks for the secrets' values in all that an error can print.
func (o opened[T]) noSecrets(t *testing.T, what string, err error) {
	t.Helper()
	for e := err; e != nil; e = errors.Unwrap(e) {
		text := fmt.Sprintf("%v %+v %#v", e, e, e)
		for name, value := range o.secrets {
			if strings.Contains(text, value) {
				t.Errorf("%s shows the secret %s: %s", what, name, strings.ReplaceAll(text, value, "[secret]"))
			}
		}
	}
}

// call is one operation of an integration that calls its vendor.
type call struct {
	name string
	do   func(ctx context.Context) error
}

// wants is the kind that a status means to a caller.
func wants(status int) incident.Kind {
	if status >= 500 || status == http.StatusRequestTimeout || status == http.StatusTooEarly || status == http.StatusTooManyRequests {
		return incident.Unavailable
	}
	return incident.Invalid
}

// survivesItsVendor runs the promises that every call to an outside system keeps.
func (o opened[T]) survivesItsVendor(t *testing.T, calls ...call) {
	for _, c := range calls {
		t.Run(c.name+" tells by every status whether repeating can help", func(t *testing.T) { o.judgesStatuses(t, c) })
		t.Run(c.name+" waits once for a short rate limit and never for a long one", func(t *testing.T) { o.honoursRateLimits(t, c) })
		t.Run(c.name+" is Unavailable when the vendor hangs, cuts off or is gone", func(t *testing.T) { o.survivesSilence(t, c) })
		t.Run(c.name+" survives any answer", func(t *testing.T) { o.survivesAnswers(t, c) })
		t.Run(c.name+" uses a secret that was replaced and names one that is gone", func(t *testing.T) { o.readsSecretsAgain(t, c) })
	}
}

func (o opened[T]) judgesStatuses(t *testing.T, c call) {
	defer o.faults.answer(nil)
	for status := 300; status < 600; status++ {
		o.faults.answer(func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Location", "http://127.0.0.1:1/elsewhere")
			w.Header().Set("Retry-After", "3600")
			w.WriteHeader(status)
			_, _ = io.WriteString(w, "<html>the vendor's own words</html>")
		})
		err := c.do(t.Context())
		o.noSecrets(t, fmt.Sprintf("the error for %d", status), err)
		if incident.KindOf(err) != wants(status) {
			t.Errorf("%d: %v (%s), want %s", status, err, incident.KindOf(err), wants(status))
		}
		if err != nil && strings.Contains(err.Error(), "own words") {
			t.Errorf("%d: the error repeats what the vendor said: %v", status, err)
		}
		if n := o.faults.made(); n != 1 {
			t.Errorf("%d: %d calls, want 1: repeating is the caller's", status, n)
		}
	}
}

func (o opened[T]) honoursRateLimits(t *testing.T, c call) {
	defer o.faults.answer(nil)
	first := true
	*o.waits = nil
	o.faults.answer(func(w http.ResponseWriter, r *http.Request) {
		if first {
			first = false
			w.Header().Set("Retry-After", "2")
			w.WriteHeader(http.StatusTooManyRequests)
			return
		}
		o.faults.vendor.ServeHTTP(w, r)
	})
	if err := c.do(t.Context()); err != nil || len(*o.waits) == 0 || (*o.waits)[0] != 2*time.Second {
		t.Errorf("after a limit of 2 s: %v, waits %v", err, *o.waits)
	}
	*o.waits = nil
	o.faults.answer(func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Retry-After", "120")
		w.WriteHeader(http.StatusTooManyRequests)
	})
	if err := c.do(t.Context()); incident.KindOf(err) != incident.Unavailable || len(*o.waits) != 0 || o.faults.made() != 1 {
		t.Errorf("after a limit of 2 min: %v, waits %v, %d calls; want Unavailable at once", err, *o.waits, o.faults.made())
	}
}

func (o opened[T]) survivesSilence(t *testing.T, c call) {
	defer o.faults.answer(nil)
	unavailable := func(what string, ctx context.Context) {
		t.Helper()
		err := c.do(ctx)
		o.noSecrets(t, what, err)
		if incident.KindOf(err) != incident.Unavailable || strings.Contains(err.Error(), "own words") {
			t.Errorf("%s: %v (%s), want Unavailable that repeats nothing of the answer", what, err, incident.KindOf(err))
		}
	}
	// It hangs: the caller's time ends first.
	ctx, giveUp := context.WithCancel(t.Context())
	o.faults.answer(func(_ http.ResponseWriter, r *http.Request) {
		giveUp() // once the call has arrived
		<-r.Context().Done()
	})
	unavailable("a vendor that hangs", ctx)
	o.faults.answer(func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Length", "1000")
		_, _ = io.WriteString(w, `{"id":`)
	})
	unavailable("an answer that is cut", t.Context())
	o.faults.answer(func(w http.ResponseWriter, _ *http.Request) {
		if conn, _, err := http.NewResponseController(w).Hijack(); err == nil {
			_, _ = io.WriteString(conn, "HTTP/1.1 200 OK\r\nbad header the vendor's own words\r\n\r\n")
			conn.Close()
		}
	})
	unavailable("an answer that is not HTTP", t.Context())
	o.faults.answer(func(http.ResponseWriter, *http.Request) { panic(http.ErrAbortHandler) })
	unavailable("a connection that breaks", t.Context())
	ended, cancel := context.WithCancel(t.Context())
	cancel()
	unavailable("a caller who gave up before", ended)
}

// survivesAnswers: whatever a 200 holds, an error is one of ours, and is bounded.
func (o opened[T]) survivesAnswers(t *testing.T, c call) {
	defer o.faults.answer(nil)
	for name, body := range map[string]string{
		"nothing": "", "HTML": "<html>200 OK</html>", "another JSON": `[1,{"id":7}]`, "null": "null", "deep": strings.Repeat("[", 100_000),
		"the wrong types": `{"id":{"id":[]},"key":7,"url":false}`, "much": `{"id":"` + strings.Repeat("1", 4<<20) + `"}`, "control characters": "{\"id\":\"\u202e\\u0000\"}",
	} {
		o.faults.answer(func(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, body) })
		err := c.do(t.Context())
		o.noSecrets(t, name, err)
		if err != nil && (incident.KindOf(err) == "" || len(err.Error()) > 2000) {
			t.Errorf("%s: an error of no kind, or of %d bytes: %.300v", name, len(err.Error()), err)
		}
	}
}

func (o opened[T]) readsSecretsAgain(t *testing.T, c call) {
	for name, value := range o.secrets {
		delete(o.secrets, name)
		if err := c.do(t.Context()); incident.KindOf(err) == "" || !strings.Contains(err.Error(), name) {
			t.Errorf("without %s: %v, want an error that names it", name, err)
		}
		if err := o.check(t.Context()); err == nil || !strings.Contains(err.Error(), name) {
			t.Errorf("the check without %s: %v, want an error that names it", name, err)
		}
		o.secrets[name] = value
		if err := c.do(t.Context()); err != nil {
			t.Errorf("with %s back: %v", name, err)
		}
	}
}

// promisesOfADescriptor hold for every integration of every kind.
func promisesOfADescriptor(t *testing.T, kind integration.Kind, it integration.Type, v Vendor) {
	t.Run("its descriptor is complete", func(t *testing.T) {
		if err := integration.CheckTypes(kind, []integration.Type{it}); err != nil {
			t.Error(err)
		}
	})
	t.Run("its settings are strict", func(t *testing.T) {
		var settings []integration.Setting
		if v.Entry != nil {
			settings, _ = v.Entry("http://127.0.0.1:1")
		}
		if problems := it.CheckSettings(settings); len(problems) > 0 {
			t.Errorf("its own settings are refused: %v", problems)
		}
		unknown := append(settings[:len(settings):len(settings)], integration.Setting{Name: "noSuchSetting", Value: integration.Value{Text: "x"}})
		if problems := it.CheckSettings(unknown); !it.AnySettings && len(problems) != 1 {
			t.Errorf("an unknown setting: %v, want one problem", problems)
		}
		for i, s := range settings {
			if s.Value.Map == nil {
				continue
			}
			plain := append(append([]integration.Setting{}, settings[:i]...), settings[i+1:]...)
			plain = append(plain, integration.Setting{Name: s.Name, Value: integration.Value{Text: "the-secret-itself"}})
			if problems := it.CheckSettings(plain); len(problems) != 1 || strings.Contains(problems[0].Error(), "the-secret-itself") {
				t.Errorf("%s written out: %v, want one problem that does not repeat it", s.Name, problems)
			}
		}
	})
}
