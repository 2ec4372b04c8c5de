package awsapi

import (
	"context"
	"fmt"
	"slices"
	"strconv"
	"time"

	"github.com/opsguard/opsguard/pkg/incident"
	"github.com/opsguard/opsguard/pkg/integration"
	"github.com/opsguard/opsguard/pkg/steps"
)

// Fix is one fix on one target.
type Fix struct {
	ID string
	// Reads are the rights that looking and verifying need, in the form of a plan's Rights.
	// They are part of the plan's rights too.
	Reads []string
	Look  func(ctx context.Context, s *Session, p incident.Proposal) (incident.State, error)
	// Plan is pure. Of the draft's Rights it names only those to change.
	Plan func(present incident.State, p incident.Proposal) (incident.Draft, error)
	// Act makes its one change by Session.Change, and returns the receipt and what was done,
	// in a sentence. An error before the change, and a refusal of it, change nothing.
	Act    func(ctx context.Context, s *Session, o steps.Order) (incident.State, string, error)
	Verify func(ctx context.Context, s *Session, o steps.Order) (Seen, error)
	// Undo is as Act; nil where the fix cannot be undone.
	Undo func(ctx context.Context, s *Session, o steps.Order) (incident.State, string, error)
}

// Seen is how far a fix has come, and the sentence that says so.
type Seen struct {
	Phase steps.Phase
	Why   string
}

// Verified is what a Fix's Verify returns for a target that is as wanted.
func Verified(format string, args ...any) (Seen, error) {
	return Seen{steps.Verified, fmt.Sprintf(format, args...)}, nil
}

// Settling is what a Fix's Verify returns while the fix is under way.
func Settling(format string, args ...any) (Seen, error) {
	return Seen{steps.Settling, fmt.Sprintf(format, args...)}, nil
}

// NotVerified is what a Fix's Verify returns where nothing is under way any more, and the
// target is not as wanted.
func NotVerified(format string, args ...any) (Seen, error) {
	return Seen{steps.NotVerified, fmt.Sprintf(format, args...)}, nil
}

// Executor implements steps.Executor by the fixes of one target. It may be used
// concurrently.
type Executor struct {
	env    integration.Env
	target Target
	fixes  []Fix
}

// New makes the executor of a target. It makes no call.
func New(env integration.Env, t Target, fixes ...Fix) *Executor { return &Executor{env, t, fixes} }

func (e *Executor) fix(id string) (Fix, error) {
	i := slices.IndexFunc(e.fixes, func(f Fix) bool { return f.ID == id })
	if i < 0 {
		return Fix{}, incident.BadField("fixId", "%s cannot be done on this target", id)
	}
	return e.fixes[i], nil
}

// Look implements steps.Executor.
func (e *Executor) Look(ctx context.Context, p incident.Proposal) (incident.State, error) {
	fix, err := e.fix(p.FixID)
	if err != nil {
		return nil, err
	}
	s, err := Open(ctx, e.env, e.target, fix.Reads, e.target.ToPlan())
	if err != nil {
		return nil, err
	}
	return fix.Look(ctx, s, p)
}

// Plan implements steps.Executor.
func (e *Executor) Plan(present incident.State, p incident.Proposal) (incident.Draft, error) {
	fix, err := e.fix(p.FixID)
	if err != nil {
		return incident.Draft{}, err
	}
	draft, err := fix.Plan(present, p)
	if err != nil {
		return incident.Draft{}, err
	}
	draft.Present = present
	draft.Rights = slices.Concat(fix.Reads, draft.Rights)
	if _, err := e.target.Policy(draft.Rights); err != nil {
		return incident.Draft{}, err
	}
	return draft, nil
}

// Act implements steps.Executor.
func (e *Executor) Act(ctx context.Context, o steps.Order) steps.Acted {
	fix, err := e.fix(o.Plan.FixID)
	if err != nil {
		return e.ended(incident.Failed, o.Plan.FixID, steps.Told(err)+"; nothing was changed")
	}
	return e.change(ctx, o, o.Plan.FixID, fix.Act)
}

// Undo implements steps.Executor.
func (e *Executor) Undo(ctx context.Context, o steps.Order) steps.Acted {
	fix, err := e.fix(o.Plan.FixID)
	if err != nil || fix.Undo == nil || !o.Plan.Undo.Possible() {
		return e.ended(incident.Failed, "undo", "this fix cannot be undone; nothing was changed")
	}
	return e.change(ctx, o, "undo", fix.Undo)
}

// change opens a session with the rights of the plan, and of nothing else, and lets it do
// the one change.
func (e *Executor) change(ctx context.Context, o steps.Order, name string,
	do func(context.Context, *Session, steps.Order) (incident.State, string, error)) steps.Acted {
	if ctx.Err() != nil {
		return e.ended(incident.Failed, name, "the time was up before it began; nothing was changed")
	}
	s, err := Open(ctx, e.env, e.target, o.Plan.Rights, e.target.ToChange(o))
	if err != nil {
		return e.ended(incident.Failed, name, steps.Told(err)+"; nothing was changed")
	}
	receipt, did, err := do(ctx, s, o)
	switch {
	case err != nil && s.sent:
		return e.ended(incident.Unknown, name, steps.Told(err)+"; whether anything was changed is not known")
	case err != nil:
		return e.ended(incident.Failed, name, steps.Told(err)+"; nothing was changed")
	case !s.taken:
		return e.ended(incident.Failed, name, "nothing was asked of the target; nothing was changed")
	}
	return steps.Acted{Receipt: receipt, Steps: []incident.FixStep{e.step(name, "ok", did)}}
}

// Verify implements steps.Executor. Its session may only read.
func (e *Executor) Verify(ctx context.Context, o steps.Order) (steps.Sight, error) {
	fix, err := e.fix(o.Plan.FixID)
	if err != nil {
		return steps.Sight{}, err
	}
	s, err := Open(ctx, e.env, e.target, fix.Reads, e.target.ToVerify(o))
	if err != nil {
		return steps.Sight{}, err
	}
	seen, err := fix.Verify(ctx, s, o)
	if incident.KindOf(err) == incident.NotFound { // it was there when the fix began
		seen, err = s.NotShown(o, steps.Told(err)), nil
	}
	if err != nil {
		return steps.Sight{}, err
	}
	status := "ok"
	if seen.Phase == steps.NotVerified {
		status = "failed"
	}
	return steps.Sight{Phase: seen.Phase, Steps: []incident.FixStep{e.step("verify", status, seen.Why)}}, nil
}

func (e *Executor) ended(outcome incident.Outcome, name, why string) steps.Acted {
	return steps.Acted{Outcome: outcome, Steps: []incident.FixStep{e.step(name, "failed", why)}}
}

func (e *Executor) step(name, status, detail string) incident.FixStep {
	return incident.FixStep{Name: name, Status: status, Detail: detail, At: incident.Stamp(e.env.Now())}
}

// Change makes the one call that changes the target, and keeps what is certain of it.
func (s *Session) Change(ctx context.Context, call func() error) error {
	if ctx.Err() != nil {
		return incident.Unavail("the time was up before the call was made", nil)
	}
	s.sent = true
	err := call()
	switch {
	case err == nil:
		s.taken = true
	case certain(err):
		s.sent = false
	}
	return err
}

// visible is how long after a call what AWS describes may still be the state before it:
// the services are eventually consistent, usually within seconds.
const visible = 2 * time.Minute

// NotShown is what to make of a target that does not show what was asked of it: nothing
// yet, then that the fix is not there.
func (s *Session) NotShown(o steps.Order, why string) Seen {
	if s.Now().Before(o.Since().Add(visible)) {
		return Seen{steps.Settling, why + "; it may not be visible yet"}
	}
	return Seen{steps.NotVerified, why}
}

// Int reads a whole number of a state or of parameters. Invalid where there is none.
func Int(s map[string]string, name string) (int, error) {
	n, err := strconv.Atoi(s[name])
	if err != nil {
		return 0, incident.Bad("%s is not known as a whole number", name)
	}
	return n, nil
}
