package rds

import (
	"context"
	"net/url"
	"strings"
	"time"

	"github.com/opsguard/opsguard/pkg/executor/internal/awsapi"
	"github.com/opsguard/opsguard/pkg/incident"
	"github.com/opsguard/opsguard/pkg/steps"
)

func (d database) lookToRestart(ctx context.Context, at *awsapi.Session, _ incident.Proposal) (incident.State, error) {
	now, err := d.ready(ctx, at)
	if err != nil {
		return nil, err
	}
	return incident.State{"instance": now.ID, "status": now.Status}, nil
}

func (d database) planRestart(incident.State, incident.Proposal) (incident.Draft, error) {
	return incident.Draft{
		Actions: []string{"rds RebootDBInstance instance=" + d.Instance + " forceFailover=false"},
		Wanted:  incident.State{"instance": d.Instance, "status": "available, restarted"},
		Undo:    incident.Undo{Not: "a restart cannot be undone"}, Limit: limit,
		Blast: incident.Blast{Affected: 1, Of: 1, Unit: "DB instances"}, Rights: []string{d.reboots()},
	}, nil
}

func (d database) restart(ctx context.Context, at *awsapi.Session, _ steps.Order) (incident.State, string, error) {
	return nil, "RDS restarts " + d.Instance, d.reboot(ctx, at, false)
}

// verifyRestart wants two things: that RDS has recorded a restart since the fix began, for
// the status alone is "available" before it too, and that the instance is available.
func (d database) verifyRestart(ctx context.Context, at *awsapi.Session, o steps.Order) (awsapi.Seen, error) {
	now, err := d.describe(ctx, at)
	if err != nil {
		return awsapi.Seen{}, err
	}
	if now.Status != "available" {
		return awsapi.Settling("the instance is not available yet")
	}
	restarted, err := d.restartedSince(ctx, at, o.StartedAt)
	switch {
	case err != nil:
		return awsapi.Seen{}, err
	case restarted:
		return awsapi.Verified("RDS has restarted the instance, and it is available")
	}
	return awsapi.Settling("the instance is available; RDS has not recorded a restart yet")
}

// restartedSince reads the instance's events of the category availability. RDS-EVENT-0006
// says "DB instance restarted"; the API gives an event's text and not its number.
func (d database) restartedSince(ctx context.Context, at *awsapi.Session, since time.Time) (bool, error) {
	var out struct {
		Messages []string `xml:"DescribeEventsResult>Events>Event>Message"`
	}
	in := url.Values{"SourceIdentifier": {d.Instance}, "SourceType": {"db-instance"}, "StartTime": {since.UTC().Format(time.RFC3339)},
		"EventCategories.EventCategory.1": {"availability"}}
	err := at.Query(ctx, events(), version, in, &out)
	for _, m := range out.Messages {
		if strings.Contains(m, "restarted") {
			return true, err
		}
	}
	return false, err
}

func (d database) lookToFailOver(ctx context.Context, at *awsapi.Session, _ incident.Proposal) (incident.State, error) {
	now, err := d.ready(ctx, at)
	switch {
	case err != nil:
		return nil, err
	case now.Cluster != "":
		return nil, awsapi.Cannot("the instance is a member of a DB cluster; name the cluster as the target, and not the instance")
	case !now.MultiAZ:
		return nil, awsapi.Cannot("the instance has no standby: it is not Multi-AZ")
	case now.Zone == "":
		return nil, awsapi.Cannot("RDS does not say in which zone the instance is, so a failover could not be verified")
	}
	return incident.State{"instance": now.ID, "zone": now.Zone, "standby": now.Standby}, nil
}

func (d database) planFailOver(present incident.State, _ incident.Proposal) (incident.Draft, error) {
	return incident.Draft{
		Actions: []string{"rds RebootDBInstance instance=" + d.Instance + " forceFailover=true"},
		Wanted:  incident.State{"zone": "another than " + present["zone"]},
		Undo:    incident.Undo{Not: "failing back is a failover of its own, for a person to decide"}, Limit: limit,
		Blast: incident.Blast{Affected: 1, Of: 1, Unit: "DB instances"}, Rights: []string{d.reboots()},
	}, nil
}

func (d database) failOver(ctx context.Context, at *awsapi.Session, o steps.Order) (incident.State, string, error) {
	now, err := d.ready(ctx, at)
	if err != nil {
		return nil, "", err
	}
	if now.Zone != o.Plan.Present["zone"] || !now.MultiAZ {
		return nil, "", awsapi.Cannot("the instance has moved, or lost its standby, since the plan was made")
	}
	return nil, "RDS fails " + d.Instance + " over to its standby", d.reboot(ctx, at, true)
}

// verifyFailOver waits for another zone. RDS may show the zone of before for some minutes.
func (d database) verifyFailOver(ctx context.Context, at *awsapi.Session, o steps.Order) (awsapi.Seen, error) {
	now, err := d.describe(ctx, at)
	switch {
	case err != nil:
		return awsapi.Seen{}, err
	case now.Status == "available" && now.Zone != "" && now.Zone != o.Plan.Present["zone"]:
		return awsapi.Verified("the instance is available in another zone than before")
	}
	return awsapi.Settling("the instance is not available in another zone yet")
}
