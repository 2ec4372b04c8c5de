// Package ec2 reboots one EC2 instance. Start at Integration; awsapi, which it is made of,
// says how it gets its rights.
//
// EC2 queues a reboot and shows nothing of it: neither the state nor the launch time
// changes. So the fix is verified by the instance's two status checks, and not before some
// minutes are over, when a reboot that took place has reached them. What is told of it
// says so. Calls are those of the Amazon EC2 API Reference, 2016-11-15.
package ec2

import (
	"context"
	"errors"
	"net/url"
	"regexp"
	"sync"
	"time"

	"github.com/opsguard/opsguard/pkg/executor/internal/awsapi"
	"github.com/opsguard/opsguard/pkg/incident"
	"github.com/opsguard/opsguard/pkg/integration"
	"github.com/opsguard/opsguard/pkg/steps"
)

// Settings are a target's attributes in services.yaml.
type Settings struct {
	awsapi.Target
	Instance string `setting:"instance" help:"the instance's id, i-..."`
}

var instanceForm = sync.OnceValue(func() *regexp.Regexp { return regexp.MustCompile(`^i-([0-9a-f]{8}|[0-9a-f]{17})$`) })

// Validate implements the check of settings.
func (s Settings) Validate() error {
	return errors.Join(s.Target.Validate(),
		awsapi.OneName("instance", s.Instance, instanceForm(), "an instance's id, such as i-0123456789abcdef0"))
}

const (
	restart = "restart-service"
	version = "2016-11-15"
	limit   = 15 * time.Minute
	// quiet is how long after the call the status checks may still be those of before.
	// They run every minute; the EC2 User Guide gives a reboot up to four minutes until
	// EC2 forces it.
	quiet = 5 * time.Minute
)

// Integration describes the executor.
func Integration() integration.Descriptor[steps.Executor] {
	return integration.New("ec2", "acts on one instance of Amazon EC2", Open).NamedBy("region", "instance").Can(
		integration.Ability{Fix: restart, Does: "reboots the instance",
			Verifies: "five minutes later the instance runs and passes both status checks; EC2 does not show a reboot itself",
			Rights:   "ec2:RebootInstances on the instance; ec2:DescribeInstances, ec2:DescribeInstanceStatus"})
}

type instance struct {
	Settings
	arn string
}

func describes() string { return awsapi.Right("ec2:DescribeInstances", "*") }
func statuses() string  { return awsapi.Right("ec2:DescribeInstanceStatus", "*") }

// Open opens the executor for one instance.
func Open(env integration.Env, s Settings) (steps.Executor, error) {
	i := instance{s, s.Target.ARN("ec2", "instance/"+s.Instance)}
	return awsapi.New(env, s.Target,
		awsapi.Fix{ID: restart, Reads: []string{describes(), statuses()}, Look: i.look, Plan: i.plan, Act: i.reboot, Verify: i.verify}), nil
}

func (i instance) named() url.Values { return url.Values{"InstanceId.1": {i.Instance}} }

func (i instance) look(ctx context.Context, at *awsapi.Session, _ incident.Proposal) (incident.State, error) {
	var out struct {
		Found []struct {
			ID       string `xml:"instanceId"`
			State    string `xml:"instanceState>name"`
			Launched string `xml:"launchTime"`
		} `xml:"reservationSet>item>instancesSet>item"`
	}
	if err := at.Query(ctx, describes(), version, i.named(), &out); err != nil {
		return nil, err
	}
	switch {
	case len(out.Found) != 1 || out.Found[0].ID != i.Instance || out.Found[0].State == "terminated":
		return nil, awsapi.Missing("there is no instance %s; check the target in services.yaml", i.Instance)
	case out.Found[0].State != "running":
		return nil, awsapi.Cannot("the instance %s does not run, so it cannot be rebooted; start it by hand", i.Instance)
	}
	return incident.State{"instance": i.Instance, "state": "running", "launched": out.Found[0].Launched}, nil
}

func (i instance) plan(incident.State, incident.Proposal) (incident.Draft, error) {
	return incident.Draft{
		Actions: []string{"ec2 RebootInstances instance=" + i.Instance},
		Wanted:  incident.State{"instance": i.Instance, "state": "running, rebooted, both status checks passed"},
		Undo:    incident.Undo{Not: "a reboot cannot be undone"}, Limit: limit,
		Blast:  incident.Blast{Affected: 1, Of: 1, Unit: "instances"},
		Rights: []string{awsapi.Right("ec2:RebootInstances", i.arn)},
	}, nil
}

func (i instance) reboot(ctx context.Context, at *awsapi.Session, _ steps.Order) (incident.State, string, error) {
	err := at.Change(ctx, func() error {
		return at.Query(ctx, awsapi.Right("ec2:RebootInstances", i.arn), version, i.named(), nil)
	})
	return nil, "EC2 has queued the reboot of " + i.Instance, err
}

func (i instance) verify(ctx context.Context, at *awsapi.Session, o steps.Order) (awsapi.Seen, error) {
	var out struct {
		Found []struct {
			ID       string `xml:"instanceId"`
			State    string `xml:"instanceState>name"`
			Instance string `xml:"instanceStatus>status"`
			System   string `xml:"systemStatus>status"`
		} `xml:"instanceStatusSet>item"`
	}
	in := i.named()
	in.Set("IncludeAllInstances", "true")
	if err := at.Query(ctx, statuses(), version, in, &out); err != nil {
		return awsapi.Seen{}, err
	}
	if len(out.Found) != 1 || out.Found[0].ID != i.Instance {
		return at.NotShown(o, "EC2 does not show the status of the instance"), nil
	}
	one := out.Found[0]
	switch {
	case one.State != "running":
		return awsapi.NotVerified("the instance does not run any more")
	case at.Now().Before(o.Since().Add(quiet)):
		return awsapi.Settling("the reboot was asked for less than five minutes ago; the status checks may be those of before")
	case one.Instance == "ok" && one.System == "ok":
		return awsapi.Verified("the instance passes both status checks; that it was rebooted, EC2 does not show")
	}
	return awsapi.Settling("the instance does not pass both status checks yet")
}
