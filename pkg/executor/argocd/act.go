package argocd

import (
	"context"
	"maps"
	"net/http"
	"strconv"
	"strings"

	"github.com/opsguard/opsguard/pkg/incident"
	"github.com/opsguard/opsguard/pkg/steps"
)

// infoKey names the idempotency key among the infos of a sync. A rollback takes none.
const infoKey = "opsguard-key"

type rollbackRequest struct {
	Name         string `json:"name"`
	ID           int64  `json:"id"`
	Prune        bool   `json:"prune"`
	DryRun       bool   `json:"dryRun"`
	AppNamespace string `json:"appNamespace,omitempty"`
	Project      string `json:"project,omitempty"`
}

type syncRequest struct {
	Name            string   `json:"name"`
	Revision        string   `json:"revision,omitempty"`
	SourcePositions []int    `json:"sourcePositions,omitempty"` // counted from 1
	Revisions       []string `json:"revisions,omitempty"`       // of those sources
	Prune           bool     `json:"prune"`
	DryRun          bool     `json:"dryRun"`
	Infos           []info   `json:"infos"`
	AppNamespace    string   `json:"appNamespace,omitempty"`
	Project         string   `json:"project,omitempty"`
}

// Act looks once more and asks for the operation.
func (e *Executor) Act(ctx context.Context, o steps.Order) steps.Acted {
	name := o.Plan.FixID
	if late, is := e.tell.Late(ctx, name); is {
		return late
	}
	now, err := e.Look(ctx, o.Plan.Proposal())
	if err != nil {
		return e.tell.Refused(name, "%s", err.Error())
	}
	if !maps.Equal(now, o.Plan.Present) {
		return e.tell.Refused(name, "the application is no longer as it was when the fix was planned")
	}
	if name == fixRollback {
		return e.rollback(ctx, name, now["previous"], now["history"])
	}
	return e.sync(ctx, o, now["revision"])
}

// rollback asks for a deployment of the history. after is the latest one at this time.
func (e *Executor) rollback(ctx context.Context, name, to, after string) steps.Acted {
	id, err := strconv.ParseInt(to, 10, 64)
	if err != nil {
		return e.tell.Refused(name, "the plan names no deployment")
	}
	a, err := e.call(ctx, http.MethodPost, e.path("/rollback"), rollbackRequest{
		Name: e.settings.Application, ID: id, AppNamespace: e.settings.AppNamespace, Project: e.settings.Project})
	if err != nil {
		return e.tell.Ended(name, a, err)
	}
	return e.tell.Took(name, incident.State{"after": after}, "Argo CD has taken the rollback to deployment %d", id)
}

func (e *Executor) sync(ctx context.Context, o steps.Order, revision string) steps.Acted {
	body := syncRequest{Name: e.settings.Application, Infos: []info{{infoKey, o.Key}, {"incident", o.Ref.ID}},
		AppNamespace: e.settings.AppNamespace, Project: e.settings.Project}
	if several := strings.Split(revision, ","); len(several) > 1 {
		body.Revisions = several
		for i := range several {
			body.SourcePositions = append(body.SourcePositions, i+1)
		}
	} else {
		body.Revision = revision
	}
	a, err := e.call(ctx, http.MethodPost, e.path("/sync"), body)
	if err != nil {
		return e.tell.Ended(fixSync, a, err)
	}
	return e.tell.Took(fixSync, incident.State{"revision": revision}, "Argo CD has taken the sync to %s", revision)
}

// Undo rolls back to what was deployed before the fix, if the fix's deployment is still
// the latest one.
func (e *Executor) Undo(ctx context.Context, o steps.Order) steps.Acted {
	const name = "undo"
	if late, is := e.tell.Late(ctx, name); is {
		return late
	}
	if o.Plan.FixID != fixRollback {
		return e.tell.Refused(name, "a sync cannot be undone")
	}
	a, err := e.application(ctx)
	if err == nil {
		err = a.free()
	}
	if err != nil {
		return e.tell.Refused(name, "%s", err.Error())
	}
	fixed, before := a.last(), o.Plan.Present
	switch {
	case a.autoSync():
		return e.tell.Refused(name, "auto-sync was turned on, so Argo CD refuses a rollback")
	case a.brokenOff(before):
	case fixed.revision() != before["previousRevision"] || !follows(fixed, before["history"], 1):
		return e.tell.Refused(name, "the application's latest deployment is not the fix's")
	}
	return e.rollback(ctx, name, before["history"], id(fixed))
}

// brokenOff reports that the fix's own rollback failed halfway: it is the last operation,
// and the history has no deployment of it.
func (a application) brokenOff(before incident.State) bool {
	s := a.Status.OperationState
	return s != nil && (s.Phase == "Failed" || s.Phase == "Error") && id(a.last()) == before["history"] &&
		revisions(s.Operation.Sync.Revision, s.Operation.Sync.Revisions) == before["previousRevision"]
}

// follows reports that d is the deployment that many places after another.
func follows(d deployment, after string, places int64) bool {
	n, err := strconv.ParseInt(after, 10, 64)
	return err == nil && d.ID == n+places
}

// Verify judges the operation by its phase, the history, and the application's health.
func (e *Executor) Verify(ctx context.Context, o steps.Order) (steps.Sight, error) {
	a, err := e.application(ctx)
	if err != nil {
		return steps.Sight{}, err
	}
	if o.Plan.FixID == fixSync {
		return e.synced(a, o), nil
	}
	reached := follows(a.last(), o.Plan.Present["history"], 1)
	if o.Undoing { // the fix has made a deployment too, unless it broke off
		reached = reached || follows(a.last(), o.Plan.Present["history"], 2)
	}
	reached = reached && a.last().revision() == o.Wants()["revision"]
	return e.judgeOperation(a, o, reached, "deployment "+id(a.last())+" of "+a.last().revision()), nil
}

func (e *Executor) synced(a application, o steps.Order) steps.Sight {
	s, ours := a.Status.OperationState, false
	if s != nil {
		for _, i := range s.Operation.Info {
			ours = ours || i.Name == infoKey && i.Value == o.Key
		}
	}
	at := revisions(a.Status.Sync.Revision, a.Status.Sync.Revisions)
	if ours && s.Phase == "Succeeded" && (a.Status.Sync.Status != "Synced" || at != o.Plan.Wanted["revision"]) {
		return e.tell.Saw(steps.Settling, "the sync succeeded, but the application is %s; what is no longer declared has to be pruned by hand",
			word(a.Status.Sync.Status))
	}
	return e.judgeOperation(a, o, ours && a.Status.Sync.Status == "Synced", "a sync of "+at)
}

// judgeOperation: Argo CD drops the state of earlier operations when it takes one, so that
// one which it shows after it has taken ours is ours or a later one.
func (e *Executor) judgeOperation(a application, o steps.Order, reached bool, what string) steps.Sight {
	s, health := a.Status.OperationState, a.Status.Health.Status
	switch {
	case a.busy():
		return e.tell.Saw(steps.Settling, "the operation is in progress")
	case reached && health == "Healthy" && s != nil && s.Phase == "Succeeded":
		return e.tell.Saw(steps.Verified, "%s succeeded, and the application is healthy", what)
	case reached:
		return e.tell.Saw(steps.Settling, "the operation has ended; the application is %s", word(health))
	case s == nil, len(o.Receipt) == 0:
		return e.tell.Saw(steps.Settling, "the operation is not to be seen yet")
	case s.Phase == "Failed" || s.Phase == "Error":
		return e.tell.Saw(steps.NotVerified, "the operation ended as %s; Argo CD says why", word(s.Phase))
	case s.Phase == "Succeeded":
		return e.tell.Saw(steps.NotVerified, "the application's latest deployment is not the one that was asked for: somebody changed it "+
			"meanwhile")
	}
	return e.tell.Saw(steps.Settling, "the operation's phase is %s", word(s.Phase))
}

// word is a state's name as Argo CD writes it, or unknown.
func word(s string) string {
	for _, c := range []byte(s) {
		if c < 'A' || c > 'z' || c > 'Z' && c < 'a' {
			return "unknown"
		}
	}
	if s == "" || len(s) > 32 {
		return "unknown"
	}
	return s
}
