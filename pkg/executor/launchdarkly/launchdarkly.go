// Package launchdarkly turns one feature flag of LaunchDarkly off in one environment.
// Start at Integration.
//
// Formats are those of "Update feature flag" and "Get feature flag" in LaunchDarkly's
// REST API, version 20240415, as of March 2026. A semantic patch takes no precondition:
// Act looks right before it asks. Somebody who turns the flag off between these two calls
// is taken for the fix; nobody else is, for an undoing needs the version of its answer.
package launchdarkly

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strconv"
	"time"

	"github.com/opsguard/opsguard/pkg/incident"
	"github.com/opsguard/opsguard/pkg/integration"
	"github.com/opsguard/opsguard/pkg/steps"
)

const (
	fix        = "disable-flag"
	apiVersion = "20240415"
	// maxAnswer bounds an answer, in bytes: a flag lists its targets.
	maxAnswer = 4 << 20
	// limit is how long the flag may take to be seen off.
	limit = 2 * time.Minute
)

// Settings are a target's attributes.
type Settings struct {
	Server      string             `setting:"server" default:"https://app.launchdarkly.com" help:"the API's address; https://app.eu.launchdarkly.com for the EU instance"`
	Project     string             `setting:"project" help:"the project's key"`
	Flag        string             `setting:"flag" help:"the flag's key"`
	Environment string             `setting:"environment" help:"the environment's key"`
	Token       integration.Secret `setting:"token" help:"an access token that may updateOn the flag in that environment"`
}

// Validate holds the settings to what can be part of an address.
func (s Settings) Validate() error {
	_, err := integration.BaseURL("server", s.Server)
	return errors.Join(err, integration.Segment("project", s.Project), integration.Segment("flag", s.Flag),
		integration.Segment("environment", s.Environment))
}

// Integration describes the executor.
func Integration() integration.Descriptor[steps.Executor] {
	return integration.New("launchdarkly", "turns a feature flag of LaunchDarkly off", Open).NamedBy("server", "project", "environment", "flag").Can(integration.Ability{
		Fix: fix, Does: "turns the flag's targeting off in the environment (turnFlagOff), so that everybody gets the off variation",
		Undo:     "turns it on again, if nobody has changed the flag in that environment since",
		Verifies: "the flag is off in the environment", Rights: "updateOn on the flag in the environment"})
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

func (e *Executor) path() string {
	return "/api/v2/flags/" + url.PathEscape(e.settings.Project) + "/" + url.PathEscape(e.settings.Flag)
}

func (e *Executor) call(ctx context.Context, method, path string, body any) (integration.Answer, error) {
	base, err := integration.BaseURL("server", e.settings.Server)
	if err != nil {
		return integration.Answer{}, err
	}
	token, err := e.env.Secret(ctx, e.settings.Token)
	if err != nil {
		return integration.Answer{}, err
	}
	header := http.Header{"Authorization": {token}, "Ld-Api-Version": {apiVersion}}
	if body != nil {
		header.Set("Content-Type", "application/json; domain-model=launchdarkly.semanticpatch")
	}
	return e.env.Exchange(ctx, integration.Call{Vendor: "LaunchDarkly", Method: method, URL: base + path, Header: header, Body: body,
		Judge: e.judge, Limit: e.limited, Max: maxAnswer})
}

func (e *Executor) judge(status int, _ []byte) string {
	token := e.env.Place(e.settings.Token)
	switch status {
	case http.StatusUnauthorized:
		return "LaunchDarkly does not accept the token (401), or it may not do this; replace " + token
	case http.StatusForbidden:
		return "LaunchDarkly refused (403): the token may not change the flag in this environment, or approvals are required; check the " +
			"role of " + token
	case http.StatusNotFound:
		return "LaunchDarkly has no such project or flag (404); check the target in services.yaml"
	case http.StatusMethodNotAllowed:
		return "LaunchDarkly requires an approval for this flag in this environment (405); create an approval request there"
	case http.StatusBadRequest:
		return "LaunchDarkly refused the change (400): a scheduled change or an approval request that is pending would fail; look at the flag"
	case http.StatusConflict:
		return "LaunchDarkly refused the change (409): somebody changes the flag at the same time; look at it and try again"
	}
	return ""
}

// limited reads when a limit ends: X-Ratelimit-Reset, in milliseconds since 1970, where
// there is no Retry-After.
func (e *Executor) limited(a integration.Answer) (time.Duration, bool) {
	if a.Status != http.StatusTooManyRequests {
		return 0, false
	}
	reset, err := strconv.ParseInt(a.Header.Get("X-Ratelimit-Reset"), 10, 64)
	wait := time.UnixMilli(reset).Sub(e.env.Now())
	if err != nil || a.Header.Get("Retry-After") != "" || wait <= 0 || wait > time.Hour {
		return 0, true
	}
	return wait, true
}

// config is a flag in one environment.
type config struct {
	On      bool `json:"on"`
	Version int  `json:"version"` // grows with each change in the environment
}

type flag struct {
	Key          string            `json:"key"`
	Archived     bool              `json:"archived"`
	Environments map[string]config `json:"environments"`
}

func (e *Executor) read(body []byte) (flag, config, error) {
	var f flag
	if json.Unmarshal(body, &f) != nil || f.Key != e.settings.Flag {
		return f, config{}, incident.Bad("LaunchDarkly's answer is not the flag; check the target's server in services.yaml")
	}
	c, there := f.Environments[e.settings.Environment]
	if !there {
		return f, c, incident.Bad("the flag has no environment %s; check the target in services.yaml", e.settings.Environment)
	}
	return f, c, nil
}

func (e *Executor) flag(ctx context.Context) (flag, config, error) {
	a, err := e.call(ctx, http.MethodGet, e.path()+"?"+url.Values{"env": {e.settings.Environment}}.Encode(), nil)
	if err != nil {
		return flag{}, config{}, err
	}
	return e.read(a.Body)
}

func (e *Executor) patch(ctx context.Context, o steps.Order, kind string) (integration.Answer, config, error) {
	a, err := e.call(ctx, http.MethodPatch, e.path(), map[string]any{"environmentKey": e.settings.Environment,
		"comment": fmt.Sprintf("OpsGuard, incident %s, key %s", o.Ref.ID, o.Key), "instructions": []map[string]string{{"kind": kind}}})
	if err != nil {
		return a, config{}, err
	}
	_, c, err := e.read(a.Body)
	if err != nil {
		a.Status = 0 // it was taken, and nobody knows how
		return a, c, incident.Unavail("LaunchDarkly took the change, but its answer cannot be read", nil)
	}
	return a, c, nil
}
