package awsfake

import (
	"context"
	"net/http/httptest"
	"testing"
	"time"

	"github.com/opsguard/opsguard/pkg/catalog"
	"github.com/opsguard/opsguard/pkg/incident"
	"github.com/opsguard/opsguard/pkg/integration"
	"github.com/opsguard/opsguard/pkg/steps"
	"github.com/opsguard/opsguard/pkg/steps/stepstest"
)

// Settings are those that every AWS target has, and more, as name and value in turn.
func Settings(more ...string) []integration.Setting {
	var all []integration.Setting
	pairs := append([]string{"role", Role, "readRole", ReadRole, "externalId", ExternalID, "region", Region}, more...)
	for i := 0; i+1 < len(pairs); i += 2 {
		all = append(all, integration.Setting{Name: pairs[i], Value: integration.Value{Text: pairs[i+1]}})
	}
	return all
}

// Access is the process's own access to a Cloud that is served at a URL.
func Access(url string) integration.AWS {
	return integration.AWS{Endpoint: url, Credentials: func(context.Context) (integration.AWSKey, error) {
		return integration.AWSKey{ID: Key, Secret: Secret, Token: Token}, nil
	}}
}

// Rig is an executor at work against a Cloud, with a clock that stands until it is moved.
type Rig struct {
	*Cloud
	It steps.Executor

	d   integration.Descriptor[steps.Executor]
	now time.Time
}

// Make makes a Cloud for a test, which fails if a request or an answer does not fit the
// models.
func Make(t *testing.T) *Cloud {
	t.Helper()
	c, err := New()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		for _, p := range c.Problems() {
			t.Errorf("AWS would not understand: %s", p)
		}
	})
	return c
}

// Open opens an executor against a Cloud.
func Open(t *testing.T, c *Cloud, d integration.Descriptor[steps.Executor], settings []integration.Setting) *Rig {
	t.Helper()
	server := httptest.NewServer(c)
	t.Cleanup(server.Close)
	env := stepstest.Env(nil)
	r := &Rig{Cloud: c, d: d, now: env.Now()}
	env.Now = func() time.Time { return r.now }
	env.AWS = Access(server.URL)
	r.It = stepstest.Open(t, env, integration.Executors, d, settings...).It
	return r
}

// Later moves the clock.
func (r *Rig) Later(d time.Duration) { r.now = r.now.Add(d) }

// Vendor is the Cloud as the contract takes it. now is the executor's clock; nil for one
// that stands.
func (c *Cloud) Vendor(settings []integration.Setting, now func() time.Time) stepstest.Vendor {
	at := ""
	return stepstest.Vendor{
		Handler: c,
		Entry:   func(url string) ([]integration.Setting, stepstest.Secrets) { at = url; return settings, nil },
		World: func(env *integration.Env) {
			env.AWS = Access(at)
			if now != nil {
				env.Now = now
			}
		},
	}
}

// Proposal is what the catalogue makes of a fix and its parameters.
func Proposal(t *testing.T, fix string, raw map[string]any) incident.Proposal {
	t.Helper()
	p, err := catalog.Propose(catalog.IDs(), fix, raw)
	if err != nil {
		t.Fatal(err)
	}
	return p
}

// Order plans a fix against the Cloud as it is.
func (r *Rig) Order(t *testing.T, p incident.Proposal) steps.Order {
	t.Helper()
	present, err := r.It.Look(t.Context(), p)
	if err != nil {
		t.Fatalf("Look: %v", err)
	}
	draft, err := r.It.Plan(present, p)
	if err != nil {
		t.Fatalf("Plan: %v", err)
	}
	ref := stepstest.AboutFix()
	plan, err := catalog.Build(ref, []string{p.FixID}, incident.Target{Service: "shop", Type: r.d.Name}, p)
	if err != nil {
		t.Fatal(err)
	}
	ability, _ := r.d.Able(p.FixID)
	plan = plan.With(draft, ability.Digest(r.d.Name)).Freeze(ref)
	return steps.Order{Ref: ref, Plan: plan, By: incident.KeyActor("anna"), Key: plan.Key(ref, false), StartedAt: r.now}
}

// Act does a fix that must be taken, and puts its receipt into the order.
func (r *Rig) Act(t *testing.T, o *steps.Order) {
	t.Helper()
	acted := r.It.Act(t.Context(), *o)
	if acted.Outcome != "" {
		t.Fatalf("Act ended %q: %+v", acted.Outcome, acted.Steps)
	}
	o.Receipt, o.Fix = acted.Receipt, acted.Receipt
}

// Undone is the order to undo a fix that was done.
func Undone(o steps.Order) steps.Order {
	o.Undoing, o.Key, o.Receipt = true, o.Plan.Key(o.Ref, true), nil
	return o
}

// Sees fails unless Verify answers that phase.
func (r *Rig) Sees(t *testing.T, o steps.Order, want steps.Phase, when string) {
	t.Helper()
	sight, err := r.It.Verify(t.Context(), o)
	if err != nil || sight.Phase != want {
		t.Errorf("%s: %s, %v, want %s: %+v", when, sight.Phase, err, want, sight.Steps)
	}
}

// Ends fails unless what was done ended so and changed nothing more than it was allowed to.
func (r *Rig) Ends(t *testing.T, acted steps.Acted, want incident.Outcome, changes int, when string) {
	t.Helper()
	if acted.Outcome != want || r.Changes() != changes {
		t.Errorf("%s: %q after %d changes, want %q after %d: %+v", when, acted.Outcome, r.Changes(), want, changes, acted.Steps)
	}
}

// Refuses fails unless looking, or planning what was seen, is refused with that kind.
func (r *Rig) Refuses(t *testing.T, p incident.Proposal, want incident.Kind, when string) {
	t.Helper()
	present, err := r.It.Look(t.Context(), p)
	if err == nil {
		_, err = r.It.Plan(present, p)
	}
	if incident.KindOf(err) != want {
		t.Errorf("%s: %v, want %s", when, err, want)
	}
}
