//go:build unix

package command_test

import (
	"maps"
	"testing"

	"github.com/opsguard/opsguard/pkg/executor"
	"github.com/opsguard/opsguard/pkg/incident"
)

// What an executor says is redacted on its way into the record, and a digest is as random
// as a secret.
func TestWhatAPlanRestsOnSurvivesItsWayThroughTheRecord(t *testing.T) {
	r := newRig(t)
	act := r.script("act", "echo done\n")
	for _, of := range []string{"run", "verify", "undo"} {
		r.gives(of, "scale-out", act, "{instances}")
	}
	set, err := executor.Open(r.env, executor.List())
	if err != nil {
		t.Fatal(err)
	}
	attributes := map[string]string{}
	for name, value := range r.set {
		attributes[name] = value.Pack()
	}
	it, err := set.For(incident.Target{Service: "shop", Type: "command", Attributes: attributes})
	if err != nil {
		t.Fatal(err)
	}
	seen, err := it.Look(t.Context(), proposal(t, "scale-out"))
	direct, other := r.open().Look(t.Context(), proposal(t, "scale-out"))
	if err != nil || other != nil || !maps.Equal(seen, direct) || len(seen) != 6 {
		t.Errorf("%v, %v; directly %v, %v", seen, err, direct, other)
	}
	o := r.order("scale-out")
	acted := it.Act(t.Context(), o)
	o.Receipt, o.Fix = acted.Receipt, acted.Receipt
	if sight, err := it.Verify(t.Context(), o); acted.Outcome != "" || err != nil || sight.Phase != "verified" {
		t.Errorf("%q, %v: %s%s", acted.Outcome, err, told(acted.Steps), told(sight.Steps))
	}
}
