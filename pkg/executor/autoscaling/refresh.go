package autoscaling

import (
	"context"
	"fmt"
	"net/url"
	"slices"
	"strconv"

	"github.com/opsguard/opsguard/pkg/executor/internal/awsapi"
	"github.com/opsguard/opsguard/pkg/incident"
	"github.com/opsguard/opsguard/pkg/steps"
)

// healthy is how much of the group stays healthy during a refresh, in percent: the API's
// own default, said so that the plan does not rest on it.
const healthy = 90

// refresh is the shape InstanceRefresh.
type refresh struct {
	ID       string `xml:"InstanceRefreshId"`
	Status   string `xml:"Status"`
	Complete int    `xml:"PercentageComplete"`
}

// over are the statuses of a refresh that goes on no more; all others are under way.
func (r refresh) over() bool {
	return slices.Contains([]string{"Successful", "Failed", "Cancelled", "RollbackFailed", "RollbackSuccessful"}, r.Status)
}

// find reads one refresh by its id, or the latest for "". A zero one: there is none.
func (g group) find(ctx context.Context, at *awsapi.Session, id string) (refresh, error) {
	var out struct {
		Refreshes []refresh `xml:"DescribeInstanceRefreshesResult>InstanceRefreshes>member"`
	}
	in := url.Values{"AutoScalingGroupName": {g.Group}}
	if id != "" {
		in.Set("InstanceRefreshIds.member.1", id)
	} else {
		in.Set("MaxRecords", "1") // the latest come first
	}
	err := at.Query(ctx, refreshes(), version, in, &out)
	if err != nil || len(out.Refreshes) == 0 {
		return refresh{}, err
	}
	return out.Refreshes[0], nil
}

func (g group) lookToRestart(ctx context.Context, at *awsapi.Session, _ incident.Proposal) (incident.State, error) {
	d, err := g.describe(ctx, at, "Launch", "Terminate")
	if err != nil {
		return nil, err
	}
	latest, err := g.find(ctx, at, "")
	switch {
	case err != nil:
		return nil, err
	case latest.ID != "" && !latest.over():
		return nil, awsapi.Cannot("an instance refresh of the group is under way; wait until it has ended")
	case d.Desired == 0:
		return nil, awsapi.Cannot("the group has no instances that could be replaced")
	}
	last := latest.ID
	if last == "" {
		last = "none"
	}
	return incident.State{"group": d.Arn, "launches": d.launches(), "lastRefresh": last, "desiredCapacity": strconv.Itoa(d.Desired)}, nil
}

func (g group) planRestart(present incident.State, _ incident.Proposal) (incident.Draft, error) {
	n, err := awsapi.Int(present, "desiredCapacity")
	if err != nil {
		return incident.Draft{}, err
	}
	return incident.Draft{
		Actions: []string{fmt.Sprintf("autoscaling StartInstanceRefresh group=%s strategy=Rolling minHealthyPercentage=%d", g.Group, healthy)},
		Wanted:  incident.State{"instances": "every one replaced by a new one", "launches": present["launches"]},
		Undo:    incident.Undo{Not: "instances that were replaced are gone; a refresh that is still under way can be cancelled by hand"},
		Limit:   incident.MaxFixLimit, Blast: incident.Blast{Affected: n, Of: n, Unit: "instances"},
		Rights: []string{awsapi.Right("autoscaling:StartInstanceRefresh", present["group"])},
	}, nil
}

func (g group) restart(ctx context.Context, at *awsapi.Session, o steps.Order) (incident.State, string, error) {
	d, err := g.describe(ctx, at)
	if err != nil {
		return nil, "", err
	}
	if d.Arn != o.Plan.Present["group"] || d.launches() != o.Plan.Present["launches"] {
		return nil, "", awsapi.Cannot("somebody changed what the group launches since the plan was made")
	}
	var out struct {
		ID string `xml:"StartInstanceRefreshResult>InstanceRefreshId"`
	}
	in := url.Values{"AutoScalingGroupName": {g.Group}, "Strategy": {"Rolling"}, "Preferences.MinHealthyPercentage": {strconv.Itoa(healthy)}}
	err = at.Change(ctx, func() error {
		return at.Query(ctx, awsapi.Right("autoscaling:StartInstanceRefresh", d.Arn), version, in, &out)
	})
	return incident.State{"refresh": out.ID}, "Auto Scaling replaces every instance, in instance refresh " + out.ID, err
}

func (g group) verifyRefresh(ctx context.Context, at *awsapi.Session, o steps.Order) (awsapi.Seen, error) {
	r, err := g.find(ctx, at, o.Receipt["refresh"])
	if err != nil {
		return awsapi.Seen{}, err
	}
	if r.ID == "" || o.Receipt["refresh"] != "" && r.ID != o.Receipt["refresh"] || r.ID == o.Plan.Present["lastRefresh"] {
		return at.NotShown(o, "the group does not show the instance refresh"), nil
	}
	switch {
	case r.Status == "Successful":
		return awsapi.Verified("the instance refresh was successful")
	case r.over():
		return awsapi.NotVerified("the instance refresh ended %s; the group's activity history says why", r.Status)
	}
	return awsapi.Settling("the instance refresh is under way: %d percent", r.Complete)
}
