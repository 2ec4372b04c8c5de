package steps

import (
	"context"
	"errors"

	"github.com/opsguard/opsguard/pkg/incident"
)

// ErrorName is the name under which Retry and Catch know a step's error: its
// kind, whatever it is wrapped in, or for an error out of no vocabulary of ours
// "Unexpected". The two refusals of execute-fix that are worth telling apart in
// an execution's history have names of their own. A step's own time limit is
// Unavailable.
func ErrorName(err error) string {
	switch code := incident.CodeOf(err); code {
	case incident.CodeApprovalStale, incident.CodePlanStale, incident.CodeTargetBusy, incident.CodeRecovered:
		return refusalNames[code]
	}
	if kind := incident.KindOf(err); kind != "" {
		return string(kind)
	}
	if errors.Is(err, context.DeadlineExceeded) || errors.Is(err, context.Canceled) {
		return string(incident.Unavailable)
	}
	return "Unexpected"
}

var refusalNames = map[incident.Code]string{
	incident.CodeApprovalStale: "ApprovalStale",
	incident.CodePlanStale:     "PlanStale",
	incident.CodeTargetBusy:    "TargetBusy",
	incident.CodeRecovered:     "Recovered",
}
