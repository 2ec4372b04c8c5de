package ecs

import (
	"context"
	"fmt"
	"strconv"
	"time"

	"github.com/opsguard/opsguard/pkg/executor/internal/awsapi"
	"github.com/opsguard/opsguard/pkg/incident"
	"github.com/opsguard/opsguard/pkg/steps"
)

// scaleLimit is how long new tasks may take until they run.
const scaleLimit = 15 * time.Minute

func (s service) lookToScale(ctx context.Context, at *awsapi.Session, _ incident.Proposal) (incident.State, error) {
	d, err := s.describe(ctx, at)
	if err != nil {
		return nil, err
	}
	switch {
	case d.Strategy == "DAEMON":
		return nil, awsapi.Cannot("a DAEMON service runs one task an instance; it has no desired count")
	case !d.settled():
		return nil, awsapi.Cannot("a deployment of the service is under way; wait until it has ended")
	}
	return incident.State{"desiredCount": strconv.Itoa(d.Desired)}, nil
}

func (s service) planScale(present incident.State, p incident.Proposal) (incident.Draft, error) {
	now, err := awsapi.Int(present, "desiredCount")
	if err != nil {
		return incident.Draft{}, err
	}
	more, err := awsapi.Int(p.Parameters, "instances")
	if err != nil {
		return incident.Draft{}, err
	}
	then := now + more
	if more < 1 || then > s.MaxInstances {
		return incident.Draft{}, awsapi.Cannot("%d tasks and %d more are over the target's maxInstances, %d", now, more, s.MaxInstances)
	}
	return incident.Draft{
		Actions: []string{s.sets(then)}, Wanted: incident.State{"desiredCount": strconv.Itoa(then)},
		Undo:  incident.Undo{Actions: []string{s.sets(now)}, Wanted: incident.State{"desiredCount": strconv.Itoa(now)}},
		Limit: scaleLimit, Blast: incident.Blast{Affected: more, Of: then, Unit: "tasks"}, Rights: s.rights(),
	}, nil
}

func (s service) sets(n int) string {
	return fmt.Sprintf("ecs UpdateService cluster=%s service=%s desiredCount=%d", s.Cluster, s.Service, n)
}

func (s service) scale(ctx context.Context, at *awsapi.Session, o steps.Order) (incident.State, string, error) {
	return s.setCount(ctx, at, o)
}

func (s service) scaleBack(ctx context.Context, at *awsapi.Session, o steps.Order) (incident.State, string, error) {
	return s.setCount(ctx, at, o)
}

func (s service) setCount(ctx context.Context, at *awsapi.Session, o steps.Order) (incident.State, string, error) {
	was, err := awsapi.Int(o.Was(), "desiredCount")
	if err != nil {
		return nil, "", err
	}
	wants, err := awsapi.Int(o.Wants(), "desiredCount")
	if err != nil {
		return nil, "", err
	}
	d, err := s.describe(ctx, at)
	if err != nil {
		return nil, "", err
	}
	if d.Desired != was || !o.Undoing && wants > s.MaxInstances {
		return nil, "", awsapi.Cannot("the service's desired count is %d and not %d: somebody, or its auto scaling, changed it", d.Desired, was)
	}
	_, err = s.update(ctx, at, map[string]any{"desiredCount": wants})
	return incident.State{"desiredCount": strconv.Itoa(wants)}, fmt.Sprintf("the desired count was set from %d to %d", was, wants), err
}

func (s service) verifyScale(ctx context.Context, at *awsapi.Session, o steps.Order) (awsapi.Seen, error) {
	wants, err := awsapi.Int(o.Wants(), "desiredCount")
	if err != nil {
		return awsapi.Seen{}, err
	}
	d, err := s.describe(ctx, at)
	if err != nil {
		return awsapi.Seen{}, err
	}
	seen := fmt.Sprintf("%d tasks are desired and %d run", d.Desired, d.Running)
	switch {
	case d.Desired != wants:
		return at.NotShown(o, seen+fmt.Sprintf("; %d were asked for", wants)), nil
	case d.Running == wants && d.primary().Rollout != "IN_PROGRESS":
		return awsapi.Verified("%s", seen)
	}
	return awsapi.Settling("%s", seen)
}
