package lambda

import (
	"fmt"
	"maps"
	"slices"
	"testing"
	"time"

	"github.com/opsguard/opsguard/pkg/incident"
	"github.com/opsguard/opsguard/pkg/integration"
	"github.com/opsguard/opsguard/pkg/steps"
	"github.com/opsguard/opsguard/pkg/steps/stepstest"
	"github.com/opsguard/opsguard/pkg/steps/stepstest/awsfake"
)

// fake plays one function with one alias.
type fake struct {
	*awsfake.Cloud
	gone     bool
	version  string
	revision int
	weights  map[string]any
	versions []string
	reserved any // nil: none
	stale    int // how many reads still show the state before
	old      map[string]any
	oldN     any
}

func newFake(t *testing.T) *fake {
	f := &fake{Cloud: awsfake.Make(t)}
	f.Cloud.Resource = func(string, map[string]any) []string { return []string{awsfake.ARN("lambda", "function:checkout")} }
	f.Cloud.Handle = f.handle
	f.reset(t)
	return f
}

func (f *fake) reset(*testing.T) {
	f.Do(func() {
		f.gone, f.stale, f.version, f.revision, f.weights, f.reserved = false, 0, "8", 1, nil, 100
		f.versions = []string{"$LATEST", "6", "5", "9", "8"}
	})
}

func (f *fake) alias() map[string]any {
	a := map[string]any{"AliasArn": awsfake.ARN("lambda", "function:checkout:live"), "Name": "live", "FunctionVersion": f.version,
		"RevisionId": fmt.Sprintf("00000000-0000-0000-0000-%012d", f.revision)}
	if f.weights != nil {
		a["RoutingConfig"] = map[string]any{"AdditionalVersionWeights": f.weights}
	}
	return a
}

func (f *fake) concurrency() map[string]any {
	if f.reserved == nil {
		return map[string]any{}
	}
	return map[string]any{"ReservedConcurrentExecutions": f.reserved}
}

func (f *fake) handle(op string, in map[string]any) (map[string]any, *awsfake.Fault) {
	if f.gone {
		return nil, &awsfake.Fault{Code: "ResourceNotFoundException", Status: 404}
	}
	behind := f.stale > 0 && (op == "GetAlias" || op == "GetFunctionConcurrency")
	if behind {
		f.stale--
	}
	switch op {
	case "GetAlias":
		if behind {
			return f.old, nil
		}
		return f.alias(), nil
	case "UpdateAlias":
		if in["RevisionId"] != f.alias()["RevisionId"] {
			return nil, &awsfake.Fault{Code: "PreconditionFailedException", Status: 412}
		}
		if !slices.Contains(f.versions, fmt.Sprint(in["FunctionVersion"])) {
			return nil, &awsfake.Fault{Code: "ResourceNotFoundException", Status: 404}
		}
		f.old = f.alias()
		f.version, f.revision = fmt.Sprint(in["FunctionVersion"]), f.revision+1
		return f.alias(), nil
	case "ListVersionsByFunction":
		return f.page(in), nil
	case "GetFunctionConcurrency":
		if behind {
			return map[string]any{"ReservedConcurrentExecutions": f.oldN}, nil
		}
		return f.concurrency(), nil
	}
	f.oldN, f.reserved = f.reserved, in["ReservedConcurrentExecutions"]
	return f.concurrency(), nil
}

// page answers two versions at a time: Lambda pages whatever MaxItems says.
func (f *fake) page(in map[string]any) map[string]any {
	from := 0
	if m, ok := in["Marker"].(string); ok {
		_, _ = fmt.Sscan(m, &from) // what it gave itself
	}
	to := min(from+2, len(f.versions))
	var all []any
	for _, v := range f.versions[from:to] {
		all = append(all, map[string]any{"FunctionName": "checkout", "Version": v})
	}
	out := map[string]any{"Versions": all}
	if to < len(f.versions) {
		out["NextMarker"] = fmt.Sprint(to)
	}
	return out
}

func settings() []integration.Setting {
	return awsfake.Settings("function", "checkout", "alias", "live")
}

func open(t *testing.T) (*fake, *awsfake.Rig) {
	t.Helper()
	f := newFake(t)
	return f, awsfake.Open(t, f.Cloud, Integration(), settings())
}

func TestEveryFixKeepsTheContract(t *testing.T) {
	for fix, drift := range map[string]func(*fake){
		rollback: func(f *fake) { f.Do(func() { f.revision++ }) },
		reduce:   func(f *fake) { f.Do(func() { f.reserved = 90 }) },
	} {
		t.Run(fix, func(t *testing.T) {
			f := newFake(t)
			stepstest.ExecutorContract(t, Integration(), stepstest.Fix{
				Vendor: f.Vendor(settings(), nil), Proposal: awsfake.Proposal(t, fix, nil), Reset: f.reset, Effects: f.Changes,
				Reads: awsfake.Reads, Drift: func(*testing.T) { drift(f) },
			})
		})
	}
}

func TestTheVersionBeforeIsTheHighestThatIsLeftBelow(t *testing.T) {
	f, r := open(t)
	if o := r.Order(t, awsfake.Proposal(t, rollback, nil)); o.Plan.Wanted["version"] != "6" {
		t.Errorf("the plan is %v", o.Plan.Wanted)
	}
	f.Do(func() { f.versions = []string{"$LATEST", "11", "10", "9", "8"} })
	r.Refuses(t, awsfake.Proposal(t, rollback, nil), incident.Invalid, "no version below is left")
}

func TestAnAliasThatSomebodyMovedIsLeftAlone(t *testing.T) {
	f, r := open(t)
	o := r.Order(t, awsfake.Proposal(t, rollback, nil))
	f.Do(func() { f.revision++ })
	r.Ends(t, r.It.Act(t.Context(), o), incident.Failed, 0, "before the fix")
	f.reset(t)
	o = r.Order(t, awsfake.Proposal(t, rollback, nil))
	r.Act(t, &o)
	f.Do(func() { f.version, f.revision = "9", 7 })
	undo := awsfake.Undone(o)
	r.Ends(t, r.It.Undo(t.Context(), undo), incident.Failed, 1, "before its undoing")
	undo.Fix = nil
	r.Ends(t, r.It.Undo(t.Context(), undo), incident.Failed, 1, "before its undoing, the receipt lost")
}

func TestTheVersionBeforeMayGoBetweenPlanAndFix(t *testing.T) {
	f, r := open(t)
	o := r.Order(t, awsfake.Proposal(t, rollback, nil))
	f.Do(func() { f.versions = []string{"$LATEST", "8"} })
	r.Ends(t, r.It.Act(t.Context(), o), incident.Failed, 0, "deleted since")
}

func TestUndoWithoutAReceiptReadsTheRevision(t *testing.T) {
	f, r := open(t)
	o := r.Order(t, awsfake.Proposal(t, rollback, nil))
	r.Act(t, &o)
	o.Fix = nil
	r.Ends(t, r.It.Undo(t.Context(), awsfake.Undone(o)), "", 2, "the receipt lost")
	if f.version != "8" {
		t.Errorf("the alias points at %s", f.version)
	}
}

func TestAReadOfBeforeIsNeitherDoneNorFailed(t *testing.T) {
	for _, fix := range []string{rollback, reduce} {
		f, r := open(t)
		o := r.Order(t, awsfake.Proposal(t, fix, nil))
		r.Act(t, &o)
		f.Do(func() { f.stale = 2 })
		r.Sees(t, o, steps.Settling, fix+", still the state before")
		r.Later(3 * time.Minute)
		r.Sees(t, o, steps.NotVerified, fix+", the state before after minutes")
		r.Sees(t, o, steps.Verified, fix+", at last")
	}
}

func TestTrafficThatIsSharedAfterwardsIsNotVerified(t *testing.T) {
	f, r := open(t)
	o := r.Order(t, awsfake.Proposal(t, rollback, nil))
	r.Act(t, &o)
	f.Do(func() { f.weights = map[string]any{"9": 0.1} })
	r.Sees(t, o, steps.NotVerified, "shared")
}

func TestConcurrencyIsLoweredByThePercentageAndNeverToNothing(t *testing.T) {
	for _, c := range []struct{ now, percent, want int }{{100, 50, 50}, {3, 90, 1}, {2, 10, 1}, {7, 30, 4}} {
		f, r := open(t)
		f.Do(func() { f.reserved = c.now })
		o := r.Order(t, awsfake.Proposal(t, reduce, map[string]any{"percent": c.percent}))
		r.Act(t, &o)
		if fmt.Sprint(f.reserved) != fmt.Sprint(c.want) {
			t.Errorf("%d less %d percent became %v, want %d", c.now, c.percent, f.reserved, c.want)
		}
		r.Ends(t, r.It.Undo(t.Context(), awsfake.Undone(o)), "", 2, "undo")
		if fmt.Sprint(f.reserved) != fmt.Sprint(c.now) {
			t.Errorf("undone it is %v, want %d", f.reserved, c.now)
		}
	}
}

func TestConcurrencyThatSomebodySetIsLeftAlone(t *testing.T) {
	f, r := open(t)
	o := r.Order(t, awsfake.Proposal(t, reduce, nil))
	f.Do(func() { f.reserved = nil })
	r.Ends(t, r.It.Act(t.Context(), o), incident.Failed, 0, "before the fix")
	f.reset(t)
	r.Act(t, &o)
	f.Do(func() { f.reserved = 70 })
	r.Ends(t, r.It.Undo(t.Context(), awsfake.Undone(o)), incident.Failed, 1, "before its undoing")
}

func TestWhatCannotBeDoneIsSaidBeforeAnybodyIsAsked(t *testing.T) {
	rolls, lowers := awsfake.Proposal(t, rollback, nil), awsfake.Proposal(t, reduce, nil)
	for name, c := range map[string]struct {
		change func(*fake)
		p      incident.Proposal
		want   incident.Kind
	}{
		"the function is gone":        {func(f *fake) { f.gone = true }, lowers, incident.NotFound},
		"the alias is gone":           {func(f *fake) { f.gone = true }, rolls, incident.NotFound},
		"the alias is at $LATEST":     {func(f *fake) { f.version = "$LATEST" }, rolls, incident.Invalid},
		"a canary is under way":       {func(f *fake) { f.weights = map[string]any{"9": 0.1} }, rolls, incident.Invalid},
		"nothing is reserved":         {func(f *fake) { f.reserved = nil }, lowers, incident.Invalid},
		"the function is stopped":     {func(f *fake) { f.reserved = 0 }, lowers, incident.Invalid},
		"one at a time already":       {func(f *fake) { f.reserved = 1 }, lowers, incident.Invalid},
		"versions are many, all high": {func(f *fake) { f.versions = slices.Repeat([]string{"9"}, 2*maxPages+1) }, rolls, incident.Invalid},
	} {
		f, r := open(t)
		f.Do(func() { c.change(f) })
		r.Refuses(t, c.p, c.want, name)
	}
	f := newFake(t)
	r := awsfake.Open(t, f.Cloud, Integration(), awsfake.Settings("function", "checkout"))
	r.Refuses(t, rolls, incident.Invalid, "no alias in services.yaml")
}

func TestABusyOrFaultyLambdaIsToldTruly(t *testing.T) {
	faults := map[string]struct {
		fault awsfake.Fault
		want  incident.Outcome
	}{
		"an update is under way": {awsfake.Fault{Code: "ResourceConflictException", Status: 409}, incident.Failed},
		"too many calls":         {awsfake.Fault{Code: "TooManyRequestsException", Status: 429}, incident.Failed},
		"its own fault":          {awsfake.Fault{Code: "ServiceException", Status: 500}, incident.Unknown},
		"denied":                 {awsfake.Fault{Code: "AccessDeniedException", Status: 403}, incident.Failed},
	}
	for _, name := range slices.Sorted(maps.Keys(faults)) {
		f, r := open(t)
		o := r.Order(t, awsfake.Proposal(t, reduce, nil))
		f.Fail("PutFunctionConcurrency", faults[name].fault)
		r.Ends(t, r.It.Act(t.Context(), o), faults[name].want, 0, name)
	}
}

func TestSettingsThatCannotNameOneFunctionAreRefused(t *testing.T) {
	for name, value := range map[string]string{"function": "arn:aws:lambda:eu-central-1:123456789012:function:x", "alias": "12"} {
		all := settings()
		for i := range all {
			if all[i].Name == name {
				all[i].Value.Text = value
			}
		}
		if problems := Integration().CheckSettings(all); len(problems) != 1 || problems[0].Setting != name {
			t.Errorf("%s: %q: %v", name, value, problems)
		}
	}
}

func TestSessionsHaveTheRightsThatTheyNeedAndNoOthers(t *testing.T) {
	for _, fix := range []string{rollback, reduce} {
		_, r := open(t)
		r.LeastPrivilege(t, awsfake.Proposal(t, fix, nil), nil)
	}
}
