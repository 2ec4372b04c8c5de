package kubernetes_test

import (
	"strings"
	"testing"
	"time"

	"github.com/opsguard/opsguard/pkg/incident"
	"github.com/opsguard/opsguard/pkg/steps"
)

const rollback = "rollback-deployment"

// ready is a shop with all rights and a Deployment that ran these images, one after the other.
func ready(t *testing.T, images ...string) *realShop {
	t.Helper()
	s := realCluster(t).shop(t)
	s.grant(rules())
	s.deploy(images[0], 3)
	for _, image := range images[1:] {
		s.image(image)
		s.rolledOut()
	}
	return s
}

// says checks that an error, or what steps tell, holds the words.
func says(t *testing.T, got any, words ...string) {
	t.Helper()
	var text string
	switch v := got.(type) {
	case error:
		text = v.Error()
	case []incident.FixStep:
		for _, step := range v {
			text += step.Detail + "\n"
		}
	}
	for _, word := range words {
		if !strings.Contains(text, word) {
			t.Errorf("it does not say %q: %q", word, text)
		}
	}
	if strings.Contains(text, "own words") {
		t.Errorf("it repeats what the other side said: %q", text)
	}
}

func runs(t *testing.T, s *realShop, want string) {
	t.Helper()
	o, err := s.Get(s.ctx(), s.apps("deployments")+"/api")
	s.must(err)
	containers, _ := part(part(part(o, "spec"), "template"), "spec")["containers"].([]any)
	if got := containers[0].(object)["image"]; got != want {
		t.Errorf("it runs %v, want %s", got, want)
	}
}

func TestARollbackNamesTheRevisionAndPutsItBack(t *testing.T) {
	s := ready(t, "shop/api:1", "shop/api:2")
	e := s.executor()
	o := s.order(e, rollback)
	for name, want := range map[string]string{"revision": "2", "images": "app=shop/api:2", "revisionBefore": "1", "imagesBefore": "app=shop/api:1"} {
		if got := o.Plan.Present[name]; got != want {
			t.Errorf("present %s is %q, want %q", name, got, want)
		}
	}
	if o.Plan.Wanted["images"] != "app=shop/api:1" || o.Plan.Blast != (incident.Blast{Affected: 3, Of: 3, Unit: "pods"}) {
		t.Errorf("wanted %v, blast %v", o.Plan.Wanted, o.Plan.Blast)
	}
	s.done(e, &o)
	s.rolledOut()
	runs(t, s, "shop/api:1")
	if sight := s.sees(e, o); sight.Phase != steps.Verified {
		t.Errorf("seen as %+v", sight)
	}
	o.Undoing = true
	if acted := e.Undo(s.ctx(), o); acted.Outcome != "" {
		t.Fatalf("Undo: %+v", acted)
	}
	s.rolledOut()
	runs(t, s, "shop/api:2")
	if sight := s.sees(e, o); sight.Phase != steps.Verified {
		t.Errorf("undone, it is seen as %+v", sight)
	}
}

func TestARollbackGoesBackOverARestart(t *testing.T) {
	s := ready(t, "shop/api:1", "shop/api:2")
	e := s.executor()
	o := s.order(e, "restart-service")
	s.done(e, &o)
	s.rolledOut()
	if back := s.order(e, rollback); back.Plan.Present["revision"] != "3" || back.Plan.Present["imagesBefore"] != "app=shop/api:1" {
		t.Errorf("after a restart: %v", back.Plan.Present)
	}
}

func TestARollbackIsRefusedWhere(t *testing.T) {
	for name, c := range map[string]struct {
		prepare func(s *realShop)
		want    string
	}{
		"there is no revision before": {func(*realShop) {}, "there is no revision before 1"},
		"rollouts are paused": {func(s *realShop) {
			s.image("shop/api:2")
			s.rolledOut()
			s.patchApps("deployments", object{"spec": object{"paused": true}})
		}, "paused"},
		"a rollout is under way": {func(s *realShop) {
			s.Kubelet.Pause()
			s.image("shop/api:2")
			s.until("deployments", func(o object) bool { return observed(o) && number(o, "status", "updatedReplicas") == 1 })
		}, "a rollout is under way (1 of 3 pods are updated)"},
		"nothing runs": {func(s *realShop) {
			s.patchApps("deployments", object{"spec": object{"replicas": 0}})
			s.until("deployments", observed)
		}, "scaled to zero"},
		"history is not kept": {func(s *realShop) {
			s.patchApps("deployments", object{"spec": object{"revisionHistoryLimit": 0}})
			s.image("shop/api:2")
			s.rolledOut()
			s.must(s.Until(s.ctx(), s.apps("replicasets"), s.oldest(), func(o object) bool { return o == nil }))
		}, "there is no revision before 2"},
		"it is gone": {func(s *realShop) { s.must(s.Delete(s.ctx(), s.apps("deployments")+"/api")); s.gone() }, "there is no deployments.apps "},
	} {
		t.Run(name, func(t *testing.T) {
			s := ready(t, "shop/api:1")
			c.prepare(s)
			_, err := s.executor().Look(s.ctx(), proposal(rollback))
			if err == nil {
				t.Fatal("it is not refused")
			}
			says(t, err, c.want)
		})
	}
}

// oldest is the name of the ReplicaSet of the first revision.
func (s *realShop) oldest() string {
	s.t.Helper()
	all, err := s.Get(s.ctx(), s.apps("replicasets"))
	s.must(err)
	items, _ := all["items"].([]any)
	for _, item := range items {
		meta := part(item.(object), "metadata")
		if part(meta, "annotations")["deployment.kubernetes.io/revision"] == "1" {
			return meta["name"].(string)
		}
	}
	return "there is none any more"
}

func (s *realShop) gone() {
	s.must(s.Until(s.ctx(), s.apps("deployments"), "api", func(o object) bool { return o == nil }))
}

func TestAVersionWhoseImageDoesNotExistIsRolledBack(t *testing.T) {
	s := ready(t, "shop/api:1")
	s.image("shop/api:missing")
	s.until("deployments", func(o object) bool { return observed(o) && number(o, "status", "updatedReplicas") == 1 })
	s.podsSay("ImagePullBackOff")
	e := s.executor()
	o := s.order(e, rollback)
	if o.Plan.Present["images"] != "app=shop/api:missing" || o.Plan.Wanted["images"] != "app=shop/api:1" {
		t.Errorf("%v -> %v", o.Plan.Present, o.Plan.Wanted)
	}
	s.done(e, &o)
	s.rolledOut()
	if sight := s.sees(e, o); sight.Phase != steps.Verified {
		t.Errorf("seen as %+v", sight)
	}
}

// podsSay waits until a kubelet gives that reason for a pod.
func (s *realShop) podsSay(why string) {
	s.t.Helper()
	s.must(s.UntilAny(s.ctx(), "/api/v1/namespaces/"+s.ns+"/pods", func(o object) bool {
		statuses, _ := part(o, "status")["containerStatuses"].([]any)
		return len(statuses) > 0 && part(part(statuses[0].(object), "state"), "waiting")["reason"] == why
	}))
}

func TestARollbackThatHangsIsNotVerifiedAndIsUndone(t *testing.T) {
	s := realCluster(t).shop(t)
	s.grant(rules())
	s.create(s.apps("deployments"), deploymentOf("api", "shop/api:missing", 3))
	s.podsSay("ImagePullBackOff")
	s.image("shop/api:2")
	s.rolledOut()
	e := s.executor()
	o := s.order(e, rollback)
	s.done(e, &o)
	s.until("deployments", func(d object) bool { return observed(d) && number(d, "status", "updatedReplicas") == 1 })
	s.podsSay("ImagePullBackOff")
	if sight := s.sees(e, o); sight.Phase != steps.Settling {
		t.Errorf("at first it is seen as %+v", sight)
	}
	o.StartedAt = o.StartedAt.Add(-11 * time.Minute)
	sight := s.sees(e, o)
	if sight.Phase != steps.NotVerified {
		t.Fatalf("after eleven minutes it is seen as %+v", sight)
	}
	says(t, sight.Steps, "its pods do not come up", "1 of 3 pods are updated", "1 ImagePullBackOff")
	o.Undoing = true
	acted := e.Undo(s.ctx(), o)
	if acted.Outcome != "" {
		t.Fatalf("Undo: %+v", acted)
	}
	o.Receipt = acted.Receipt
	s.rolledOut()
	runs(t, s, "shop/api:2")
	if sight := s.sees(e, o); sight.Phase != steps.Verified {
		t.Errorf("undone, it is seen as %+v", sight)
	}
}

func TestWhatSomebodyChangedMeanwhileIsLeftAlone(t *testing.T) {
	for name, meanwhile := range map[string]func(s *realShop){
		"another version":       func(s *realShop) { s.image("shop/api:3"); s.rolledOut() },
		"another, not seen yet": func(s *realShop) { s.Kubelet.Pause(); s.image("shop/api:3") },
		"paused":                func(s *realShop) { s.patchApps("deployments", object{"spec": object{"paused": true}}) },
		"deleted":               func(s *realShop) { s.must(s.Delete(s.ctx(), s.apps("deployments")+"/api")); s.gone() },
		"made again": func(s *realShop) {
			s.must(s.Delete(s.ctx(), s.apps("deployments")+"/api"))
			s.gone()
			s.deploy("shop/api:2", 3)
		},
		"the revision is deleted": func(s *realShop) { s.must(s.Delete(s.ctx(), s.apps("replicasets")+"/"+s.oldest())); s.oldestGone() },
	} {
		t.Run(name, func(t *testing.T) {
			s := ready(t, "shop/api:1", "shop/api:2")
			e := s.executor()
			o := s.order(e, rollback)
			meanwhile(s)
			before, _ := s.Get(s.ctx(), s.apps("deployments")+"/api")
			acted := e.Act(s.ctx(), o)
			after, _ := s.Get(s.ctx(), s.apps("deployments")+"/api")
			if acted.Outcome != incident.Failed || number(before, "metadata", "generation") != number(after, "metadata", "generation") {
				t.Errorf("%+v", acted)
			}
			says(t, acted.Steps, "nothing was changed")
		})
	}
}

func (s *realShop) oldestGone() {
	s.must(s.Until(s.ctx(), s.apps("replicasets"), s.oldest(), func(o object) bool { return o == nil }))
}

func TestAnUndoingLeavesAloneWhatSomebodyChangedSince(t *testing.T) {
	s := ready(t, "shop/api:1", "shop/api:2")
	e := s.executor()
	o := s.order(e, rollback)
	s.done(e, &o)
	s.rolledOut()
	s.image("shop/api:3")
	s.rolledOut()
	if sight := s.sees(e, o); sight.Phase != steps.NotVerified {
		t.Errorf("seen as %+v", sight)
	}
	o.Undoing = true
	acted := e.Undo(s.ctx(), o)
	if acted.Outcome != incident.Failed {
		t.Errorf("%+v", acted)
	}
	says(t, acted.Steps, "somebody has changed it meanwhile", "nothing was changed")
	runs(t, s, "shop/api:3")
}
