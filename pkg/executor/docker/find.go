package docker

import (
	"bytes"
	"context"
	"encoding/json"
	"net/http"
	"net/url"
	"regexp"
	"slices"
	"strings"
	"time"

	"github.com/opsguard/opsguard/pkg/incident"
	"github.com/opsguard/opsguard/pkg/integration"
)

// Labels that Compose gives to containers ("Compose specification", com.docker.compose.*),
// that of a swarm, and our own, which holds the key of the fix that made a container.
const (
	labelProject = "com.docker.compose.project"
	labelService = "com.docker.compose.service"
	labelNumber  = "com.docker.compose.container-number"
	labelOneOff  = "com.docker.compose.oneoff"
	labelHash    = "com.docker.compose.config-hash"
	labelSwarm   = "com.docker.swarm.service.id"
	labelFix     = "io.opsguard.fix"
)

// container is what is read of GET /containers/{id}/json.
type container struct {
	ID    string `json:"Id"`
	Name  string
	Image string // the image's id
	State struct {
		Status                      string
		Running, Paused, Restarting bool
		StartedAt                   time.Time
		Health                      *struct{ Status string }
	}
	Config struct {
		Image  string
		Labels map[string]string
	}
	HostConfig struct {
		AutoRemove           bool
		NetworkMode, UTSMode string
		RestartPolicy        restartPolicy
		PortBindings         map[string][]struct{ HostPort string }
		Binds, Links         []string
		Mounts               []struct{ Target string }
	}
	Mounts          []struct{ Type, Name, Destination string }
	NetworkSettings struct{ Networks map[string]endpoint }

	whole struct{ Config, HostConfig map[string]any } // with all that is not read
}

type restartPolicy struct {
	Name              string
	MaximumRetryCount int
}

// endpoint is what a container's place in a network was configured with.
type endpoint struct {
	IPAMConfig map[string]any    `json:",omitempty"`
	Aliases    []string          `json:",omitempty"`
	Links      []string          `json:",omitempty"`
	DriverOpts map[string]string `json:",omitempty"`
}

// inspect reads one container, by id or name; false if there is none.
func (s session) inspect(ctx context.Context, id string) (c container, found bool, err error) {
	what := "container " + shown(id)
	answer, status, err := s.call(ctx, s.look, http.MethodGet, "/containers/"+url.PathEscape(id)+"/json", what, nil)
	switch {
	case status == http.StatusNotFound:
		return c, false, nil
	case err != nil:
		return c, false, err
	case len(answer) >= integration.MaxAnswer:
		return c, false, tooLong(what)
	}
	numbers := json.NewDecoder(bytes.NewReader(answer))
	numbers.UseNumber() // what is not read is given back digit by digit
	if json.Unmarshal(answer, &c) != nil || numbers.Decode(&c.whole) != nil || c.ID == "" {
		return c, false, unreadable(what)
	}
	c.Name = strings.TrimPrefix(c.Name, "/")
	return c, true, nil
}

func shown(id string) string { return incident.Cut(id, 128) }

// ours matches the names under which containers are kept or prepared.
func ours(name string) bool {
	return regexp.MustCompile(`-opsguard-(was|new)-[0-9a-f]{8}$`).MatchString(name)
}

func keptName(name, key string) string { return name + "-opsguard-was-" + key[:8] }
func newName(name, key string) string  { return name + "-opsguard-new-" + key[:8] }

// find reads the target's containers, by name. It refuses those that no fix may touch.
func (e *Executor) find(ctx context.Context, s session) ([]container, error) {
	ids := []string{e.set.Container}
	if e.set.Container == "" {
		var err error
		if ids, err = e.list(ctx, s); err != nil {
			return nil, err
		}
	}
	var found []container
	for _, id := range ids {
		c, there, err := s.inspect(ctx, id)
		if err != nil {
			return nil, err
		}
		if !there || e.set.Container != "" && c.Name != id {
			return nil, incident.Fail(incident.NotFound, incident.CodeNotFound,
				"there is no container %s; it was removed just now, or container of the target is wrong", shown(id))
		}
		if err := fit(c); err != nil {
			return nil, err
		}
		found = append(found, c)
	}
	slices.SortFunc(found, func(a, b container) int { return strings.Compare(a.Name, b.Name) })
	return found, nil
}

// list asks for the ids of a compose service's containers, without those of one-off runs.
func (e *Executor) list(ctx context.Context, s session) (ids []string, err error) {
	var all []struct {
		ID     string `json:"Id"`
		Names  []string
		Labels map[string]string
	}
	path := query("/containers/json", "all", "true", "filters",
		filters("label", labelProject+"="+e.set.Project, labelService+"="+e.set.Service))
	if err := s.get(ctx, path, "the service's containers", &all); err != nil {
		return nil, err
	}
	for _, c := range all {
		if c.ID != "" && c.Labels[labelOneOff] != "True" && !slices.ContainsFunc(c.Names, ours) {
			ids = append(ids, c.ID)
		}
	}
	switch {
	case len(ids) == 0:
		return nil, incident.Fail(incident.NotFound, incident.CodeNotFound,
			"the compose project %s has no container of the service %s; start it, or correct project and service of the target",
			e.set.Project, e.set.Service)
	case len(ids) > maxContainers:
		return nil, incident.Bad(
			"the service has %d containers; at most %d can be worked on", len(ids), maxContainers)
	}
	return ids, nil
}

func fit(c container) error {
	refuse := func(why string) error {
		return incident.Bad("the container %s %s", shown(c.Name), why)
	}
	switch {
	case c.Config.Labels[labelSwarm] != "":
		return refuse("belongs to a swarm service, which would replace it; use docker service for it")
	case c.State.Paused:
		return refuse("is paused; somebody is working on it, or has forgotten it: docker unpause it first")
	case c.State.Status == "removing" || c.State.Status == "dead":
		return refuse("is being removed")
	}
	return nil
}

// factPrefix begins the name of the fact about one container.
const factPrefix = "container "

// factsOf are the containers that a fix would touch: another id is another container.
// When it was started is no part of it: one that crashes again and again is to be fixed.
func factsOf(found []container) incident.State {
	facts := incident.State{}
	for _, c := range found {
		state := "stopped"
		if c.State.Running || c.State.Restarting {
			state = "up"
		}
		facts[factPrefix+c.Name] = c.ID + ", " + state
	}
	return facts
}

// planned is a container as the plan names it.
type planned struct {
	name, id string
	up       bool
	policy   string // when the engine starts it by itself; only where the plan says so
}

// plannedIn reads factsOf back, in the order of the names.
func plannedIn(present incident.State) (all []planned) {
	for fact, value := range present {
		if name, is := strings.CutPrefix(fact, factPrefix); is {
			id, state, _ := strings.Cut(value, ", ")
			state, policy, _ := strings.Cut(state, ", restart ")
			all = append(all, planned{name, id, state == "up", policy})
		}
	}
	slices.SortFunc(all, func(a, b planned) int { return strings.Compare(a.name, b.name) })
	return all
}
