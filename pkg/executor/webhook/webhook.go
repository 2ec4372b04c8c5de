// Package webhook hands a fix over to a system that keeps runbooks, such as Rundeck, AWX
// or StackStorm, by a signed request, and asks that system how it ended. Start at
// Integration.
//
// Requests are signed as Standard Webhooks (specification 1.0, as of August 2026) has it:
// webhook-id is the idempotency key, and webhook-signature is v1 over id.timestamp.body,
// also of a GET, whose body is empty. What the receiver answers is described at the types
// Request, Status and Seen. Only addresses of the configured scheme and host are asked.
package webhook

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/opsguard/opsguard/pkg/incident"
	"github.com/opsguard/opsguard/pkg/integration"
	"github.com/opsguard/opsguard/pkg/redact"
	"github.com/opsguard/opsguard/pkg/steps"
)

// Settings are a target's attributes.
type Settings struct {
	URL           string             `setting:"url" help:"where the fix is posted; https"`
	SecretPath    integration.Secret `setting:"secretPath" default:"" help:"what follows url and is a secret, such as the token in the address of a Rundeck webhook"`
	Secret        integration.Secret `setting:"secret" help:"the signing secret of Standard Webhooks, whsec_ and base64 of 24 to 64 bytes"`
	Authorization integration.Secret `setting:"authorization" default:"" help:"the value of the Authorization header, such as Bearer TOKEN for AWX"`
	StatusURL     string             `setting:"statusUrl" default:"" help:"where to ask how a fix goes on, on url's host; {key} stands for the idempotency key"`
	StateURL      string             `setting:"stateUrl" default:"" help:"where to ask for the state that a plan rests on, on url's host; without it a plan rests on nothing"`
	Undo          bool               `setting:"undo" default:"false" help:"true if the receiver undoes a fix when it gets undo: true"`
	Limit         time.Duration      `setting:"limit" default:"10m" help:"how long the fix may take; 1h at most"`
}

// Validate holds the settings to one host that is reached encrypted.
func (s Settings) Validate() error {
	var all []error
	base, err := address(s.URL)
	if err != nil {
		return incident.BadField("url", "must be https://HOST/PATH, without user or fragment")
	}
	for _, other := range [][2]string{{"statusUrl", s.StatusURL}, {"stateUrl", s.StateURL}} {
		if other[1] == "" {
			continue
		}
		if u, err := address(other[1]); err != nil || !sameOrigin(base, u) {
			all = append(all, incident.BadField(other[0], "must have the scheme and host of url"))
		}
	}
	if !s.SecretPath.IsZero() && base.RawQuery != "" {
		all = append(all, incident.BadField("url", "must have no query where secretPath follows it"))
	}
	if s.StatusURL != "" && !strings.Contains(s.StatusURL, "{key}") {
		all = append(all, incident.BadField("statusUrl", "must hold {key}, or nobody can tell one fix from another"))
	}
	if s.Undo && s.StatusURL == "" { // nobody could tell that it helped, so that it would always be undone
		all = append(all, incident.BadField("undo", "needs statusUrl: a fix whose end nobody can see would be undone although it helped"))
	}
	if s.Limit < time.Second || s.Limit > incident.MaxFixLimit {
		all = append(all, incident.BadField("limit", "must be 1s to 1h"))
	}
	return errors.Join(all...)
}

func address(text string) (*url.URL, error) {
	u, err := url.Parse(strings.ReplaceAll(text, "{key}", "key"))
	if err != nil || u.Host == "" || u.User != nil || u.Fragment != "" || !integration.Encrypted(u) {
		return nil, errors.New("is no such address")
	}
	return u, nil
}

func sameOrigin(a, b *url.URL) bool { return a.Scheme == b.Scheme && strings.EqualFold(a.Host, b.Host) }

// Integration describes the executor.
func Integration() integration.Descriptor[steps.Executor] {
	var all []integration.Ability
	for _, fix := range []string{"run-runbook", "restart-service", "rollback-deployment", "scale-out"} {
		all = append(all, integration.Ability{Fix: fix, Does: "posts the fix, its parameters, the service, the incident's id and the key, " +
			"signed; what is done is the receiver's to say",
			Undo:     "posts the same with undo: true, where the target says undo: true",
			Verifies: "the receiver reports that it succeeded; one that never reports is never verified", Rights: "the receiver's signing secret"})
	}
	return integration.New("webhook", "hands a fix over to a system that keeps runbooks, by a signed webhook; docs/runbooks.md has its format",
		Open).NamedBy("url").Can(all...)
}

// Executor hands over to one receiver. It may be used concurrently.
type Executor struct {
	env      integration.Env
	settings Settings
	tell     steps.Teller
}

// Open opens the executor. It calls nobody.
func Open(env integration.Env, s Settings) (steps.Executor, error) {
	return &Executor{env, s, steps.Teller{Now: env.Now}}, nil
}

// Check implements integration.Checker: it holds the signing secret to its form.
func (e *Executor) Check(ctx context.Context) error {
	_, err := e.signingKey(ctx)
	return err
}

// Seen is what the receiver answers at stateUrl: {"state": {"version": "1.4.2"}}, at most
// 32 texts, only those on which a fix depends.
type Seen struct {
	State incident.State `json:"state"`
}

// Look asks the receiver for the state, where it has one to give.
func (e *Executor) Look(ctx context.Context, p incident.Proposal) (incident.State, error) {
	if _, able := Integration().Able(p.FixID); !able {
		return nil, incident.BadField("fixId", "%s cannot be handed over to a webhook", p.FixID)
	}
	if e.settings.StateURL == "" {
		return nil, e.Check(ctx)
	}
	a, err := e.get(ctx, e.settings.StateURL, "state")
	if err != nil {
		return nil, err
	}
	var seen Seen
	if json.Unmarshal(a.Body, &seen) != nil || len(seen.State) == 0 {
		return nil, incident.Bad(`the webhook's stateUrl does not answer {"state": {"NAME": "TEXT"}}`)
	}
	// As the record will keep it: Act compares with that.
	state := seen.State.Facts()
	for name, fact := range state {
		state[name], _ = redact.Line(fact)
	}
	return state, nil
}

// Plan implements steps.Executor.
func (e *Executor) Plan(present incident.State, p incident.Proposal) (incident.Draft, error) {
	if _, able := Integration().Able(p.FixID); !able {
		return incident.Draft{}, incident.BadField("fixId", "%s cannot be handed over to a webhook", p.FixID)
	}
	with := ""
	for _, name := range slices.Sorted(maps.Keys(p.Parameters)) {
		with += fmt.Sprintf(", %s=%s", name, p.Parameters[name])
	}
	post := "POST " + e.settings.URL
	if !e.settings.SecretPath.IsZero() {
		post += "(" + e.settings.SecretPath.String() + ")"
	}
	post += " with fix " + p.FixID + with
	draft := incident.Draft{Actions: []string{post}, Present: present, Wanted: incident.State{"status": "succeeded"}, Limit: e.settings.Limit,
		Blast: incident.Blast{Affected: 1, Of: 1, Unit: "targets"}, Rights: []string{"post to " + e.settings.URL}}
	if e.settings.Undo {
		draft.Undo = incident.Undo{Actions: []string{post + ", undo=true"}, Wanted: incident.State{"status": "succeeded"}}
	} else {
		draft.Undo.Not = "the target does not say that its webhook can undo"
	}
	return draft, nil
}
