package docker_test

import (
	"context"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/opsguard/opsguard/pkg/incident"
	"github.com/opsguard/opsguard/pkg/steps"
)

// order plans a fix against the engine as it is, at the world's time.
func (w *world) order(fix string) steps.Order {
	w.t.Helper()
	o := ordered(w.t, w.open(), proposal(fix))
	o.StartedAt = w.now
	return o
}

// acts does a fix and returns its order with what was answered.
func (w *world) acts(o steps.Order, outcome incident.Outcome, complete string) steps.Order {
	w.t.Helper()
	acted := w.open().Act(w.t.Context(), o)
	if acted.Outcome != outcome || acted.Receipt["complete"] != complete {
		w.t.Errorf("Act ended %q, complete %q, want %q, %q: %s", acted.Outcome, acted.Receipt["complete"], outcome, complete, told(acted.Steps))
	}
	if strings.Contains(told(acted.Steps), "own words") {
		w.t.Errorf("a step repeats what the engine said: %s", told(acted.Steps))
	}
	o.Receipt, o.Fix = acted.Receipt, acted.Receipt
	return o
}

func (w *world) undoes(o steps.Order, outcome incident.Outcome) steps.Order {
	w.t.Helper()
	o.Undoing, o.Key, o.Receipt = true, o.Plan.Key(o.Ref, true), nil
	before := len(w.calls)
	acted := w.open().Undo(w.t.Context(), o)
	if acted.Outcome != outcome {
		w.t.Errorf("Undo ended %q, want %q: %s", acted.Outcome, outcome, told(acted.Steps))
	}
	if outcome == incident.Failed && len(w.calls) != before {
		w.t.Errorf("Undo says that it changed nothing, and did %v", w.calls[before:])
	}
	o.Receipt = acted.Receipt
	return o
}

// sees looks after a minute.
func (w *world) sees(o steps.Order, want steps.Phase) {
	w.t.Helper()
	w.now = w.now.Add(time.Minute)
	sight, err := w.open().Verify(w.t.Context(), o)
	if err != nil || sight.Phase != want {
		w.t.Errorf("%s, undoing %v: it is %s, %v, want %s: %s", o.Plan.FixID, o.Undoing, sight.Phase, err, want, told(sight.Steps))
	}
}

// runs holds the engine to the containers that run, each as name=image.
func (w *world) runs(want ...string) {
	w.t.Helper()
	var got []string
	for _, c := range w.containers {
		if c.status == "running" {
			got = append(got, c.name+"="+w.image(c.image)["RepoTags"].([]any)[0].(string))
		}
	}
	slices.Sort(got)
	if !slices.Equal(got, want) {
		w.t.Errorf("there run %v, want %v", got, want)
	}
}

func TestEveryContainerOfTheServiceIsRestartedAndVerified(t *testing.T) {
	w := newWorld(t)
	o := w.acts(w.order("restart-service"), "", "yes")
	if w.restarts != 2 {
		t.Errorf("%d restarts", w.restarts)
	}
	w.sees(o, steps.Verified)
	w.containers[1].health = object{"Status": "starting"}
	w.sees(o, steps.Settling)
	w.containers[1].health = object{"Status": "unhealthy"}
	w.sees(o, steps.Settling)
	w.containers[1].health = object{"Status": "healthy"}
	w.sees(o, steps.Verified)
	w.containers[1].status = "restarting"
	w.sees(o, steps.Settling)
	w.containers[1].status = "exited"
	w.sees(o, steps.Settling) // the engine restarts it
	w.containers[1].host["RestartPolicy"] = object{"Name": "no"}
	w.sees(o, steps.NotVerified)
	w.containers = w.containers[:1]
	w.sees(o, steps.NotVerified)
}

func TestAContainerThatWasNotStartedSinceTheFixBeganSettles(t *testing.T) {
	w := newWorld(t)
	o := w.order("restart-service")
	w.sees(o, steps.Settling) // no call has told of it
	o = w.acts(o, "", "yes")
	w.containers[1].started = o.StartedAt.Add(-time.Hour)
	w.sees(o, steps.Settling)
}

func TestAContainerThatWasRecreatedIsNotRestarted(t *testing.T) {
	w := newWorld(t)
	o := w.order("restart-service")
	w.containers[0].id = id(77)
	w.acts(o, incident.Failed, "")
	if w.restarts != 0 {
		t.Errorf("%d restarts", w.restarts)
	}
}

func TestARestartThatStopsHalfwayIsNotVerified(t *testing.T) {
	w := newWorld(t)
	o := w.order("restart-service")
	w.containers[1].id = id(77)
	o = w.acts(o, "", "no")
	w.sees(o, steps.NotVerified)
}

func TestARestartOfWhichTheEngineFailsMayHaveHappened(t *testing.T) {
	w := newWorld(t)
	o := w.order("restart-service")
	w.refuse["POST restart"] = 500
	w.acts(o, incident.Unknown, "")
	w.refuse["POST restart"] = 409
	w.acts(o, incident.Failed, "")
}

func TestAnEngineThatHangsIsNotWaitedForBeyondTheTime(t *testing.T) {
	w := newWorld(t)
	o := w.order("restart-service")
	ctx, cancel := context.WithCancel(t.Context())
	w.hang = cancel
	acted := w.open().Act(ctx, o)
	if acted.Outcome != incident.Unknown {
		t.Errorf("%q: %s", acted.Outcome, told(acted.Steps))
	}
}

func TestARollbackRunsTheImageBeforeAndIsUndone(t *testing.T) {
	w := newWorld(t)
	o := w.acts(w.order("rollback-deployment"), "", "yes")
	w.runs("shop-web-1=shop:1", "shop-web-2=shop:1")
	w.sees(o, steps.Verified)
	kept := w.find(id(1))
	if !strings.HasPrefix(kept.name, "shop-web-1-opsguard-was-") || kept.host["RestartPolicy"].(object)["Name"] != "no" {
		t.Errorf("the container that is kept is %s, %v", kept.name, kept.host["RestartPolicy"])
	}
	seen, err := w.open().Look(t.Context(), proposal("restart-service"))
	if err != nil || len(seen) != 2 {
		t.Errorf("what is kept counts as the service's: %v, %v", seen, err)
	}
	made := w.find("shop-web-1")
	if env := made.config["Env"].([]any); len(env) != 1 || env[0] != "B=own" || made.config["Cmd"] != nil || made.config["Hostname"] != nil {
		t.Errorf("the new container is bound to what came from the other image: %v", made.config)
	}
	labels := made.config["Labels"].(object)
	if labels["of"] != nil || labels["com.docker.compose.service"] != "web" || labels["io.opsguard.fix"] != o.Key {
		t.Errorf("its labels are %v", labels)
	}
	if binds := made.host["Binds"].([]any); len(binds) != 1 || binds[0] != "f00d:/data" {
		t.Errorf("its volumes are %v", binds)
	}
	o = w.undoes(o, "")
	w.runs("shop-web-1=shop:2", "shop-web-2=shop:2")
	w.sees(o, steps.Verified)
	if back := w.find(id(1)); back.name != "shop-web-1" || len(w.containers) != 2 || back.host["RestartPolicy"].(object)["Name"] != "always" {
		t.Errorf("it is not as it was: %+v", back)
	}
}

func TestARollbackThatIsRefusedBeforeAnythingStopsHasChangedNothing(t *testing.T) {
	for name, spoil := range map[string]func(*world){
		"the image is gone":              func(w *world) { w.images = w.images[1:] },
		"the second was deployed anew":   func(w *world) { w.containers[1].id = id(77) },
		"the second's name is taken":     func(w *world) { w.nextCreate = 409 },
		"the second was renamed":         func(w *world) { w.containers[1].name = "mine" },
		"the present image was replaced": func(w *world) { w.images = w.images[:1] },
	} {
		w := newWorld(t)
		o := w.order("rollback-deployment")
		w.calls = nil
		spoil(w)
		w.acts(o, incident.Failed, "")
		if len(w.containers) != 2 || slices.Contains(w.calls, "POST stop") {
			t.Errorf("%s: %d containers are left, after %v", name, len(w.containers), w.calls)
		}
	}
}

func TestARollbackThatBreaksOffHalfwayIsNotVerifiedAndIsUndone(t *testing.T) {
	for _, call := range []string{"POST stop", "POST update", "POST rename", "POST start"} {
		for _, status := range []int{409, 500} {
			w := newWorld(t)
			o := w.order("rollback-deployment")
			w.refuse[call] = status
			o = w.acts(o, "", "no")
			w.sees(o, steps.NotVerified)
			delete(w.refuse, call)
			o = w.undoes(o, "")
			w.runs("shop-web-1=shop:2", "shop-web-2=shop:2")
			w.sees(o, steps.Verified)
			if len(w.containers) != 2 {
				t.Errorf("%s %d: %d containers are left", call, status, len(w.containers))
			}
		}
	}
}

func TestAPreviousImageThatDoesNotRunIsNotVerified(t *testing.T) {
	w := newWorld(t)
	for _, c := range w.containers {
		c.host["RestartPolicy"] = object{"Name": "no", "MaximumRetryCount": 0}
	}
	o := w.order("rollback-deployment")
	w.crash = true
	o = w.acts(o, "", "yes")
	w.sees(o, steps.NotVerified)
	w.crash = false
	o = w.undoes(o, "")
	w.sees(o, steps.Verified)
	if slices.Contains(w.calls, "POST update") {
		t.Error("a restart policy that starts nothing was changed")
	}
}

func TestARollbackIsNotUndoneWhereSomebodyHasDeployedSince(t *testing.T) {
	for name, spoil := range map[string]func(*world){
		"another container has the name": func(w *world) { w.find("shop-web-2").config["Labels"].(object)["io.opsguard.fix"] = "other" },
		"what was kept is removed": func(w *world) {
			w.containers = slices.DeleteFunc(w.containers, func(c *fake) bool { return c.id == id(2) })
		},
		"what was kept is renamed": func(w *world) { w.find(id(2)).name = "mine" },
	} {
		w := newWorld(t)
		o := w.acts(w.order("rollback-deployment"), "", "yes")
		spoil(w)
		w.undoes(o, incident.Failed)
		if t.Failed() {
			t.Fatal(name)
		}
	}
}

func TestContainersAreAddedLikeTheLastOneAndTakenAwayAgain(t *testing.T) {
	w := newWorld(t)
	o := w.acts(w.order("scale-out"), "", "yes")
	w.runs("shop-web-1=shop:2", "shop-web-2=shop:2", "shop-web-3=shop:2")
	w.sees(o, steps.Verified)
	made := w.find("shop-web-3")
	aliases := made.networks["shop_default"].(object)["Aliases"].([]any)
	if made.config["Labels"].(object)["com.docker.compose.container-number"] != "3" || !slices.Equal(aliases, []any{"shop-web-3", "web"}) {
		t.Errorf("it is numbered %v and known as %v", made.config["Labels"], aliases)
	}
	if made.host["Binds"] != nil {
		t.Errorf("it shares volumes without a name: %v", made.host["Binds"])
	}
	o = w.undoes(o, "")
	w.runs("shop-web-1=shop:2", "shop-web-2=shop:2")
	w.sees(o, steps.Verified)
}

func TestAnAddedContainerThatDoesNotStartIsTakenAwayAgain(t *testing.T) {
	w := newWorld(t)
	o := w.order("scale-out")
	w.refuse["POST start"] = 500
	o = w.acts(o, "", "no")
	w.sees(o, steps.NotVerified)
	o = w.undoes(o, "")
	w.sees(o, steps.Verified)
	if len(w.containers) != 2 {
		t.Errorf("%d containers are left", len(w.containers))
	}
}

func TestANameThatWasTakenMeanwhileIsLeftToItsOwner(t *testing.T) {
	w := newWorld(t)
	o := w.order("scale-out")
	w.web(3, "shop:2")
	o = w.acts(o, incident.Failed, "")
	w.sees(o, steps.NotVerified)
	w.undoes(o, incident.Failed)
	if len(w.containers) != 3 {
		t.Errorf("%d containers are left", len(w.containers))
	}
}

func TestAddedContainersThatSomebodyRemovedAreNotUndone(t *testing.T) {
	w := newWorld(t)
	o := w.acts(w.order("scale-out"), "", "yes")
	w.containers = w.containers[:2]
	w.undoes(o, incident.Failed)
}
