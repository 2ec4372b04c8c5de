package steps_test

import (
	"context"
	"errors"
	"fmt"
	"testing"

	"github.com/opsguard/opsguard/pkg/incident"
	"github.com/opsguard/opsguard/pkg/steps"
)

// Without a name of its own a wrapped error reaches Retry and Catch as wrapError.
func TestAnErrorKeepsItsNameWhateverItIsWrappedIn(t *testing.T) {
	fail := func(kind incident.Kind, code incident.Code) error { return incident.Fail(kind, code, "m") }
	for _, c := range []struct {
		want string
		err  error
	}{
		{"NotFound", fail(incident.NotFound, incident.CodeNotFound)},
		{"Conflict", fail(incident.Conflict, incident.CodeVersion)},
		{"Conflict", fail(incident.Conflict, incident.CodeTokenOlder)},
		{"Conflict", fail(incident.Conflict, incident.CodeRefused)},
		{"Conflict", fail(incident.Conflict, incident.CodeTransition)},
		{"Invalid", incident.BadField("taskToken", "m")},
		{"Forbidden", fail(incident.Forbidden, incident.CodeNotApproved)},
		{"Expired", fail(incident.Expired, incident.CodeExpired)},
		{"Unavailable", incident.Unavail("m", errors.New("cause"))},
		{"Unavailable", incident.Unavail("m", context.Canceled)},
		{"ApprovalStale", fail(incident.Expired, incident.CodeApprovalStale)},
		{"PlanStale", fail(incident.Conflict, incident.CodePlanStale)},
		{"TargetBusy", fail(incident.Conflict, incident.CodeTargetBusy)},
		{"NotStarted", fail(incident.Unavailable, incident.CodeNotStarted)},
		{"Recovered", fail(incident.Conflict, incident.CodeRecovered)},
		{"Unavailable", context.DeadlineExceeded},
		{"Unavailable", context.Canceled},
		{"Unexpected", errors.New("Unavailable")},
	} {
		for how, err := range map[string]error{
			"bare": c.err, "wrapped": fmt.Errorf("load: %w", c.err), "twice": fmt.Errorf("a: %w", fmt.Errorf("b: %w", c.err)),
			"joined": errors.Join(errors.New("and"), c.err),
		} {
			if got := steps.ErrorName(err); got != c.want {
				t.Errorf("%v, %s: named %s, want %s", c.err, how, got, c.want)
			}
		}
	}
}
