package awsfake

import (
	"encoding/json"
	"maps"
	"slices"
	"strings"
	"testing"

	"github.com/opsguard/opsguard/pkg/incident"
)

// unscoped are the actions for which AWS knows no resource, so that a policy can only name
// "*": Service Authorization Reference, as of 2026-08-22. Any other must name its resource.
func unscoped() []string {
	return []string{
		"autoscaling:DescribeAutoScalingGroups", "autoscaling:DescribeInstanceRefreshes", "ec2:DescribeInstanceStatus", "ec2:DescribeInstances",
		"ecs:DescribeTaskDefinition", "rds:DescribeEvents", "ssm:DescribeInstanceInformation", "ssm:ListCommands",
	}
}

// LeastPrivilege does a fix, lets it settle, looks, and undoes it if that can be done. It
// fails unless each session was given what its plan says and what it needed, and not more.
func (r *Rig) LeastPrivilege(t *testing.T, p incident.Proposal, settle func(*testing.T)) {
	t.Helper()
	before := len(r.Sessions())
	o := r.Order(t, p)
	r.Act(t, &o)
	if settle != nil {
		settle(t)
	}
	if _, err := r.It.Verify(t.Context(), o); err != nil {
		t.Fatal(err)
	}
	if o.Plan.Undo.Possible() {
		if acted := r.It.Undo(t.Context(), Undone(o)); acted.Outcome != "" {
			t.Fatalf("Undo ended %q: %+v", acted.Outcome, acted.Steps)
		}
	}
	ability, _ := r.d.Able(p.FixID)
	for _, right := range o.Plan.Rights {
		if action, _, _ := strings.Cut(right, " on "); !strings.Contains(ability.Rights, action) {
			t.Errorf("the description does not name the right %s: %s", action, ability.Rights)
		}
	}
	used := map[string]bool{}
	for _, s := range r.Sessions()[before:] {
		rights := rightsOf(t, s.Policy)
		acts := slices.ContainsFunc(s.Calls, func(c Call) bool { return !reading(c.Action[strings.Index(c.Action, ":")+1:]) })
		switch {
		case len(s.Policy) > 2048:
			t.Errorf("a session policy of %d characters", len(s.Policy))
		case s.Duration != "900":
			t.Errorf("a session of %s seconds", s.Duration)
		case acts != (s.Role == Role):
			t.Errorf("a session that acts %v has the role %s", acts, s.Role)
		case acts && (s.Source != "key=anna" || s.Name != o.Ref.ID):
			t.Errorf("the session that acts is called %q, by %q", s.Name, s.Source)
		case acts && !slices.Equal(rights, sorted(o.Plan.Rights)):
			t.Errorf("the session that acts was given\n%q\nand the plan says\n%q", rights, sorted(o.Plan.Rights))
		}
		for _, right := range rights {
			action, resource, _ := strings.Cut(right, " on ")
			if !acts && !reading(action[strings.Index(action, ":")+1:]) {
				t.Errorf("a session that looks may do %s", right)
			}
			if strings.ContainsAny(action, "*?") || strings.ContainsAny(resource, "*?") != slices.Contains(unscoped(), action) {
				t.Errorf("%s is wider, or narrower, than AWS can be told", right)
			}
		}
		for _, c := range s.Calls {
			used[c.Action+" on "+c.Resource] = true
		}
	}
	if unused := slices.DeleteFunc(sorted(o.Plan.Rights), func(right string) bool { return used[right] }); len(unused) > 0 {
		t.Errorf("rights that nothing uses: %q", unused)
	}
}

func sorted(all []string) []string {
	set := map[string]bool{}
	for _, one := range all {
		set[one] = true
	}
	return slices.Sorted(maps.Keys(set))
}

// rightsOf writes a policy as a plan's rights.
func rightsOf(t *testing.T, policy string) []string {
	t.Helper()
	var document struct {
		Version   string
		Statement []struct {
			Effect           string
			Action, Resource []string
		}
	}
	if err := json.Unmarshal([]byte(policy), &document); err != nil || document.Version != "2012-10-17" {
		t.Fatalf("the session policy is %s: %v", policy, err)
	}
	var all []string
	for _, s := range document.Statement {
		for _, action := range s.Action {
			for _, resource := range s.Resource {
				all = append(all, action+" on "+resource)
			}
		}
		if s.Effect != "Allow" {
			t.Errorf("a statement that does not allow: %s", policy)
		}
	}
	return sorted(all)
}
