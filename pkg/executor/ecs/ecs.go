// Package ecs restarts, rolls back and scales services of Amazon ECS. Start at
// Integration; awsapi, which it is made of, says how it gets its rights.
//
// ECS has no precondition for UpdateService. So the service is described once more right
// before the call, and the call is not made if anything that the plan names has changed.
// Calls are those of the Amazon ECS API Reference, 2014-11-13.
package ecs

import (
	"context"
	"errors"
	"regexp"
	"strconv"
	"strings"
	"sync"

	"github.com/opsguard/opsguard/pkg/executor/internal/awsapi"
	"github.com/opsguard/opsguard/pkg/incident"
	"github.com/opsguard/opsguard/pkg/integration"
	"github.com/opsguard/opsguard/pkg/steps"
)

// Settings are a target's attributes in services.yaml.
type Settings struct {
	awsapi.Target
	Cluster      string `setting:"cluster" help:"the cluster's name"`
	Service      string `setting:"service" help:"the service's name in the cluster"`
	MaxInstances int    `setting:"maxInstances" default:"0" help:"the most tasks that scale-out may make of it; 0: scale-out is refused"`
}

var nameForm = sync.OnceValue(func() *regexp.Regexp { return regexp.MustCompile(`^[A-Za-z0-9_-]{1,255}$`) })

// Validate implements the check of settings.
func (s Settings) Validate() error {
	const words = "a name of letters, digits, _ and -"
	var most error
	if s.MaxInstances < 0 || s.MaxInstances > 5000 { // tasks of a service: Amazon ECS service quotas
		most = incident.BadField("maxInstances", "must be 0 to 5000")
	}
	return errors.Join(s.Target.Validate(), most,
		awsapi.OneName("cluster", s.Cluster, nameForm(), words), awsapi.OneName("service", s.Service, nameForm(), words))
}

// Integration describes the executor.
func Integration() integration.Descriptor[steps.Executor] {
	return integration.New("ecs", "acts on a service of Amazon ECS", Open).NamedBy("region", "cluster", "service").Can(
		integration.Ability{Fix: restart, Does: "forces a new deployment, which replaces every task by the service's own rules",
			Verifies: "the deployment that the call began is complete", Rights: "ecs:UpdateService, ecs:DescribeServices on the service"},
		integration.Ability{Fix: rollback, Does: "deploys the revision of the task definition before the present one, if it is ACTIVE",
			Undo: "deploys the revision that ran before the fix", Verifies: "the deployment of that revision is complete",
			Rights: "ecs:UpdateService, ecs:DescribeServices on the service; ecs:DescribeTaskDefinition"},
		integration.Ability{Fix: scaleOut, Does: "raises the desired count, to maxInstances at most",
			Undo: "sets the desired count back", Verifies: "as many tasks run as are desired",
			Rights: "ecs:UpdateService, ecs:DescribeServices on the service"},
	)
}

const (
	restart  = "restart-service"
	rollback = "rollback-deployment"
	scaleOut = "scale-out"
)

type service struct {
	Settings
	arn string
}

// Open opens the executor for one service.
func Open(env integration.Env, s Settings) (steps.Executor, error) {
	one := service{s, s.Target.ARN("ecs", "service/"+s.Cluster+"/"+s.Service)}
	reads := []string{awsapi.Right("ecs:DescribeServices", one.arn)}
	return awsapi.New(env, s.Target,
		awsapi.Fix{ID: restart, Reads: reads, Look: one.lookToRestart, Plan: one.planRestart, Act: one.restart, Verify: one.verifyDeployment},
		awsapi.Fix{ID: rollback, Reads: append(reads[:1:1], awsapi.Right("ecs:DescribeTaskDefinition", "*")),
			Look: one.lookToRollBack, Plan: one.planRollback, Act: one.rollBack, Verify: one.verifyDeployment, Undo: one.rollForward},
		awsapi.Fix{ID: scaleOut, Reads: reads,
			Look: one.lookToScale, Plan: one.planScale, Act: one.scale, Verify: one.verifyScale, Undo: one.scaleBack},
	), nil
}

// described is what matters of a service: shapes Service and Deployment of the API.
type described struct {
	Arn            string `json:"serviceArn"`
	Status         string `json:"status"`
	TaskDefinition string `json:"taskDefinition"`
	Desired        int    `json:"desiredCount"`
	Running        int    `json:"runningCount"`
	Strategy       string `json:"schedulingStrategy"`
	Controller     struct {
		Type string `json:"type"`
	} `json:"deploymentController"`
	Deployments []deployment `json:"deployments"`
}

type deployment struct {
	ID             string `json:"id"`
	Status         string `json:"status"` // PRIMARY, ACTIVE or INACTIVE
	TaskDefinition string `json:"taskDefinition"`
	Rollout        string `json:"rolloutState"` // COMPLETED, FAILED or IN_PROGRESS
}

func (d described) primary() deployment {
	for _, one := range d.Deployments {
		if one.Status == "PRIMARY" {
			return one
		}
	}
	return deployment{}
}

func (d described) find(id string) (deployment, bool) {
	for _, one := range d.Deployments {
		if id != "" && one.ID == id {
			return one, true
		}
	}
	return deployment{}, false
}

// settled reports that no deployment is under way.
func (d described) settled() bool {
	return len(d.Deployments) <= 1 && d.primary().Rollout != "IN_PROGRESS"
}

const prefix = "AmazonEC2ContainerServiceV20141113"

func (s service) describe(ctx context.Context, at *awsapi.Session) (described, error) {
	var out struct {
		Services []described `json:"services"`
	}
	in := map[string]any{"cluster": s.Cluster, "services": []string{s.Service}}
	if err := at.JSON(ctx, awsapi.Right("ecs:DescribeServices", s.arn), prefix, in, &out); err != nil {
		return described{}, err
	}
	if len(out.Services) != 1 || out.Services[0].Status != "ACTIVE" {
		return described{}, awsapi.Missing("the cluster %s has no active service %s; check the target in services.yaml", s.Cluster, s.Service)
	}
	d := out.Services[0]
	if d.Controller.Type != "" && d.Controller.Type != "ECS" {
		return d, awsapi.Cannot("deployments of the service are not controlled by ECS itself; deploy it with what controls them")
	}
	return d, nil
}

// update makes the call, and answers what the service is like afterwards.
func (s service) update(ctx context.Context, at *awsapi.Session, change map[string]any) (described, error) {
	var out struct {
		Service described `json:"service"`
	}
	change["cluster"], change["service"] = s.Cluster, s.Service
	err := at.Change(ctx, func() error {
		return at.JSON(ctx, awsapi.Right("ecs:UpdateService", s.arn), prefix, change, &out)
	})
	return out.Service, err
}

func (s service) rights() []string { return []string{awsapi.Right("ecs:UpdateService", s.arn)} }

// revision splits family:revision off a task definition's ARN.
func revision(arn string) (family string, n int, ok bool) {
	_, name, found := strings.Cut(arn, ":task-definition/")
	family, number, numbered := strings.Cut(name, ":")
	n, err := strconv.Atoi(number)
	return family, n, found && numbered && err == nil && n > 0 && nameForm().MatchString(family)
}
