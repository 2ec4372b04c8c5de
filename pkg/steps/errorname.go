package steps

import (
	"context"
	"errors"

	"github.com/opsguard/opsguard/pkg/incident"
)

// ErrorName is the name under which Retry and Catch know a step's error: its
// kind, whatever it is wrapped in, or for an error out of no vocabulary of ours
// "Unexpected". What execute-fix answers before it has claimed anything has names
// of its own: NameTargetBusy and NameNotStarted are retried, the refusals are told
// apart in an execution's history. A step's own time limit is Unavailable.
func ErrorName(err error) string {
	if name, ok := unclaimed[incident.CodeOf(err)]; ok {
		return name
	}
	if kind := incident.KindOf(err); kind != "" {
		return string(kind)
	}
	if errors.Is(err, context.DeadlineExceeded) || errors.Is(err, context.Canceled) {
		return string(incident.Unavailable)
	}
	return "Unexpected"
}

// What a call of execute-fix answers that has claimed nothing and done nothing, so
// that calling again is safe: the state machine's Retry names these two.
const (
	NameTargetBusy = "TargetBusy" // another fix holds the target
	NameNotStarted = "NotStarted" // the store failed before the claim
)

// unclaimed names what execute-fix answers where it has claimed nothing.
var unclaimed = map[incident.Code]string{
	incident.CodeTargetBusy:    NameTargetBusy,
	incident.CodeNotStarted:    NameNotStarted,
	incident.CodeApprovalStale: "ApprovalStale",
	incident.CodePlanStale:     "PlanStale",
	incident.CodeRecovered:     "Recovered",
	incident.CodeStopped:       "Stopped",
}
