package catalog_test

import (
	"encoding/json"
	"math"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"github.com/opsguard/opsguard/pkg/catalog"
	"github.com/opsguard/opsguard/pkg/incident"
)

func TestProposeWritesCanonicalText(t *testing.T) {
	tests := []struct {
		name, fix string
		raw       map[string]any
		want      map[string]string
	}{
		{"no parameters", "restart-service", nil, map[string]string{}},
		{"empty parameters", "restart-service", map[string]any{}, map[string]string{}},
		{"default", "scale-out", nil, map[string]string{"instances": "1"}},
		{"float64", "scale-out", map[string]any{"instances": 2.0}, map[string]string{"instances": "2"}},
		{"lowest", "scale-out", map[string]any{"instances": 1.0}, map[string]string{"instances": "1"}},
		{"highest", "scale-out", map[string]any{"instances": 5.0}, map[string]string{"instances": "5"}},
		{"int", "scale-out", map[string]any{"instances": 3}, map[string]string{"instances": "3"}},
		{"canonical text, as the built-in rules keep it", "free-disk-space", map[string]any{"olderThanDays": "7"}, map[string]string{"olderThanDays": "7"}},
		{"json.Number", "reduce-concurrency", map[string]any{"percent": json.Number("90")}, map[string]string{"percent": "90"}},
		{"json.Number with a fraction of zero", "reduce-concurrency", map[string]any{"percent": json.Number("2.0e1")}, map[string]string{"percent": "20"}},
	}
	for _, tt := range tests {
		got, err := catalog.Propose(catalog.IDs(), tt.fix, tt.raw)
		if err != nil {
			t.Errorf("%s: %v", tt.name, err)
			continue
		}
		if diff := cmp.Diff(incident.Proposal{FixID: tt.fix, Parameters: tt.want}, got); diff != "" {
			t.Errorf("%s: differs (-want +got):\n%s", tt.name, diff)
		}
	}
}

func TestProposeRefusesByName(t *testing.T) {
	scale := func(v any) map[string]any { return map[string]any{"instances": v} }
	tests := []struct {
		name, fix   string
		raw         map[string]any
		field, want string
	}{
		{"unknown fix", "rm -rf /", nil, "fixId", `"rm -rf /" is not in the catalogue; known: cordon-node, `},
		{"no fix", "", nil, "fixId", `"" is not in the catalogue`},
		{"fix in other spelling", "Restart-Service", nil, "fixId", "is not in the catalogue"},
		{"not allowed", "rollback-deployment", nil, "fixId", `"rollback-deployment" is not allowed for this service; services.yaml allows: restart-service, scale-out`},
		{"unknown parameter", "scale-out", map[string]any{"target": "db"}, "parameters", `scale-out takes no parameter "target"; it takes: instances`},
		{"parameter of a fix without", "restart-service", map[string]any{"force": true}, "parameters", `restart-service takes no parameter "force"; it takes: none`},
		{"parameter in other spelling", "scale-out", map[string]any{"Instances": 1.0}, "parameters", `takes no parameter "Instances"`},
		{"text", "scale-out", scale("two"), "parameters.instances", "is text that is not a plain number; give a whole number from 1 to 5"},
		{"empty text", "scale-out", scale(""), "parameters.instances", "is text that is not a plain number"},
		{"text with a space", "scale-out", scale("2 "), "parameters.instances", "is text that is not a plain number"},
		{"text with a sign", "scale-out", scale("+2"), "parameters.instances", "is text that is not a plain number"},
		{"text with a fraction", "scale-out", scale("2.0"), "parameters.instances", "is text that is not a plain number"},
		{"digits that are not ASCII", "scale-out", scale("２"), "parameters.instances", "is text that is not a plain number"},
		{"text out of range", "scale-out", scale("6"), "parameters.instances", "is out of range"},
		{"command", "scale-out", scale("2; rm -rf /"), "parameters.instances", "is text that is not a plain number"},
		{"true", "scale-out", scale(true), "parameters.instances", "is not a number"},
		{"null", "scale-out", scale(nil), "parameters.instances", "is not a number"},
		{"list", "scale-out", scale([]any{1.0}), "parameters.instances", "is not a number"},
		{"object", "scale-out", scale(map[string]any{"n": 1.0}), "parameters.instances", "is not a number"},
		{"fraction", "scale-out", scale(1.5), "parameters.instances", "is not a whole number"},
		{"NaN", "scale-out", scale(math.NaN()), "parameters.instances", "is not a whole number"},
		{"infinity", "scale-out", scale(math.Inf(1)), "parameters.instances", "is not a whole number"},
		{"zero", "scale-out", scale(0.0), "parameters.instances", "is out of range; give a whole number from 1 to 5"},
		{"six", "scale-out", scale(6.0), "parameters.instances", "is out of range"},
		{"huge", "scale-out", scale(1e300), "parameters.instances", "is out of range"},
		{"number too large to read", "scale-out", scale(json.Number("1e999999999")), "parameters.instances", "is not a number"},
		{"number that is none", "scale-out", scale(json.Number("1;ls")), "parameters.instances", "is not a number"},
	}
	for _, tt := range tests {
		_, err := catalog.Propose([]string{"restart-service", "scale-out"}, tt.fix, tt.raw)
		checkInvalid(t, tt.name, err, tt.field, tt.want)
	}
	_, err := catalog.Propose(nil, "restart-service", nil)
	checkInvalid(t, "nothing allowed", err, "fixId", "services.yaml allows: nothing")
}

func TestProposeQuotesOutsideTextBounded(t *testing.T) {
	_, err := catalog.Propose(catalog.IDs(), "\x1b[2J\u202e@everyone"+strings.Repeat("x", 10_000), nil)
	if err == nil {
		t.Fatal("taken")
	}
	if s := err.Error(); len(s) > 500 || strings.ContainsAny(s, "\x1b\u202e") {
		t.Errorf("the refusal repeats raw or long text from outside: %q", s)
	}
}

func checkInvalid(t *testing.T, name string, err error, field, want string) {
	t.Helper()
	e, ok := err.(*incident.Error)
	if !ok || e.Kind != incident.Invalid || e.Field != field || !strings.Contains(e.Message, want) {
		t.Errorf("%s: %v (%T)\nwant Invalid on %s with %q", name, err, err, field, want)
	}
}

// rawValue draws what decoding a hostile model's JSON can give.
func rawValue() *rapid.Generator[any] {
	hostile := rapid.SampledFrom([]string{"1", "; rm -rf /", "$(reboot)", "`id`", "1 && ls", "|", "\x00", "../..", "0x1", "１", " 1", "+1", "1_0", "-0"})
	return rapid.OneOf(
		rapid.Float64().AsAny(),
		rapid.Map(rapid.IntRange(-3, 100), func(n int) any { return float64(n) }),
		rapid.Map(rapid.Int(), func(n int) any { return n }),
		rapid.Map(rapid.OneOf(hostile, rapid.String()), func(s string) any { return json.Number(s) }),
		rapid.OneOf(hostile, rapid.String()).AsAny(),
		rapid.Bool().AsAny(),
		rapid.Just[any](nil),
		rapid.Map(rapid.SliceOf(rapid.Int()), func(s []int) any { return s }),
		rapid.Map(rapid.MapOf(rapid.String(), rapid.Int()), func(m map[string]int) any { return m }),
	)
}

// said is what a model proposes, and what is allowed.
type said struct {
	fix     string
	allowed []string
	raw     map[string]any
}

func drawSaid() *rapid.Generator[said] {
	names := []string{"instances", "olderThanDays", "percent"}
	return rapid.Custom(func(t *rapid.T) said {
		return said{
			fix:     rapid.OneOf(rapid.SampledFrom(catalog.IDs()), rapid.String()).Draw(t, "fix"),
			allowed: rapid.SliceOfDistinct(rapid.SampledFrom(catalog.IDs()), rapid.ID[string]).Draw(t, "allowed"),
			raw:     rapid.MapOfN(rapid.OneOf(rapid.SampledFrom(names), rapid.String()), rawValue(), 0, 2).Draw(t, "raw"),
		}
	})
}

// passes checks what becomes of a proposal. It returns how many parameters passed, and
// false if the proposal was refused.
func passes(t rapid.TB, s said) (params int, ok bool) {
	p, err := catalog.Propose(s.allowed, s.fix, s.raw)
	if err != nil {
		if incident.KindOf(err) != incident.Invalid {
			t.Fatalf("refused with %v, which is not Invalid", err)
		}
		return 0, false
	}
	fix, known := catalog.Lookup(p.FixID)
	if !known || p.FixID != s.fix || !slices.Contains(s.allowed, s.fix) {
		t.Fatalf("%q passed although only %v are allowed", s.fix, s.allowed)
	}
	if len(p.Parameters) != len(fix.Params) {
		t.Fatalf("%v passed for %s, which takes %d parameters", p.Parameters, s.fix, len(fix.Params))
	}
	for _, param := range fix.Params {
		n, err := strconv.Atoi(p.Parameters[param.Name])
		if err != nil || n < param.Min || n > param.Max || strconv.Itoa(n) != p.Parameters[param.Name] {
			t.Fatalf("%s=%q passed", param.Name, p.Parameters[param.Name])
		}
	}
	if _, err := catalog.Build(incident.Ref{Tenant: "default", ID: "INC-1"}, s.allowed, incident.Target{Service: "s", Type: "simulated"}, p); err != nil {
		t.Fatalf("Build refuses what Propose made: %v", err)
	}
	return len(p.Parameters), true
}

// The proposals of fixed seeds show that some pass, with and without parameters, also
// where a random run is short and none may.
func TestWhateverAModelSaysOnlyKnownNamesAndNumbersInRangePass(t *testing.T) {
	bare, with := 0, 0
	for seed := range 1000 {
		params, ok := passes(t, drawSaid().Example(seed))
		switch {
		case !ok:
		case params == 0:
			bare++
		default:
			with++
		}
	}
	if bare == 0 || with == 0 {
		t.Errorf("%d passed without parameters and %d with: the property was never put to the test", bare, with)
	}
	rapid.Check(t, func(t *rapid.T) { passes(t, drawSaid().Draw(t, "said")) })
}
