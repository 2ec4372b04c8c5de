package github_test

import (
	"fmt"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/opsguard/opsguard/pkg/executor/github"
	"github.com/opsguard/opsguard/pkg/incident"
	"github.com/opsguard/opsguard/pkg/integration"
	"github.com/opsguard/opsguard/pkg/steps"
	"github.com/opsguard/opsguard/pkg/steps/stepstest"
)

const (
	revert  = "revert-change"
	rerun   = "rerun-workflow"
	runbook = "run-runbook"
)

func open(t *testing.T, h *hub) steps.Executor {
	t.Helper()
	h.reset()
	return stepstest.OpenExecutor(t, github.Integration(), h.vendor(), nil)
}

func order(t *testing.T, it steps.Executor, fix string) steps.Order {
	t.Helper()
	return stepstest.Order(t, github.Integration(), it, incident.Proposal{FixID: fix})
}

func see(t *testing.T, it steps.Executor, o steps.Order) steps.Phase {
	t.Helper()
	sight, err := it.Verify(t.Context(), o)
	if err != nil {
		t.Fatal(err)
	}
	return sight.Phase
}

func TestTheLastMergedPullRequestIsRevertedAndNothingIsMerged(t *testing.T) {
	h := &hub{}
	it := open(t, h)
	o := order(t, it, revert)
	want := incident.State{"pull": "42", "mergeCommit": "c0ffeecheckout", "node": "PR_checkout"}
	if diff := cmp.Diff(want, o.Plan.Present); diff != "" {
		t.Errorf("state (-want +got):\n%s", diff)
	}
	stepstest.Act(t, it, &o)
	input := h.asked[0]["variables"].(object)["input"].(object)
	if input["pullRequestId"] != "PR_checkout" || !strings.Contains(input["body"].(string), "Key: "+o.Key) ||
		strings.Contains(fmt.Sprint(h.paths), "merge") {
		t.Errorf("input %v, calls %v", input, h.paths)
	}
}

func TestWhatIsInTheWayIsSaidBeforeAnythingIsPlanned(t *testing.T) {
	h := &hub{}
	for name, c := range map[string]struct {
		fix  string
		set  func()
		kind incident.Kind
		says string
	}{
		"nothing was merged": {revert, func() { h.pulls = h.pulls[:1] }, incident.NotFound, "by hand"},
		"the last one is a revert": {revert, func() {
			h.pulls = append(h.pulls, request(50, "closed", "revert-42-checkout",
				"2026-11-24T08:00:00Z"))
		}, incident.Invalid, "itself a revert"},
		"it is being reverted": {revert, func() { h.pulls = append(h.pulls, request(50, "open", "revert-42-checkout", nil)) },
			incident.Invalid, "#50 already reverts"},
		"it never ran":            {rerun, func() { h.runs = nil }, incident.NotFound, "never run"},
		"it runs":                 {rerun, func() { h.runs[0]["status"] = "in_progress" }, incident.Unavailable, "in progress"},
		"it succeeded":            {rerun, func() { h.runs[0]["conclusion"] = "success" }, incident.Invalid, "did not fail"},
		"somebody cancelled it":   {rerun, func() { h.runs[0]["conclusion"] = "cancelled" }, incident.Invalid, "did not fail"},
		"it is too old":           {rerun, func() { h.runs[0]["created_at"] = "2026-10-01T09:00:00Z" }, incident.Invalid, "30 days"},
		"the runbook is disabled": {runbook, func() { h.state = "disabled_manually" }, incident.Invalid, "disabled"},
		"the runbook runs": {runbook, func() {
			h.runs[0]["event"], h.runs[0]["status"] = "workflow_dispatch", "queued"
		}, incident.Unavailable, "already running"},
		"the runbook has no file": {runbook, func() { h.blob = "" }, incident.NotFound, "no workflow file"},
	} {
		it := open(t, h)
		h.set(c.set)
		_, err := it.Look(t.Context(), incident.Proposal{FixID: c.fix})
		if incident.KindOf(err) != c.kind || !strings.Contains(fmt.Sprint(err), c.says) {
			t.Errorf("%s: %v (%s), want %s with %q", name, err, incident.KindOf(err), c.kind, c.says)
		}
	}
}

func TestActTouchesNothingThatChangedSinceThePlan(t *testing.T) {
	h := &hub{}
	for name, c := range map[string]struct {
		fix    string
		change func()
	}{
		"another was merged":       {revert, func() { h.pulls = append(h.pulls, request(45, "closed", "later", "2026-11-24T09:30:00Z")) }},
		"somebody reverted it":     {revert, func() { h.pulls = append(h.pulls, request(45, "open", "revert-42-checkout", nil)) }},
		"somebody ran it again":    {rerun, func() { h.runs[0]["run_attempt"], h.runs[0]["status"] = 2, "queued" }},
		"a newer run failed":       {rerun, func() { h.runs = append([]object{workflowRun(9003, 1, "completed", "failure")}, h.runs...) }},
		"the runbook was edited":   {runbook, func() { h.blob = "0ther" }},
		"somebody runs it already": {runbook, func() { h.runs[0]["event"], h.runs[0]["status"] = "workflow_dispatch", "waiting" }},
	} {
		it := open(t, h)
		o, before := order(t, it, c.fix), h.count()
		h.set(c.change)
		if acted := it.Act(t.Context(), o); acted.Outcome != incident.Failed || h.count() != before {
			t.Errorf("%s: %q after %d changes", name, acted.Outcome, h.count()-before)
		}
	}
}

func TestARunIsFollowedToItsEnd(t *testing.T) {
	h := &hub{}
	for _, fix := range []string{rerun, runbook} {
		for name, c := range map[string]struct {
			happen func()
			want   steps.Phase
		}{
			"it hangs":            {func() {}, steps.Settling},
			"it waits for people": {func() { h.runs[0]["status"] = "waiting" }, steps.Settling},
			"it succeeds":         {func() { h.runs[0]["status"], h.runs[0]["conclusion"] = "completed", "success" }, steps.Verified},
			"it fails":            {func() { h.runs[0]["status"], h.runs[0]["conclusion"] = "completed", "failure" }, steps.NotVerified},
			"it is cancelled":     {func() { h.runs[0]["status"], h.runs[0]["conclusion"] = "completed", "cancelled" }, steps.NotVerified},
		} {
			it := open(t, h)
			o := order(t, it, fix)
			stepstest.Act(t, it, &o)
			h.set(c.happen)
			if got := see(t, it, o); got != c.want {
				t.Errorf("%s, %s: %s, want %s", fix, name, got, c.want)
			}
		}
	}
}

func TestARunThatSomebodyRunsAgainMeanwhileIsNotOurs(t *testing.T) {
	h := &hub{}
	it := open(t, h)
	o := order(t, it, rerun)
	stepstest.Act(t, it, &o)
	h.set(func() { h.runs[0] = workflowRun(9001, 3, "completed", "success") })
	if got := see(t, it, o); got != steps.NotVerified {
		t.Error(got)
	}
}

func TestTheRunbookGetsTheIncidentAndTheKeyAndNothingElse(t *testing.T) {
	h := &hub{}
	it := open(t, h)
	o := order(t, it, runbook)
	stepstest.Act(t, it, &o)
	want := object{"ref": "main", "inputs": object{"incident": o.Ref.ID, "key": o.Key}, "return_run_details": true}
	if diff := cmp.Diff(want, h.asked[len(h.asked)-1]); diff != "" {
		t.Errorf("request (-want +got):\n%s", diff)
	}
}

// An Enterprise Server without return_run_details refuses the field (as version 3.19
// does); the run is then found by the key in its name, and never by its time.
func TestARunWhoseIDIsNotToldIsFoundByItsNameOnly(t *testing.T) {
	h := &hub{}
	for _, named := range []bool{true, false} {
		it := open(t, h)
		h.set(func() { h.enterprise, h.named = true, named })
		o := order(t, it, runbook)
		before := h.count()
		stepstest.Act(t, it, &o)
		if h.count() != before+1 {
			t.Errorf("dispatched %d times", h.count()-before)
		}
		h.finish("success")
		want := steps.Settling
		if named {
			want = steps.Verified
		}
		if got := see(t, it, o); got != want {
			t.Errorf("named %v: %s, want %s", named, got, want)
		}
		if last := h.paths[len(h.paths)-1]; !strings.Contains(last, "created=%3E%3D2026-11-24T09%3A58%3A00Z") {
			t.Errorf("it looked by %s", last)
		}
	}
}

func TestTheRevertingPullRequestIsFollowed(t *testing.T) {
	h := &hub{}
	for name, c := range map[string]struct {
		happen      func()
		fix, undone steps.Phase
	}{
		"open":   {func() {}, steps.Verified, steps.Settling},
		"merged": {func() { h.pulls[0]["state"], h.pulls[0]["merged_at"] = "closed", "2026-11-24T10:05:00Z" }, steps.Verified, steps.NotVerified},
		"closed": {func() { h.pulls[0]["state"] = "closed" }, steps.NotVerified, steps.Verified},
	} {
		it := open(t, h)
		o := order(t, it, revert)
		fixed := stepstest.Act(t, it, &o)
		h.set(c.happen)
		if got := see(t, it, o); got != c.fix {
			t.Errorf("%s: %s, want %s", name, got, c.fix)
		}
		o.Receipt, o.Fix = nil, nil // never heard of: found by the key in its text
		if got := see(t, it, o); got != c.fix {
			t.Errorf("%s, found by its key: %s, want %s", name, got, c.fix)
		}
		if got := see(t, it, stepstest.Undoing(o, fixed)); got != c.undone {
			t.Errorf("%s, undoing: %s, want %s", name, got, c.undone)
		}
	}
}

func TestUndoClosesOnlyWhatTheFixOpened(t *testing.T) {
	h := &hub{}
	for name, c := range map[string]struct {
		happen func()
		want   incident.Outcome
	}{
		"as it was opened": {func() {}, ""},
		"somebody pushed":  {func() { h.pulls[0]["head"].(object)["sha"] = "0ther" }, incident.Failed},
		"it was merged":    {func() { h.pulls[0]["state"], h.pulls[0]["merged_at"] = "closed", "2026-11-24T10:05:00Z" }, incident.Failed},
		"it was closed":    {func() { h.pulls[0]["state"] = "closed" }, incident.Failed},
	} {
		it := open(t, h)
		o := order(t, it, revert)
		fixed := stepstest.Act(t, it, &o)
		h.set(c.happen)
		before := h.count()
		acted := it.Undo(t.Context(), stepstest.Undoing(o, fixed))
		if acted.Outcome != c.want || (c.want == "") != (h.count() == before+1) {
			t.Errorf("%s: %q after %d changes", name, acted.Outcome, h.count()-before)
		}
	}
}

func TestAGraphQLRefusalIsCertainAndSilenceIsNot(t *testing.T) {
	h := &hub{}
	for name, c := range map[string]struct {
		answer object
		want   incident.Outcome
	}{
		"a conflict": {object{"data": object{"revertPullRequest": nil}, "errors": []object{{"type": "UNPROCESSABLE",
			"message": "GitHub's own words"}}}, incident.Failed},
		"no right":             {object{"errors": []object{{"type": "FORBIDDEN", "message": "GitHub's own words"}}}, incident.Failed},
		"something went wrong": {object{"errors": []object{{"message": "GitHub's own words"}}}, incident.Unknown},
		"nothing":              {object{}, incident.Unknown},
	} {
		it := open(t, h)
		h.set(func() { h.graphql = c.answer })
		acted := it.Act(t.Context(), order(t, it, revert))
		if acted.Outcome != c.want || strings.Contains(fmt.Sprint(acted.Steps), "own words") {
			t.Errorf("%s: %q %+v", name, acted.Outcome, acted.Steps)
		}
	}
}

// As "Rate limits for the REST API" (GitHub Docs, 2022-11-28) describes both limits.
func TestGitHubsRateLimitsMeanLater(t *testing.T) {
	secondary := `{"message":"You have exceeded a secondary rate limit. Please wait.","documentation_url":"https://docs.github.com/rest/overview/rate-limits-for-the-rest-api#about-secondary-rate-limits"}`
	for name, c := range map[string]struct {
		header map[string]string
		body   string
		wait   time.Duration
	}{
		"secondary":                 {map[string]string{"Retry-After": "90"}, secondary, 90 * time.Second},
		"secondary, without a time": {nil, secondary, time.Minute},
		"primary": {map[string]string{"X-RateLimit-Remaining": "0", "X-RateLimit-Reset": "1795514700"},
			`{"message":"API rate limit exceeded"}`, 5 * time.Minute},
		"primary, reset in the past": {map[string]string{"X-RateLimit-Remaining": "0", "X-RateLimit-Reset": "1"}, `{}`, time.Minute},
	} {
		calls := 0
		v := (&hub{}).vendor()
		v.Handler = http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
			calls++
			for k, value := range c.header {
				w.Header().Set(k, value)
			}
			w.WriteHeader(http.StatusForbidden)
			fmt.Fprint(w, c.body)
		})
		it := stepstest.OpenExecutor(t, github.Integration(), v, nil)
		_, err := it.Look(t.Context(), incident.Proposal{FixID: revert})
		if incident.KindOf(err) != incident.Unavailable || incident.WaitOf(err) != c.wait || calls != 1 {
			t.Errorf("%s: %v (%s), to wait %s, %d calls", name, err, incident.KindOf(err), incident.WaitOf(err), calls)
		}
	}
}

func TestARefusalSaysWhatToDoAndNothingOfTheToken(t *testing.T) {
	for status, says := range map[int]string{401: "replace GITHUB_TOKEN", 403: "permissions", 404: "services.yaml", 302: "redirect"} {
		v := (&hub{}).vendor()
		v.Handler = http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Location", "http://127.0.0.1:1/"+token)
			answer(w, status, object{"message": token})
		})
		it := stepstest.OpenExecutor(t, github.Integration(), v, nil)
		_, err := it.Look(t.Context(), incident.Proposal{FixID: revert})
		if incident.KindOf(err) != incident.Invalid || !strings.Contains(err.Error(), says) || strings.Contains(err.Error(), token) {
			t.Errorf("%d: %v", status, err)
		}
	}
}

func TestOnEnterpriseServerGraphQLIsBesideTheRESTAPI(t *testing.T) {
	h := &hub{}
	h.reset()
	v := h.vendor()
	var called []string
	v.Handler = http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		called = append(called, r.Method+" "+r.URL.Path)
		r.URL.Path = strings.TrimPrefix(strings.TrimPrefix(r.URL.Path, "/api"), "/v3")
		h.ServeHTTP(w, r)
	})
	it := stepstest.OpenExecutor(t, github.Integration(), v, func(_ *integration.Env, s *[]integration.Setting) {
		(*s)[2].Value.Text += "/api/v3"
	})
	o := order(t, it, revert)
	stepstest.Act(t, it, &o)
	if !slices.Contains(called, "POST /api/graphql") || !slices.Contains(called, "GET /api/v3/repos/acme/shop/pulls") {
		t.Errorf("called %v", called)
	}
}

func TestAWorkflowFixWithoutAWorkflowSaysWhatIsMissing(t *testing.T) {
	h := &hub{}
	h.reset()
	it := stepstest.OpenExecutor(t, github.Integration(), h.vendor(), func(_ *integration.Env, s *[]integration.Setting) {
		*s = slices.Delete(*s, 1, 2)
	})
	for _, fix := range []string{rerun, runbook} {
		if _, err := it.Look(t.Context(), incident.Proposal{FixID: fix}); err == nil || !strings.Contains(err.Error(), "workflow: is missing") {
			t.Errorf("%s: %v", fix, err)
		}
	}
}

func TestSettingsThatCouldLeadElsewhereAreRefused(t *testing.T) {
	good := github.Settings{Repo: "acme/shop.web", Branch: "release/2026", Workflow: "deploy.yaml", API: "https://github.example.com/api/v3"}
	if err := good.Validate(); err != nil {
		t.Error(err)
	}
	for name, change := range map[string]func(*github.Settings){
		"no owner":         func(s *github.Settings) { s.Repo = "shop" },
		"three parts":      func(s *github.Settings) { s.Repo = "acme/shop/x" },
		"up":               func(s *github.Settings) { s.Repo = "../shop" },
		"a query":          func(s *github.Settings) { s.Repo = "acme/shop?x" },
		"a branch with ..": func(s *github.Settings) { s.Branch = "a..b" },
		"an option":        func(s *github.Settings) { s.Ref = "-x" },
		"a path":           func(s *github.Settings) { s.Workflow = "../deploy.yml" },
		"no yaml":          func(s *github.Settings) { s.Workflow = "deploy.sh" },
		"no encryption":    func(s *github.Settings) { s.API = "http://github.example.com" },
	} {
		s := good
		change(&s)
		if s.Validate() == nil {
			t.Errorf("%s is taken", name)
		}
	}
}
