package autoscaling

import (
	"context"
	"fmt"
	"net/url"
	"strconv"
	"time"

	"github.com/opsguard/opsguard/pkg/executor/internal/awsapi"
	"github.com/opsguard/opsguard/pkg/incident"
	"github.com/opsguard/opsguard/pkg/steps"
)

// scaleLimit is how long new instances may take until they are in service.
const scaleLimit = 20 * time.Minute

func (g group) lookToScale(ctx context.Context, at *awsapi.Session, _ incident.Proposal) (incident.State, error) {
	d, err := g.describe(ctx, at, "Launch")
	if err != nil {
		return nil, err
	}
	return incident.State{"group": d.Arn, "desiredCapacity": strconv.Itoa(d.Desired), "maxSize": strconv.Itoa(d.Max)}, nil
}

func (g group) planScale(present incident.State, p incident.Proposal) (incident.Draft, error) {
	var n [3]int
	for i, from := range []struct {
		facts map[string]string
		name  string
	}{{present, "desiredCapacity"}, {present, "maxSize"}, {p.Parameters, "instances"}} {
		var err error
		if n[i], err = awsapi.Int(from.facts, from.name); err != nil {
			return incident.Draft{}, err
		}
	}
	now, most, more := n[0], n[1], n[2]
	if more < 1 || now+more > most {
		return incident.Draft{}, awsapi.Cannot("%d instances and %d more are over the group's maximum, %d", now, more, most)
	}
	return incident.Draft{
		Actions: []string{g.sets(now + more)}, Wanted: incident.State{"desiredCapacity": strconv.Itoa(now + more)},
		Undo: incident.Undo{Actions: []string{g.sets(now) + ", which ends instances as the group's termination policy says"},
			Wanted: incident.State{"desiredCapacity": strconv.Itoa(now)}},
		Limit: scaleLimit, Blast: incident.Blast{Affected: more, Of: now + more, Unit: "instances"},
		Rights: []string{awsapi.Right("autoscaling:SetDesiredCapacity", present["group"])},
	}, nil
}

func (g group) sets(n int) string {
	return fmt.Sprintf("autoscaling SetDesiredCapacity group=%s desiredCapacity=%d", g.Group, n)
}

// setCapacity is the fix and its undoing.
func (g group) setCapacity(ctx context.Context, at *awsapi.Session, o steps.Order) (incident.State, string, error) {
	was, err := awsapi.Int(o.Was(), "desiredCapacity")
	if err != nil {
		return nil, "", err
	}
	wants, err := awsapi.Int(o.Wants(), "desiredCapacity")
	if err != nil {
		return nil, "", err
	}
	d, err := g.describe(ctx, at)
	switch {
	case err != nil:
		return nil, "", err
	case d.Arn != o.Plan.Present["group"] || d.Desired != was:
		return nil, "", awsapi.Cannot("the desired capacity is %d and not %d: somebody, or a scaling policy, changed it", d.Desired, was)
	case wants > d.Max || wants < d.Min: // AWS refuses that too; an emulator may not
		return nil, "", awsapi.Cannot("%d instances are outside the group's bounds, %d to %d", wants, d.Min, d.Max)
	}
	in := url.Values{"AutoScalingGroupName": {g.Group}, "DesiredCapacity": {strconv.Itoa(wants)}, "HonorCooldown": {"false"}}
	err = at.Change(ctx, func() error {
		return at.Query(ctx, awsapi.Right("autoscaling:SetDesiredCapacity", d.Arn), version, in, nil)
	})
	return incident.State{"desiredCapacity": strconv.Itoa(wants)}, fmt.Sprintf("the desired capacity was set from %d to %d", was, wants), err
}

func (g group) verifyScale(ctx context.Context, at *awsapi.Session, o steps.Order) (awsapi.Seen, error) {
	wants, err := awsapi.Int(o.Wants(), "desiredCapacity")
	if err != nil {
		return awsapi.Seen{}, err
	}
	d, err := g.describe(ctx, at)
	if err != nil {
		return awsapi.Seen{}, err
	}
	seen := fmt.Sprintf("%d instances are desired, %d are in service and healthy", d.Desired, d.inService())
	switch {
	case d.Desired != wants:
		return at.NotShown(o, seen+fmt.Sprintf("; %d were asked for", wants)), nil
	case d.inService() == wants && len(d.Instances) == wants:
		return awsapi.Verified("%s", seen)
	}
	return awsapi.Settling("%s", seen)
}
