package kubernetes

import (
	"context"
	"net/http"
	"strconv"

	"github.com/opsguard/opsguard/pkg/incident"
	"github.com/opsguard/opsguard/pkg/steps"
)

// replace deletes the least healthy pod.
type replace struct{ *Executor }

func (f replace) look(ctx context.Context) (incident.State, error) {
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
	return incident.State{
		factUID: w.Metadata.UID, factReplicas: strconv.Itoa(w.size()), factPod: ill.Metadata.Name, factPodUID: ill.Metadata.UID,
	}, nil
}

func (e *Executor) pod(name string) resource {
	return resource{plural: "pods", namespace: e.settings.Namespace, name: name}
}

func (f replace) plan(present incident.State, _ incident.Proposal) (incident.Draft, error) {
	size, err := count(present[factReplicas])
	pod := f.pod(present[factPod])
	return incident.Draft{
		Actions: []string{"DELETE " + pod.path() + ", if its uid is " + present[factPodUID]},
		Present: present,
		Wanted:  incident.State{factPod: "another one in its place"},
		Undo:    incident.Undo{Not: "a pod that was deleted does not come back"},
		Blast:   incident.Blast{Affected: 1, Of: max(size, 1), Unit: "pods"},
		Rights: []string{right("get", f.resource("")), right("list", f.collection("apps", f.historyPlural())),
			right("list", f.collection("", "pods")), right("get", pod), right("delete", pod)},
	}, err
}

func (f replace) act(ctx context.Context, o steps.Order) steps.Acted {
	w, err := f.workload(ctx)
	if err == nil {
		err = drifted(factUID, o.Plan.Present[factUID], w.Metadata.UID)
	}
	if err != nil {
		return f.failed("delete the pod", err)
	}
	chosen := f.pod(o.Plan.Present[factPod])
	s, err := f.api.remove(ctx, chosen, o.Plan.Present[factPodUID])
	if err != nil {
		return f.ended("delete the pod", s, err)
	}
	return steps.Acted{Steps: []incident.FixStep{f.step("delete the pod", "ok", chosen.String()+" is being deleted")}}
}

func (f replace) verify(ctx context.Context, o steps.Order) (steps.Sight, error) {
	w, err := f.workload(ctx)
	if err != nil {
		return steps.Sight{}, err
	}
	if w.Metadata.UID != o.Plan.Present[factUID] {
		return f.sight(steps.NotVerified, madeAgain), nil
	}
	name := f.pod(o.Plan.Present[factPod])
	var there pod
	s, err := f.api.call(ctx, request{method: http.MethodGet, verb: "get", on: name}, &there)
	switch {
	case err != nil && s.reason != "NotFound":
		return steps.Sight{}, err
	case err != nil || there.Metadata.UID != o.Plan.Present[factPodUID]:
		return f.settling(ctx, w, o)
	case there.Metadata.DeletionTimestamp != "":
		return f.sight(steps.Settling, name.String()+" is ending"), nil
	}
	return f.sight(steps.NotVerified, name.String()+" is still there and is not being deleted"), nil
}

func (f replace) undo(context.Context, steps.Order) steps.Acted {
	return f.failed("undo", incident.Bad("a pod that was deleted does not come back"))
}
