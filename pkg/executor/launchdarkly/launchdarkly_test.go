package launchdarkly_test

import (
	"encoding/json"
	"fmt"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/opsguard/opsguard/pkg/executor/launchdarkly"
	"github.com/opsguard/opsguard/pkg/incident"
	"github.com/opsguard/opsguard/pkg/integration"
	"github.com/opsguard/opsguard/pkg/steps"
	"github.com/opsguard/opsguard/pkg/steps/stepstest"
)

const token = "api-token-of-opsguard"

type object = map[string]any

// dark plays LaunchDarkly for one flag: "Get feature flag" and "Update feature flag" of
// its REST API 20240415, as its OpenAPI client of March 2026 has them.
type dark struct {
	mu       sync.Mutex
	on       bool
	archived bool
	version  int
	other    int // the version in another environment
	asked    []object
	types    []string
	stuck    bool // it takes changes and makes none
}

func (d *dark) reset() {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.on, d.archived, d.version, d.other, d.stuck = true, false, 17, 3, false
}

func (d *dark) count() int {
	d.mu.Lock()
	defer d.mu.Unlock()
	return len(d.asked)
}

func (d *dark) turn(on bool) {
	if d.on != on { // a change that changes nothing makes no version
		d.on, d.version = on, d.version+1
	}
}

func (d *dark) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	d.mu.Lock()
	defer d.mu.Unlock()
	switch {
	case r.Header.Get("Authorization") != token || r.Header.Get("LD-API-Version") != "20240415":
		w.WriteHeader(401)
		return
	case r.URL.Path != "/api/v2/flags/shop/new-checkout":
		w.WriteHeader(404)
		return
	}
	if r.Method == http.MethodPatch {
		var body object
		_ = json.NewDecoder(r.Body).Decode(&body)
		before := d.version
		if !d.stuck {
			d.turn(body["instructions"].([]any)[0].(object)["kind"] == "turnFlagOn")
		}
		if d.version != before {
			d.asked, d.types = append(d.asked, body), append(d.types, r.Header.Get("Content-Type"))
		}
	}
	_ = json.NewEncoder(w).Encode(object{"key": "new-checkout", "_version": 40, "archived": d.archived, "environments": object{
		"production": object{"on": d.on, "version": d.version, "archived": false},
		"test":       object{"on": true, "version": d.other},
	}})
}

func (d *dark) vendor() stepstest.Vendor {
	return stepstest.Vendor{Handler: d, Entry: func(url string) ([]integration.Setting, stepstest.Secrets) {
		var all []integration.Setting
		for _, s := range [][2]string{{"server", url}, {"project", "shop"}, {"flag", "new-checkout"}, {"environment", "production"}} {
			all = append(all, integration.Setting{Name: s[0], Value: integration.Value{Text: s[1]}})
		}
		return append(all, integration.SecretSetting("token", "LD_TOKEN")), stepstest.Secrets{"LD_TOKEN": token}
	}}
}

func proposal() incident.Proposal { return incident.Proposal{FixID: "disable-flag"} }

func TestItKeepsTheContractOfExecutors(t *testing.T) {
	d := &dark{}
	stepstest.ExecutorContract(t, launchdarkly.Integration(), stepstest.Fix{
		Vendor: d.vendor(), Proposal: proposal(), Effects: d.count,
		Reset: func(*testing.T) { d.reset() },
		Drift: func(*testing.T) { d.turn(false) },
	})
}

func open(t *testing.T, d *dark) steps.Executor {
	t.Helper()
	d.reset()
	return stepstest.OpenExecutor(t, launchdarkly.Integration(), d.vendor(), nil)
}

func order(t *testing.T, it steps.Executor) steps.Order {
	t.Helper()
	return stepstest.Order(t, launchdarkly.Integration(), it, proposal())
}

func TestTheChangeIsASemanticPatchThatNamesTheIncident(t *testing.T) {
	d := &dark{}
	it := open(t, d)
	o := order(t, it)
	if acted := it.Act(t.Context(), o); acted.Outcome != "" {
		t.Fatalf("%+v", acted)
	}
	want := object{"environmentKey": "production", "comment": "OpsGuard, incident " + o.Ref.ID + ", key " + o.Key,
		"instructions": []any{object{"kind": "turnFlagOff"}}}
	if diff := cmp.Diff(want, d.asked[0]); diff != "" || d.types[0] != "application/json; domain-model=launchdarkly.semanticpatch" {
		t.Errorf("%s (-want +got):\n%s", d.types[0], diff)
	}
}

func TestOtherChangesOfTheFlagAreNoDrift(t *testing.T) {
	d := &dark{}
	it := open(t, d)
	before := order(t, it)
	d.version, d.other = 18, 4
	if after := order(t, it); after.Plan.Hash != before.Plan.Hash {
		t.Error("a change of its rules made another plan")
	}
}

func TestAFlagThatIsOffOrArchivedIsNotPlanned(t *testing.T) {
	d := &dark{}
	for says, set := range map[string]func(){"already off": func() { d.on = false }, "archived": func() { d.archived = true }} {
		it := open(t, d)
		set()
		if _, err := it.Look(t.Context(), proposal()); incident.KindOf(err) != incident.Invalid || !strings.Contains(err.Error(), says) {
			t.Errorf("%s: %v", says, err)
		}
	}
}

func TestSomebodyElsesSwitchIsNotTakenForOurs(t *testing.T) {
	d := &dark{}
	for name, meantime := range map[string]func(d *dark){
		"before Act":              func(d *dark) { d.turn(false) },
		"archived since the plan": func(d *dark) { d.archived = true },
	} {
		it := open(t, d)
		o, before := order(t, it), d.count()
		meantime(d)
		if acted := it.Act(t.Context(), o); acted.Outcome != incident.Failed || d.count() != before {
			t.Errorf("%s: %q %+v", name, acted.Outcome, acted.Steps)
		}
	}
}

func TestUndoTurnsOnOnlyWhatNobodyTouchedSince(t *testing.T) {
	d := &dark{}
	for name, c := range map[string]struct {
		happen func()
		want   incident.Outcome
	}{
		"untouched":                {func() {}, ""},
		"somebody changed a rule":  {func() { d.version++ }, incident.Failed},
		"somebody turned it on":    {func() { d.turn(true) }, incident.Failed},
		"on and off again":         {func() { d.turn(true); d.turn(false) }, incident.Failed},
		"it was archived":          {func() { d.archived = true }, incident.Failed},
		"another environment only": {func() { d.other++ }, ""},
	} {
		it := open(t, d)
		o := order(t, it)
		acted := it.Act(t.Context(), o)
		c.happen()
		before := d.count()
		undone := it.Undo(t.Context(), stepstest.Undoing(o, acted))
		if undone.Outcome != c.want || (c.want == "") != (d.count() == before+1) {
			t.Errorf("%s: %q after %d changes", name, undone.Outcome, d.count()-before)
		}
	}
}

func TestAFlagThatIsTurnedBackIsNotVerified(t *testing.T) {
	d := &dark{}
	it := open(t, d)
	o := order(t, it)
	o.Receipt = it.Act(t.Context(), o).Receipt
	d.turn(true)
	sight, err := it.Verify(t.Context(), o)
	if err != nil || sight.Phase != steps.NotVerified {
		t.Errorf("%v %v", sight, err)
	}
	o.Receipt = nil // never heard of: it may still come
	if sight, _ := it.Verify(t.Context(), o); sight.Phase != steps.Settling {
		t.Errorf("%v", sight)
	}
}

func TestARefusedChangeSaysWhatToDoAndNothingOfTheToken(t *testing.T) {
	for status, says := range map[int]string{400: "pending", 401: "replace LD_TOKEN", 403: "role of LD_TOKEN", 404: "services.yaml",
		405: "create an approval request", 409: "same time"} {
		d := &dark{}
		v := d.vendor()
		d.reset()
		v.Handler = http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			if r.Method == http.MethodGet {
				d.ServeHTTP(w, r)
				return
			}
			w.WriteHeader(status)
			fmt.Fprintf(w, `{"code":"x","message":%q}`, token)
		})
		it := stepstest.OpenExecutor(t, launchdarkly.Integration(), v, nil)
		acted := it.Act(t.Context(), order(t, it))
		if text := fmt.Sprint(acted); acted.Outcome != incident.Failed || !strings.Contains(text, says) || strings.Contains(text, token) {
			t.Errorf("%d: %q %s", status, acted.Outcome, text)
		}
	}
}

func TestAChangeThatIsTakenWithoutEffectIsUnknown(t *testing.T) {
	d := &dark{}
	it := open(t, d)
	d.stuck = true
	if acted := it.Act(t.Context(), order(t, it)); acted.Outcome != incident.Unknown {
		t.Errorf("%+v", acted)
	}
}

// An answer of 200 that cannot be read leaves open what was done.
func TestAnUnreadableAnswerToAChangeIsUnknown(t *testing.T) {
	d := &dark{}
	v := d.vendor()
	d.reset()
	v.Handler = http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Method == http.MethodGet {
			d.ServeHTTP(w, r)
			return
		}
		fmt.Fprint(w, "<html>")
	})
	it := stepstest.OpenExecutor(t, launchdarkly.Integration(), v, nil)
	if acted := it.Act(t.Context(), order(t, it)); acted.Outcome != incident.Unknown {
		t.Errorf("%+v", acted)
	}
}

func TestTheResetOfARateLimitIsWaitedFor(t *testing.T) {
	v := (&dark{}).vendor()
	v.Handler = http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("X-Ratelimit-Reset", "1795514408000") // 8 s from now
		w.WriteHeader(429)
	})
	it := stepstest.OpenExecutor(t, launchdarkly.Integration(), v, nil)
	_, err := it.Look(t.Context(), proposal())
	if incident.KindOf(err) != incident.Unavailable || incident.WaitOf(err) != 8*time.Second {
		t.Errorf("%v, to wait %s", err, incident.WaitOf(err))
	}
}

func TestSettingsThatCouldLeadElsewhereAreRefused(t *testing.T) {
	good := launchdarkly.Settings{Server: "https://app.launchdarkly.com", Project: "shop", Flag: "new.checkout_2", Environment: "production"}
	if err := good.Validate(); err != nil {
		t.Error(err)
	}
	for name, change := range map[string]func(*launchdarkly.Settings){
		"no encryption": func(s *launchdarkly.Settings) { s.Server = "http://app.launchdarkly.com" },
		"a path":        func(s *launchdarkly.Settings) { s.Flag = "a/b" },
		"up":            func(s *launchdarkly.Settings) { s.Project = ".." },
		"a query":       func(s *launchdarkly.Settings) { s.Environment = "a?b" },
	} {
		s := good
		change(&s)
		if s.Validate() == nil {
			t.Errorf("%s is taken", name)
		}
	}
}
