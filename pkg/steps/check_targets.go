package steps

import (
	"context"

	"github.com/opsguard/opsguard/pkg/catalog"
	"github.com/opsguard/opsguard/pkg/incident"
	"github.com/opsguard/opsguard/pkg/inventory"
)

// TargetCheck is whether one fix could be done on a service's target as it is now.
type TargetCheck struct {
	Service string
	FixID   string
	Plan    incident.Plan // what would be done; the zero value where Problem is said
	Problem string        // what is in the way; "" if nothing is
}

// CheckTargets looks at the target of each service and plans each fix that the service
// allows, with its default parameters. It changes nothing. So what is wrong with a target
// (it is not there, denies access, has nothing to roll back to) is known before an alert.
func CheckTargets(ctx context.Context, executors Executors, inv *inventory.Inventory) []TargetCheck {
	var all []TargetCheck
	for _, svc := range inv.Services() {
		for _, id := range svc.Fixes {
			c := TargetCheck{Service: svc.Name, FixID: id}
			limited, cancel := context.WithTimeout(ctx, maxPlan)
			plan, err := planned(limited, executors, svc, id)
			cancel()
			if err != nil {
				c.Problem = Told(err)
			} else {
				c.Plan = plan
			}
			all = append(all, c)
		}
	}
	return all
}

// nobody is the incident of a plan that is only looked at.
func nobody() incident.Ref {
	return incident.Ref{Tenant: incident.DefaultTenant, ID: "INC-00000000000000000000000000"}
}

func planned(ctx context.Context, executors Executors, svc inventory.Service, fixID string) (incident.Plan, error) {
	p, err := catalog.Propose(svc.Fixes, fixID, nil)
	if err != nil {
		return incident.Plan{}, err
	}
	bare, err := catalog.Build(nobody(), svc.Fixes, svc.Target, p)
	if err != nil {
		return incident.Plan{}, err
	}
	return draft(ctx, executors, nobody(), bare)
}
