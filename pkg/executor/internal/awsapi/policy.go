package awsapi

import (
	"encoding/json"
	"regexp"
	"slices"
	"strings"
	"sync"

	"github.com/opsguard/opsguard/pkg/incident"
)

// maxPolicy bounds a session policy, in characters: STS API Reference, AssumeRole, Policy.
const maxPolicy = 2048

// Right is one line of a plan's Rights: an action on a resource.
func Right(action, resource string) string { return action + " on " + resource }

// actionForm is one action, without wildcards.
var actionForm = sync.OnceValue(func() *regexp.Regexp { return regexp.MustCompile(`^[a-z0-9]+:[A-Z][A-Za-z]+$`) })

// unscoped are the actions that AWS allows on "*" only, because they know no resource:
// Service Authorization Reference. All of them read.
func unscoped() []string {
	return []string{
		"autoscaling:DescribeAutoScalingGroups", "autoscaling:DescribeInstanceRefreshes", "ec2:DescribeInstanceStatus", "ec2:DescribeInstances",
		"ecs:DescribeTaskDefinition", "rds:DescribeEvents", "ssm:DescribeInstanceInformation", "ssm:ListCommands",
	}
}

type statement struct {
	Effect   string
	Action   []string
	Resource []string
}

// Policy is the session policy that allows these rights and nothing else. Invalid: a
// right has a wildcard where AWS needs none, is for another account or Region than the
// target's, or there are too many. What a session may do is the intersection of this and
// of what its role may.
func (t Target) Policy(rights []string) (string, error) {
	byResource := map[string][]string{}
	for _, right := range rights {
		action, resource, ok := strings.Cut(right, " on ")
		if !ok || !actionForm().MatchString(action) || !t.mayName(action, resource) {
			return "", incident.Bad(
				"the plan asks for a right that no session is given: it must be one action on one resource of the target's account and Region")
		}
		if !slices.Contains(byResource[resource], action) {
			byResource[resource] = append(byResource[resource], action)
		}
	}
	byActions := map[string]*statement{}
	var order []string
	for resource, actions := range byResource {
		slices.Sort(actions)
		key := strings.Join(actions, ",")
		if byActions[key] == nil {
			byActions[key] = &statement{Effect: "Allow", Action: actions}
			order = append(order, key)
		}
		byActions[key].Resource = append(byActions[key].Resource, resource)
	}
	slices.Sort(order)
	policy := struct {
		Version   string
		Statement []statement
	}{Version: "2012-10-17", Statement: []statement{}}
	for _, key := range order {
		slices.Sort(byActions[key].Resource)
		policy.Statement = append(policy.Statement, *byActions[key])
	}
	text, err := json.Marshal(policy)
	if err != nil || len(rights) == 0 || len(text) > maxPolicy {
		return "", incident.Bad(
			"the rights of the plan do not fit into a session policy of %d characters; name fewer resources in services.yaml", maxPolicy)
	}
	return string(text), nil
}

// mayName reports whether a resource may stand in a session policy for the action.
func (t Target) mayName(action, resource string) bool {
	if resource == "*" {
		return slices.Contains(unscoped(), action)
	}
	service, _, _ := strings.Cut(action, ":")
	for _, kind := range []string{service, "ec2"} { // ssm:SendCommand is allowed on instances, which are EC2's
		if t.InTarget(resource, kind) && t.partition() != "" {
			return true
		}
	}
	return false
}
