package stepstest

import (
	"context"
	"io"
	"net/http"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/opsguard/opsguard/pkg/catalog"
	"github.com/opsguard/opsguard/pkg/incident"
	"github.com/opsguard/opsguard/pkg/integration"
	"github.com/opsguard/opsguard/pkg/steps"
)

// Fix is one fix of an executor against the platform that Vendor plays.
type Fix struct {
	Vendor   Vendor
	Proposal incident.Proposal
	// Reset puts the platform back to where the fix can be done, with nothing under way.
	Reset func(t *testing.T)
	// Effects counts the changes that were asked of the platform and taken; nil where
	// nothing is ever changed.
	Effects func() int
	// Settle lets the platform finish what is under way; nil where it finishes at once.
	Settle func(t *testing.T)
	// Reads tells the calls that only look from those that change; nil: GET looks.
	Reads func(r *http.Request) bool
	// Drift changes what the plan rests on, as somebody else would; nil where the fix
	// rests on nothing.
	Drift func(t *testing.T)
}

// AboutFix is the incident of every executor's contract.
func AboutFix() incident.Ref {
	return incident.Ref{Tenant: incident.DefaultTenant, ID: "INC-01JDEF0000000000000000WA1T"}
}

// ExecutorContract holds an executor to what plan-fix, execute-fix, verify-fix and
// undo-fix rest on, for one of its fixes.
func ExecutorContract(t *testing.T, d integration.Descriptor[steps.Executor], f Fix) {
	promisesOfADescriptor(t, integration.Executors, d.Type, f.Vendor)
	r := &fixRig{Fix: f, d: d}
	t.Run("it describes the fix", r.describes)
	t.Run("looking and planning change nothing and are the same each time", r.looks)
	t.Run("it acts once, settles and is verified", r.acts)
	t.Run("it begins nothing after its time is up", r.beginsNothingLate)
	t.Run("what is undoable is undone once", r.undoes)
	if f.Drift != nil {
		t.Run("a target that changed since is planned otherwise", r.drifts)
	}
	if f.Vendor.Handler != nil {
		t.Run("it never says done of what it cannot know", r.staysTruthful)
		o := open(t, integration.Executors, d, f.Vendor)
		f.Reset(t)
		order := r.order(t, o.It)
		o.survivesItsVendor(t, call{"Look", func(ctx context.Context) error {
			_, err := o.It.Look(ctx, f.Proposal)
			return err
		}}, call{"Verify", func(ctx context.Context) error {
			_, err := o.It.Verify(ctx, order)
			return err
		}})
	}
}

type fixRig struct {
	Fix
	d integration.Descriptor[steps.Executor]
}

func (r *fixRig) reads(q *http.Request) bool {
	if r.Reads == nil {
		return q.Method == http.MethodGet
	}
	return r.Reads(q)
}

func (r *fixRig) changed() int {
	if r.Effects == nil {
		return 0
	}
	return r.Effects()
}

func (r *fixRig) describes(t *testing.T) {
	if _, known := catalog.Lookup(r.Proposal.FixID); !known {
		t.Fatalf("%s is not in the catalogue", r.Proposal.FixID)
	}
	if _, able := r.d.Able(r.Proposal.FixID); !able {
		t.Errorf("the descriptor does not say that it can do %s", r.Proposal.FixID)
	}
}

// order plans the fix against the platform as it is.
func (r *fixRig) order(t *testing.T, it steps.Executor) steps.Order {
	t.Helper()
	present, err := it.Look(t.Context(), r.Proposal)
	if err != nil {
		t.Fatalf("Look: %v", err)
	}
	draft, err := it.Plan(present, r.Proposal)
	if err != nil {
		t.Fatalf("Plan: %v", err)
	}
	return r.ordered(t, draft)
}

func (r *fixRig) ordered(t *testing.T, draft incident.Draft) steps.Order {
	t.Helper()
	ability, _ := r.d.Able(r.Proposal.FixID)
	plan, err := catalog.Build(AboutFix(), []string{r.Proposal.FixID}, incident.Target{Service: "shop", Type: r.d.Name}, r.Proposal)
	if err != nil {
		t.Fatal(err)
	}
	plan = plan.With(draft, ability.Digest(r.d.Name)).Freeze(AboutFix())
	return steps.Order{Ref: AboutFix(), Plan: plan, By: incident.KeyActor("anna"), Key: plan.Key(AboutFix(), false), StartedAt: Env(nil).Now()}
}

func (r *fixRig) looks(t *testing.T) {
	o := open(t, integration.Executors, r.d, r.Vendor)
	r.Reset(t)
	before := r.changed()
	present, err := o.It.Look(t.Context(), r.Proposal)
	if err != nil {
		t.Fatalf("Look: %v", err)
	}
	again, err := o.It.Look(t.Context(), r.Proposal)
	if diff := cmp.Diff(present, again); diff != "" || err != nil {
		t.Errorf("looked at again it is another state, %v:\n%s", err, diff)
	}
	draft, err := o.It.Plan(present, r.Proposal)
	if err != nil {
		t.Fatalf("Plan: %v", err)
	}
	twice, err := o.It.Plan(again, r.Proposal)
	if diff := cmp.Diff(draft, twice); diff != "" || err != nil {
		t.Errorf("planned again it is another draft, %v:\n%s", err, diff)
	}
	if len(draft.Actions) == 0 || draft.Limit > incident.MaxFixLimit || draft.TooMuch() {
		t.Errorf("a draft that names no action, or is too large: %+v", draft)
	}
	if draft.Undo.Possible() == (draft.Undo.Not != "") {
		t.Errorf("the draft must say either how it is undone or why it cannot be: %+v", draft.Undo)
	}
	if ability, _ := r.d.Able(r.Proposal.FixID); draft.Undo.Possible() && ability.Undo == "" {
		t.Error("the description does not say how the fix is undone")
	}
	if r.changed() != before {
		t.Error("looking or planning changed the target")
	}
}

func (r *fixRig) acts(t *testing.T) {
	o := open(t, integration.Executors, r.d, r.Vendor)
	r.Reset(t)
	order := r.order(t, o.It)
	r.act(t, o.It, &order)
	if r.Effects == nil {
		return
	}
	if sight := r.see(t, o.It, order); r.Settle != nil && sight.Phase != steps.Settling {
		t.Errorf("while it is under way it is seen as %s", sight.Phase)
	}
	r.settled(t, o.It, order)
}

// act does the fix and counts.
func (r *fixRig) act(t *testing.T, it steps.Executor, order *steps.Order) steps.Acted {
	t.Helper()
	before := r.changed()
	acted := it.Act(t.Context(), *order)
	wellTold(t, acted.Steps)
	want := incident.Outcome("")
	if r.Effects == nil {
		want = incident.Simulated
	}
	if acted.Outcome != want {
		t.Fatalf("Act ended %q, want %q: %+v", acted.Outcome, want, acted.Steps)
	}
	if r.Effects != nil && r.changed() != before+1 {
		t.Errorf("the target was changed %d times", r.changed()-before)
	}
	order.Receipt, order.Fix = acted.Receipt, acted.Receipt
	return acted
}

func (r *fixRig) see(t *testing.T, it steps.Executor, order steps.Order) steps.Sight {
	t.Helper()
	before := r.changed()
	sight, err := it.Verify(t.Context(), order)
	if err != nil {
		t.Fatalf("Verify: %v", err)
	}
	wellTold(t, sight.Steps)
	if r.changed() != before {
		t.Error("Verify changed the target")
	}
	return sight
}

func (r *fixRig) settled(t *testing.T, it steps.Executor, order steps.Order) {
	t.Helper()
	if r.Settle != nil {
		r.Settle(t)
	}
	if sight := r.see(t, it, order); sight.Phase != steps.Verified {
		t.Errorf("when it is done it is seen as %s: %+v", sight.Phase, sight.Steps)
	}
}

func (r *fixRig) beginsNothingLate(t *testing.T) {
	o := open(t, integration.Executors, r.d, r.Vendor)
	r.Reset(t)
	order, before := r.order(t, o.It), r.changed()
	ended, cancel := context.WithCancel(t.Context())
	cancel()
	if acted := o.It.Act(ended, order); r.changed() != before || acted.Outcome != incident.Failed {
		t.Errorf("outcome %q, the target changed %d times; want failed and nothing done", acted.Outcome, r.changed()-before)
	}
}

func (r *fixRig) undoes(t *testing.T) {
	o := open(t, integration.Executors, r.d, r.Vendor)
	r.Reset(t)
	order := r.order(t, o.It)
	if !order.Plan.Undo.Possible() {
		before := r.changed()
		order.Undoing = true
		if acted := o.It.Undo(t.Context(), order); acted.Outcome != incident.Failed || r.changed() != before {
			t.Errorf("what cannot be undone was undone: %q, %d changes", acted.Outcome, r.changed()-before)
		}
		return
	}
	fix := r.act(t, o.It, &order)
	if r.Settle != nil {
		r.Settle(t)
	}
	order = Undoing(order, fix)
	before := r.changed()
	acted := o.It.Undo(t.Context(), order)
	wellTold(t, acted.Steps)
	if acted.Outcome != "" || r.changed() != before+1 {
		t.Fatalf("Undo ended %q, the target was changed %d times: %+v", acted.Outcome, r.changed()-before, acted.Steps)
	}
	order.Receipt = acted.Receipt
	r.settled(t, o.It, order)
}

func (r *fixRig) drifts(t *testing.T) {
	o := open(t, integration.Executors, r.d, r.Vendor)
	r.Reset(t)
	order := r.order(t, o.It)
	r.Drift(t)
	present, err := o.It.Look(t.Context(), r.Proposal)
	if err != nil {
		return // the fix cannot be done any more, and that is said
	}
	if draft, err := o.It.Plan(present, r.Proposal); err == nil && r.ordered(t, draft).Plan.Hash == order.Plan.Hash {
		t.Error("the target has changed, and the plan is still the same")
	}
}

// staysTruthful: an answer that says nothing must not become "done", and a refusal must
// not become "unknown" where it is certain.
func (r *fixRig) staysTruthful(t *testing.T) {
	answers := map[string]func(http.ResponseWriter, *http.Request){
		"hangs up": func(http.ResponseWriter, *http.Request) { panic(http.ErrAbortHandler) },
		"is cut off": func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Length", "1000")
			_, _ = io.WriteString(w, "{")
		},
	}
	for _, status := range []int{400, 401, 403, 404, 409, 412, 422, 500, 502, 503, 504} {
		answers[http.StatusText(status)] = func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(status) }
	}
	for name, answer := range answers {
		o := open(t, integration.Executors, r.d, r.Vendor)
		r.Reset(t)
		order, before := r.order(t, o.It), r.changed()
		o.faults.answer(func(w http.ResponseWriter, q *http.Request) {
			if r.reads(q) {
				o.faults.vendor.ServeHTTP(w, q)
				return
			}
			answer(w, q)
		})
		acted := o.It.Act(t.Context(), order)
		wellTold(t, acted.Steps)
		if acted.Outcome != incident.Failed && acted.Outcome != incident.Unknown {
			t.Errorf("the platform %s: the outcome is %q", name, acted.Outcome)
		}
		sure := slices.Contains([]string{"Bad Request", "Unauthorized", "Forbidden", "Not Found", "Unprocessable Entity"}, name)
		if sure && acted.Outcome != incident.Failed {
			t.Errorf("the platform answered %s: the outcome is %q, though it is certain", name, acted.Outcome)
		}
		if r.changed() != before {
			t.Errorf("the platform %s: it was changed all the same", name)
		}
		for _, s := range acted.Steps {
			if len(s.Detail) > 2000 || strings.Contains(s.Detail, "own words") {
				t.Errorf("the platform %s: %q", name, s.Detail)
			}
		}
	}
}

// wellTold holds the steps to what people can read.
func wellTold(t *testing.T, told []incident.FixStep) {
	t.Helper()
	if len(told) == 0 {
		t.Error("it tells no step")
	}
	for _, s := range told {
		if s.Name == "" || s.Detail == "" || s.At.IsZero() || !slices.Contains([]string{"ok", "failed", "simulated", "skipped"}, s.Status) {
			t.Errorf("a step that says too little: %+v", s)
		}
	}
}
