package steps_test

import (
	"errors"
	"slices"
	"testing"

	"github.com/opsguard/opsguard/pkg/incident"
)

// errTaskClosed is what a workflow says of a token that nothing waits on.
var errTaskClosed = incident.Fail(incident.Conflict, incident.CodeTaskClosed, "nothing waits on this token")

// triedTokens is which tokens a delivery was tried with, in order.
func (w *world) triedTokens() (tokens []incident.TaskToken) {
	for _, d := range w.workflow.delivered {
		tokens = append(tokens, d.Token)
	}
	return tokens
}

func TestATokenThatWasReplacedMeanwhileIsFollowed(t *testing.T) {
	w := newWorld(t)
	ref := w.asked("api")
	newer := incident.NewTaskToken("newer")
	w.workflow.onDeliver = func(token incident.TaskToken) error {
		if token == newer {
			return nil
		}
		// The wait was retried between the look and the call. Only the token changes
		// here; what that step itself delivers is another test's.
		w.mustAwait(ref, newer, 1)
		return errTaskClosed
	}
	out, err := w.vote(ref, incident.Approve, incident.KeyActor("anna"))
	if err != nil || out.Decision == nil {
		t.Fatalf("%+v %v", out, err)
	}
	if got := w.triedTokens(); !slices.Equal(got, []incident.TaskToken{tokenOf(ref), newer}) {
		t.Errorf("tried %d tokens", len(got))
	}
}

// mustAwait stores a newer token as wait-for-approval would.
func (w *world) mustAwait(ref incident.Ref, token incident.TaskToken, retries int64) {
	w.Helper()
	c, err := w.load(ref).Await(incident.Ask{Token: token, EnteredAt: epoch, RetryCount: retries, Now: w.clock.now()})
	if err == nil {
		err = w.store.Commit(w.Context(), c)
	}
	if err != nil {
		w.Fatal(err)
	}
}

// Then the rest is the workflow's: its own timeout leads on.
func TestATokenThatIsClosedAndStillTheOneStoredIsNotTriedAgain(t *testing.T) {
	w := newWorld(t)
	ref := w.asked("api")
	w.workflow.onDeliver = func(incident.TaskToken) error { return errTaskClosed }
	out, err := w.vote(ref, incident.Approve, incident.KeyActor("anna"))
	if err != nil || out.Decision == nil || len(w.workflow.delivered) != 1 {
		t.Errorf("%+v %v, %d tries", out, err, len(w.workflow.delivered))
	}
	if err := w.delivery().Deliver(t.Context(), w.load(ref)); err != nil {
		t.Errorf("closed counts as delivered: %v", err)
	}
}

func TestDeliveringToNobodyIsNoFailure(t *testing.T) {
	w := newWorld(t)
	a := alert("api", "k")
	ref := w.sent(a)
	if _, err := w.recovered(a); err != nil {
		t.Fatal(err)
	}
	if err := w.delivery().Deliver(t.Context(), w.load(ref)); err != nil || len(w.workflow.delivered) > 0 {
		t.Errorf("%v, %d tries", err, len(w.workflow.delivered))
	}
}

func TestADeliveryThatFailsSaysSo(t *testing.T) {
	w := newWorld(t)
	inc := w.load(w.approved("api"))
	w.workflow.onDeliver = func(incident.TaskToken) error { return errWire }
	wantCode(t, "the workflow fails", w.delivery().Deliver(t.Context(), inc), incident.CodeUnavailable)
	w.workflow.onDeliver = nil
	w.store.onWait = func(func() (incident.Wait, error)) (incident.Wait, error) { return incident.Wait{}, errWire }
	if err := w.delivery().Deliver(t.Context(), inc); !errors.Is(err, errWire) {
		t.Errorf("the store fails: %v", err)
	}
}

// Tokens that are replaced again and again are each tried once.
func TestEveryTokenIsTriedOnce(t *testing.T) {
	w := newWorld(t)
	ref := w.approved("api")
	w.workflow.delivered = nil
	retries := int64(0)
	w.workflow.onDeliver = func(incident.TaskToken) error {
		if retries++; retries <= 3 {
			w.mustAwait(ref, incident.NewTaskToken(string(rune('a'+retries))), retries)
		}
		return errTaskClosed
	}
	if err := w.delivery().Deliver(t.Context(), w.load(ref)); err != nil {
		t.Fatal(err)
	}
	tried := w.triedTokens()
	for i, token := range tried {
		if slices.Contains(tried[:i], token) {
			t.Errorf("token %d was tried again", i)
		}
	}
	if len(tried) != 4 {
		t.Errorf("tried %d tokens, want 4", len(tried))
	}
}
