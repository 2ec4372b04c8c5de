package awsapi_test

import (
	"maps"
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"go.yaml.in/yaml/v3"

	"github.com/opsguard/opsguard/pkg/executor/autoscaling"
	"github.com/opsguard/opsguard/pkg/executor/ec2"
	"github.com/opsguard/opsguard/pkg/executor/ecs"
	"github.com/opsguard/opsguard/pkg/executor/kubernetes"
	"github.com/opsguard/opsguard/pkg/executor/lambda"
	"github.com/opsguard/opsguard/pkg/executor/rds"
	"github.com/opsguard/opsguard/pkg/executor/ssm"
	"github.com/opsguard/opsguard/pkg/integration"
	"github.com/opsguard/opsguard/pkg/steps"
)

func executors() []integration.Descriptor[steps.Executor] {
	return []integration.Descriptor[steps.Executor]{autoscaling.Integration(), ec2.Integration(), ecs.Integration(),
		kubernetes.Integration(), lambda.Integration(), rds.Integration(), ssm.Integration()}
}

// texts is a list in YAML, or the one text that stands for a list of one.
type texts []string

// UnmarshalYAML implements yaml.Unmarshaler.
func (t *texts) UnmarshalYAML(n *yaml.Node) error {
	if n.Kind == yaml.ScalarNode {
		*t = texts{n.Value}
		return nil
	}
	var all []string
	for _, one := range n.Content {
		all = append(all, one.Value)
	}
	*t = all
	return nil
}

type statement struct {
	Sid       string                          `yaml:"Sid"`
	Effect    string                          `yaml:"Effect"`
	Action    texts                           `yaml:"Action"`
	Resource  texts                           `yaml:"Resource"`
	Principal map[string]yaml.Node            `yaml:"Principal"`
	Condition map[string]map[string]yaml.Node `yaml:"Condition"`
}

type policy struct {
	Statement []statement `yaml:"Statement"`
}

// roles is what the tests read of infra/target-role.yaml.
type roles struct {
	Resources map[string]struct {
		Properties struct {
			Document policy `yaml:"PolicyDocument"`
			Trust    policy `yaml:"AssumeRolePolicyDocument"`
			Policies []struct {
				Document policy `yaml:"PolicyDocument"`
			} `yaml:"Policies"`
			Boundary string `yaml:"PermissionsBoundary"`
			Managed  texts  `yaml:"ManagedPolicyArns"`
		} `yaml:"Properties"`
	} `yaml:"Resources"`
}

func template(t *testing.T) roles {
	t.Helper()
	text, err := os.ReadFile("../../../../infra/target-role.yaml")
	if err != nil {
		t.Fatal(err)
	}
	var r roles
	if err := yaml.Unmarshal(text, &r); err != nil {
		t.Fatal(err)
	}
	return r
}

func reading(action string) bool {
	_, op, _ := strings.Cut(action, ":")
	return strings.HasPrefix(op, "Describe") || strings.HasPrefix(op, "Get") || strings.HasPrefix(op, "List")
}

// needed are the actions of every fix of every executor, as their descriptions say; each
// executor's own tests hold its plans to its description.
func needed() (looks, acts []string) {
	set := map[string]bool{}
	for _, d := range executors() {
		for _, a := range d.Abilities {
			for _, action := range regexp.MustCompile(`\b[a-z0-9]+:[A-Z][A-Za-z]+`).FindAllString(a.Rights, -1) {
				set[action] = true
			}
		}
	}
	for _, action := range slices.Sorted(maps.Keys(set)) {
		if reading(action) {
			looks = append(looks, action)
		} else {
			acts = append(acts, action)
		}
	}
	return looks, acts
}

func actions(p policy, effect string) []string {
	set := map[string]bool{}
	for _, s := range p.Statement {
		for _, action := range s.Action {
			if s.Effect == effect {
				set[action] = true
			}
		}
	}
	return slices.Sorted(maps.Keys(set))
}

func TestTheRolesMayDoWhatTheExecutorsNeedAndNothingElse(t *testing.T) {
	looks, acts := needed()
	r := template(t).Resources
	if diff := cmp.Diff(looks, actions(r["LookPolicy"].Properties.Document, "Allow")); diff != "" {
		t.Errorf("what both roles may look at (-needed +given):\n%s", diff)
	}
	if diff := cmp.Diff(acts, actions(r["ActRole"].Properties.Policies[0].Document, "Allow")); diff != "" {
		t.Errorf("what the acting role may change (-needed +given):\n%s", diff)
	}
	all := slices.Sorted(slices.Values(slices.Concat(looks, acts)))
	if diff := cmp.Diff(all, actions(r["Boundary"].Properties.Document, "Allow")); diff != "" {
		t.Errorf("the boundary (-needed +given):\n%s", diff)
	}
	if len(r["LookRole"].Properties.Policies) > 0 || len(r["ActRole"].Properties.Policies) != 1 {
		t.Error("a role has a policy that this test does not read")
	}
}

func TestNothingIsChangedThatIsNotTagged(t *testing.T) {
	for _, s := range template(t).Resources["ActRole"].Properties.Policies[0].Document.Statement {
		tagged := false
		for key, value := range s.Condition["StringEquals"] {
			tagged = tagged || (key == "aws:ResourceTag/opsguard:allowed" || key == "ssm:resourceTag/opsguard:allowed") && value.Value == "true"
		}
		if !tagged {
			t.Errorf("%s: allows changes to what is not tagged", s.Sid)
		}
		if slices.Contains(s.Action, "ssm:SendCommand") && slices.ContainsFunc(s.Resource, func(r string) bool { return !strings.Contains(r, "${AWS::AccountId}") }) {
			t.Errorf("%s: allows documents that are not the account's own", s.Sid)
		}
	}
}

func TestBothRolesAreBoundedAndTrustOnlyWhoNamesTheExternalId(t *testing.T) {
	all := template(t).Resources
	for name, principals := range map[string]string{"ActRole": "ActRoleArns", "LookRole": "LookRoleArns"} {
		p := all[name].Properties
		if p.Boundary != "Boundary" || !slices.Equal(p.Managed, []string{"LookPolicy"}) {
			t.Errorf("%s: boundary %q, policies %q", name, p.Boundary, p.Managed)
		}
		for _, s := range p.Trust.Statement {
			trusted := s.Principal["AWS"]
			if len(s.Principal) != 1 || trusted.Value != principals {
				t.Errorf("%s, %s: trusts %v", name, s.Sid, s.Principal)
			}
			id := s.Condition["StringEquals"]["sts:ExternalId"]
			if slices.Contains(s.Action, "sts:AssumeRole") && id.Value != "ExternalId" {
				t.Errorf("%s, %s: asks for no external id", name, s.Sid)
			}
		}
	}
	denied := actions(all["Boundary"].Properties.Document, "Deny")
	for _, action := range []string{"iam:*", "sts:AssumeRole"} {
		if !slices.Contains(denied, action) {
			t.Errorf("the boundary does not deny %s", action)
		}
	}
}
