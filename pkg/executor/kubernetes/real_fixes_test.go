package kubernetes_test

import (
	"testing"

	"github.com/opsguard/opsguard/pkg/executor"
	"github.com/opsguard/opsguard/pkg/executor/kubernetes"
	"github.com/opsguard/opsguard/pkg/incident"
	"github.com/opsguard/opsguard/pkg/steps"

	"github.com/google/go-cmp/cmp"
)

func TestARestartThatHangsIsNotVerified(t *testing.T) {
	s := realCluster(t).shop(t)
	s.grant(rules())
	d := deploymentOf("api", "shop/api:1", 3)
	part(d, "spec")["progressDeadlineSeconds"] = 1
	s.create(s.apps("deployments"), d)
	s.rolledOut()
	e := s.executor()
	o := s.order(e, "restart-service")
	s.Kubelet.Pause()
	s.done(e, &o)
	s.until("deployments", func(d object) bool { return observed(d) && reason(d, "Progressing") == "ProgressDeadlineExceeded" })
	sight := s.sees(e, o)
	if sight.Phase != steps.NotVerified {
		t.Errorf("seen as %+v", sight)
	}
	says(t, sight.Steps, "within its progress deadline", "1 not ready")
}

// TestTheVerdictAboutTheRolloutBeforeIsNotTakenForThisOne: the condition stands until the
// new rollout gets on, which it does not while the old pods end.
func TestTheVerdictAboutTheRolloutBeforeIsNotTakenForThisOne(t *testing.T) {
	s := realCluster(t).shop(t)
	s.grant(rules())
	d := deploymentOf("api", "shop/api:1", 3)
	part(d, "spec")["progressDeadlineSeconds"], part(d, "spec")["strategy"] = 1, object{"type": "Recreate"}
	s.create(s.apps("deployments"), d)
	s.rolledOut()
	for s.image("shop/api:missing"); !s.soon("deployments", func(d object) bool {
		return observed(d) && number(d, "status", "updatedReplicas") == 3 && reason(d, "Progressing") == "ProgressDeadlineExceeded"
	}); s.image("shop/api:missing") {
		s.image("shop/api:1") // now and then the controller keeps the verdict of before, and never sees that the deadline is over
		s.rolledOut()
	}
	e := s.executor()
	o := s.order(e, rollback)
	s.Kubelet.Pause()
	s.done(e, &o)
	s.until("deployments", func(d object) bool { return observed(d) && number(d, "status", "updatedReplicas") == 0 })
	if sight := s.sees(e, o); sight.Phase != steps.Settling {
		t.Errorf("seen as %+v", sight)
	}
	s.resume()
	s.rolledOut()
	if sight := s.sees(e, o); sight.Phase != steps.Verified {
		t.Errorf("at the end it is seen as %+v", sight)
	}
}

func TestScalingOutBeyondTheQuotaIsNotVerifiedAndIsUndone(t *testing.T) {
	s := ready(t, "shop/api:1")
	s.create("/api/v1/namespaces/"+s.ns+"/resourcequotas", object{
		"metadata": object{"name": "pods"}, "spec": object{"hard": object{"pods": "3"}},
	})
	s.must(s.Until(s.ctx(), "/api/v1/namespaces/"+s.ns+"/resourcequotas", "pods", func(o object) bool {
		return part(part(o, "status"), "used")["pods"] == "3"
	}))
	e := s.executor()
	o := s.order(e, "scale-out")
	s.done(e, &o)
	s.until("deployments", func(d object) bool { return observed(d) && reason(d, "ReplicaFailure") == "FailedCreate" })
	sight := s.sees(e, o)
	if sight.Phase != steps.NotVerified {
		t.Errorf("seen as %+v", sight)
	}
	says(t, sight.Steps, "quota is used up", "3 of 5 pods")
	o.Undoing = true
	if acted := e.Undo(s.ctx(), o); acted.Outcome != "" {
		t.Fatalf("Undo: %+v", acted)
	}
	s.rolledOut()
	if sight := s.sees(e, o); sight.Phase != steps.Verified {
		t.Errorf("undone, it is seen as %+v", sight)
	}
}

func TestScalingOutIsRefusedWhereAnotherSetsTheReplicas(t *testing.T) {
	s := ready(t, "shop/api:1")
	const autoscaling = "/apis/autoscaling/v2/namespaces/"
	s.create(autoscaling+s.ns+"/horizontalpodautoscalers", object{"metadata": object{"name": "by-load"}, "spec": object{
		"maxReplicas": 9, "scaleTargetRef": object{"apiVersion": "apps/v1", "kind": "Deployment", "name": "api"}}})
	_, err := s.executor().Look(s.ctx(), proposal("scale-out"))
	if incident.KindOf(err) != incident.Invalid {
		t.Fatalf("Look: %v", err)
	}
	says(t, err, "HorizontalPodAutoscaler by-load")
	_, err = s.executor(setting("daemonSet", "api")).Look(s.ctx(), proposal("scale-out"))
	says(t, err, "a DaemonSet has one pod on each node")
}

func TestScalingOutEndsAtTheLimitOfTheSettings(t *testing.T) {
	s := ready(t, "shop/api:1")
	e := s.executor() // up to 6
	p := proposal("scale-out")
	p.Parameters["instances"] = "4"
	present, err := e.Look(s.ctx(), p)
	s.must(err)
	_, err = e.Plan(present, p)
	if incident.KindOf(err) != incident.Invalid {
		t.Fatalf("Plan: %v", err)
	}
	says(t, err, "3 pods and 4 more are above maxReplicas (6)")
}

func TestTheLeastHealthyPodIsReplaced(t *testing.T) {
	s := ready(t, "shop/api:1")
	var ill string
	pods, err := s.Get(s.ctx(), "/api/v1/namespaces/"+s.ns+"/pods")
	s.must(err)
	ill = part(pods["items"].([]any)[1].(object), "metadata")["name"].(string)
	s.must(s.Patch(s.ctx(), "/api/v1/namespaces/"+s.ns+"/pods/"+ill+"/status", object{"status": object{"containerStatuses": []any{object{
		"name": "app", "image": "shop/api:1", "imageID": "", "ready": false, "restartCount": 7,
		"state": object{"waiting": object{"reason": "CrashLoopBackOff"}}}}}}))
	e := s.executor()
	o := s.order(e, "replace-instance")
	if o.Plan.Present["pod"] != ill {
		t.Errorf("chosen %s, want %s", o.Plan.Present["pod"], ill)
	}
	s.Kubelet.Pause()
	s.done(e, &o)
	if sight := s.sees(e, o); sight.Phase != steps.Settling {
		t.Errorf("while it ends it is seen as %+v", sight)
	}
	again := e.Act(s.ctx(), o)
	if again.Outcome != "" { // deleting what is being deleted changes nothing more
		t.Logf("asked again: %+v", again)
	}
	s.until("deployments", func(d object) bool { return number(d, "status", "availableReplicas") == 2 })
	s.resume()
	s.rolledOut()
	if sight := s.sees(e, o); sight.Phase != steps.Verified {
		t.Errorf("seen as %+v", sight)
	}
	if late := e.Act(s.ctx(), o); late.Outcome != incident.Failed {
		t.Errorf("a pod that is gone: %+v", late)
	}
}

func TestAStatefulSetsPodOfTheSameNameIsNotTakenForTheOneThatWasChosen(t *testing.T) {
	s := realCluster(t).shop(t)
	s.grant(rules())
	s.create(s.apps("statefulsets"), setOf("StatefulSet", "shop/db:1"))
	s.settled("statefulsets")
	e := s.executor(setting("statefulSet", "api"))
	o := s.order(e, "replace-instance")
	pod := o.Plan.Present["pod"]
	s.must(s.Delete(s.ctx(), "/api/v1/namespaces/"+s.ns+"/pods/"+pod))
	s.must(s.Until(s.ctx(), "/api/v1/namespaces/"+s.ns+"/pods", pod, func(p object) bool {
		return p != nil && part(p, "metadata")["uid"] != o.Plan.Present["podUid"]
	}))
	acted := e.Act(s.ctx(), o)
	if acted.Outcome != incident.Failed {
		t.Errorf("%+v", acted)
	}
	says(t, acted.Steps, "changed by somebody meanwhile", "nothing was changed")
}

// setOf is a StatefulSet or a DaemonSet.
func setOf(kind, image string) object {
	spec := object{"selector": object{"matchLabels": object{"app": "api"}}, "template": podTemplate(image)}
	if kind == "StatefulSet" {
		spec["replicas"], spec["serviceName"] = 2, "api"
	}
	return copied(object{"apiVersion": "apps/v1", "kind": kind, "metadata": object{"name": "api"}, "spec": spec})
}

// settled waits until a StatefulSet or DaemonSet of two pods is as it should be.
func (s *realShop) settled(plural string) {
	s.t.Helper()
	s.until(plural, func(o object) bool {
		if plural == "daemonsets" {
			return observed(o) && number(o, "status", "updatedNumberScheduled") == 2 && number(o, "status", "numberAvailable") == 2
		}
		st := part(o, "status")
		return observed(o) && number(o, "status", "updatedReplicas") == 2 && number(o, "status", "readyReplicas") == 2 &&
			st["currentRevision"] == st["updateRevision"]
	})
}

func TestStatefulSetsAndDaemonSetsAreRestartedAndRolledBack(t *testing.T) {
	for kind, c := range map[string]struct{ setting, plural string }{
		"StatefulSet": {"statefulSet", "statefulsets"}, "DaemonSet": {"daemonSet", "daemonsets"},
	} {
		t.Run(kind, func(t *testing.T) {
			s := realCluster(t).shop(t)
			s.grant(rules())
			s.create(s.apps(c.plural), setOf(kind, "shop/db:1"))
			s.settled(c.plural)
			e := s.executor(setting(c.setting, "api"))
			_, err := e.Look(s.ctx(), proposal(rollback))
			says(t, err, "there is no revision before 1")
			s.patchApps(c.plural, runningImage("shop/db:2"))
			s.settled(c.plural)
			restart := s.order(e, "restart-service")
			s.done(e, &restart)
			s.settled(c.plural)
			if sight := s.sees(e, restart); sight.Phase != steps.Verified {
				t.Errorf("the restart is seen as %+v", sight)
			}
			o := s.order(e, rollback)
			if o.Plan.Present["images"] != "app=shop/db:2" || o.Plan.Wanted["images"] != "app=shop/db:1" || o.Plan.Blast.Of != 2 {
				t.Errorf("%v -> %v, %v", o.Plan.Present, o.Plan.Wanted, o.Plan.Blast)
			}
			s.done(e, &o)
			s.settled(c.plural)
			if sight := s.sees(e, o); sight.Phase != steps.Verified {
				t.Errorf("the rollback is seen as %+v", sight)
			}
			o.Undoing = true
			if acted := e.Undo(s.ctx(), o); acted.Outcome != "" {
				t.Fatalf("Undo: %+v", acted)
			}
			s.settled(c.plural)
			if sight := s.sees(e, o); sight.Phase != steps.Verified {
				t.Errorf("undone, it is seen as %+v", sight)
			}
			o.Undoing = false
			if sight := s.sees(e, o); sight.Phase != steps.NotVerified {
				t.Errorf("the rollback that was undone is seen as %+v", sight)
			}
		})
	}
}

func TestAWorkloadWhosePodsDoNotFollowItsTemplateIsRefused(t *testing.T) {
	for want, strategy := range map[string]object{
		"OnDelete":  {"type": "OnDelete"},
		"partition": {"type": "RollingUpdate", "rollingUpdate": object{"partition": 1}},
	} {
		s := realCluster(t).shop(t)
		s.grant(rules())
		set := setOf("StatefulSet", "shop/db:1")
		part(set, "spec")["updateStrategy"] = strategy
		s.create(s.apps("statefulsets"), set)
		for _, fix := range []string{"restart-service", rollback} {
			_, err := s.executor(setting("statefulSet", "api")).Look(s.ctx(), proposal(fix))
			says(t, err, want)
		}
	}
}

func TestATargetThatIsDeletedMeanwhileIsNotVerified(t *testing.T) {
	s := ready(t, "shop/api:1", "shop/api:2")
	e := s.executor()
	for _, fix := range []string{"restart-service", rollback, "scale-out", "replace-instance"} {
		o := s.order(e, fix)
		s.must(s.Delete(s.ctx(), s.apps("deployments")+"/api"))
		s.gone()
		if sight := s.sees(e, o); sight.Phase != steps.NotVerified {
			t.Errorf("%s: seen as %+v", fix, sight)
		}
		s.deploy("shop/api:1", 3)
		if sight := s.sees(e, o); sight.Phase != steps.NotVerified {
			t.Errorf("%s: another of that name is seen as %+v", fix, sight)
		}
		s.image("shop/api:2")
		s.rolledOut()
	}
}

func TestCordoningIsRefusedWhereNoOtherNodeTakesWork(t *testing.T) {
	s := ready(t, "shop/api:1")
	e := s.executor()
	o := s.order(e, "cordon-node")
	other := map[string]string{"node-1": "node-2", "node-2": "node-1"}[o.Plan.Present["node"]]
	mark := func(node string, un bool) {
		s.must(s.Patch(s.ctx(), "/api/v1/nodes/"+node, object{"spec": object{"unschedulable": un}}))
	}
	t.Cleanup(func() { mark("node-1", false); mark("node-2", false) })
	mark(other, true)
	_, err := e.Look(s.ctx(), proposal("cordon-node"))
	says(t, err, "is the only node that takes new work")
	mark(other, false)
	mark(o.Plan.Present["node"], true)
	_, err = e.Look(s.ctx(), proposal("cordon-node"))
	says(t, err, "takes no new work already")
	if acted := e.Act(s.ctx(), o); acted.Outcome != incident.Failed {
		t.Errorf("a node that somebody cordoned meanwhile: %+v", acted)
	}
	mark(o.Plan.Present["node"], false)
	o.Undoing = true
	if acted := e.Undo(s.ctx(), o); acted.Outcome != incident.Failed {
		t.Errorf("a node that somebody uncordoned meanwhile: %+v", acted)
	}
}

// TestWhatIsSeenStandsAsItIsInThePlan: what is redacted before it is kept must not take a
// uid or a revision for a secret, or every plan would be stale.
func TestWhatIsSeenStandsAsItIsInThePlan(t *testing.T) {
	s := ready(t, "shop/api:1", "shop/api:2")
	set, err := executor.Open(s.env(), executor.List())
	s.must(err)
	attributes := map[string]string{}
	for _, a := range append(target(s.URL, s.ns), setting("ca", s.CA)) {
		attributes[a.Name] = a.Value.Pack()
	}
	bounded, err := set.For(incident.Target{Service: "shop", Type: "kubernetes", Attributes: attributes})
	s.must(err)
	for _, ability := range kubernetes.Integration().Abilities {
		raw, err := s.executor().Look(s.ctx(), proposal(ability.Fix))
		s.must(err)
		kept, err := bounded.Look(s.ctx(), proposal(ability.Fix))
		s.must(err)
		if diff := cmp.Diff(raw, kept); diff != "" {
			t.Errorf("%s (-seen +kept):\n%s", ability.Fix, diff)
		}
	}
}
