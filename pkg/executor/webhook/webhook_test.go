package webhook_test

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/opsguard/opsguard/pkg/executor/webhook"
	"github.com/opsguard/opsguard/pkg/incident"
	"github.com/opsguard/opsguard/pkg/integration"
	"github.com/opsguard/opsguard/pkg/steps"
	"github.com/opsguard/opsguard/pkg/steps/stepstest"
)

const runbook = "run-runbook"

func open(t *testing.T, r *receiver, v stepstest.Vendor) steps.Executor {
	t.Helper()
	r.reset()
	return stepstest.OpenExecutor(t, webhook.Integration(), v, nil)
}

func order(t *testing.T, it steps.Executor, fix string) steps.Order {
	t.Helper()
	return stepstest.Order(t, webhook.Integration(), it, proposal(fix))
}

func see(t *testing.T, it steps.Executor, o steps.Order) steps.Sight {
	t.Helper()
	sight, err := it.Verify(t.Context(), o)
	if err != nil {
		t.Fatal(err)
	}
	return sight
}

func TestItHandsOverTheFixItsParametersAndTheKeyAndNothingElse(t *testing.T) {
	r := &receiver{}
	it := open(t, r, r.vendor())
	o := order(t, it, "scale-out")
	fixed := stepstest.Act(t, it, &o)
	want := object{"type": "opsguard.fix.requested", "timestamp": "2026-11-24T10:00:00Z", "data": object{
		"fix": "scale-out", "parameters": object{"instances": "2"}, "target": "shop", "incident": o.Ref.ID, "key": o.Key, "undo": false,
		"present": object{"version": "1.4.2"}}}
	if diff := cmp.Diff(want, r.asked[0]); diff != "" || r.auth != "Bearer of-the-receiver" {
		t.Errorf("authorization %q, request (-want +got):\n%s", r.auth, diff)
	}
	undo := stepstest.Undoing(o, fixed)
	if acted := it.Undo(t.Context(), undo); acted.Outcome != "" {
		t.Fatalf("%+v", acted)
	}
	got := r.asked[1]["data"].(object)
	if r.asked[1]["type"] != "opsguard.undo.requested" || got["undo"] != true || got["key"] != undo.Key || got["fixKey"] != o.Key {
		t.Errorf("undo %v", r.asked[1])
	}
}

func TestAReceiverWithAnotherSecretRefusesAndNothingIsSaidOfIt(t *testing.T) {
	r := &receiver{}
	r.reset()
	it := stepstest.OpenExecutor(t, webhook.Integration(), r.plain(), func(env *integration.Env, _ *[]integration.Setting) {
		env.Secrets = stepstest.Secrets{"HOOK_SECRET": "whsec_" + strings.Repeat("QUJD", 10)}
	})
	acted := it.Act(t.Context(), order(t, it, runbook))
	if said := fmt.Sprint(acted); acted.Outcome != incident.Failed || !strings.Contains(said, "check HOOK_SECRET") || strings.Contains(said,
		"QUJD") || r.count() != 0 {
		t.Errorf("%+v", acted)
	}
}

func TestASecretOfAnotherFormIsToldBeforeAnybodyIsAsked(t *testing.T) {
	for name, secret := range map[string]string{"no prefix": "bm90LXdoc2VjLWJ1dC1sb25nLWVub3VnaC1mb3ItaXQ=", "no base64": "whsec_***",
		"too short": "whsec_QUJD", "too long": "whsec_" + strings.Repeat("QUJD", 30)} {
		r := &receiver{}
		it := stepstest.OpenExecutor(t, webhook.Integration(), r.plain(), func(env *integration.Env, _ *[]integration.Setting) {
			env.Secrets = stepstest.Secrets{"HOOK_SECRET": secret}
		})
		_, err := it.Look(t.Context(), proposal(runbook))
		if incident.KindOf(err) != incident.Invalid || !strings.Contains(err.Error(), "HOOK_SECRET: must be whsec_") ||
			strings.Contains(err.Error(), secret[6:]) || len(r.paths) != 0 {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestAReceiverThatNeverReportsIsNeverVerified(t *testing.T) {
	r := &receiver{}
	for name, answer := range map[string]func(w http.ResponseWriter){
		"202":             nil,
		"200, own words":  func(w http.ResponseWriter) { fmt.Fprint(w, `{"msg":"Webhook processed"}`) }, // as Rundeck answers
		"200, no JSON":    func(w http.ResponseWriter) { fmt.Fprint(w, "ok") },
		"200, odd status": func(w http.ResponseWriter) { fmt.Fprint(w, `{"status":"OK"}`) },
	} {
		it := open(t, r, r.plain())
		r.answer = answer
		o := order(t, it, runbook)
		acted := stepstest.Act(t, it, &o)
		sight := see(t, it, o)
		if sight.Phase != steps.Settling || !strings.Contains(sight.Steps[0].Detail, "cannot be told how it ended") ||
			!strings.Contains(acted.Steps[0].Detail, "nothing will say how it ends") {
			t.Errorf("%s: %+v, %+v", name, acted, sight)
		}
	}
}

func TestItFollowsWhatTheReceiverReports(t *testing.T) {
	r := &receiver{}
	for status, want := range map[string]steps.Phase{"running": steps.Settling, "succeeded": steps.Verified, "failed": steps.NotVerified} {
		it := open(t, r, r.vendor())
		o := order(t, it, runbook)
		stepstest.Act(t, it, &o)
		r.finish(status)
		sight := see(t, it, o)
		if sight.Phase != want || !strings.Contains(sight.Steps[0].Detail, `"step 2 of 3"`) {
			t.Errorf("%s: %+v", status, sight)
		}
		it = open(t, r, r.plain()) // one that answers at once how it ended
		r.answer = func(w http.ResponseWriter) { fmt.Fprintf(w, `{"status":%q}`, status) }
		o = order(t, it, runbook)
		stepstest.Act(t, it, &o)
		if sight := see(t, it, o); sight.Phase != want {
			t.Errorf("%s, at once: %+v", status, sight)
		}
	}
	it := open(t, r, r.vendor())
	o := order(t, it, runbook)
	stepstest.Act(t, it, &o)
	r.finish("done")
	if _, err := it.Verify(t.Context(), o); incident.KindOf(err) != incident.Invalid {
		t.Errorf("a status that is none: %v", err)
	}
}

func TestAStatusAddressIsAskedOnTheSameHostOnly(t *testing.T) {
	r := &receiver{}
	elsewhere := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { t.Error("another host was asked") }))
	defer elsewhere.Close()
	for name, c := range map[string]struct {
		answer func(w http.ResponseWriter)
		want   steps.Phase
	}{
		"in the body":            {func(w http.ResponseWriter) { fmt.Fprint(w, `{"status":"running","statusUrl":"/status/7"}`) }, steps.Verified},
		"in Location":            {func(w http.ResponseWriter) { w.Header().Set("Location", "/status/7"); w.WriteHeader(202) }, steps.Verified},
		"on another host":        {func(w http.ResponseWriter) { fmt.Fprintf(w, `{"statusUrl":%q}`, elsewhere.URL+"/status/7") }, steps.Settling},
		"Location, another host": {func(w http.ResponseWriter) { w.Header().Set("Location", elsewhere.URL); w.WriteHeader(201) }, steps.Settling},
		"without a scheme": {func(w http.ResponseWriter) {
			fmt.Fprintf(w, `{"statusUrl":%q}`, strings.TrimPrefix(elsewhere.URL, "http:"))
		}, steps.Settling},
		"the metadata service": {func(w http.ResponseWriter) { fmt.Fprint(w, `{"statusUrl":"http://169.254.169.254/latest"}`) }, steps.Settling},
		"with a secret": {func(w http.ResponseWriter) { fmt.Fprint(w, `{"statusUrl":"/status/7?token=abcdef0123456789abcdef"}`) },
			steps.Settling},
		"a file":         {func(w http.ResponseWriter) { fmt.Fprint(w, `{"statusUrl":"file:///etc/passwd"}`) }, steps.Settling},
		"another scheme": {func(w http.ResponseWriter) { fmt.Fprint(w, `{"statusUrl":"https://127.0.0.1/status/7"}`) }, steps.Settling},
	} {
		it := open(t, r, r.plain())
		r.answer = c.answer
		o := order(t, it, runbook)
		stepstest.Act(t, it, &o)
		r.set(func() { r.statuses["7"] = "succeeded" })
		if sight := see(t, it, o); sight.Phase != c.want {
			t.Errorf("%s: %+v", name, sight)
		}
		if c.want == steps.Settling { // nor if the record was changed
			o.Receipt = incident.State{"statusUrl": elsewhere.URL}
			see(t, it, o)
		}
	}
}

func TestActTouchesNothingThatChangedSinceThePlan(t *testing.T) {
	r := &receiver{}
	it := open(t, r, r.vendor())
	o := order(t, it, "rollback-deployment")
	r.set(func() { r.state = object{"version": "1.4.3"} })
	if acted := it.Act(t.Context(), o); acted.Outcome != incident.Failed || r.count() != 0 {
		t.Errorf("%+v", acted)
	}
}

// What is recorded of the state has lost its secrets; that is no drift.
func TestAStateThatHoldsASecretIsActedOn(t *testing.T) {
	r := &receiver{}
	it := open(t, r, r.vendor())
	r.set(func() { r.state = object{"image": "shop:1.4.2", "note": "password=hunter2-hunter2"} })
	o := order(t, it, runbook)
	if strings.Contains(fmt.Sprint(o.Plan.Present), "hunter2") {
		t.Errorf("the plan shows it: %v", o.Plan.Present)
	}
	stepstest.Act(t, it, &o)
}

func TestTheReceiversRefusalIsCertainAndItsTroubleIsNot(t *testing.T) {
	r := &receiver{}
	for status, want := range map[int]incident.Outcome{307: incident.Unknown, 401: incident.Failed, 409: incident.Failed,
		412: incident.Failed, 500: incident.Unknown, 503: incident.Unknown} {
		it := open(t, r, r.plain())
		r.answer = func(w http.ResponseWriter) { w.Header().Set("Location", "/elsewhere"); w.WriteHeader(status) }
		before := r.count()
		if acted := it.Act(t.Context(), order(t, it, runbook)); acted.Outcome != want || r.count() != before+1 {
			t.Errorf("%d: %+v after %d calls", status, acted, r.count()-before)
		}
	}
}

func TestWithoutUndoNothingIsUndone(t *testing.T) {
	r := &receiver{}
	it := open(t, r, r.plain())
	o := order(t, it, runbook)
	fixed := stepstest.Act(t, it, &o)
	if acted := it.Undo(t.Context(), stepstest.Undoing(o, fixed)); acted.Outcome != incident.Failed || r.count() != 1 ||
		o.Plan.Undo.Not == "" {
		t.Errorf("%+v, %+v", acted, o.Plan.Undo)
	}
}

func TestASecretPathFollowsTheAddressAndIsShownNowhere(t *testing.T) {
	for path, want := range map[string]string{"/45/webhook/t0ken-of-rundeck": "POST /hook/45/webhook/t0ken-of-rundeck",
		"?st2-api-key=t0ken-of-rundeck": "POST /hook?st2-api-key=t0ken-of-rundeck"} {
		r := &receiver{}
		r.reset()
		it := stepstest.OpenExecutor(t, webhook.Integration(), r.plain(), func(env *integration.Env, s *[]integration.Setting) {
			*s = append(*s, integration.SecretSetting("secretPath", "HOOK_PATH"))
			env.Secrets = stepstest.Secrets{"HOOK_SECRET": whsec(), "HOOK_PATH": path}
		})
		o := order(t, it, runbook)
		acted := stepstest.Act(t, it, &o)
		if r.paths[0] != want || strings.Contains(fmt.Sprint(o.Plan, acted), "t0ken") || !strings.Contains(o.Plan.Actions[0], "HOOK_PATH") {
			t.Errorf("called %v, plan %v", r.paths, o.Plan.Actions)
		}
	}
}

func TestSettingsThatCouldLeadElsewhereAreRefused(t *testing.T) {
	good := webhook.Settings{URL: "https://rundeck.example.com/hook", StatusURL: "https://rundeck.example.com/status?key={key}",
		StateURL: "https://RUNDECK.example.com/state", Limit: time.Minute}
	if err := good.Validate(); err != nil {
		t.Error(err)
	}
	for name, change := range map[string]func(*webhook.Settings){
		"no encryption":          func(s *webhook.Settings) { s.URL = "http://rundeck.example.com/hook" },
		"a user":                 func(s *webhook.Settings) { s.URL = "https://a:b@rundeck.example.com/hook" },
		"status elsewhere":       func(s *webhook.Settings) { s.StatusURL = "https://example.com/{key}" },
		"status on another port": func(s *webhook.Settings) { s.StatusURL = "https://rundeck.example.com:444/{key}" },
		"status for all":         func(s *webhook.Settings) { s.StatusURL = "https://rundeck.example.com/status" },
		"a host that the key is": func(s *webhook.Settings) { s.StatusURL = "https://{key}/status" },
		"state elsewhere":        func(s *webhook.Settings) { s.StateURL = "https://example.com/" },
		"no time":                func(s *webhook.Settings) { s.Limit = 0 },
		"more than an hour":      func(s *webhook.Settings) { s.Limit = 2 * time.Hour },
	} {
		s := good
		change(&s)
		if s.Validate() == nil {
			t.Errorf("%s is taken", name)
		}
	}
}
