package inventory

import (
	"fmt"

	"github.com/opsguard/opsguard/pkg/integration"
)

// FitsAWS refuses targets that can be worked on only from the machine that OpsGuard runs
// on, and lockfiles that lie there: a Lambda function has no such machine. Every one is named. Services whose type of
// target is not among types are not looked at.
func (inv *Inventory) FitsAWS(types integration.Types) error {
	var found problems
	for _, svc := range inv.Services() {
		if of, known := integration.Find(types[integration.Executors], svc.Target.Type); known && of.OneMachine {
			what := fmt.Sprintf("a target of type %s is the machine that OpsGuard runs on, and on AWS it runs on none of yours; "+
				"use another type, or run OpsGuard on that machine with: opsguard serve", of.Name)
			found = append(found, problem{0, "services." + svc.Name + ".target", what})
		}
		for _, d := range svc.Dependencies {
			if d.Path != "" {
				what := "the file " + quote(d.Path) + " is on no machine that OpsGuard runs on in AWS; give its url, or the image whose registry keeps an SBOM"
				found = append(found, problem{0, "services." + svc.Name + ".dependencies", what})
			}
		}
	}
	if len(found) == 0 {
		return nil
	}
	return found
}
