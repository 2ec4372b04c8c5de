package kubernetes

import (
	"context"
	"net/url"
	"strconv"

	"github.com/opsguard/opsguard/pkg/incident"
	"github.com/opsguard/opsguard/pkg/steps"
)

// cordon does what `kubectl cordon` does to the node of the least healthy pod.
type cordon struct{ *Executor }

func (f cordon) look(ctx context.Context) (incident.State, error) {
	w, err := f.workload(ctx)
	if err != nil {
		return nil, err
	}
	pods, err := f.everyPod(ctx, w)
	if err != nil {
		return nil, err
	}
	ill, err := worst(pods)
	if err != nil {
		return nil, err
	}
	if ill.Spec.NodeName == "" {
		return nil, incident.Bad("the least healthy pod (%s) is on no node", ill.Metadata.Name)
	}
	n, err := f.node(ctx, ill.Spec.NodeName)
	if err != nil {
		return nil, err
	}
	if n.Spec.Unschedulable {
		return nil, incident.Bad("the node of the least healthy pod (%s) takes no new work already", ill.Spec.NodeName)
	}
	if err := f.spare(ctx, ill.Spec.NodeName); err != nil {
		return nil, err
	}
	return incident.State{
		factUID: w.Metadata.UID, factReplicas: strconv.Itoa(w.size()),
		factNode: ill.Spec.NodeName, factNodeUID: n.Metadata.UID, factSchedulable: "yes",
	}, nil
}

// factSchedulable is whether the node takes new work.
const factSchedulable = "takesNewWork"

func nodeNamed(name string) resource { return resource{plural: "nodes", name: name} }

func (f cordon) node(ctx context.Context, name string) (node, error) {
	var n node
	err := f.api.get(ctx, nodeNamed(name), &n)
	if err == nil && n.Metadata.UID == "" {
		err = notTheAPI()
	}
	return n, err
}

// spare refuses where no other node takes new work: whatever ends then would not start
// again. Two are enough to know; a node takes up to 50 KB.
func (f cordon) spare(ctx context.Context, but string) error {
	var page struct{ Items []node }
	_, err := f.api.call(ctx, request{method: "GET", verb: "list", on: resource{plural: "nodes"},
		query: url.Values{"fieldSelector": {"spec.unschedulable=false"}, "limit": {"2"}}}, &page)
	if err != nil {
		return err
	}
	for _, n := range page.Items {
		if n.Metadata.Name != but {
			return nil
		}
	}
	return incident.Bad("%s is the only node that takes new work", but)
}

func (f cordon) plan(present incident.State, _ incident.Proposal) (incident.Draft, error) {
	size, err := count(present[factReplicas])
	at := nodeNamed(present[factNode])
	set := func(to string) []string { return []string{"PATCH " + at.path() + ": set spec.unschedulable to " + to} }
	return incident.Draft{
		Actions: set("true"),
		Present: present,
		Wanted:  incident.State{factSchedulable: "no"},
		Undo:    incident.Undo{Actions: set("false"), Wanted: incident.State{factSchedulable: "yes"}},
		Blast:   incident.Blast{Affected: 0, Of: size, Unit: "pods"},
		Rights: []string{right("get", f.resource("")), right("list", f.collection("apps", f.historyPlural())),
			right("list", f.collection("", "pods")), right("get", at), right("list", resource{plural: "nodes"}), right("patch", at)},
	}, err
}

func (f cordon) act(ctx context.Context, o steps.Order) steps.Acted {
	return f.mark(ctx, "cordon", o.Plan.Present, true)
}

func (f cordon) undo(ctx context.Context, o steps.Order) steps.Acted {
	return f.mark(ctx, "undo", o.Plan.Present, false)
}

// mark sets whether the node takes no new work, from the opposite.
func (f cordon) mark(ctx context.Context, step string, present incident.State, unschedulable bool) steps.Acted {
	at := nodeNamed(present[factNode])
	did := at.String() + " takes new work again"
	if unschedulable {
		did = at.String() + " takes no new work"
	}
	return f.apply(ctx, step, did, func(ctx context.Context) (change, error) {
		n, err := f.node(ctx, present[factNode])
		if err == nil {
			err = drifted(factNodeUID, present[factNodeUID], n.Metadata.UID)
		}
		if err == nil {
			err = drifted("spec.unschedulable", strconv.FormatBool(!unschedulable), strconv.FormatBool(n.Spec.Unschedulable))
		}
		return change{at, mergePatch, map[string]any{
			"metadata": map[string]any{"resourceVersion": n.Metadata.ResourceVersion},
			"spec":     map[string]any{"unschedulable": unschedulable},
		}}, err
	}, nil)
}

func (f cordon) verify(ctx context.Context, o steps.Order) (steps.Sight, error) {
	n, err := f.node(ctx, o.Plan.Present[factNode])
	switch {
	case err != nil:
		return steps.Sight{}, err
	case n.Metadata.UID != o.Plan.Present[factNodeUID]:
		return f.sight(steps.NotVerified, "the node was removed, and another has its name"), nil
	case n.Spec.Unschedulable == o.Undoing:
		return f.sight(steps.NotVerified, "spec.unschedulable is "+strconv.FormatBool(n.Spec.Unschedulable)), nil
	}
	return f.sight(steps.Verified, "spec.unschedulable is "+strconv.FormatBool(n.Spec.Unschedulable)), nil
}
