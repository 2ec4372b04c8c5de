package unleash_test

import (
	"encoding/json"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/opsguard/opsguard/pkg/executor/unleash"
	"github.com/opsguard/opsguard/pkg/incident"
	"github.com/opsguard/opsguard/pkg/integration"
	"github.com/opsguard/opsguard/pkg/steps"
	"github.com/opsguard/opsguard/pkg/steps/stepstest"
)

const token = "user:token-of-opsguard"

type object = map[string]any

// leash plays Unleash for one flag: featureEnvironmentSchema, the two toggles, which
// answer 200 without a body, and eventSearchResponseSchema, as of August 2026.
type leash struct {
	mu      sync.Mutex
	enabled bool
	events  []object
	old     bool // a version without the search of events
	changes int
	paths   []string
}

const flagPath = "/api/admin/projects/default/features/new-checkout/environments/production"

func (l *leash) reset() {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.enabled, l.old = true, false
	l.events = []object{event(100, "feature-environment-enabled", "production"), event(90, "feature-created", "")}
}

func event(id int, kind, environment string) object {
	return object{"id": id, "type": kind, "environment": environment, "featureName": "new-checkout", "createdBy": "ann",
		"createdAt": "2026-11-24T09:00:00Z"}
}

func (l *leash) count() int {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.changes
}

func (l *leash) toggle(on bool) {
	if l.enabled == on {
		return
	}
	l.enabled = on
	kind := map[bool]string{true: "feature-environment-enabled", false: "feature-environment-disabled"}[on]
	l.events = append([]object{event(101+len(l.events), kind, "production")}, l.events...)
}

func (l *leash) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if r.Header.Get("Authorization") != token {
		w.WriteHeader(401)
		return
	}
	call := r.Method + " " + r.URL.Path
	l.paths = append(l.paths, call)
	switch {
	case call == "GET "+flagPath:
		_ = json.NewEncoder(w).Encode(object{"name": "production", "enabled": l.enabled, "type": "production", "sortOrder": 3,
			"strategies": []object{}})
	case call == "POST "+flagPath+"/off", call == "POST "+flagPath+"/on":
		l.toggle(strings.HasSuffix(call, "/on"))
		l.changes++
	case call == "GET /api/admin/search/events" && !l.old && r.URL.Query().Get("feature") == "IS:new-checkout":
		_ = json.NewEncoder(w).Encode(object{"events": l.events, "total": len(l.events)})
	default:
		w.WriteHeader(404)
	}
}

func (l *leash) vendor() stepstest.Vendor {
	return stepstest.Vendor{Handler: l, Entry: func(url string) ([]integration.Setting, stepstest.Secrets) {
		var all []integration.Setting
		for _, s := range [][2]string{{"server", url}, {"flag", "new-checkout"}, {"environment", "production"}} {
			all = append(all, integration.Setting{Name: s[0], Value: integration.Value{Text: s[1]}})
		}
		return append(all, integration.SecretSetting("token", "UNLEASH_TOKEN")), stepstest.Secrets{"UNLEASH_TOKEN": token}
	}}
}

func proposal() incident.Proposal { return incident.Proposal{FixID: "disable-flag"} }

func TestItKeepsTheContractOfExecutors(t *testing.T) {
	l := &leash{}
	stepstest.ExecutorContract(t, unleash.Integration(), stepstest.Fix{
		Vendor: l.vendor(), Proposal: proposal(), Effects: l.count,
		Reset: func(*testing.T) { l.reset() },
		Drift: func(*testing.T) { l.toggle(false) },
	})
}

func open(t *testing.T, l *leash) steps.Executor {
	t.Helper()
	l.reset()
	return stepstest.OpenExecutor(t, unleash.Integration(), l.vendor(), nil)
}

func order(t *testing.T, it steps.Executor) steps.Order {
	t.Helper()
	return stepstest.Order(t, unleash.Integration(), it, proposal())
}

func TestAFlagThatIsOffIsNeitherPlannedNorTurnedOff(t *testing.T) {
	l := &leash{}
	it := open(t, l)
	o := order(t, it)
	l.toggle(false)
	if _, err := it.Look(t.Context(), proposal()); incident.KindOf(err) != incident.Invalid || !strings.Contains(err.Error(), "already off") {
		t.Error(err)
	}
	if acted := it.Act(t.Context(), o); acted.Outcome != incident.Failed || l.count() != 0 {
		t.Errorf("%+v after %d changes", acted, l.count())
	}
}

func TestUndoTurnsOnOnlyWhatNobodyToggledSince(t *testing.T) {
	l := &leash{}
	for name, c := range map[string]struct {
		happen func()
		want   incident.Outcome
	}{
		"untouched":             {func() {}, ""},
		"somebody turned it on": {func() { l.toggle(true) }, incident.Failed},
		"on and off again":      {func() { l.toggle(true); l.toggle(false) }, incident.Failed},
		"toggled elsewhere only": {func() {
			l.events = append([]object{event(999, "feature-environment-enabled", "test")}, l.events...)
		}, ""},
		"the events are gone": {func() { l.old = true }, incident.Failed},
	} {
		it := open(t, l)
		o := order(t, it)
		acted := it.Act(t.Context(), o)
		c.happen()
		before := l.count()
		undone := it.Undo(t.Context(), stepstest.Undoing(o, acted))
		if undone.Outcome != c.want || (c.want == "") != (l.count() == before+1) {
			t.Errorf("%s: %q after %d changes", name, undone.Outcome, l.count()-before)
		}
	}
}

func TestWhereEventsCannotBeReadItActsAndDoesNotUndo(t *testing.T) {
	l := &leash{}
	it := open(t, l)
	l.old = true
	o := order(t, it)
	acted := it.Act(t.Context(), o)
	if acted.Outcome != "" || !strings.Contains(acted.Steps[0].Detail, "cannot be undone") {
		t.Fatalf("%+v", acted)
	}
	l.old = false
	if undone := it.Undo(t.Context(), stepstest.Undoing(o, acted)); undone.Outcome != incident.Failed || l.count() != 1 {
		t.Errorf("%+v after %d changes", undone, l.count())
	}
}

func TestAFlagThatIsTurnedBackIsNotVerified(t *testing.T) {
	l := &leash{}
	it := open(t, l)
	o := order(t, it)
	o.Receipt = it.Act(t.Context(), o).Receipt
	l.toggle(true)
	sight, err := it.Verify(t.Context(), o)
	if err != nil || sight.Phase != steps.NotVerified {
		t.Errorf("%v %v", sight, err)
	}
	o.Receipt = nil
	if sight, _ := it.Verify(t.Context(), o); sight.Phase != steps.Settling {
		t.Errorf("%v", sight)
	}
}

// Where change requests are required, Unleash answers 403 to a toggle.
func TestARefusedChangeSaysWhatToDoAndNothingOfTheToken(t *testing.T) {
	for status, says := range map[int]string{401: "replace UNLEASH_TOKEN", 403: "open a change request", 404: "services.yaml"} {
		l := &leash{}
		v := l.vendor()
		l.reset()
		v.Handler = http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			if r.Method == http.MethodGet {
				l.ServeHTTP(w, r)
				return
			}
			w.WriteHeader(status)
			fmt.Fprintf(w, `{"name":"NoAccessError","message":%q}`, token)
		})
		it := stepstest.OpenExecutor(t, unleash.Integration(), v, nil)
		acted := it.Act(t.Context(), order(t, it))
		if text := fmt.Sprint(acted); acted.Outcome != incident.Failed || !strings.Contains(text, says) || strings.Contains(text, token) {
			t.Errorf("%d: %q %s", status, acted.Outcome, text)
		}
	}
}

func TestARedirectIsNotFollowedAndLeavesTheOutcomeOpen(t *testing.T) {
	l := &leash{}
	v := l.vendor()
	l.reset()
	v.Handler = http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Method == http.MethodPost && !strings.HasSuffix(r.URL.Path, "/elsewhere") {
			w.Header().Set("Location", "/elsewhere")
			w.WriteHeader(307)
			return
		}
		l.ServeHTTP(w, r)
	})
	it := stepstest.OpenExecutor(t, unleash.Integration(), v, nil)
	acted := it.Act(t.Context(), order(t, it))
	if acted.Outcome != incident.Unknown || slices.Contains(l.paths, "POST /elsewhere") {
		t.Errorf("%+v, calls %v", acted, l.paths)
	}
}

func TestSettingsThatCouldLeadElsewhereAreRefused(t *testing.T) {
	good := unleash.Settings{Server: "https://unleash.example.com/base", Project: "default", Flag: "new-checkout", Environment: "production"}
	if err := good.Validate(); err != nil {
		t.Error(err)
	}
	for name, change := range map[string]func(*unleash.Settings){
		"no encryption": func(s *unleash.Settings) { s.Server = "http://unleash.example.com" },
		"a path":        func(s *unleash.Settings) { s.Flag = "a/b" },
		"up":            func(s *unleash.Settings) { s.Project = ".." },
		"a query":       func(s *unleash.Settings) { s.Environment = "a?b" },
	} {
		s := good
		change(&s)
		if s.Validate() == nil {
			t.Errorf("%s is taken", name)
		}
	}
}
