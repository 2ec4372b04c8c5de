package ecs

import (
	"fmt"
	"testing"

	"github.com/opsguard/opsguard/pkg/steps/stepstest/awsfake"
)

// fake plays one service of a cluster.
type fake struct {
	*awsfake.Cloud
	state      map[string]any // shape Service
	stale      int            // how many descriptions still show the state before the last change
	before     map[string]any
	taskStatus map[int]string // of the revisions of the family web
	began      int
}

func arn(revision int) string {
	return awsfake.ARN("ecs", fmt.Sprintf("task-definition/web:%d", revision))
}

func serviceArn() string { return awsfake.ARN("ecs", "service/prod/web") }

func newFake(t *testing.T) *fake {
	f := &fake{Cloud: awsfake.Make(t)}
	f.Cloud.Resource = func(op string, _ map[string]any) []string {
		if op == "DescribeTaskDefinition" {
			return []string{"*"}
		}
		return []string{serviceArn()}
	}
	f.Cloud.Handle = f.handle
	f.reset(t)
	return f
}

func deploymentOf(id, status, rollout string, revision int) map[string]any {
	return map[string]any{"id": id, "status": status, "rolloutState": rollout, "taskDefinition": arn(revision)}
}

func (f *fake) reset(*testing.T) {
	f.Do(func() {
		f.began, f.stale = 0, 0
		f.taskStatus = map[int]string{41: "ACTIVE", 42: "ACTIVE"}
		f.state = map[string]any{
			"serviceArn": serviceArn(), "serviceName": "web", "status": "ACTIVE", "desiredCount": 3, "runningCount": 3, "pendingCount": 0,
			"taskDefinition": arn(42), "schedulingStrategy": "REPLICA", "deploymentController": map[string]any{"type": "ECS"},
			"deployments": []any{deploymentOf("ecs-svc/1000", "PRIMARY", "COMPLETED", 42)},
		}
	})
}

func (f *fake) handle(op string, in map[string]any) (map[string]any, *awsfake.Fault) {
	switch op {
	case "DescribeServices":
		if f.state == nil {
			return map[string]any{"services": []any{}, "failures": []any{map[string]any{"arn": serviceArn(), "reason": "MISSING"}}}, nil
		}
		if f.stale > 0 {
			f.stale--
			return map[string]any{"services": []any{f.before}, "failures": []any{}}, nil
		}
		return map[string]any{"services": []any{f.state}, "failures": []any{}}, nil
	case "DescribeTaskDefinition":
		for revision, status := range f.taskStatus {
			if in["taskDefinition"] == arn(revision) {
				return map[string]any{"taskDefinition": map[string]any{"taskDefinitionArn": arn(revision), "family": "web", "revision": revision, "status": status}}, nil
			}
		}
		return nil, awsfake.Refused("ClientException") // "Unable to describe task definition."
	}
	return f.update(in)
}

// update implements UpdateService.
func (f *fake) update(in map[string]any) (map[string]any, *awsfake.Fault) {
	if f.state == nil {
		return nil, awsfake.Refused("ServiceNotFoundException")
	}
	if f.stale == 0 {
		f.before = clone(f.state)
	}
	f.state = clone(f.state)
	if n, ok := in["desiredCount"]; ok {
		f.state["desiredCount"] = n
		return map[string]any{"service": f.state}, nil
	}
	if def, ok := in["taskDefinition"]; ok {
		f.state["taskDefinition"] = def
	}
	f.began++
	old, _ := f.state["deployments"].([]any)
	var all []any
	for _, d := range old {
		one, _ := d.(map[string]any)
		one = clone(one)
		one["status"] = "ACTIVE"
		all = append(all, one)
	}
	primary := map[string]any{"id": fmt.Sprintf("ecs-svc/200%d", f.began), "status": "PRIMARY", "rolloutState": "IN_PROGRESS", "taskDefinition": f.state["taskDefinition"]}
	f.state["deployments"] = append([]any{primary}, all...)
	return map[string]any{"service": f.state}, nil
}

func clone(m map[string]any) map[string]any {
	c := map[string]any{}
	for k, v := range m {
		c[k] = v
	}
	return c
}

// settle lets the deployment complete and the tasks start.
func (f *fake) settle(*testing.T) {
	f.Do(func() {
		f.stale = 0
		f.state = clone(f.state)
		all, _ := f.state["deployments"].([]any)
		primary, _ := all[0].(map[string]any)
		primary = clone(primary)
		primary["rolloutState"] = "COMPLETED"
		f.state["deployments"] = []any{primary}
		f.state["runningCount"] = f.state["desiredCount"]
	})
}

// rollout sets how the first deployment of the list is doing, and adds others after it.
func (f *fake) deployments(all ...any) {
	f.Do(func() {
		f.state = clone(f.state)
		f.state["deployments"] = all
	})
}

func (f *fake) set(name string, value any) {
	f.Do(func() {
		f.state = clone(f.state)
		f.state[name] = value
	})
}
