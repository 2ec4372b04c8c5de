// Package kubernetes fixes a Deployment, StatefulSet or DaemonSet, in plain REST calls of
// the Kubernetes API. Start at Integration, then at fix: each fix has a file of its own.
//
// Every change is made at the resourceVersion that was read just before, when the target
// was seen to be as planned: if somebody changes it in between, the API server refuses. The
// platform keeps no idempotency keys; a fix that was taken is recognised by what it leaves.
//
// A cluster is reached by a kubeconfig file, by server and token, by the service account of
// the pod that OpsGuard runs in, or as a role of AWS where it is Amazon EKS's; see access.
package kubernetes

import (
	"context"
	"fmt"
	"net/http"

	"github.com/opsguard/opsguard/pkg/executor/internal/awsapi"
	"github.com/opsguard/opsguard/pkg/incident"
	"github.com/opsguard/opsguard/pkg/integration"
	"github.com/opsguard/opsguard/pkg/steps"
)

// Executor changes one workload. It may be used concurrently.
type Executor struct {
	env      integration.Env
	settings Settings
	kind     kind
	name     string
	eks      *eks // nil where api serves all calls
	api      api  // of one method's session where there is eks
}

// Integration describes the executor.
func Integration() integration.Descriptor[steps.Executor] {
	return integration.New("kubernetes", "fixes a Deployment, StatefulSet or DaemonSet of a Kubernetes cluster", Open).NamedBy("context", "server", "eks", "region", "namespace", "deployment", "statefulSet", "daemonSet").Can(abilities()...)
}

func abilities() []integration.Ability {
	return []integration.Ability{
		{Fix: restartService, Does: "sets the pod template's annotation kubectl.kubernetes.io/restartedAt, as kubectl rollout restart does",
			Verifies: "the rollout's status, as kubectl rollout status does",
			Rights:   "get and patch on the workload; list on pods and on replicasets or controllerrevisions" + onEKS},
		{Fix: rollbackDeployment, Does: "puts back the pod template of the revision before, as kubectl rollout undo does",
			Undo:     "puts back the pod template of the revision that was there, if nobody has changed it since",
			Verifies: "the workload is at that revision, and the rollout's status",
			Rights:   "get and patch on the workload; list on pods and on replicasets or controllerrevisions" + onEKS},
		{Fix: scaleOut, Does: "raises spec.replicas, up to maxReplicas; not of a DaemonSet, nor under a HorizontalPodAutoscaler",
			Undo:     "sets spec.replicas to what it was, if it still is what the fix made it",
			Verifies: "as many pods are available as are wanted",
			Rights:   "get on the workload; patch on its scale; list on horizontalpodautoscalers, pods and replicasets" + onEKS},
		{Fix: replaceInstance, Does: "deletes the least healthy pod; its controller makes another",
			Verifies: "that pod is gone and all pods are available",
			Rights:   "get on the workload; list on replicasets; get, list and delete on pods" + onEKS},
		{Fix: cordonNode, Does: "marks the node of the least healthy pod as unschedulable",
			Undo:     "marks the node as schedulable, if it still is marked",
			Verifies: "the node is marked as unschedulable",
			Rights:   "get on the workload; list on pods and replicasets; get, list and patch on nodes, for the whole cluster" + onEKS},
	}
}

// onEKS is what each fix needs in AWS.
const onEKS = "; with eks: " + describeCluster + " on the cluster"

// The fixes of the catalogue that can be done here.
const (
	restartService     = "restart-service"
	rollbackDeployment = "rollback-deployment"
	scaleOut           = "scale-out"
	replaceInstance    = "replace-instance"
	cordonNode         = "cordon-node"
)

// Open opens the executor. It reads the files that the settings name, and calls nobody.
func Open(env integration.Env, s Settings) (steps.Executor, error) {
	e := &Executor{env: env, settings: s}
	e.kind, e.name = s.workload()
	if s.EKS != "" {
		e.eks = &eks{env, s.target(), s.EKS}
		return e, nil
	}
	way, err := accessOf(env, s)
	if err != nil {
		return nil, err
	}
	return e.by(way), nil
}

// by is the executor with a way to the cluster.
func (e *Executor) by(way access) *Executor {
	reached := *e
	reached.env.HTTP = way.http
	reached.api = api{reached.env, way}
	return &reached
}

// fix is one fix of a workload.
type fix interface {
	// look reads what the fix depends on, or says what is in its way.
	look(ctx context.Context) (incident.State, error)
	// plan is pure.
	plan(present incident.State, p incident.Proposal) (incident.Draft, error)
	act(ctx context.Context, o steps.Order) steps.Acted
	verify(ctx context.Context, o steps.Order) (steps.Sight, error)
	undo(ctx context.Context, o steps.Order) steps.Acted
}

func (e *Executor) fix(id string) (fix, error) {
	switch id {
	case restartService:
		return restart{e}, nil
	case rollbackDeployment:
		return rollback{e}, nil
	case scaleOut:
		return scale{e}, nil
	case replaceInstance:
		return replace{e}, nil
	case cordonNode:
		return cordon{e}, nil
	}
	return nil, incident.BadField("fixId", "%s cannot be done on Kubernetes", id)
}

// ready is a fix that can call the cluster. On EKS that takes a session of AWS for who.
func (e *Executor) ready(ctx context.Context, id string, who awsapi.Who) (fix, error) {
	f, err := e.fix(id)
	if err != nil || e.eks == nil {
		return f, err
	}
	way, err := e.eks.access(ctx, who)
	if err != nil {
		return nil, err
	}
	return e.by(way).fix(id)
}

// Look implements steps.Executor.
func (e *Executor) Look(ctx context.Context, p incident.Proposal) (incident.State, error) {
	f, err := e.ready(ctx, p.FixID, e.settings.target().ToPlan())
	if err != nil {
		return nil, err
	}
	return f.look(ctx)
}

// Plan implements steps.Executor.
func (e *Executor) Plan(present incident.State, p incident.Proposal) (incident.Draft, error) {
	f, err := e.fix(p.FixID)
	if err != nil {
		return incident.Draft{}, err
	}
	draft, err := f.plan(present, p)
	if err == nil && e.eks != nil {
		draft.Rights = append(draft.Rights, e.eks.right())
	}
	return draft, err
}

// Act implements steps.Executor.
func (e *Executor) Act(ctx context.Context, o steps.Order) steps.Acted {
	f, err := e.ready(ctx, o.Plan.FixID, e.settings.target().ToChange(o))
	if err != nil {
		return e.failed(o.Plan.FixID, err)
	}
	return f.act(ctx, o)
}

// Undo implements steps.Executor.
func (e *Executor) Undo(ctx context.Context, o steps.Order) steps.Acted {
	if !o.Plan.Undo.Possible() {
		return e.failed("undo", incident.Bad("the plan has no undoing"))
	}
	f, err := e.ready(ctx, o.Plan.FixID, e.settings.target().ToChange(o))
	if err != nil {
		return e.failed("undo", err)
	}
	return f.undo(ctx, o)
}

// Verify implements steps.Executor.
func (e *Executor) Verify(ctx context.Context, o steps.Order) (steps.Sight, error) {
	f, err := e.ready(ctx, o.Plan.FixID, e.settings.target().ToVerify(o))
	if err != nil {
		return steps.Sight{}, err
	}
	sight, err := f.verify(ctx, o)
	if incident.KindOf(err) == incident.NotFound {
		return e.sight(steps.NotVerified, err.Error()+"; somebody deleted it"), nil
	}
	return sight, err
}

// change is one change, as it was prepared: what is patched at which version.
type change struct {
	on   resource
	form string
	body any
}

// maxTries is how often a change is prepared anew where the object was changed by others
// in between but is still as planned: its controller writes its status all the time.
const maxTries = 4

// apply prepares a change and makes it. prepare reads the object and refuses if it is not as
// planned, so that whatever it returns, nothing was changed. The answer is read into into.
func (e *Executor) apply(ctx context.Context, step, did string, prepare func(context.Context) (change, error), into any) steps.Acted {
	for try := 1; ; try++ {
		c, err := prepare(ctx)
		if err != nil {
			return e.failed(step, err)
		}
		s, err := e.api.patch(ctx, c.on, c.form, c.body, into)
		switch {
		case err == nil:
			return steps.Acted{Steps: []incident.FixStep{e.step(step, "ok", did)}}
		case s.status != http.StatusConflict || try == maxTries:
			return e.ended(step, s, err)
		}
	}
}

// ended tells how a change ended that was sent and was not confirmed.
func (e *Executor) ended(step string, s said, err error) steps.Acted {
	if outcome := s.outcome(err); outcome != incident.Failed {
		told := err.Error() + "; whether it was changed is not known"
		return steps.Acted{Outcome: outcome, Steps: []incident.FixStep{e.step(step, "failed", told)}}
	}
	return e.failed(step, err)
}

// failed tells that nothing was changed, and why.
func (e *Executor) failed(step string, why error) steps.Acted {
	return steps.Acted{Outcome: incident.Failed, Steps: []incident.FixStep{e.step(step, "failed", why.Error()+"; nothing was changed")}}
}

func (e *Executor) step(name, status, detail string) incident.FixStep {
	return incident.FixStep{Name: name, Status: status, Detail: detail, At: incident.Stamp(e.env.Now())}
}

func (e *Executor) sight(phase steps.Phase, told string) steps.Sight {
	status := "ok"
	if phase == steps.NotVerified {
		status = "failed"
	}
	return steps.Sight{Phase: phase, Steps: []incident.FixStep{e.step("verify", status, told)}}
}

// drifted refuses where a fact is not as in the plan.
func drifted(what, was, is string) error {
	if was == is {
		return nil
	}
	return incident.Bad("somebody has changed it meanwhile: %s was %q when the plan was made and is %q now", what, was, is)
}

// madeAgain is what is said of a workload that has the name and another uid.
const madeAgain = "somebody deleted it and made another of that name"

func notTheAPI() error {
	return incident.Bad("what answers is not the Kubernetes API; check the server's address")
}

func notSeenYet() error {
	return incident.Bad("somebody has changed it meanwhile, and the cluster's controller has not seen that yet")
}

// right is one that a fix needs, as RBAC puts it.
func right(verb string, on resource) string { return fmt.Sprintf("%s on %s", verb, on) }
