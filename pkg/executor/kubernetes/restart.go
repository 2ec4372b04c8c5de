package kubernetes

import (
	"context"
	"strconv"
	"time"

	"github.com/opsguard/opsguard/pkg/incident"
	"github.com/opsguard/opsguard/pkg/steps"
)

// Facts of a State, by name.
const (
	factUID       = "uid"       // of the workload: one that was deleted and made again is another
	factReplicas  = "replicas"  // how many pods there should be
	factRevision  = "revision"  // its number
	factTemplate  = "template"  // the ReplicaSet or ControllerRevision that holds the revision's pod template
	factImages    = "images"    // what the revision runs
	factRestarted = "restarted" // when the pods were last restarted on purpose
	factStrategy  = "strategy"  // how pods are replaced

	factBeforeRevision = "revisionBefore"
	factBeforeTemplate = "templateBefore"
	factBeforeImages   = "imagesBefore"

	factPod     = "pod" // the least healthy
	factPodUID  = "podUid"
	factNode    = "node"
	factNodeUID = "nodeUid"
)

// rolloutLimit leaves a Deployment its own progress deadline, of ten minutes by default, to
// say that it does not get on.
const rolloutLimit = 15 * time.Minute

// restart does what `kubectl rollout restart` does.
type restart struct{ *Executor }

func (f restart) look(ctx context.Context) (incident.State, error) {
	w, all, at, err := f.standing(ctx)
	if err != nil {
		return nil, err
	}
	if err := f.free(ctx, w, all, at); err != nil {
		return nil, err
	}
	return f.facts(w, at), nil
}

// standing reads a workload whose pods follow its template, and the revision it is at.
func (e *Executor) standing(ctx context.Context) (workload, []revision, revision, error) {
	w, err := e.workload(ctx)
	if err == nil {
		err = w.changeable()
	}
	if err != nil {
		return w, nil, revision{}, err
	}
	all, err := e.history(ctx, w)
	if err != nil {
		return w, nil, revision{}, err
	}
	at, err := w.current(all)
	return w, all, at, err
}

// facts are those that a change of the pod template depends on.
func (e *Executor) facts(w workload, at revision) incident.State {
	restarted := w.Spec.Template.restarted()
	if restarted == "" {
		restarted = "never"
	}
	return incident.State{
		factUID: w.Metadata.UID, factReplicas: strconv.Itoa(w.size()),
		factRevision: strconv.FormatInt(at.number, 10), factTemplate: at.name,
		factImages: w.Spec.Template.images(), factRestarted: restarted, factStrategy: w.strategy(),
	}
}

func (w workload) strategy() string {
	if w.Kind == deployment {
		return w.Spec.Strategy.Type
	}
	return w.Spec.UpdateStrategy.Type
}

// pace says how pods are replaced by a change of the template.
func pace(present incident.State) string {
	if present[factStrategy] == "Recreate" {
		return "all pods are stopped at once, then started (Recreate)"
	}
	return "pods are replaced one after another (" + present[factStrategy] + ")"
}

func (f restart) plan(present incident.State, _ incident.Proposal) (incident.Draft, error) {
	size, err := count(present[factReplicas])
	return incident.Draft{
		Actions: []string{"PATCH " + f.resource("").path() + ": set the annotation " + restartedAt +
			" of spec.template to the time at which the fix starts; " + pace(present)},
		Present: present,
		Wanted:  incident.State{factRestarted: "when this fix starts"},
		Undo:    incident.Undo{Not: "a restart cannot be undone: what ran is gone"},
		Limit:   rolloutLimit,
		Blast:   incident.Blast{Affected: size, Of: size, Unit: "pods"},
		Rights:  f.templateRights(),
	}, err
}

// templateRights are what changing a template needs, and seeing how it goes.
func (e *Executor) templateRights() []string {
	return []string{right("get", e.resource("")), right("patch", e.resource("")), right("list", e.collection("apps", e.historyPlural())),
		right("list", e.collection("", "pods"))}
}

func (e *Executor) historyPlural() string {
	if e.kind.name == deployment {
		return "replicasets"
	}
	return "controllerrevisions"
}

// count reads a number that look has written.
func count(text string) (int, error) {
	n, err := strconv.Atoi(text)
	if err != nil || n < 0 {
		return 0, incident.BadField("present", "does not say how many pods there are")
	}
	return n, nil
}

// factProgress is the receipt's: the update of the Progressing condition that stood when
// the change was taken.
const factProgress = "progress"

// time of the restart, as kubectl writes it.
func restartTime(o steps.Order) string { return o.StartedAt.UTC().Format(time.RFC3339) }

func (f restart) act(ctx context.Context, o steps.Order) steps.Acted {
	at := restartTime(o)
	var now workload
	acted := f.apply(ctx, "restart", f.resource("").String()+" is told to restart its pods", func(ctx context.Context) (change, error) {
		w, err := f.asPlanned(ctx, o.Plan.Present)
		return change{f.resource(""), mergePatch, map[string]any{
			"metadata": map[string]any{"resourceVersion": w.Metadata.ResourceVersion},
			"spec": map[string]any{"template": map[string]any{"metadata": map[string]any{
				"annotations": map[string]any{restartedAt: at},
			}}},
		}}, err
	}, &now)
	return withProgress(acted, now)
}

// withProgress notes in the receipt which verdict about a rollout is not about this one.
func withProgress(acted steps.Acted, now workload) steps.Acted {
	if c := now.condition("Progressing"); acted.Outcome == "" && c.LastUpdateTime != "" {
		acted.Receipt = incident.State{factProgress: c.LastUpdateTime}
	}
	return acted
}

// asPlanned reads the workload and refuses if its template is not the one of the plan.
func (e *Executor) asPlanned(ctx context.Context, present incident.State) (workload, error) {
	w, _, at, err := e.standing(ctx)
	if err == nil {
		err = drifted(factUID, present[factUID], w.Metadata.UID)
	}
	if err == nil {
		err = drifted(factTemplate, present[factTemplate], at.name)
	}
	if err == nil && w.Metadata.Generation > w.Status.ObservedGeneration {
		err = notSeenYet()
	}
	return w, err
}

func (f restart) verify(ctx context.Context, o steps.Order) (steps.Sight, error) {
	w, err := f.workload(ctx)
	if err != nil {
		return steps.Sight{}, err
	}
	switch {
	case w.Metadata.UID != o.Plan.Present[factUID]:
		return f.sight(steps.NotVerified, madeAgain), nil
	case w.Spec.Template.restarted() != restartTime(o):
		return f.sight(steps.NotVerified, "the template was not restarted by this fix; somebody has changed it, or it was never taken"), nil
	}
	return f.settling(ctx, w, o)
}

func (f restart) undo(context.Context, steps.Order) steps.Acted {
	return f.failed("undo", incident.Bad("a restart cannot be undone"))
}
