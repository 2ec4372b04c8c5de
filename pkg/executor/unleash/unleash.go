// Package unleash turns one feature flag of Unleash off in one environment. Start at
// Integration.
//
// Formats are those of Unleash's Admin API (getFeatureEnvironment,
// toggleFeatureEnvironmentOff, searchEvents; src/lib/openapi/spec of August 2026). It
// takes no precondition: Act looks right before it asks, and the event that the change
// left tells an undoing whether anybody toggled the flag since.
package unleash

import (
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"net/url"
	"strconv"
	"time"

	"github.com/opsguard/opsguard/pkg/incident"
	"github.com/opsguard/opsguard/pkg/integration"
	"github.com/opsguard/opsguard/pkg/steps"
)

const (
	fix = "disable-flag"
	// maxAnswer bounds an answer, in bytes: an environment lists its strategies.
	maxAnswer = 4 << 20
	// limit is how long the flag may take to be seen off.
	limit = 2 * time.Minute
)

// Settings are a target's attributes.
type Settings struct {
	Server      string             `setting:"server" help:"Unleash's address, such as https://unleash.example.com"`
	Project     string             `setting:"project" default:"default" help:"the project's id"`
	Flag        string             `setting:"flag" help:"the flag's name"`
	Environment string             `setting:"environment" help:"the environment's name"`
	Token       integration.Secret `setting:"token" help:"the token of a service account that may enable and disable flags in that environment"`
}

// Validate holds the settings to what can be part of an address.
func (s Settings) Validate() error {
	_, err := integration.BaseURL("server", s.Server)
	return errors.Join(err, integration.Segment("project", s.Project), integration.Segment("flag", s.Flag),
		integration.Segment("environment", s.Environment))
}

// Integration describes the executor.
func Integration() integration.Descriptor[steps.Executor] {
	return integration.New("unleash", "turns a feature flag of Unleash off", Open).NamedBy("server", "project", "environment", "flag").Can(integration.Ability{
		Fix: fix, Does: "turns the flag off in the environment",
		Undo:     "turns it on again, if nobody has toggled it in that environment since",
		Verifies: "the flag is off in the environment", Rights: "UPDATE_FEATURE_ENVIRONMENT in the project and environment"})
}

// Executor acts on one flag. It may be used concurrently.
type Executor struct {
	env      integration.Env
	settings Settings
	tell     steps.Teller
}

// Open opens the executor. It calls nobody.
func Open(env integration.Env, s Settings) (steps.Executor, error) {
	return &Executor{env, s, steps.Teller{Now: env.Now}}, nil
}

// path is that of the flag in its environment, with what follows it.
func (e *Executor) path(rest string) string {
	return "/api/admin/projects/" + url.PathEscape(e.settings.Project) + "/features/" + url.PathEscape(e.settings.Flag) +
		"/environments/" + url.PathEscape(e.settings.Environment) + rest
}

func (e *Executor) call(ctx context.Context, method, path string) (integration.Answer, error) {
	base, err := integration.BaseURL("server", e.settings.Server)
	if err != nil {
		return integration.Answer{}, err
	}
	token, err := e.env.Secret(ctx, e.settings.Token)
	if err != nil {
		return integration.Answer{}, err
	}
	return e.env.Exchange(ctx, integration.Call{Vendor: "Unleash", Method: method, URL: base + path,
		Header: http.Header{"Authorization": {token}}, Judge: e.judge, Max: maxAnswer})
}

func (e *Executor) judge(status int, _ []byte) string {
	token := e.env.Place(e.settings.Token)
	switch status {
	case http.StatusUnauthorized:
		return "Unleash does not accept the token (401); replace " + token
	case http.StatusForbidden:
		return "Unleash refused (403): change requests are required in this environment, or the token may not toggle flags in it;" +
			" open a change request there, or check the role of " + token
	case http.StatusNotFound:
		return "Unleash has no such project, flag or environment (404), or the flag is archived; check the target in services.yaml"
	}
	return ""
}

// on reads whether the flag is on in the environment.
func (e *Executor) on(ctx context.Context) (bool, error) {
	a, err := e.call(ctx, http.MethodGet, e.path(""))
	if err != nil {
		return false, err
	}
	var f struct {
		Name    string `json:"name"` // of the environment
		Enabled *bool  `json:"enabled"`
	}
	if json.Unmarshal(a.Body, &f) != nil || f.Enabled == nil {
		return false, incident.Bad(
			"Unleash's answer is not the flag; check the target's server in services.yaml")
	}
	return *f.Enabled, nil
}

// toggled is the id of the event of the last toggle in the environment, "" if there is
// none. It asks for the 50 latest events of the flag.
func (e *Executor) toggled(ctx context.Context) (string, error) {
	q := url.Values{"feature": {"IS:" + e.settings.Flag}, "project": {"IS:" + e.settings.Project}, "limit": {"50"}}
	a, err := e.call(ctx, http.MethodGet, "/api/admin/search/events?"+q.Encode())
	if err != nil {
		return "", err
	}
	var found struct {
		Events []struct {
			ID          int64  `json:"id"`
			Type        string `json:"type"`
			Environment string `json:"environment"`
		} `json:"events"`
	}
	if json.Unmarshal(a.Body, &found) != nil {
		return "", incident.Bad("Unleash's events cannot be read")
	}
	last := int64(0)
	for _, event := range found.Events {
		if event.Environment == e.settings.Environment && (event.Type == "feature-environment-enabled" ||
			event.Type == "feature-environment-disabled") {
			last = max(last, event.ID)
		}
	}
	if last == 0 {
		return "", nil
	}
	return strconv.FormatInt(last, 10), nil
}
