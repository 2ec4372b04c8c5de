package docker

import (
	"context"
	"strconv"
	"strings"

	"github.com/opsguard/opsguard/pkg/incident"
	"github.com/opsguard/opsguard/pkg/steps"
)

// lookBack is the state that a rollback rests on.
func (e *Executor) lookBack(ctx context.Context, s session, found []container) (incident.State, error) {
	for _, c := range found {
		why := ""
		switch {
		case c.Image != found[0].Image:
			why = "runs another image than " + found[0].Name + ": a deployment is under way, or half done"
		case c.HostConfig.AutoRemove:
			why = "was started with --rm: the engine would remove it when it is stopped, and it could not be put back"
		case len(c.HostConfig.Links) > 0:
			why = "has links (--link), which cannot be carried over; use a network"
		default:
			continue
		}
		return nil, incident.Bad("the container %s %s", shown(c.Name), why)
	}
	present, err := s.image(ctx, found[0].Image)
	if err != nil {
		return nil, err
	}
	before, err := e.previous(ctx, s, present, found[0].Config.Image)
	if err != nil {
		return nil, err
	}
	facts := factsOf(found)
	for _, c := range found {
		policy := c.HostConfig.RestartPolicy
		facts[factPrefix+c.Name] += ", restart " + policy.Name + ":" + strconv.Itoa(policy.MaximumRetryCount)
	}
	facts["image"], facts["image name"] = present.ID, present.name()
	facts["previous image"], facts["previous image name"] = before.ID, before.name()
	facts["previous image made"] = incident.FormatTime(before.Created)
	return facts, nil
}

func planRollback(present incident.State) incident.Draft {
	all := plannedIn(present)
	to := present["previous image name"] + " (" + present["previous image"] + ", made " + present["previous image made"] + ")"
	d := incident.Draft{
		Present: present, Wanted: incident.State{"image": present["previous image"]},
		Undo:  incident.Undo{Wanted: incident.State{"image": present["image"]}},
		Blast: incident.Blast{Affected: len(all), Of: len(all), Unit: "containers"},
	}
	for _, c := range all {
		d.Actions = append(d.Actions, "make a container like "+c.name+" of the image "+to+"; stop "+c.name+
			", keep it under another name, and start the new one in its place")
		d.Undo.Actions = append(d.Undo.Actions, "remove the new "+c.name+"; rename the one that was kept back to "+c.name+" and start it")
		d.Rights = append(d.Rights, "create, stop, rename, update, start and remove on container "+c.name)
	}
	return d
}

// rollBack puts a container of the previous image into the place of each, one after
// another. All that can be refused is asked for before the first one is stopped.
func rollBack(w *work, o steps.Order) {
	all := plannedIn(o.Plan.Present)
	was, before := o.Plan.Present["image"], o.Plan.Present["previous image"]
	image, err := w.s.image(w.ctx, was)
	if err != nil {
		w.refuse("look", steps.Told(err))
	}
	made := map[string]string{}
	for _, p := range all {
		c, there := w.read(p.id)
		switch {
		case w.stopped:
		case !there || c.Name != p.name || c.Image != was:
			w.refuse("look", p.name+" is no longer the container of the plan")
		default:
			body := like(c, c.Name, before, o.Key).without(image.Config).keepVolumes(c)
			made[p.name] = w.create(newName(p.name, o.Key), body)
		}
	}
	if w.stopped { // nothing that runs was touched
		for _, p := range all {
			w.discard(made[p.name], newName(p.name, o.Key))
		}
		return
	}
	for _, p := range all {
		w.stop(p.id, p.name)
		w.policy(p, restartPolicy{Name: "no"})
		w.rename(p.id, p.name, keptName(p.name, o.Key))
		w.rename(made[p.name], newName(p.name, o.Key), p.name)
		w.start(made[p.name], p.name)
	}
}

// discard removes what was prepared and never started; then nothing was changed.
func (w *work) discard(id, name string) {
	if id == "" {
		return
	}
	if err := w.s.remove(context.WithoutCancel(w.ctx), id, "container "+shown(name)); err != nil {
		w.unsure = true
		w.tell("tidy up", failed, name+", which was never started, could not be removed: "+steps.Told(err))
		return
	}
	w.began = false
	w.tell("tidy up", ok, name+", which was never started, is removed again")
}

// policy sets when the engine starts a container by itself. One that is kept must not be
// started beside the new one, when the machine is restarted for instance.
func (w *work) policy(p planned, to restartPolicy) {
	if strings.HasPrefix(p.policy, "no:") || strings.HasPrefix(p.policy, ":") || strings.HasPrefix(p.policy, "unless-stopped:") {
		return
	}
	w.post("update", p.name+" is restarted by the engine: "+to.Name, p.id, "/update", map[string]any{"RestartPolicy": to})
}

// policyOf reads back what the plan says of a container.
func policyOf(p planned) restartPolicy {
	name, tries, _ := strings.Cut(p.policy, ":")
	n, _ := strconv.Atoi(tries) // 0 where it is none
	return restartPolicy{name, n}
}

// rollForward undoes a rollback, however far it came. It looks at all of the containers
// before it changes any: what somebody else has deployed since must stay.
func rollForward(w *work, o steps.Order) {
	all := plannedIn(o.Plan.Present)
	fix := o.Plan.Key(o.Ref, false)
	replaced := map[string][]container{}
	for _, p := range all {
		kept, there := w.read(p.id)
		if w.stopped {
			return
		}
		if !there || kept.Name != p.name && kept.Name != keptName(p.name, fix) {
			w.refuse("look", "the container that was kept of "+p.name+" is gone or renamed")
			return
		}
		for _, name := range []string{p.name, newName(p.name, fix)} {
			c, there := w.read(name)
			switch {
			case w.stopped:
				return
			case !there || c.ID == p.id:
			case c.Name == name && c.Config.Labels[labelFix] == fix && c.Image == o.Plan.Present["previous image"]:
				replaced[p.name] = append(replaced[p.name], c)
			default:
				w.refuse("look", name+" is a container that somebody else has made since")
				return
			}
		}
	}
	for _, p := range all {
		for _, c := range replaced[p.name] {
			w.remove(c.ID, c.Name)
		}
		if kept, there := w.read(p.id); there && kept.Name != p.name {
			w.rename(p.id, kept.Name, p.name)
		}
		w.policy(p, policyOf(p))
		if p.up {
			w.start(p.id, p.name)
		}
	}
}

func (v *view) rolledBack() error {
	fix := v.order.Plan.Key(v.order.Ref, false)
	for _, p := range plannedIn(v.order.Plan.Present) {
		c, there, err := v.s.inspect(v.ctx, p.name)
		switch {
		case err != nil:
			return err
		case there && c.Image == v.order.Plan.Present["previous image"] && c.Config.Labels[labelFix] == fix:
			v.runs(c)
		case there && c.ID != p.id:
			v.saw(steps.NotVerified, p.name, "somebody else has deployed another container since")
		default:
			v.saw(v.notYet(), p.name, "the new container is not in its place")
		}
	}
	return nil
}

func (v *view) putBack() error {
	for _, p := range plannedIn(v.order.Plan.Present) {
		c, there, err := v.s.inspect(v.ctx, p.name)
		switch {
		case err != nil:
			return err
		case !there || c.ID != p.id:
			v.saw(v.notYet(), p.name, "the container that was kept is not back in its place")
		case p.up:
			v.runs(c)
		default:
			v.saw(steps.Verified, p.name, "it is back, stopped as it was")
		}
	}
	return nil
}
