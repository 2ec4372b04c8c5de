package kubernetes

import (
	"context"
	"fmt"
	"strconv"

	"github.com/opsguard/opsguard/pkg/incident"
	"github.com/opsguard/opsguard/pkg/steps"
)

// scale does what `kubectl scale` does.
type scale struct{ *Executor }

// factMost is how far the settings let it be scaled.
const factMost = "maxReplicas"

func (f scale) look(ctx context.Context) (incident.State, error) {
	refuse := func(why string) error {
		return incident.Bad("%s cannot be scaled out: %s", f.resource(""), why)
	}
	switch {
	case f.kind.name == daemonSet:
		return nil, refuse("a DaemonSet has one pod on each node")
	case f.settings.MaxReplicas == 0:
		return nil, refuse("set maxReplicas of the target in services.yaml")
	}
	w, err := f.workload(ctx)
	if err != nil {
		return nil, err
	}
	scaled := ""
	err = list(ctx, f.api, f.collection("autoscaling", "horizontalpodautoscalers"), nil, func(h autoscaler) {
		if h.Spec.ScaleTargetRef.Kind == w.Kind && h.Spec.ScaleTargetRef.Name == f.name {
			scaled = h.Metadata.Name
		}
	})
	switch {
	case err != nil:
		return nil, err
	case scaled != "":
		return nil, refuse("the HorizontalPodAutoscaler " + scaled + " sets its replicas; raise its maxReplicas instead")
	}
	return incident.State{
		factUID: w.Metadata.UID, factReplicas: strconv.Itoa(w.size()), factMost: strconv.Itoa(f.settings.MaxReplicas),
	}, nil
}

// autoscaler is what is read of a HorizontalPodAutoscaler (autoscaling/v2).
type autoscaler struct {
	Metadata meta
	Spec     struct{ ScaleTargetRef struct{ Kind, Name string } }
}

func (f scale) plan(present incident.State, p incident.Proposal) (incident.Draft, error) {
	size, err := count(present[factReplicas])
	if err != nil {
		return incident.Draft{}, err
	}
	more, err := strconv.Atoi(p.Parameters["instances"])
	if err != nil || more < 1 {
		return incident.Draft{}, incident.BadField("instances", "must be a number of pods to add")
	}
	most, err := count(present[factMost])
	if err != nil || size+more > most {
		return incident.Draft{}, incident.BadField("instances",
			"%d pods and %d more are above maxReplicas (%d) of the target in services.yaml", size, more, most)
	}
	set := func(n string) string { return "PATCH " + f.resource("scale").path() + ": set spec.replicas to " + n }
	to := strconv.Itoa(size + more)
	return incident.Draft{
		Actions: []string{set(to)},
		Present: present,
		Wanted:  incident.State{factReplicas: to},
		Undo:    incident.Undo{Actions: []string{set(present[factReplicas])}, Wanted: incident.State{factReplicas: present[factReplicas]}},
		Limit:   rolloutLimit,
		Blast:   incident.Blast{Affected: more, Of: size + more, Unit: "pods"},
		Rights: []string{right("get", f.resource("")), right("patch", f.resource("scale")),
			right("list", f.collection("autoscaling", "horizontalpodautoscalers")), right("list", f.collection("apps", f.historyPlural())),
			right("list", f.collection("", "pods"))},
	}, nil
}

func (f scale) act(ctx context.Context, o steps.Order) steps.Acted {
	return f.set(ctx, "scale", o.Plan.Present, o.Plan.Present[factReplicas], o.Plan.Wanted[factReplicas])
}

func (f scale) undo(ctx context.Context, o steps.Order) steps.Acted {
	return f.set(ctx, "undo", o.Plan.Present, o.Plan.Wanted[factReplicas], o.Plan.Undo.Wanted[factReplicas])
}

// set changes the replicas from what must be there.
func (f scale) set(ctx context.Context, step string, present incident.State, there, wanted string) steps.Acted {
	return f.apply(ctx, step, fmt.Sprintf("%s is to have %s pods", f.resource(""), wanted), func(ctx context.Context) (change, error) {
		w, err := f.workload(ctx)
		if err == nil {
			err = drifted(factUID, present[factUID], w.Metadata.UID)
		}
		if err == nil {
			err = drifted(factReplicas, there, strconv.Itoa(w.size()))
		}
		if err != nil {
			return change{}, err
		}
		n, err := count(wanted)
		return change{f.resource("scale"), mergePatch, map[string]any{
			"metadata": map[string]any{"resourceVersion": w.Metadata.ResourceVersion}, "spec": map[string]any{"replicas": n},
		}}, err
	}, nil)
}

func (f scale) verify(ctx context.Context, o steps.Order) (steps.Sight, error) {
	w, err := f.workload(ctx)
	if err != nil {
		return steps.Sight{}, err
	}
	wanted := o.Wants()[factReplicas]
	switch {
	case w.Metadata.UID != o.Plan.Present[factUID]:
		return f.sight(steps.NotVerified, madeAgain), nil
	case strconv.Itoa(w.size()) != wanted:
		told := fmt.Sprintf("it is to have %d pods and not %s; somebody has changed it, or the change was never taken", w.size(), wanted)
		return f.sight(steps.NotVerified, told), nil
	}
	return f.settling(ctx, w, o)
}
