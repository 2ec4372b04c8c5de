package steps

import (
	"context"

	"github.com/opsguard/opsguard/pkg/incident"
)

// Investigate is investigate: it is where findings beside the alert will be gathered,
// before anybody judges. So far it gathers none.
type Investigate struct{}

// InvestigateOutput counts what was found.
type InvestigateOutput struct {
	Findings int `json:"findings"`
}

// Handle gathers findings.
func (Investigate) Handle(context.Context, incident.Ref) (InvestigateOutput, error) {
	return InvestigateOutput{}, nil
}
