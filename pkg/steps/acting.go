package steps

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/opsguard/opsguard/pkg/incident"
	"github.com/opsguard/opsguard/pkg/integration"
)

// Teller words what an executor that calls a vendor did and saw.
type Teller struct{ Now func() time.Time }

// Told is what people may read of an error: ours says what is wrong, another may hold
// anything.
func Told(err error) string {
	var known *incident.Error
	if errors.As(err, &known) {
		return known.Message
	}
	return "it failed; the log says why"
}

// Step is one step at the present time; status as in incident.FixStep.
func (t Teller) Step(name, status, format string, args ...any) incident.FixStep {
	return incident.FixStep{Name: name, Status: status, Detail: fmt.Sprintf(format, args...), At: incident.Stamp(t.Now())}
}

// Refused ends an action of which it is certain that it changed nothing.
func (t Teller) Refused(name, format string, args ...any) Acted {
	return Acted{Outcome: incident.Failed, Steps: []incident.FixStep{t.Step(name, "failed", format+"; nothing was changed", args...)}}
}

// Took is an action that the target has taken.
func (t Teller) Took(name string, receipt incident.State, format string, args ...any) Acted {
	return Acted{Receipt: receipt, Steps: []incident.FixStep{t.Step(name, "ok", format, args...)}}
}

// Ended judges a call that was to change something and ended in err.
func (t Teller) Ended(name string, a integration.Answer, err error) Acted {
	if a.Untouched(err) {
		return t.Refused(name, "%s", err.Error())
	}
	return t.Unsure(name, "%s", err.Error())
}

// Unsure ends an action of which nobody can say whether it was taken.
func (t Teller) Unsure(name, format string, args ...any) Acted {
	return Acted{Outcome: incident.Unknown, Steps: []incident.FixStep{
		t.Step(name, "failed", format+"; it may have been taken all the same", args...)}}
}

// Late refuses to begin once ctx has ended; false while there is time.
func (t Teller) Late(ctx context.Context, name string) (Acted, bool) {
	if ctx.Err() == nil {
		return Acted{}, false
	}
	return t.Refused(name, "the time was up, or the step was called off, before it was begun"), true
}

// Saw is what Verify answers.
func (t Teller) Saw(phase Phase, format string, args ...any) Sight {
	status := "ok"
	switch phase {
	case Settling:
		status = "skipped"
	case NotVerified:
		status = "failed"
	}
	return Sight{Phase: phase, Steps: []incident.FixStep{t.Step("verify", status, format, args...)}}
}
