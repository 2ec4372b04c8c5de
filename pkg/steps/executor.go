package steps

import (
	"context"
	"time"

	"github.com/opsguard/opsguard/pkg/incident"
)

// Executor changes one target. Which fixes it can do is in its description; it is opened
// for the target of one service. None of its methods waits for a rollout.
type Executor interface {
	// Look reads what matters of the target for a fix, and never changes anything. The
	// state is small and says only what the fix depends on: whatever else changes on the
	// target is no drift. It says so by an error where the fix cannot be done: NotFound or
	// Invalid, with what is in the way and what to do; Unavailable when looking may work
	// later.
	Look(ctx context.Context, p incident.Proposal) (incident.State, error)
	// Plan says what the fix would do to a target in that state. It is pure: the same
	// state and proposal give the same draft. Invalid says why it cannot be done.
	Plan(present incident.State, p incident.Proposal) (incident.Draft, error)
	// Act does the fix, once, and returns as soon as the target has taken it. Where the
	// target can be made to refuse if it is no longer in the state of the plan, it must be.
	Act(ctx context.Context, o Order) Acted
	// Verify looks how far the fix, or its undoing, has come, and never changes anything.
	// An error says that it could not look; it is asked again.
	Verify(ctx context.Context, o Order) (Sight, error)
	// Undo does what the plan says under Undo, once. It must find the target as the fix
	// made it, else it changes nothing and says Failed.
	Undo(ctx context.Context, o Order) Acted
}

// Order is a fix that was approved.
type Order struct {
	Ref  incident.Ref
	Plan incident.Plan
	By   incident.Actor // who approved it
	// Key is the idempotency key: the same for each call about this fix, another one for
	// its undoing.
	Key string
	// Undoing reports that the order is to undo the fix, or to look how far that has come.
	Undoing   bool
	StartedAt time.Time // of the attempt, or of its undoing
	ActedAt   time.Time // when the target was known to have taken it; zero until then
	// Receipt is what Act, or Undo, has answered. It is empty where that call was never
	// heard of again.
	Receipt incident.State
	// Fix is Act's receipt, also while it is undone.
	Fix incident.State
}

// Since is from when the target may show it: since it took it, or where that was not heard,
// since it was claimed.
func (o Order) Since() time.Time {
	if o.ActedAt.IsZero() {
		return o.StartedAt
	}
	return o.ActedAt
}

// Was is what was at the target before: the plan's present state, or while the fix is
// undone what the fix wanted.
func (o Order) Was() incident.State {
	if o.Undoing {
		return o.Plan.Wanted
	}
	return o.Plan.Present
}

// Wants is what is to be there afterwards.
func (o Order) Wants() incident.State {
	if o.Undoing {
		return o.Plan.Undo.Wanted
	}
	return o.Plan.Wanted
}

// Acted is what can be said once the target has taken a fix, or has not.
type Acted struct {
	// Outcome is "" where the target has taken it: Verify tells the rest. Failed: it is
	// certain that nothing was changed. Unknown: it may have been. Simulated: it was
	// walked through, and there is nothing to wait for.
	Outcome incident.Outcome
	Receipt incident.State // what Verify needs to find it again; small
	Steps   []incident.FixStep
}

// Sight is what Verify saw.
type Sight struct {
	Phase Phase
	Steps []incident.FixStep

	blind bool // the target could not be looked at
}

// Phase is how far a fix has come.
type Phase string

const (
	Settling Phase = "settling" // it is under way; to be looked at again
	Verified Phase = "verified" // the target is as wanted
	// NotVerified: nothing is under way any more, and the target is not as wanted.
	NotVerified Phase = "not_verified"
)

// Executors opens the executor of a target.
type Executors interface {
	// For returns the executor of the target's type. Invalid: there is none, or it does
	// not take the target's attributes.
	For(target incident.Target) (Executor, error)
	// Digest is that of the executor's own description of a fix; Invalid where it does not
	// do that fix.
	Digest(target incident.Target, fixID string) (string, error)
}
