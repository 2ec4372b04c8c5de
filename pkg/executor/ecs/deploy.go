package ecs

import (
	"context"
	"fmt"
	"time"

	"github.com/opsguard/opsguard/pkg/executor/internal/awsapi"
	"github.com/opsguard/opsguard/pkg/incident"
	"github.com/opsguard/opsguard/pkg/steps"
)

// deployLimit is how long a deployment may take.
const deployLimit = 30 * time.Minute

func (s service) lookToRestart(ctx context.Context, at *awsapi.Session, _ incident.Proposal) (incident.State, error) {
	d, err := s.describe(ctx, at)
	if err != nil {
		return nil, err
	}
	if !d.settled() {
		return nil, awsapi.Cannot("a deployment of the service is under way; wait until it has ended, or roll it back")
	}
	return incident.State{"taskDefinition": d.TaskDefinition, "deployment": d.primary().ID}, nil
}

func (s service) planRestart(present incident.State, _ incident.Proposal) (incident.Draft, error) {
	return incident.Draft{
		Actions: []string{fmt.Sprintf("ecs UpdateService cluster=%s service=%s forceNewDeployment=true", s.Cluster, s.Service)},
		Wanted:  incident.State{"deployment": "a new one, complete", "taskDefinition": present["taskDefinition"]},
		Undo:    incident.Undo{Not: "tasks that were replaced are gone"}, Limit: deployLimit, Rights: s.rights(),
	}, nil
}

func (s service) restart(ctx context.Context, at *awsapi.Session, o steps.Order) (incident.State, string, error) {
	d, err := s.describe(ctx, at)
	if err != nil {
		return nil, "", err
	}
	if !d.settled() || d.primary().ID != o.Plan.Present["deployment"] || d.TaskDefinition != o.Plan.Present["taskDefinition"] {
		return nil, "", awsapi.Cannot("somebody deployed the service since the plan was made")
	}
	after, err := s.update(ctx, at, map[string]any{"forceNewDeployment": true})
	return receipt(after), "ECS replaces every task, in deployment " + after.primary().ID, err
}

func receipt(after described) incident.State { return incident.State{"deployment": after.primary().ID} }

func (s service) lookToRollBack(ctx context.Context, at *awsapi.Session, _ incident.Proposal) (incident.State, error) {
	d, err := s.describe(ctx, at)
	if err != nil {
		return nil, err
	}
	family, n, ok := revision(d.TaskDefinition)
	if !ok || !at.InTarget(d.TaskDefinition, "ecs") {
		return nil, awsapi.Cannot("the service's task definition is not a revision of a family in this account")
	}
	if n == 1 {
		return nil, awsapi.Cannot("the service runs revision 1 of %s; there is none before it", family)
	}
	previous := at.ARN("ecs", fmt.Sprintf("task-definition/%s:%d", family, n-1))
	if err := s.active(ctx, at, previous); err != nil {
		return nil, err
	}
	return incident.State{"taskDefinition": d.TaskDefinition, "previous": previous}, nil
}

// active looks whether a task definition can be deployed.
func (s service) active(ctx context.Context, at *awsapi.Session, arn string) error {
	var out struct {
		TaskDefinition struct {
			Arn    string `json:"taskDefinitionArn"`
			Status string `json:"status"`
		} `json:"taskDefinition"`
	}
	err := at.JSON(ctx, awsapi.Right("ecs:DescribeTaskDefinition", "*"), prefix, map[string]any{"taskDefinition": arn}, &out)
	if awsapi.CodeOf(err) == "ClientException" { // "Unable to describe task definition": it was deleted
		return awsapi.Missing("the revision before, %s, was deleted; deploy the wanted one by hand", arn)
	}
	if err == nil && (out.TaskDefinition.Arn != arn || out.TaskDefinition.Status != "ACTIVE") {
		return awsapi.Cannot("the revision before, %s, is not ACTIVE; deploy the wanted one by hand", arn)
	}
	return err
}

func (s service) planRollback(present incident.State, _ incident.Proposal) (incident.Draft, error) {
	from, to := present["taskDefinition"], present["previous"]
	if _, _, ok := revision(to); !ok || from == "" {
		return incident.Draft{}, awsapi.Cannot("there is no revision before that could be deployed")
	}
	return incident.Draft{
		Actions: []string{s.deploys(to)},
		Wanted:  incident.State{"taskDefinition": to},
		Undo:    incident.Undo{Actions: []string{s.deploys(from)}, Wanted: incident.State{"taskDefinition": from}},
		Limit:   deployLimit, Rights: s.rights(),
	}, nil
}

func (s service) deploys(arn string) string {
	return fmt.Sprintf("ecs UpdateService cluster=%s service=%s taskDefinition=%s", s.Cluster, s.Service, arn)
}

func (s service) rollBack(ctx context.Context, at *awsapi.Session, o steps.Order) (incident.State, string, error) {
	if err := s.active(ctx, at, o.Plan.Wanted["taskDefinition"]); err != nil {
		return nil, "", err
	}
	return s.deploy(ctx, at, o)
}

// rollForward is the undoing: the same call with the other revision.
func (s service) rollForward(ctx context.Context, at *awsapi.Session, o steps.Order) (incident.State, string, error) {
	return s.deploy(ctx, at, o)
}

func (s service) deploy(ctx context.Context, at *awsapi.Session, o steps.Order) (incident.State, string, error) {
	was, wants := o.Was()["taskDefinition"], o.Wants()["taskDefinition"]
	d, err := s.describe(ctx, at)
	if err != nil {
		return nil, "", err
	}
	if d.TaskDefinition != was {
		return nil, "", awsapi.Cannot("the service no longer has %s: somebody, or its circuit breaker, deployed another", was)
	}
	after, err := s.update(ctx, at, map[string]any{"taskDefinition": wants})
	return receipt(after), "ECS deploys " + wants + ", in deployment " + after.primary().ID, err
}

// verifyDeployment follows the deployment of the receipt. Where the receipt was lost it
// takes the primary one, if that is another than before.
func (s service) verifyDeployment(ctx context.Context, at *awsapi.Session, o steps.Order) (awsapi.Seen, error) {
	d, err := s.describe(ctx, at)
	if err != nil {
		return awsapi.Seen{}, err
	}
	wants := o.Wants()["taskDefinition"]
	primary := d.primary()
	ours, found := d.find(o.Receipt["deployment"])
	if o.Receipt["deployment"] == "" && primary.TaskDefinition == wants && primary.ID != o.Plan.Present["deployment"] {
		ours, found = primary, true
	}
	switch {
	case !found:
		return at.NotShown(o, "the service does not show the deployment: it was replaced, or never began"), nil
	case ours.TaskDefinition != wants:
		return awsapi.NotVerified("the deployment is of another task definition")
	case ours.Rollout == "FAILED" && primary.ID != ours.ID && primary.Rollout == "IN_PROGRESS":
		return awsapi.Settling("the deployment failed, and ECS rolls it back")
	case ours.Rollout == "FAILED":
		return awsapi.NotVerified("ECS reports that the deployment failed; the service's events say why")
	case primary.ID != ours.ID:
		return awsapi.NotVerified("another deployment has replaced this one")
	case ours.Rollout == "COMPLETED" && d.Running >= d.Desired:
		return awsapi.Verified("the deployment is complete: %d of %d tasks run %s", d.Running, d.Desired, wants)
	}
	return awsapi.Settling("the deployment is under way: %d of %d tasks run", d.Running, d.Desired)
}
