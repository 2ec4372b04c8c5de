package awsapi

import (
	"fmt"
	"strings"
	"testing"

	"github.com/opsguard/opsguard/pkg/incident"
	"github.com/opsguard/opsguard/pkg/steps/stepstest/awsfake"
)

func target() Target {
	return Target{Role: awsfake.Role, ExternalID: awsfake.ExternalID, Region: awsfake.Region}
}

func TestASessionPolicyAllowsTheRightsAndNothingElse(t *testing.T) {
	service, other := awsfake.ARN("ecs", "service/prod/web"), awsfake.ARN("ecs", "service/prod/api")
	policy, err := target().Policy([]string{
		Right("ecs:UpdateService", service), Right("ecs:DescribeServices", service), Right("ecs:DescribeTaskDefinition", "*"), Right("ecs:UpdateService", service),
	})
	want := `{"Version":"2012-10-17","Statement":[` +
		`{"Effect":"Allow","Action":["ecs:DescribeServices","ecs:UpdateService"],"Resource":["` + service + `"]},` +
		`{"Effect":"Allow","Action":["ecs:DescribeTaskDefinition"],"Resource":["*"]}]}`
	if err != nil || policy != want {
		t.Fatalf("%v\n%s\nwant\n%s", err, policy, want)
	}
	for right, allowed := range map[string]bool{
		Right("ecs:UpdateService", service): true, Right("ecs:DescribeServices", service): true, Right("ecs:UpdateService", other): false,
		Right("ecs:DeleteService", service): false, Right("ecs:DescribeTaskDefinition", "*"): true, Right("ecs:UpdateService", "*"): false,
	} {
		action, resource, _ := strings.Cut(right, " on ")
		if awsfake.Allows(policy, action, resource) != allowed {
			t.Errorf("%s: allowed %v, want %v", right, !allowed, allowed)
		}
	}
}

func TestARightThatIsTooWideMakesNoPolicy(t *testing.T) {
	arn := awsfake.ARN("ecs", "service/prod/web")
	for name, rights := range map[string][]string{
		"none at all":                  nil,
		"every action":                 {"* on " + arn},
		"every action of a service":    {Right("ecs:*", arn)},
		"a pattern of actions":         {Right("ecs:Update*", arn)},
		"every resource":               {Right("ecs:UpdateService", "*")},
		"a pattern of resources":       {Right("ecs:UpdateService", awsfake.ARN("ecs", "service/prod/*"))},
		"one letter of a resource":     {Right("ecs:UpdateService", awsfake.ARN("ecs", "service/prod/we?"))},
		"another account":              {Right("ecs:UpdateService", "arn:aws:ecs:eu-central-1:999999999999:service/prod/web")},
		"another Region":               {Right("ecs:UpdateService", "arn:aws:ecs:us-east-1:123456789012:service/prod/web")},
		"another partition":            {Right("ecs:UpdateService", "arn:aws-cn:ecs:eu-central-1:123456789012:service/prod/web")},
		"another service":              {Right("ecs:UpdateService", awsfake.ARN("s3", "bucket"))},
		"a role":                       {Right("iam:PassRole", "arn:aws:iam::123456789012:role/admin")},
		"words":                        {"ecs:UpdateService"},
		"two resources in one right":   {Right("ecs:UpdateService", arn+" on "+arn)},
		"one that is too wide of two":  {Right("ecs:DescribeServices", arn), Right("ecs:UpdateService", "*")},
		"more than a policy can hold":  many(40),
		"a quote that ends the string": {Right("ecs:UpdateService", arn+`","Resource":"*`)},
	} {
		if policy, err := target().Policy(rights); incident.KindOf(err) != incident.Invalid || policy != "" {
			t.Errorf("%s: %s, %v", name, policy, err)
		}
	}
	if policy, err := target().Policy(many(15)); err != nil || len(policy) > maxPolicy {
		t.Errorf("the most rights that a plan can hold: %d characters, %v", len(policy), err)
	}
}

func many(n int) (all []string) {
	for i := range n {
		all = append(all, Right("ssm:SendCommand", awsfake.ARN("ec2", fmt.Sprintf("instance/i-%017x", i))))
	}
	return all
}

func TestNobodyIsAllowedMoreByAnUnknownRole(t *testing.T) {
	if _, err := (Target{}).Policy([]string{Right("ecs:UpdateService", "arn::ecs:::service/prod/web")}); incident.KindOf(err) != incident.Invalid {
		t.Errorf("a target without a role: %v", err)
	}
}
