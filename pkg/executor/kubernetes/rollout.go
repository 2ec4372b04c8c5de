package kubernetes

import (
	"context"
	"fmt"
	"strings"
	"time"

	"github.com/opsguard/opsguard/pkg/incident"
	"github.com/opsguard/opsguard/pkg/steps"
)

// rollout says how far a rollout has come, by the same fields as `kubectl rollout status`
// (kubectl/pkg/polymorphichelpers/rollout_status.go).
func (w workload) rollout() (done bool, told string) {
	size, s := w.size(), w.Status
	waiting := func(n int, what string) (bool, string) {
		return false, fmt.Sprintf("%d of %d pods are %s", n, size, what)
	}
	if w.Metadata.Generation > s.ObservedGeneration || s.ObservedGeneration == 0 {
		return false, "the cluster's controller has not seen the change yet"
	}
	switch w.Kind {
	case deployment:
		switch {
		case s.UpdatedReplicas < size:
			return waiting(s.UpdatedReplicas, "updated")
		case s.Replicas > s.UpdatedReplicas:
			return false, fmt.Sprintf("%d old pods are still there", s.Replicas-s.UpdatedReplicas)
		case s.AvailableReplicas < s.UpdatedReplicas:
			return waiting(s.AvailableReplicas, "updated and available")
		}
	case statefulSet:
		switch {
		case s.UpdatedReplicas < size:
			return waiting(s.UpdatedReplicas, "updated")
		case s.ReadyReplicas < size:
			return waiting(s.ReadyReplicas, "updated and ready")
		}
	default:
		switch {
		case s.UpdatedNumberScheduled < size:
			return waiting(s.UpdatedNumberScheduled, "updated")
		case s.NumberAvailable < size:
			return waiting(s.NumberAvailable, "updated and available")
		}
	}
	return true, fmt.Sprintf("%d of %d pods are updated and available", size, size)
}

// gaveUp is why the platform has stopped trying, or what it lacks; "" while it goes on.
// stale is the update of the Progressing condition that stood before the change: its
// verdict is about the rollout before, until there is another.
func (w workload) gaveUp(stale string) string {
	if w.Metadata.Generation > w.Status.ObservedGeneration {
		return ""
	}
	if c := w.condition("Progressing"); c.Reason == "ProgressDeadlineExceeded" && (stale == "" || c.LastUpdateTime != stale) {
		return "it did not get on within its progress deadline"
	}
	// The controller repeats what the API server answered: "exceeded quota: ..." is its wording.
	if c := w.condition("ReplicaFailure"); c.Status == "True" && strings.Contains(c.Message, "exceeded quota") {
		return "no pod can be made: the namespace's quota is used up"
	}
	return ""
}

// patience is how long pods may ail until it is said that they will not come up. A
// Deployment's controller says so after ten minutes, unless it rolled back to a ReplicaSet
// that it had called available before; those of StatefulSets and DaemonSets never do.
const patience = 10 * time.Minute

// settling looks how far a rollout has come and what the pods say where it is not done.
func (e *Executor) settling(ctx context.Context, w workload, o steps.Order) (steps.Sight, error) {
	done, told := w.rollout()
	if done {
		return e.sight(steps.Verified, told), nil
	}
	pods, err := e.everyPod(ctx, w)
	if err != nil {
		return steps.Sight{}, err
	}
	ill := ailments(pods)
	if ill != "" {
		told += "; pods: " + ill
	}
	why := w.gaveUp(o.Receipt[factProgress])
	if why == "" && ill != "" && e.env.Now().Sub(o.StartedAt) > patience {
		why = "its pods do not come up"
	}
	if why != "" {
		return e.sight(steps.NotVerified, why+": "+told), nil
	}
	return e.sight(steps.Settling, told), nil
}

// underWay reports whether the last rollout has not ended. Pods of a version that was
// rolled out before and are ill now are no rollout.
func (w workload) underWay() bool {
	if done, _ := w.rollout(); done || w.gaveUp("") != "" {
		return false
	}
	switch w.Kind {
	case deployment: // its controller writes that when the new ReplicaSet is complete, and leaves it, also at first when rolled back
		return w.condition("Progressing").Reason != "NewReplicaSetAvailable" || w.Status.Replicas > w.Status.UpdatedReplicas
	case statefulSet: // its controller makes them equal at the end
		return w.Status.CurrentRevision != w.Status.UpdateRevision
	}
	return w.Status.UpdatedNumberScheduled < w.Status.DesiredNumberScheduled
}

// free refuses while a rollout is under way: it would be cut in two. One that hangs, or
// whose pods will not come up, is not under way: that is what a rollback is for.
func (e *Executor) free(ctx context.Context, w workload, all []revision, at revision) error {
	if w.Metadata.Generation > w.Status.ObservedGeneration {
		return incident.Unavail("the cluster's controller has not seen the workload's last change yet", nil)
	}
	if !w.underWay() {
		return nil
	}
	_, told := w.rollout()
	pods, err := e.pods(ctx, w, all)
	if err != nil {
		return err
	}
	name, value := at.label(w)
	for _, p := range alive(pods) {
		if p.Metadata.Labels[name] == value && p.ails() != "" {
			return nil
		}
	}
	return incident.Bad("a rollout is under way (%s); wait until it is done or hangs", told)
}

// changeable refuses a workload whose pods do not follow its template.
func (w workload) changeable() error {
	why := ""
	switch {
	case w.Spec.Paused:
		why = "its rollouts are paused; resume them first: kubectl rollout resume"
	case w.Kind != deployment && w.Spec.UpdateStrategy.Type == "OnDelete":
		why = "its update strategy is OnDelete: pods change only when somebody deletes them"
	case w.Spec.UpdateStrategy.RollingUpdate.Partition > 0:
		why = "it is rolled out up to a partition only; finish that first"
	case w.size() == 0:
		why = "it is scaled to zero: there are no pods"
	default:
		return nil
	}
	return incident.Bad("%s", why)
}
