package waitforapproval

import (
	"context"
	"time"

	"github.com/opsguard/opsguard/pkg/incident"
	"github.com/opsguard/opsguard/pkg/steps"
)

// askingAgain is what asking once more may take: 15 s for all channels together, as
// steps.People bounds it, and the rest for the table.
const askingAgain = 20 * time.Second

// Step is wait-for-approval as its function runs it. A function has no later: whoever
// could not be told is told by reconcile, minutes after. A critical incident is worth
// the function's own time, so Step waits for a channel that says when its limit is over.
type Step struct {
	steps.WaitForApproval
	After func(time.Duration) <-chan time.Time // time.After, or a test's
}

// Handle implements the step. A wait that does not end askingAgain before the function
// does, or that is over only when nobody can decide any more, is reconcile's. So is
// whoever cannot be told the second time either.
func (s Step) Handle(ctx context.Context, in steps.WaitInput) error {
	var wait time.Duration // what the channel asked for; 0: nobody is asked again here
	s.People.Later = func(inc incident.Incident, after time.Duration) {
		if inc.Severity == incident.Critical && s.fits(ctx, after) && s.Now().Add(after).Before(inc.Asked.Deadline) {
			wait = after
		}
	}
	if err := s.WaitForApproval.Handle(ctx, in); err != nil || wait <= 0 {
		return err
	}
	select {
	case <-s.After(wait):
	case <-ctx.Done():
		return nil
	}
	s.People.Later = nil
	inc, err := s.Store.Load(ctx, in.Ref)
	if err == nil {
		err = s.People.Ask(ctx, inc) // it tells nobody of an incident that waits no longer
	}
	if err != nil {
		s.Log.WarnContext(ctx, "people could not be told after their channel's limit; reconcile tries again",
			"incidentId", in.ID, "error", err.Error())
	}
	return nil
}

func (s Step) fits(ctx context.Context, wait time.Duration) bool {
	end, known := ctx.Deadline() // Lambda's
	return known && end.Sub(s.Now()) >= wait+askingAgain
}
