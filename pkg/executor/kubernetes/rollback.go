package kubernetes

import (
	"context"
	"fmt"
	"maps"
	"strconv"

	"github.com/opsguard/opsguard/pkg/incident"
	"github.com/opsguard/opsguard/pkg/steps"
)

// rollback does what `kubectl rollout undo --to-revision` does
// (kubectl/pkg/polymorphichelpers/rollback.go).
type rollback struct{ *Executor }

func (f rollback) look(ctx context.Context) (incident.State, error) {
	w, all, at, err := f.standing(ctx)
	if err != nil {
		return nil, err
	}
	before, err := previous(all, at)
	if err != nil {
		return nil, err
	}
	if err := f.free(ctx, w, all, at); err != nil {
		return nil, err
	}
	facts := f.facts(w, at)
	facts[factBeforeRevision], facts[factBeforeTemplate] = strconv.FormatInt(before.number, 10), before.name
	facts[factBeforeImages] = before.template.images()
	return facts, nil
}

// previous is the latest revision before the present one that runs something else: a
// restart makes a revision too, and to go back over it would change nothing.
func previous(all []revision, at revision) (revision, error) {
	for _, r := range all { // the latest first
		if r.number > 0 && r.number < at.number && !r.template.same(at.template) {
			return r, nil
		}
	}
	return revision{}, incident.Bad("there is no revision before %d to go back to; the cluster keeps as many as spec.revisionHistoryLimit says",
		at.number)
}

func (f rollback) plan(present incident.State, _ incident.Proposal) (incident.Draft, error) {
	size, err := count(present[factReplicas])
	put := func(revision, template string) string {
		at := f.resource("").path()
		return fmt.Sprintf("PATCH %s: put back spec.template of revision %s (%s); %s", at, revision, template, pace(present))
	}
	return incident.Draft{
		Actions: []string{put(present[factBeforeRevision], present[factBeforeTemplate])},
		Present: present,
		Wanted: incident.State{factRevision: "as " + present[factBeforeRevision] + ", under the next number",
			factTemplate: present[factBeforeTemplate], factImages: present[factBeforeImages]},
		Undo: incident.Undo{
			Actions: []string{put(present[factRevision], present[factTemplate])},
			Wanted:  incident.State{factTemplate: present[factTemplate], factImages: present[factImages]},
		},
		Limit:  rolloutLimit,
		Blast:  incident.Blast{Affected: size, Of: size, Unit: "pods"},
		Rights: f.templateRights(),
	}, err
}

func (f rollback) act(ctx context.Context, o steps.Order) steps.Acted {
	return f.swap(ctx, "roll back", o.Plan.Present, o.Plan.Present[factTemplate], o.Plan.Wanted[factTemplate])
}

func (f rollback) undo(ctx context.Context, o steps.Order) steps.Acted {
	return f.swap(ctx, "undo", o.Plan.Present, o.Plan.Wanted[factTemplate], o.Plan.Undo.Wanted[factTemplate])
}

// swap puts the template of one revision in the place of another's, which must be there.
func (f rollback) swap(ctx context.Context, step string, present incident.State, there, wanted string) steps.Acted {
	var now workload
	did := fmt.Sprintf("%s has the pod template of %s again", f.resource(""), wanted)
	acted := f.apply(ctx, step, did, func(ctx context.Context) (change, error) {
		w, all, at, err := f.standing(ctx)
		if err == nil {
			err = drifted(factUID, present[factUID], w.Metadata.UID)
		}
		if err == nil {
			err = drifted(factTemplate, there, at.name)
		}
		switch {
		case err != nil:
			return change{}, err
		case w.Metadata.Generation > w.Status.ObservedGeneration:
			return change{}, notSeenYet()
		}
		for _, r := range all {
			if r.name == wanted {
				return f.patchTo(w, r), nil
			}
		}
		return change{}, incident.Fail(incident.NotFound, incident.CodeNotFound,
			"the revision %s is gone: the cluster keeps as many as spec.revisionHistoryLimit says", wanted)
	}, &now)
	return withProgress(acted, now)
}

// kept are a Deployment's annotations that are its own and not of a revision: kubectl's
// annotationsToSkip.
func kept() []string {
	return []string{
		"kubectl.kubernetes.io/last-applied-configuration", revisionNumber, "deployment.kubernetes.io/revision-history",
		"deployment.kubernetes.io/desired-replicas", "deployment.kubernetes.io/max-replicas", "deprecated.deployment.rollback.to",
	}
}

// patchTo is kubectl's patch, with the version that was read.
func (f rollback) patchTo(w workload, r revision) change {
	to := r.template.without(hashLabel, "")
	if w.Kind != deployment {
		to["$patch"] = "replace"
		return change{f.resource(""), strategicPatch, map[string]any{
			"metadata": map[string]any{"resourceVersion": w.Metadata.ResourceVersion},
			"spec":     map[string]any{"template": to},
		}}
	}
	annotations := maps.Clone(r.annotations)
	for _, name := range kept() {
		delete(annotations, name)
		if value, ok := w.Metadata.Annotations[name]; ok {
			annotations[name] = value
		}
	}
	op := func(path string, value any) map[string]any {
		return map[string]any{"op": "replace", "path": path, "value": value}
	}
	return change{f.resource(""), jsonPatch, []any{
		op("/metadata/resourceVersion", w.Metadata.ResourceVersion), op("/spec/template", to), op("/metadata/annotations", annotations)}}
}

func (f rollback) verify(ctx context.Context, o steps.Order) (steps.Sight, error) {
	w, err := f.workload(ctx)
	if err != nil {
		return steps.Sight{}, err
	}
	wanted := o.Wants()[factTemplate]
	switch {
	case w.Metadata.UID != o.Plan.Present[factUID]:
		return f.sight(steps.NotVerified, madeAgain), nil
	case w.Metadata.Generation > w.Status.ObservedGeneration:
		return f.settling(ctx, w, o)
	}
	all, err := f.history(ctx, w)
	if err != nil {
		return steps.Sight{}, err
	}
	at, err := w.current(all)
	if err != nil {
		return steps.Sight{}, err
	}
	if at.name != wanted {
		told := fmt.Sprintf("it is at %s and not at %s; somebody has changed it, or the change was never taken", at.name, wanted)
		return f.sight(steps.NotVerified, told), nil
	}
	return f.settling(ctx, w, o)
}
