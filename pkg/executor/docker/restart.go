package docker

import (
	"github.com/opsguard/opsguard/pkg/incident"
	"github.com/opsguard/opsguard/pkg/steps"
)

func planRestart(present incident.State) incident.Draft {
	all := plannedIn(present)
	d := incident.Draft{
		Present: present, Wanted: incident.State{"started": "after the fix began"},
		Undo:  incident.Undo{Not: "a restart cannot be taken back"},
		Blast: incident.Blast{Affected: len(all), Of: len(all), Unit: "containers"},
	}
	for _, c := range all {
		d.Actions = append(d.Actions, "POST /containers/"+c.id[:min(12, len(c.id))]+"/restart, which is "+c.name)
		d.Rights = append(d.Rights, "restart on container "+c.name)
	}
	return d
}

// restart restarts each container of the plan, by its id: one that was recreated since has
// another, and is left alone.
func restart(w *work, o steps.Order) {
	for _, c := range plannedIn(o.Plan.Present) {
		w.post("restart", c.name+" is restarted", c.id, "/restart", nil)
	}
}

func (v *view) restarted() error {
	for _, p := range plannedIn(v.order.Plan.Present) {
		c, there, err := v.s.inspect(v.ctx, p.id)
		switch {
		case err != nil:
			return err
		case !there:
			v.saw(steps.NotVerified, p.name, "the container of the plan is gone; somebody has removed or recreated it")
		case !c.State.StartedAt.After(v.order.StartedAt):
			v.saw(v.notYet(), p.name, "it was not started since the fix began")
		default:
			v.runs(c)
		}
	}
	return nil
}
