package kubernetes_test

import (
	"context"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/opsguard/opsguard/pkg/catalog"
	"github.com/opsguard/opsguard/pkg/executor/kubernetes"
	"github.com/opsguard/opsguard/pkg/incident"
	"github.com/opsguard/opsguard/pkg/integration"
	"github.com/opsguard/opsguard/pkg/steps"
	"github.com/opsguard/opsguard/pkg/steps/stepstest"
)

// against opens an executor on a server.
func against(t *testing.T, url string) steps.Executor {
	t.Helper()
	return stepstest.Open(t, stepstest.Env(secrets()), integration.Executors, kubernetes.Integration(), target(url, "shop")...).It
}

func planned(t *testing.T, e steps.Executor, fix string) steps.Order {
	t.Helper()
	present, err := e.Look(t.Context(), proposal(fix))
	if err != nil {
		t.Fatal(err)
	}
	draft, err := e.Plan(present, proposal(fix))
	if err != nil {
		t.Fatal(err)
	}
	plan, err := catalog.Build(stepstest.AboutFix(), []string{fix}, incident.Target{Service: "shop", Type: "kubernetes"}, proposal(fix))
	if err != nil {
		t.Fatal(err)
	}
	return steps.Order{Plan: plan.With(draft, "digest").Freeze(stepstest.AboutFix()), StartedAt: stepstest.Env(nil).Now()}
}

func TestPodsAreLookedThroughPageByPage(t *testing.T) {
	f := &fake{}
	f.reset(t)
	big := copied(f.objects[api])
	part(big, "spec")["replicas"] = 30
	f.put(api, copied(big))
	f.settle(t)
	last := ""
	for path := range f.objects {
		if strings.HasPrefix(path, shopPods) {
			last = max(last, path)
		}
	}
	ill := copied(f.objects[last])
	part(ill, "status")["conditions"] = []any{}
	f.put(last, ill)
	o := planned(t, against(t, f.serve(t)), "replace-instance")
	if want := strings.TrimPrefix(last, shopPods); o.Plan.Present["pod"] != want {
		t.Errorf("chosen %s, want %s on the last of four pages", o.Plan.Present["pod"], want)
	}
}

func TestAnAnswerThatIsTooLargeIsToldAsThat(t *testing.T) {
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		fmt.Fprintf(w, `{"kind":"Deployment","metadata":{"uid":"u"},"x":%q}`, strings.Repeat("x", integration.MaxAnswer))
	}))
	defer server.Close()
	_, err := against(t, server.URL).Look(t.Context(), proposal(rollback))
	if incident.KindOf(err) != incident.Invalid {
		t.Errorf("%v", err)
	}
	says(t, err, "is larger than 256 KiB")
}

// TestAChangeThatMayHaveArrivedIsUnknownAndOneThatNeverDidFailed: where the connection
// breaks decides.
func TestAChangeThatMayHaveArrivedIsUnknownAndOneThatNeverDidFailed(t *testing.T) {
	for name, c := range map[string]struct {
		patch func(w http.ResponseWriter, r *http.Request, f *fake)
		want  incident.Outcome
	}{
		"done, then cut off": {func(_ http.ResponseWriter, r *http.Request, f *fake) {
			f.ServeHTTP(httptest.NewRecorder(), r)
			panic(http.ErrAbortHandler)
		}, incident.Unknown},
		"over its limit":        {func(w http.ResponseWriter, _ *http.Request, _ *fake) { w.WriteHeader(429) }, incident.Failed},
		"fails inside":          {func(w http.ResponseWriter, _ *http.Request, _ *fake) { w.WriteHeader(500) }, incident.Unknown},
		"refused by a rule":     {func(w http.ResponseWriter, _ *http.Request, _ *fake) { refuse(w, 422, "Invalid") }, incident.Failed},
		"the credential is old": {func(w http.ResponseWriter, _ *http.Request, _ *fake) { refuse(w, 401, "Unauthorized") }, incident.Failed},
	} {
		for _, ability := range kubernetes.Integration().Abilities {
			f := &fake{}
			f.reset(t)
			server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				if r.Method == http.MethodGet {
					f.ServeHTTP(w, r)
					return
				}
				c.patch(w, r, f)
			}))
			e := against(t, server.URL)
			acted := e.Act(t.Context(), planned(t, e, ability.Fix))
			server.CloseClientConnections()
			server.Close()
			if acted.Outcome != c.want {
				t.Errorf("%s, %s: the outcome is %q, want %q: %+v", ability.Fix, name, acted.Outcome, c.want, acted.Steps)
			}
			says(t, acted.Steps)
		}
	}
}

func TestAServerThatIsGoneFailsAndChangesNothing(t *testing.T) {
	f := &fake{}
	f.reset(t)
	server := httptest.NewServer(f)
	e := against(t, server.URL)
	o := planned(t, e, rollback)
	server.Close()
	acted := e.Act(context.Background(), o)
	if acted.Outcome != incident.Failed {
		t.Errorf("%+v", acted)
	}
	says(t, acted.Steps, "Kubernetes could not be reached", "nothing was changed")
}

// TestAFixThatWasTakenIsRecognisedWithoutItsReceipt: the call that acted was never heard
// of again.
func TestAFixThatWasTakenIsRecognisedWithoutItsReceipt(t *testing.T) {
	for _, ability := range kubernetes.Integration().Abilities {
		f := &fake{}
		f.reset(t)
		e := against(t, f.serve(t))
		o := planned(t, e, ability.Fix)
		if sight, err := e.Verify(t.Context(), o); err != nil || sight.Phase != steps.NotVerified {
			t.Errorf("%s: before it was taken it is seen as %+v, %v", ability.Fix, sight, err)
		}
		e.Act(t.Context(), o)
		f.settle(t)
		if sight, err := e.Verify(t.Context(), o); err != nil || sight.Phase != steps.Verified {
			t.Errorf("%s: when it was taken it is seen as %+v, %v", ability.Fix, sight, err)
		}
	}
}

// TestPodsThatAreIllAreNoRollout: a Deployment's controller leaves NewReplicaSetAvailable
// where pods fall ill later, and for a while where it rolls back to a ReplicaSet.
func TestPodsThatAreIllAreNoRollout(t *testing.T) {
	for name, c := range map[string]struct {
		replicas, updated, available int
		free                         bool
	}{
		"one pod is ill":           {3, 3, 2, true},
		"one pod is missing":       {2, 2, 2, true},
		"old pods are still there": {4, 1, 3, false},
	} {
		f := &fake{}
		f.reset(t)
		o := copied(f.objects[api])
		status := part(o, "status")
		status["replicas"], status["updatedReplicas"], status["availableReplicas"] = c.replicas, c.updated, c.available
		f.put(api, o)
		_, err := against(t, f.serve(t)).Look(t.Context(), proposal(rollback))
		if (err == nil) != c.free {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// TestAnOldVerdictIsNotTakenForANewOne: the controller leaves ProgressDeadlineExceeded
// until the next rollout gets on.
func TestAnOldVerdictIsNotTakenForANewOne(t *testing.T) {
	f := &fake{}
	f.reset(t)
	exceeded := func(at string) {
		o := copied(f.objects[api])
		status := part(o, "status")
		status["observedGeneration"], status["updatedReplicas"] = part(o, "metadata")["generation"], 1
		status["conditions"] = []any{object{"type": "Progressing", "status": "False", "reason": "ProgressDeadlineExceeded", "lastUpdateTime": at}}
		f.put(api, o)
	}
	exceeded("2026-11-24T09:55:00Z")
	e := against(t, f.serve(t))
	o := planned(t, e, "restart-service") // the rollout before hangs
	acted := e.Act(t.Context(), o)
	o.Receipt = acted.Receipt
	for at, want := range map[string]steps.Phase{"2026-11-24T09:55:00Z": steps.Settling, "2026-11-24T10:20:00Z": steps.NotVerified} {
		exceeded(at)
		if sight, err := e.Verify(t.Context(), o); err != nil || sight.Phase != want {
			t.Errorf("the verdict of %s: seen as %+v, %v; want %s", at, sight, err, want)
		}
	}
}
