package argocd_test

import (
	"encoding/json"
	"fmt"
	"net/http"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/opsguard/opsguard/pkg/executor/argocd"
	"github.com/opsguard/opsguard/pkg/incident"
	"github.com/opsguard/opsguard/pkg/integration"
	"github.com/opsguard/opsguard/pkg/steps"
	"github.com/opsguard/opsguard/pkg/steps/stepstest"
)

const (
	rollback = "rollback-deployment"
	syncFix  = "sync-deployment"
)

func open(t *testing.T, a *argo) steps.Executor {
	t.Helper()
	a.reset()
	return stepstest.OpenExecutor(t, argocd.Integration(), a.vendor(), nil)
}

func order(t *testing.T, it steps.Executor, fix string) steps.Order {
	t.Helper()
	return stepstest.Order(t, argocd.Integration(), it, proposal(fix))
}

func phase(t *testing.T, it steps.Executor, o steps.Order) steps.Phase {
	t.Helper()
	sight, err := it.Verify(t.Context(), o)
	if err != nil {
		t.Fatal(err)
	}
	for _, s := range sight.Steps {
		if strings.Contains(s.Detail, "own words") {
			t.Errorf("it repeats Argo CD: %s", s.Detail)
		}
	}
	return sight.Phase
}

func TestARollbackGoesToTheLastDeploymentThatDiffers(t *testing.T) {
	a := &argo{}
	it := open(t, a)
	o := order(t, it, rollback)
	want := incident.State{"history": "10", "revision": "ccc333", "previous": "8", "previousRevision": "bbb222"}
	if diff := cmp.Diff(want, o.Plan.Present); diff != "" {
		t.Errorf("state (-want +got):\n%s", diff)
	}
	stepstest.Act(t, it, &o)
	if diff := cmp.Diff(object{"name": "shop", "id": 8.0, "prune": false, "dryRun": false}, a.asked[0]); diff != "" {
		t.Errorf("request (-want +got):\n%s", diff)
	}
}

func TestASyncIsBoundToTheRevisionThatWasSeenAndPrunesNothing(t *testing.T) {
	for name, c := range map[string]struct {
		multi bool
		want  object
	}{
		"one source":      {false, object{"revision": "ddd444"}},
		"several sources": {true, object{"revisions": []any{"ddd444", "1.2.3"}, "sourcePositions": []any{1.0, 2.0}}},
	} {
		a := &argo{}
		it := open(t, a)
		a.multi = c.multi
		o := order(t, it, syncFix)
		stepstest.Act(t, it, &o)
		c.want["name"], c.want["prune"], c.want["dryRun"] = "shop", false, false
		c.want["infos"] = []any{object{"name": "opsguard-key", "value": o.Key}, object{"name": "incident", "value": o.Ref.ID}}
		if diff := cmp.Diff(c.want, a.asked[0]); diff != "" {
			t.Errorf("%s (-want +got):\n%s", name, diff)
		}
	}
}

func TestWhatIsInTheWayIsSaidBeforeAnythingIsPlanned(t *testing.T) {
	for name, c := range map[string]struct {
		fix  string
		set  func(a *argo)
		kind incident.Kind
		says string
	}{
		"rollback, auto-sync is on": {rollback, func(a *argo) { a.syncOpts = object{"automated": object{"prune": true}} }, incident.Invalid,
			"turn auto-sync off"},
		"sync, auto-sync is on":        {syncFix, func(a *argo) { a.syncOpts = object{"automated": object{}} }, incident.Invalid, "auto-sync"},
		"an operation is pending":      {rollback, func(a *argo) { a.pending = object{"sync": object{}} }, incident.Unavailable, "in progress"},
		"an operation is running":      {syncFix, func(a *argo) { a.state = object{"phase": "Running"} }, incident.Unavailable, "in progress"},
		"it is being deleted":          {rollback, func(a *argo) { a.deleting = true }, incident.Invalid, "being deleted"},
		"never deployed":               {rollback, func(a *argo) { a.history = nil }, incident.NotFound, "no deployment before"},
		"deployed once":                {rollback, func(a *argo) { a.history = a.history[2:] }, incident.NotFound, "no deployment before"},
		"in sync":                      {syncFix, func(a *argo) { a.sync = "Synced" }, incident.Invalid, "in sync"},
		"it could not compare":         {syncFix, func(a *argo) { a.sync = "Unknown" }, incident.Unavailable, "could not compare"},
		"a deployment of Argo CD 0.11": {rollback, func(a *argo) { delete(a.history[1], "source") }, incident.NotFound, "no deployment before"},
	} {
		a := &argo{}
		it := open(t, a)
		c.set(a)
		_, err := it.Look(t.Context(), proposal(c.fix))
		if incident.KindOf(err) != c.kind || !strings.Contains(err.Error(), c.says) {
			t.Errorf("%s: %v (%s), want %s with %q", name, err, incident.KindOf(err), c.kind, c.says)
		}
	}
}

func TestAutoSyncThatIsTurnedOffByItsSwitchIsOff(t *testing.T) {
	a := &argo{}
	it := open(t, a)
	a.syncOpts = object{"automated": object{"enabled": false}}
	if _, err := it.Look(t.Context(), proposal(rollback)); err != nil {
		t.Error(err)
	}
}

func TestActTouchesNothingThatChangedSinceThePlan(t *testing.T) {
	for name, change := range map[string]func(a *argo){
		"somebody deployed":           func(a *argo) { a.history = append(a.history, entry(11, "eee555")) },
		"the earlier one is gone":     func(a *argo) { a.history = a.history[3:] },
		"somebody turned auto on":     func(a *argo) { a.syncOpts = object{"automated": object{}} },
		"somebody began an operation": func(a *argo) { a.pending = object{"sync": object{}} },
	} {
		a := &argo{}
		it := open(t, a)
		o := order(t, it, rollback)
		a.set(func() { change(a) })
		if acted := it.Act(t.Context(), o); acted.Outcome != incident.Failed || a.count() != 0 {
			t.Errorf("%s: %q after %d changes", name, acted.Outcome, a.count())
		}
	}
}

func TestVerifyTellsFailuresHangsAndOthersApart(t *testing.T) {
	a := &argo{}
	for _, fix := range []string{rollback, syncFix} {
		for name, c := range map[string]struct {
			happen func()
			want   steps.Phase
		}{
			"it hangs":                       {func() {}, steps.Settling},
			"it is running":                  {func() { a.pending, a.state = nil, object{"phase": "Running"} }, steps.Settling},
			"it fails":                       {func() { a.finish("Failed", "Degraded") }, steps.NotVerified},
			"it errs":                        {func() { a.finish("Error", "Degraded") }, steps.NotVerified},
			"it succeeds, still degraded":    {func() { a.finish("Succeeded", "Degraded") }, steps.Settling},
			"it succeeds, still progressing": {func() { a.finish("Succeeded", "Progressing") }, steps.Settling},
			"it succeeds":                    {func() { a.finish("Succeeded", "Healthy") }, steps.Verified},
			"somebody deployed afterwards": {func() {
				a.finish("Succeeded", "Healthy")
				a.history, a.sync = append(a.history, entry(12, "eee555")), "OutOfSync"
				a.state = object{"phase": "Succeeded", "operation": object{"sync": object{"revision": "eee555"}}}
			}, steps.NotVerified},
		} {
			it := open(t, a)
			o := order(t, it, fix)
			stepstest.Act(t, it, &o)
			c.happen()
			if got := phase(t, it, o); got != c.want {
				t.Errorf("%s, %s: %s, want %s", fix, name, got, c.want)
			}
		}
	}
}

func TestACallThatWasNeverHeardOfIsFoundByWhatItLeft(t *testing.T) {
	for _, fix := range []string{rollback, syncFix} {
		a := &argo{}
		it := open(t, a)
		o := order(t, it, fix)
		if got := phase(t, it, o); got != steps.Settling {
			t.Errorf("%s, before it arrived: %s", fix, got)
		}
		stepstest.Act(t, it, &o)
		o.Receipt = nil
		a.finish("Succeeded", "Healthy")
		if got := phase(t, it, o); got != steps.Verified {
			t.Errorf("%s: %s", fix, got)
		}
	}
}

// The operation before the fix is still shown until Argo CD takes the next one.
func TestAnEarlierOperationSaysNothingOfACallThatWasNeverHeardOf(t *testing.T) {
	for _, earlier := range []string{"Succeeded", "Failed", "Error"} {
		a := &argo{}
		it := open(t, a)
		a.state = object{"phase": earlier, "operation": object{"sync": object{"revision": "ccc333"}}}
		for _, fix := range []string{rollback, syncFix} {
			if got := phase(t, it, order(t, it, fix)); got != steps.Settling {
				t.Errorf("%s after one that %s: %s", fix, earlier, got)
			}
		}
	}
}

func TestUndoGoesBackOnlyFromTheFixItself(t *testing.T) {
	a := &argo{}
	for name, c := range map[string]struct {
		happen func()
		want   incident.Outcome
	}{
		"the fix is the latest": {func() { a.finish("Succeeded", "Degraded") }, ""},
		"the fix broke off":     {func() { a.finish("Failed", "Degraded") }, ""},
		"still under way":       {func() {}, incident.Failed},
		"somebody deployed since": {func() { a.finish("Succeeded", "Healthy"); a.history = append(a.history, entry(12, "eee555")) },
			incident.Failed},
		"auto-sync was turned on": {func() { a.finish("Succeeded", "Healthy"); a.syncOpts = object{"automated": object{}} }, incident.Failed},
	} {
		it := open(t, a)
		o := order(t, it, rollback)
		fixed, before := stepstest.Act(t, it, &o), 0
		c.happen()
		before = a.count()
		o = stepstest.Undoing(o, fixed)
		acted := it.Undo(t.Context(), o)
		if acted.Outcome != c.want || (c.want != "") == (a.count() != before) {
			t.Errorf("%s: %q after %d changes", name, acted.Outcome, a.count()-before)
			continue
		}
		if c.want != "" {
			continue
		}
		if a.asked[before]["id"] != 10.0 {
			t.Errorf("%s: undone to %v", name, a.asked[before]["id"])
		}
		o.Receipt = acted.Receipt
		a.finish("Succeeded", "Healthy")
		if got := phase(t, it, o); got != steps.Verified {
			t.Errorf("%s: the undoing is seen as %s", name, got)
		}
	}
}

func TestARefusalSaysWhatToDoAndNothingOfTheToken(t *testing.T) {
	for status, says := range map[int]string{401: "replace ARGOCD_TOKEN", 403: "rights", 404: "services.yaml", 302: "redirect"} {
		v := (&argo{}).vendor()
		v.Handler = http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Location", "http://127.0.0.1:1/"+token)
			w.WriteHeader(status)
			fmt.Fprint(w, token)
		})
		it := stepstest.OpenExecutor(t, argocd.Integration(), v, nil)
		_, err := it.Look(t.Context(), proposal(rollback))
		if incident.KindOf(err) != incident.Invalid || !strings.Contains(err.Error(), says) || strings.Contains(err.Error(), token) {
			t.Errorf("%d: %v", status, err)
		}
	}
}

func TestNamespaceAndProjectAreAskedFor(t *testing.T) {
	a := &argo{}
	a.reset()
	it := stepstest.OpenExecutor(t, argocd.Integration(), a.vendor(), func(_ *integration.Env, s *[]integration.Setting) {
		*s = append(*s, integration.Setting{Name: "appNamespace", Value: integration.Value{Text: "shop-apps"}},
			integration.Setting{Name: "project", Value: integration.Value{Text: "shop"}})
	})
	o := order(t, it, rollback)
	stepstest.Act(t, it, &o)
	if a.query != "appNamespace=shop-apps&project=shop" || a.asked[0]["appNamespace"] != "shop-apps" || a.asked[0]["project"] != "shop" {
		t.Errorf("query %q, body %v", a.query, a.asked[0])
	}
}

func TestSettingsThatCouldLeadElsewhereAreRefused(t *testing.T) {
	for name, s := range map[string]argocd.Settings{
		"no encryption":     {Server: "http://argocd.example.com", Application: "shop"},
		"a user":            {Server: "https://a:b@argocd.example.com", Application: "shop"},
		"no host":           {Server: "argocd", Application: "shop"},
		"a path in a name":  {Server: "https://argocd.example.com", Application: "shop/../cart"},
		"up":                {Server: "https://argocd.example.com", Application: ".."},
		"a query in a name": {Server: "https://argocd.example.com", Application: "shop", Project: "a?b"},
	} {
		if s.Validate() == nil {
			t.Errorf("%s is taken", name)
		}
	}
	if err := (argocd.Settings{Server: "https://argocd.example.com/cd", Application: "shop"}).Validate(); err != nil {
		t.Error(err)
	}
}

func TestAnotherApplicationsAnswerIsRefused(t *testing.T) {
	v := (&argo{}).vendor()
	v.Handler = http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		_ = json.NewEncoder(w).Encode(object{"metadata": object{"name": "cart"}})
	})
	it := stepstest.OpenExecutor(t, argocd.Integration(), v, nil)
	if _, err := it.Look(t.Context(), proposal(rollback)); incident.KindOf(err) != incident.Invalid {
		t.Error(err)
	}
}
