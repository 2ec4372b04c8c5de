// Package docker restarts, rolls back and scales out containers of one Docker engine, by
// its Engine API on its socket. Start at Settings and Integration; api.go makes the calls,
// find.go reads what the target is, and each fix has a file.
//
// Docker keeps no history, and has no controller that would replace a container: that is
// why replace-instance is not among the fixes. A rollback makes a new container like the
// present one of an older image, and keeps the present one, stopped and under another
// name, until somebody removes it: that is how it is undone. Which image ran before is
// what the attribute previousImage names, or else the newest local image of the same
// repository that is older than the present one. People see it by name, digest and age
// before they approve it.
//
// The API has no precondition on a change. Containers are changed by their ids, which a
// recreated container does not share, and new ones are made under names that can be taken
// once. That somebody stops a container between the look and the change goes unnoticed.
package docker

import (
	"context"
	"path/filepath"

	"github.com/opsguard/opsguard/pkg/incident"
	"github.com/opsguard/opsguard/pkg/integration"
	"github.com/opsguard/opsguard/pkg/steps"
)

// Settings are the attributes of a target: one container, or all of a compose service.
type Settings struct {
	Container     string `setting:"container" default:"" example:"shop-web-1" help:"the name of the one container; or project and service"`
	Project       string `setting:"project" default:"" help:"the compose project, as docker compose ls names it"`
	Service       string `setting:"service" default:"" help:"the service of the compose project"`
	PreviousImage string `setting:"previousImage" default:"" help:"what a rollback runs, such as shop:previous; else the next older local image of the repository"`
	MaxInstances  int    `setting:"maxInstances" default:"0" help:"how many containers scale-out may bring the service to; at most 16"`
	Socket        string `setting:"socket" default:"/var/run/docker.sock" help:"the engine's; who may use it may do anything on its machine"`
}

// maxContainers bounds the containers of one target: each stands in the plan.
const maxContainers = 16

// Validate implements the check of services.yaml.
func (s Settings) Validate() error {
	switch {
	case (s.Container == "") == (s.Project == ""):
		return incident.BadField("container", "or project must be given, and not both; a compose service is named by project and service")
	case (s.Project == "") != (s.Service == ""):
		return incident.BadField("service", "and project belong together: a compose service is named by both")
	case s.Container != "" && !validName(s.Container):
		return incident.BadField("container", "is no name of a container; docker ps shows it under NAMES")
	case s.MaxInstances < 0 || s.MaxInstances > maxContainers:
		return incident.BadField("maxInstances", "must be 0 to %d", maxContainers)
	case !filepath.IsAbs(s.Socket):
		return incident.BadField("socket", "must be the full path of a socket; an engine on the network is not supported")
	}
	return nil
}

// validName holds a name to what the engine takes: [a-zA-Z0-9][a-zA-Z0-9_.-]+.
func validName(name string) bool {
	for i, c := range []byte(name) {
		letter := c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c >= '0' && c <= '9'
		if !letter && (i == 0 || c != '_' && c != '.' && c != '-') {
			return false
		}
	}
	return len(name) > 1 && len(name) <= 128
}

// Executor changes one target. It may be used concurrently.
type Executor struct {
	env integration.Env
	api api
	set Settings
}

// The fixes that it can do.
const (
	restartService = "restart-service"
	rollback       = "rollback-deployment"
	scaleOut       = "scale-out"
)

// Integration describes the executor.
func Integration() integration.Descriptor[steps.Executor] {
	return integration.New("docker",
		"restarts, rolls back and scales out a compose service, or one container, of the Docker engine on the same machine", New).
		NamedBy("socket", "container", "project", "service").Can(integration.Ability{Fix: restartService,
		Does:     "restarts each container, one after another, by its own stop signal and timeout",
		Verifies: "each of them was started after the fix began, is running and healthy; without a health check, running for 10 seconds",
		Rights:   "the engine's socket: restart"},
		integration.Ability{Fix: rollback,
			Does: "for each container puts one of the previous image, otherwise like it, into its place; " +
				"the present one is kept, stopped and renamed",
			Undo:     "removes the new containers, and renames and starts the ones that were kept",
			Verifies: "a container of the previous image runs under each name and is healthy; without a health check, running for 10 seconds",
			Rights:   "the engine's socket: create, stop, rename, update, start, remove"},
		integration.Ability{Fix: scaleOut,
			Does:     "adds containers like the present ones to a compose service that publishes no fixed port on the host",
			Undo:     "removes the containers that were added",
			Verifies: "each added container is running and healthy; without a health check, running for 10 seconds",
			Rights:   "the engine's socket: create, start, remove"}).OnOneMachine()
}

// New opens the executor. It calls nobody.
func New(env integration.Env, s Settings) (steps.Executor, error) {
	return &Executor{env, newAPI(env, s.Socket), s}, nil
}

// Check implements integration.Checker: whether the engine can be reached and is of a
// version that can be spoken to.
func (e *Executor) Check(ctx context.Context) error {
	_, err := e.api.session(ctx)
	return err
}

// Look implements steps.Executor.
func (e *Executor) Look(ctx context.Context, p incident.Proposal) (incident.State, error) {
	s, err := e.api.session(ctx)
	if err != nil {
		return nil, err
	}
	found, err := e.find(ctx, s)
	if err != nil {
		return nil, err
	}
	switch p.FixID {
	case restartService:
		return factsOf(found), nil
	case rollback:
		return e.lookBack(ctx, s, found)
	case scaleOut:
		return e.lookAround(found, p)
	}
	return nil, unknown(p.FixID)
}

// Plan implements steps.Executor.
func (e *Executor) Plan(present incident.State, p incident.Proposal) (incident.Draft, error) {
	switch p.FixID {
	case restartService:
		return planRestart(present), nil
	case rollback:
		return planRollback(present), nil
	case scaleOut:
		return planScaleOut(present), nil
	}
	return incident.Draft{}, unknown(p.FixID)
}

// Act implements steps.Executor. The engine answers a restart or a stop only when it is
// done, so this waits for as long as the containers take to stop.
func (e *Executor) Act(ctx context.Context, o steps.Order) steps.Acted {
	do := map[string]func(*work, steps.Order){restartService: restart, rollback: rollBack, scaleOut: add}[o.Plan.FixID]
	return e.works(ctx, o, do)
}

// Undo implements steps.Executor.
func (e *Executor) Undo(ctx context.Context, o steps.Order) steps.Acted {
	do := map[string]func(*work, steps.Order){rollback: rollForward, scaleOut: takeAway}[o.Plan.FixID]
	if !o.Plan.Undo.Possible() {
		do = nil
	}
	return e.works(ctx, o, do)
}

// Verify implements steps.Executor.
func (e *Executor) Verify(ctx context.Context, o steps.Order) (steps.Sight, error) {
	s, err := e.api.session(ctx)
	if err != nil {
		return steps.Sight{}, err
	}
	v := &view{ctx: ctx, s: s, now: e.env.Now(), order: o}
	switch {
	case o.Plan.FixID == restartService:
		err = v.restarted()
	case o.Plan.FixID == rollback && o.Undoing:
		err = v.putBack()
	case o.Plan.FixID == rollback:
		err = v.rolledBack()
	case o.Plan.FixID == scaleOut:
		err = v.scaled()
	default:
		err = unknown(o.Plan.FixID)
	}
	return steps.Sight{Phase: v.phase(), Steps: v.told}, err
}

func unknown(fix string) error {
	return incident.BadField("fixId", "%s cannot be done by Docker", incident.Cut(fix, 64))
}
