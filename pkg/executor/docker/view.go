package docker

import (
	"context"
	"time"

	"github.com/opsguard/opsguard/pkg/incident"
	"github.com/opsguard/opsguard/pkg/steps"
)

// minUp is how long a container without a health check must have run to count as well:
// one that ends at its start would otherwise be seen running.
const minUp = 10 * time.Second

// view is one look at how far a fix has come.
type view struct {
	ctx     context.Context
	s       session
	now     time.Time
	order   steps.Order
	told    []incident.FixStep
	settles bool
	never   bool
}

// phase is the worst that was seen.
func (v *view) phase() steps.Phase {
	switch {
	case v.never || len(v.told) == 0:
		return steps.NotVerified
	case v.settles:
		return steps.Settling
	}
	return steps.Verified
}

func (v *view) saw(phase steps.Phase, name, detail string) {
	status := ok
	if phase != steps.Verified {
		status = failed
	}
	v.never = v.never || phase == steps.NotVerified
	v.settles = v.settles || phase == steps.Settling
	v.told = append(v.told, incident.FixStep{Name: name, Status: status, Detail: detail, At: incident.Stamp(v.now)})
}

// notYet is the phase of what is not as wanted: nothing more comes where the work stopped
// before its end.
func (v *view) notYet() steps.Phase {
	if v.order.Receipt[complete] == "no" {
		return steps.NotVerified
	}
	return steps.Settling
}

// runs tells whether a container is up and well.
func (v *view) runs(c container) {
	s := c.State
	byItself := c.HostConfig.RestartPolicy.Name != "" && c.HostConfig.RestartPolicy.Name != "no"
	switch {
	case s.Restarting:
		v.saw(steps.Settling, c.Name, "it ends again and again, and the engine restarts it")
	case !s.Running && byItself:
		v.saw(v.notYet(), c.Name, "it does not run")
	case !s.Running:
		v.saw(steps.NotVerified, c.Name, "it does not run, and the engine does not restart it")
	case s.Health != nil && s.Health.Status != "none" && s.Health.Status != "" && s.Health.Status != "healthy":
		v.saw(steps.Settling, c.Name, "it runs, and its health check does not pass yet")
	case s.Health != nil && s.Health.Status == "healthy":
		v.saw(steps.Verified, c.Name, "it runs and is healthy")
	case v.now.Sub(s.StartedAt) < minUp:
		v.saw(steps.Settling, c.Name, "it has run for less than "+minUp.String())
	default:
		v.saw(steps.Verified, c.Name, "it has run since "+incident.FormatTime(s.StartedAt)+"; it has no health check")
	}
}
