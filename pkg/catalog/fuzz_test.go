package catalog_test

import (
	"bytes"
	"encoding/json"
	"slices"
	"strings"
	"testing"

	"github.com/opsguard/opsguard/pkg/catalog"
	"github.com/opsguard/opsguard/pkg/incident"
)

// Whatever a model proposes is refused as Invalid or is an allowed fix with known
// names and plain digits, and makes a plan for the target that it is given.
func FuzzPropose(f *testing.F) {
	for _, seed := range [][2]string{
		{"scale-out", `{"instances":3}`}, {"scale-out", `{"instances":"3"}`}, {"scale-out", `{"instances":1e0}`}, {"scale-out", `{"instances":-0}`}, {"scale-out", `{"instances":"03"}`},
		{"restart-service", `{}`}, {"restart-service", `{"target":"prod-db-01"}`}, {"rollback-deployment", `{}`}, {"restart-service\x00", `null`}, {"scale-out", `{"instances":99999999999999999999}`},
	} {
		f.Add(seed[0], seed[1], true)
		f.Add(seed[0], seed[1], false)
	}
	allowed := []string{"restart-service", "scale-out"}
	target := incident.Target{Service: "prod-api-01", Type: "simulated"}
	f.Fuzz(func(t *testing.T, fix, parameters string, asNumber bool) {
		dec := json.NewDecoder(bytes.NewReader([]byte(parameters)))
		if asNumber { // as pkg/gemini decodes it
			dec.UseNumber()
		}
		var raw map[string]any
		if dec.Decode(&raw) != nil {
			return
		}
		p, err := catalog.Propose(allowed, fix, raw)
		if err != nil {
			if incident.KindOf(err) != incident.Invalid {
				t.Fatalf("%q %q: %v", fix, parameters, err)
			}
			return
		}
		if !slices.Contains(allowed, p.FixID) || p.FixID != fix {
			t.Fatalf("%q %q: the fix %q", fix, parameters, p.FixID)
		}
		for name, value := range p.Parameters {
			if name != "instances" || value == "" || strings.Trim(value, "12345") != "" || len(value) != 1 {
				t.Fatalf("%q %q: the parameter %q=%q", fix, parameters, name, value)
			}
		}
		plan, err := catalog.Build(incident.Ref{Tenant: "default", ID: "INC-1"}, allowed, target, p)
		if err != nil || plan.FixID != fix || plan.Target.Service != target.Service {
			t.Fatalf("%q %q: the plan %+v, %v", fix, parameters, plan, err)
		}
	})
}
