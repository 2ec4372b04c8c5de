package steps_test

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"sync"
	"testing"

	"github.com/opsguard/opsguard/pkg/incident"
	"github.com/opsguard/opsguard/pkg/steps"
)

// signing is lines whose requests have a name, and which may have to be greeted first.
type signing struct {
	lines
	parsed  *int
	greeted func(r steps.Request) (bool, error) // nil: never
}

func (s signing) Delivery(r steps.Request) string { return r.Header.Get("X-Delivery") }

func (s signing) Greet(_ context.Context, r steps.Request) (bool, error) {
	if s.greeted == nil {
		return false, nil
	}
	return s.greeted(r)
}

func (s signing) Parse(ctx context.Context, r steps.Request) (steps.Batch, error) {
	*s.parsed++
	return s.lines.Parse(ctx, r)
}

// counted is an ingest that counts, and fails as long as it is told to.
type counted struct {
	mu    sync.Mutex
	taken int
	fails error
}

func (c *counted) Handle(context.Context, steps.IngestInput) (steps.Ingested, error) {
	if c.fails != nil {
		return steps.Ingested{}, c.fails
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	c.taken++
	return steps.Ingested{IncidentID: "INC-1"}, nil
}

type receiver struct {
	*testing.T
	steps.ReceiveAlerts
	ingest *counted
	source signing
	parsed int
}

func newReceiver(t *testing.T) *receiver {
	r := &receiver{T: t, ingest: &counted{}}
	r.source = signing{lines: lines{"secret"}, parsed: &r.parsed}
	r.ReceiveAlerts = steps.ReceiveAlerts{Sources: map[string]steps.Source{}, Ingest: r.ingest, Services: nobody{},
		Seen: steps.NewDeliveries(), Log: slog.New(slog.DiscardHandler)}
	return r
}

func (r *receiver) send(source, delivery, body string) (steps.Received, error) {
	r.Helper()
	r.Sources["one"], r.Sources["two"] = r.source, r.source
	return r.Handle(r.Context(), source, steps.Request{Header: http.Header{"X-Key": {"secret"}, "X-Delivery": {delivery}},
		Body: []byte(body)})
}

// sends sends and says how many alerts were taken and whether it was a copy.
func (r *receiver) sends(source, delivery, body string, taken int, again bool) {
	r.Helper()
	before := r.ingest.taken
	got, err := r.send(source, delivery, body)
	if err != nil || got.Again != again || len(got.Taken) != taken || r.ingest.taken != before+taken {
		r.Errorf("%s/%s: %d taken, again %v, %v; want %d, %v", source, delivery, r.ingest.taken-before, got.Again, err, taken, again)
	}
	if got.By != incident.SourceActor(source) {
		r.Errorf("it is said to be by %q", got.By)
	}
}

func TestACopyOfASignedRequestDoesNothing(t *testing.T) {
	r := newReceiver(t)
	r.sends("one", "d1", "ab", 2, false)
	r.sends("one", "d1", "ab", 0, true)
	r.sends("one", "d1", "abc", 0, true) // its name is what counts; the signature covers both
	if r.parsed != 1 {
		t.Errorf("it was read %d times", r.parsed)
	}
	r.sends("one", "d2", "ab", 2, false)
	r.sends("two", "d1", "ab", 2, false) // another sender's
	r.sends("one", "", "a", 1, false)    // without a name
	r.sends("one", "", "a", 1, false)
	r.sends("one", "d3", "", 0, false) // no alert
	r.sends("one", "d3", "", 0, true)
}

func TestACopyThatIsNotTheSendersIsRefused(t *testing.T) {
	r := newReceiver(t)
	r.sends("one", "d1", "a", 1, false)
	got, err := r.Handle(t.Context(), "one", steps.Request{Header: http.Header{"X-Delivery": {"d1"}}, Body: []byte("a")})
	if incident.KindOf(err) != incident.Forbidden || got.Again {
		t.Errorf("%+v, %v; want Forbidden, which tells nothing about what was taken", got, err)
	}
	if _, err := r.Handle(t.Context(), "one", steps.Request{Header: http.Header{"X-Delivery": {"d2"}},
		Body: []byte("a")}); incident.KindOf(err) != incident.Forbidden {
		t.Errorf("%v", err)
	}
	r.sends("one", "d2", "a", 1, false) // a forged one does not keep the sender's own out
}

func TestAnAttemptThatFailedMayBeRepeated(t *testing.T) {
	r := newReceiver(t)
	for _, body := range []string{"!", "xx"} { // nothing can be read, nothing can be kept
		for range 2 {
			if got, err := r.send("one", "d"+body, body); incident.KindOf(err) != incident.Invalid || got.Again {
				t.Errorf("%s: %+v, %v", body, got, err)
			}
		}
	}
	r.ingest.fails = incident.Unavail("the store does not answer", nil)
	if got, err := r.send("one", "d1", "ab"); incident.KindOf(err) != incident.Unavailable || got.Again {
		t.Errorf("while the store is away: %+v, %v", got, err)
	}
	r.ingest.fails = nil
	r.sends("one", "d1", "ab", 2, false)
	r.sends("one", "d1", "ab", 0, true)
}

func TestARequestThatWasTakenInPartIsNotTakenAgain(t *testing.T) {
	r := newReceiver(t)
	if got, err := r.send("one", "d1", "axb"); err != nil || len(got.Taken) != 2 || len(got.Refused) != 1 {
		t.Fatalf("%+v, %v", got, err)
	}
	r.sends("one", "d1", "axb", 0, true)
}

func TestWithoutAMemoryEveryRequestIsTaken(t *testing.T) {
	r := newReceiver(t)
	r.Seen = nil
	r.sends("one", "d1", "a", 1, false)
	r.sends("one", "d1", "a", 1, false)
}

func TestWhatIsRememberedIsBoundedAndTheNewestIsKept(t *testing.T) {
	const kept = 8192
	r := newReceiver(t)
	for i := range 2*kept + 1 {
		r.sends("one", fmt.Sprintf("d%d", i), "", 0, false)
	}
	for _, i := range []int{kept + 1, 2 * kept} {
		r.sends("one", fmt.Sprintf("d%d", i), "", 0, true)
	}
	r.sends("one", "d0", "", 0, false) // 16,384 at most are remembered
}

func TestASenderThatAsksFirstIsAnsweredAndNothingIsRead(t *testing.T) {
	r := newReceiver(t)
	asked, failure := 0, error(nil)
	r.source.greeted = func(req steps.Request) (bool, error) {
		asked++
		return string(req.Body) == "hello", failure
	}
	for range 2 { // it may ask again
		r.sends("one", "d1", "hello", 0, false)
	}
	if asked != 2 || r.parsed != 0 {
		t.Errorf("asked %d times, read %d times", asked, r.parsed)
	}
	r.sends("one", "d1", "ab", 2, false)
	r.sends("one", "d1", "ab", 0, true)
	if asked != 3 {
		t.Errorf("a copy was asked about: %d", asked)
	}
	failure = errors.New("the address does not answer")
	if got, err := r.send("one", "d2", "hello"); !errors.Is(err, failure) || len(got.Taken) != 0 || r.parsed != 1 {
		t.Errorf("a greeting that fails: %+v, %v", got, err)
	}
	if _, err := r.Handle(t.Context(), "one", steps.Request{Body: []byte("hello")}); incident.KindOf(err) != incident.Forbidden ||
		asked != 4 {
		t.Errorf("somebody else is greeted: %v, asked %d times", err, asked)
	}
}
