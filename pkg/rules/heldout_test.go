package rules

import (
	"cmp"
	"os"
	"regexp"
	"slices"
	"testing"

	"go.yaml.in/yaml/v3"
)

// heldOut is a case of testdata/heldout.yaml.
type heldOut struct {
	ID, Kind, Logs, About string
	DependsOn             []string `yaml:"dependsOn"`
	Findings              []Finding
	Whose, Fixes          []string
}

// outcome is what a judgement was worth: right, wrong (a person would be misled), or missed (nothing was said).
func (c *heldOut) outcome(v Verdict) string {
	fix := "none"
	if len(v.Fixes) > 0 {
		fix = v.Fixes[0]
	}
	whose := c.Whose
	if len(whose) == 0 {
		whose = []string{Self}
	}
	about := regexp.MustCompile(`(?i)` + c.About).MatchString(v.RuleID + " " + v.Cause)
	switch {
	case c.About == "." && v.Confidence != Sure && fix == "none": // there is nothing to find
		return "right"
	case v.RuleID == "":
		return "missed"
	case about && slices.Contains(whose, v.Whose) && slices.Contains(c.Fixes, fix):
		return "right"
	case v.Confidence == Unsure && fix == "none":
		return "missed"
	}
	return "wrong"
}

// The figures may rise and must not fall.
func TestHeldOutCasesAreJudgedAsWellAsBefore(t *testing.T) {
	data, err := os.ReadFile("testdata/heldout.yaml")
	if err != nil {
		t.Fatal(err)
	}
	var cases []heldOut
	if err := yaml.Unmarshal(data, &cases); err != nil {
		t.Fatal(err)
	}
	figures := map[string]map[string]int{"everyday": {}, "harder": {}}
	for _, c := range cases {
		v := Judge(Input{Logs: c.Logs, Findings: c.Findings, DependsOn: c.DependsOn})
		kind, got := cmp.Or(c.Kind, "everyday"), c.outcome(v)
		figures[kind][got]++
		if got != "right" {
			t.Logf("%s, %s: %s says %q, whose %s, fixes %v, %s", kind, got, c.ID, v.RuleID, v.Whose, v.Fixes, v.Confidence)
		}
	}
	t.Logf("%v", figures)
	for _, floor := range []struct {
		kind        string
		all         int
		right, most int // at least so many right, at most so many wrong
	}{{"everyday", 41, 41, 0}, {"harder", 12, 12, 0}} {
		f := figures[floor.kind]
		if f["right"]+f["wrong"]+f["missed"] != floor.all || f["right"] < floor.right || f["wrong"] > floor.most {
			t.Errorf("%s: %v; at least %d of %d right and at most %d wrong before", floor.kind, f, floor.right, floor.all, floor.most)
		}
	}
}
