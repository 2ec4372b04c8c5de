// Package autoscaling restarts the instances of an EC2 Auto Scaling group by an instance
// refresh, and raises its desired capacity. Start at Integration; awsapi, which it is made
// of, says how it gets its rights.
//
// Auto Scaling refuses a second instance refresh while one is under way. SetDesiredCapacity
// has no precondition, so the group is described once more right before it. Calls are those
// of the Amazon EC2 Auto Scaling API Reference, 2011-01-01.
package autoscaling

import (
	"context"
	"errors"
	"net/url"
	"regexp"
	"slices"
	"strings"
	"sync"

	"github.com/opsguard/opsguard/pkg/executor/internal/awsapi"
	"github.com/opsguard/opsguard/pkg/integration"
	"github.com/opsguard/opsguard/pkg/steps"
)

// Settings are a target's attributes in services.yaml.
type Settings struct {
	awsapi.Target
	Group string `setting:"group" help:"the Auto Scaling group's name"`
}

// groupForm is narrower than what AWS takes: no character that means something in an ARN
// or a policy.
var groupForm = sync.OnceValue(func() *regexp.Regexp { return regexp.MustCompile(`^[A-Za-z0-9_.+=@-]{1,255}$`) })

// Validate implements the check of settings.
func (s Settings) Validate() error {
	return errors.Join(s.Target.Validate(), awsapi.OneName("group", s.Group, groupForm(), "a group's name of letters, digits and _.+=@-"))
}

const (
	restart  = "restart-service"
	scaleOut = "scale-out"
	version  = "2011-01-01"
)

// Integration describes the executor.
func Integration() integration.Descriptor[steps.Executor] {
	return integration.New("autoscaling", "acts on a group of EC2 Auto Scaling", Open).NamedBy("region", "group").Can(
		integration.Ability{Fix: restart, Does: "starts an instance refresh that replaces every instance and keeps 90 percent of them healthy",
			Verifies: "the instance refresh that the call began was successful",
			Rights:   "autoscaling:StartInstanceRefresh on the group; autoscaling:DescribeAutoScalingGroups, autoscaling:DescribeInstanceRefreshes"},
		integration.Ability{Fix: scaleOut, Does: "raises the desired capacity, to the group's maximum at most",
			Undo: "sets the desired capacity back", Verifies: "as many instances are in service and healthy as are desired",
			Rights: "autoscaling:SetDesiredCapacity on the group; autoscaling:DescribeAutoScalingGroups"},
	)
}

type group struct{ Settings }

func groups() string    { return awsapi.Right("autoscaling:DescribeAutoScalingGroups", "*") }
func refreshes() string { return awsapi.Right("autoscaling:DescribeInstanceRefreshes", "*") }

// Open opens the executor for one group.
func Open(env integration.Env, s Settings) (steps.Executor, error) {
	g := group{s}
	return awsapi.New(env, s.Target,
		awsapi.Fix{ID: restart, Reads: []string{groups(), refreshes()},
			Look: g.lookToRestart, Plan: g.planRestart, Act: g.restart, Verify: g.verifyRefresh},
		awsapi.Fix{ID: scaleOut, Reads: []string{groups()},
			Look: g.lookToScale, Plan: g.planScale, Act: g.setCapacity, Verify: g.verifyScale, Undo: g.setCapacity},
	), nil
}

// described is what matters of a group: shape AutoScalingGroup.
type described struct {
	Name      string   `xml:"AutoScalingGroupName"`
	Arn       string   `xml:"AutoScalingGroupARN"`
	Min       int      `xml:"MinSize"`
	Max       int      `xml:"MaxSize"`
	Desired   int      `xml:"DesiredCapacity"`
	Status    string   `xml:"Status"` // only while the group is being deleted
	Suspended []string `xml:"SuspendedProcesses>member>ProcessName"`
	Launch    struct {
		ID      string `xml:"LaunchTemplateId"`
		Version string `xml:"Version"`
	} `xml:"LaunchTemplate"`
	Configuration string `xml:"LaunchConfigurationName"`
	Instances     []struct {
		ID        string `xml:"InstanceId"`
		Lifecycle string `xml:"LifecycleState"`
		Health    string `xml:"HealthStatus"`
	} `xml:"Instances>member"`
}

// inService counts healthy instances that are in service.
func (d described) inService() (n int) {
	for _, i := range d.Instances {
		if i.Lifecycle == "InService" && strings.EqualFold(i.Health, "Healthy") {
			n++
		}
	}
	return n
}

// launches says what new instances are made of.
func (d described) launches() string {
	switch {
	case d.Launch.ID != "":
		return d.Launch.ID + " version " + d.Launch.Version
	case d.Configuration != "":
		return "launch configuration " + d.Configuration
	}
	return "a mixed instances policy"
}

func (g group) describe(ctx context.Context, at *awsapi.Session, needs ...string) (described, error) {
	var out struct {
		Groups []described `xml:"DescribeAutoScalingGroupsResult>AutoScalingGroups>member"`
	}
	if err := at.Query(ctx, groups(), version, url.Values{"AutoScalingGroupNames.member.1": {g.Group}}, &out); err != nil {
		return described{}, err
	}
	if len(out.Groups) != 1 || out.Groups[0].Name != g.Group || out.Groups[0].Status != "" {
		return described{}, awsapi.Missing("there is no group %s, or it is being deleted; check the target in services.yaml", g.Group)
	}
	d := out.Groups[0]
	if !at.InTarget(d.Arn, "autoscaling") {
		return d, awsapi.Cannot("the Auto Scaling group is not of the account and Region that the target names")
	}
	for _, process := range needs {
		if slices.Contains(d.Suspended, process) {
			return d, awsapi.Cannot("the group's process %s is suspended; resume it first", process)
		}
	}
	return d, nil
}
