package docker

import (
	"maps"
	"slices"
	"strconv"
	"strings"

	"github.com/opsguard/opsguard/pkg/incident"
	"github.com/opsguard/opsguard/pkg/steps"
)

// number is a container's number in its compose service; 0 if it has none.
func (c container) number() int {
	n, err := strconv.Atoi(c.Config.Labels[labelNumber])
	if err != nil || n < 1 {
		return 0
	}
	return n
}

// lookAround is the state that adding containers rests on: all that are there, alike.
func (e *Executor) lookAround(found []container, p incident.Proposal) (incident.State, error) {
	refuse := func(format string, args ...any) (incident.State, error) {
		return nil, incident.Bad(format, args...)
	}
	add, err := strconv.Atoi(p.Parameters["instances"])
	last := found[0]
	for _, c := range found {
		if c.number() > last.number() {
			last = c
		}
	}
	switch {
	case err != nil || add < 1:
		return nil, incident.BadField("parameters.instances", "is not a number of containers")
	case e.set.Container != "":
		return refuse("one container cannot be scaled out; name a compose service by project and service")
	case e.set.MaxInstances == 0:
		return refuse("maxInstances of the target does not say how many containers there may be; add it")
	case len(found)+add > e.set.MaxInstances:
		return refuse("there are %d containers, and with %d more there would be more than maxInstances, %d", len(found), add, e.set.MaxInstances)
	}
	for _, c := range found {
		if why := single(c, last); why != "" {
			return refuse("the container %s %s", shown(c.Name), why)
		}
	}
	facts := factsOf(found)
	facts["image"], facts["like"], facts["last number"] = last.Image, last.Name, strconv.Itoa(last.number())
	facts["add"] = strconv.Itoa(add)
	return facts, nil
}

// single says why a container cannot have one beside it.
func single(c, last container) string {
	for port, bindings := range c.HostConfig.PortBindings {
		for _, b := range bindings {
			if b.HostPort != "" && b.HostPort != "0" {
				return "publishes port " + shown(port) + " on port " + shown(b.HostPort) + " of the host, which can be taken once"
			}
		}
	}
	for network, at := range c.NetworkSettings.Networks {
		if len(at.IPAMConfig) > 0 {
			return "has a fixed address in the network " + shown(network)
		}
	}
	switch {
	case c.Image != last.Image || c.Config.Labels[labelHash] != last.Config.Labels[labelHash]:
		return "is not made like " + last.Name + ": a deployment is under way, or half done"
	case c.number() == 0 || !strings.HasSuffix(c.Name, strconv.Itoa(c.number())):
		return "has a name of its own (container_name), which can be taken once"
	case c.HostConfig.NetworkMode == "host":
		return "uses the host's network, whose ports can be taken once"
	case len(c.HostConfig.Links) > 0:
		return "has links (--link), which cannot be carried over; use a network"
	}
	return ""
}

// added are the names of the containers that a plan adds, with their numbers.
func added(present incident.State) map[string]int {
	like, last := present["like"], present["last number"]
	from, _ := strconv.Atoi(last) // it was written by lookAround
	n, _ := strconv.Atoi(present["add"])
	names := map[string]int{}
	for i := from + 1; i <= from+n; i++ {
		names[strings.TrimSuffix(like, last)+strconv.Itoa(i)] = i
	}
	return names
}

func planScaleOut(present incident.State) incident.Draft {
	there, add := len(plannedIn(present)), added(present)
	d := incident.Draft{
		Present: present, Wanted: incident.State{"containers": strconv.Itoa(there + len(add))},
		Undo:  incident.Undo{Wanted: incident.State{"containers": strconv.Itoa(there)}},
		Blast: incident.Blast{Affected: len(add), Of: there + len(add), Unit: "containers"},
	}
	for _, name := range slices.Sorted(maps.Keys(add)) {
		d.Actions = append(d.Actions, "make and start "+name+", like "+present["like"]+", of the image "+present["image"])
		d.Undo.Actions = append(d.Undo.Actions, "remove "+name)
		d.Rights = append(d.Rights, "create, start and remove on container "+name)
	}
	return d
}

// add makes the containers of the plan. A name that was taken meanwhile is refused by the
// engine.
func add(w *work, o steps.Order) {
	var model planned
	for _, p := range plannedIn(o.Plan.Present) {
		if p.name == o.Plan.Present["like"] {
			model = p
		}
	}
	c, there := w.read(model.id)
	if w.stopped {
		return
	}
	if !there || c.Name != model.name || c.Image != o.Plan.Present["image"] {
		w.refuse("look", o.Plan.Present["like"]+" is no longer the container of the plan")
		return
	}
	names := added(o.Plan.Present)
	for _, name := range slices.Sorted(maps.Keys(names)) {
		body := like(c, name, c.Image, o.Key)
		if labels, is := body.config["Labels"].(map[string]any); is {
			labels[labelNumber] = strconv.Itoa(names[name])
		}
		delete(body.config, "MacAddress")
		w.start(w.create(name, body), name)
	}
}

// takeAway removes the containers that the fix has added, if all that bear their names are
// those.
func takeAway(w *work, o steps.Order) {
	fix := o.Plan.Key(o.Ref, false)
	var all []container
	for _, name := range slices.Sorted(maps.Keys(added(o.Plan.Present))) {
		c, there := w.read(name)
		switch {
		case w.stopped:
			return
		case there && c.Config.Labels[labelFix] != fix:
			w.refuse("look", name+" is a container that somebody else has made since")
			return
		case there:
			all = append(all, c)
		case o.Fix[complete] == "yes":
			w.refuse("look", name+" is gone; somebody has removed it")
			return
		}
	}
	if len(all) == 0 {
		w.refuse("look", "none of the containers is there")
		return
	}
	for _, c := range all {
		w.remove(c.ID, c.Name)
	}
}

func (v *view) scaled() error {
	fix := v.order.Plan.Key(v.order.Ref, false)
	for _, name := range slices.Sorted(maps.Keys(added(v.order.Plan.Present))) {
		c, there, err := v.s.inspect(v.ctx, name)
		mine := there && c.Config.Labels[labelFix] == fix
		switch {
		case err != nil:
			return err
		case v.order.Undoing && mine:
			v.saw(v.notYet(), name, "it is still there")
		case v.order.Undoing:
			v.saw(steps.Verified, name, "it is removed")
		case there && !mine:
			v.saw(steps.NotVerified, name, "it is a container that somebody else has made")
		case !there:
			v.saw(v.notYet(), name, "it is not there")
		default:
			v.runs(c)
		}
	}
	return nil
}
