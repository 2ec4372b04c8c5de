// Package executor lists the executors that apply fixes and opens the one for a target's
// type. Each is a folder below; adding one is a line in List.
package executor

import (
	"context"

	"github.com/opsguard/opsguard/pkg/executor/argocd"
	"github.com/opsguard/opsguard/pkg/executor/autoscaling"
	"github.com/opsguard/opsguard/pkg/executor/command"
	"github.com/opsguard/opsguard/pkg/executor/docker"
	"github.com/opsguard/opsguard/pkg/executor/ec2"
	"github.com/opsguard/opsguard/pkg/executor/ecs"
	"github.com/opsguard/opsguard/pkg/executor/github"
	"github.com/opsguard/opsguard/pkg/executor/kubernetes"
	"github.com/opsguard/opsguard/pkg/executor/lambda"
	"github.com/opsguard/opsguard/pkg/executor/launchdarkly"
	"github.com/opsguard/opsguard/pkg/executor/rds"
	"github.com/opsguard/opsguard/pkg/executor/simulated"
	"github.com/opsguard/opsguard/pkg/executor/ssm"
	"github.com/opsguard/opsguard/pkg/executor/unleash"
	"github.com/opsguard/opsguard/pkg/executor/webhook"
	"github.com/opsguard/opsguard/pkg/incident"
	"github.com/opsguard/opsguard/pkg/integration"
	"github.com/opsguard/opsguard/pkg/redact"
	"github.com/opsguard/opsguard/pkg/steps"
)

// List is every executor that is built in. An executor's settings are the
// attributes of a target in services.yaml; it is opened for one target at a time.
func List() []integration.Descriptor[steps.Executor] {
	return []integration.Descriptor[steps.Executor]{
		autoscaling.Integration(),
		ec2.Integration(),
		ecs.Integration(),
		kubernetes.Integration(),
		lambda.Integration(),
		rds.Integration(),
		simulated.Integration(),
		argocd.Integration(),
		command.Integration(),
		docker.Integration(),
		github.Integration(),
		launchdarkly.Integration(),
		ssm.Integration(),
		unleash.Integration(),
		webhook.Integration(),
	}
}

// Set opens the executor of each target. It never changes and may be used concurrently.
type Set struct {
	env   integration.Env
	list  []integration.Descriptor[steps.Executor]
	types []integration.Type
}

// Open refuses an Env or a list that cannot serve. It calls nobody.
func Open(env integration.Env, list []integration.Descriptor[steps.Executor]) (*Set, error) {
	if _, err := integration.Open(env, integration.Executors, list, nil); err != nil {
		return nil, err
	}
	return &Set{env, list, integration.TypesOf(list)}, nil
}

// For implements steps.Executors. What the executor says is bounded and redacted.
func (s *Set) For(t incident.Target) (steps.Executor, error) {
	entry := integration.Entry{Name: t.Service, Type: t.Type}
	for name, value := range t.Attributes {
		entry.Settings = append(entry.Settings, integration.Setting{Name: name, Value: integration.Unpack(value)})
	}
	opened, err := integration.Open(s.env, integration.Executors, s.list, []integration.Entry{entry})
	if err != nil {
		return nil, incident.BadField("target", "%s", err.Error())
	}
	return bounded{opened[0].It}, nil
}

// Digest implements steps.Executors.
func (s *Set) Digest(t incident.Target, fixID string) (string, error) {
	of, found := integration.Find(s.types, t.Type)
	if !found {
		return "", incident.BadField("target", "%s", integration.UnknownType(t.Type, s.types))
	}
	ability, able := of.Able(fixID)
	if !able {
		return "", incident.BadField("fixId", "%s cannot be done on a target of type %s", fixID, t.Type)
	}
	return ability.Digest(t.Type), nil
}

// bounded holds an executor to what the record can keep: an outside system's answer is
// data, of any size, and may hold secrets.
type bounded struct{ steps.Executor }

// Look implements steps.Executor.
func (b bounded) Look(ctx context.Context, p incident.Proposal) (incident.State, error) {
	seen, err := b.Executor.Look(ctx, p)
	if err == nil && seen.TooMuch() {
		return nil, incident.BadField("target", "is too large to be planned for: more matters of it than a plan can hold")
	}
	return clean(seen), err
}

// Plan implements steps.Executor.
func (b bounded) Plan(present incident.State, p incident.Proposal) (incident.Draft, error) {
	draft, err := b.Executor.Plan(present, p)
	if err == nil && draft.TooMuch() {
		return draft, incident.BadField("fixId", "%s cannot be planned: what it would do does not fit into a plan that people can read", p.FixID)
	}
	return draft, err
}

// Act implements steps.Executor.
func (b bounded) Act(ctx context.Context, o steps.Order) steps.Acted {
	return cleanActed(b.Executor.Act(ctx, o))
}

// Undo implements steps.Executor.
func (b bounded) Undo(ctx context.Context, o steps.Order) steps.Acted {
	return cleanActed(b.Executor.Undo(ctx, o))
}

// Verify implements steps.Executor.
func (b bounded) Verify(ctx context.Context, o steps.Order) (steps.Sight, error) {
	sight, err := b.Executor.Verify(ctx, o)
	sight.Steps = cleanSteps(sight.Steps)
	return sight, err
}

func clean(s incident.State) incident.State {
	facts := s.Facts()
	for name, fact := range facts {
		facts[name], _ = redact.Line(fact)
	}
	return facts
}

func cleanActed(a steps.Acted) steps.Acted {
	a.Receipt, a.Steps = clean(a.Receipt), cleanSteps(a.Steps)
	return a
}

func cleanSteps(all []incident.FixStep) []incident.FixStep {
	for i := range all {
		all[i].Name, _ = redact.Line(all[i].Name)
		all[i].Detail, _ = redact.Line(all[i].Detail)
	}
	return all
}
