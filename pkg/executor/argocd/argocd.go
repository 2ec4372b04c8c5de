// Package argocd rolls an application of Argo CD back to what it deployed before, and
// syncs one with what is declared for it. Start at Integration.
//
// Formats are those of Argo CD's server/application/application.proto and
// pkg/apis/application/v1alpha1/types.go, as of August 2026 (v3). Argo CD itself refuses
// an operation while another one is in progress, and a rollback while auto-sync is on. It
// takes no precondition on a revision: Act looks once more right before it asks.
package argocd

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"time"

	"github.com/opsguard/opsguard/pkg/incident"
	"github.com/opsguard/opsguard/pkg/integration"
	"github.com/opsguard/opsguard/pkg/steps"
)

const (
	fixRollback = "rollback-deployment"
	fixSync     = "sync-deployment"
)

// maxAnswer bounds what is read of an application, in bytes: it lists every resource.
const maxAnswer = 4 << 20

// limit is how long an operation and the health after it may take.
const limit = 15 * time.Minute

// Settings are a target's attributes.
type Settings struct {
	Server       string             `setting:"server" help:"Argo CD's address, such as https://argocd.example.com"`
	Application  string             `setting:"application" help:"the application's name"`
	AppNamespace string             `setting:"appNamespace" default:"" help:"the namespace of the Application, where it is not Argo CD's own"`
	Project      string             `setting:"project" default:"" help:"the application's project; with it Argo CD tells a missing application from a forbidden one"`
	Token        integration.Secret `setting:"token" help:"the token of an account that may get and sync the application"`
}

// Validate holds the settings to what can be part of an address.
func (s Settings) Validate() error {
	_, err := integration.BaseURL("server", s.Server)
	all := []error{err, integration.Segment("application", s.Application)}
	if s.AppNamespace != "" {
		all = append(all, integration.Segment("appNamespace", s.AppNamespace))
	}
	if s.Project != "" {
		all = append(all, integration.Segment("project", s.Project))
	}
	return errors.Join(all...)
}

// Integration describes the executor.
func Integration() integration.Descriptor[steps.Executor] {
	return integration.New("argocd", "rolls an application of Argo CD back, or syncs it, through Argo CD's API", Open).NamedBy("server", "appNamespace", "application").Can(
		integration.Ability{Fix: fixRollback, Does: "asks Argo CD to roll the application back to the deployment before the present one; " +
			"nothing is pruned",
			Undo:     "rolls it back to the deployment that was present before the fix, if nothing was deployed since",
			Verifies: "the operation succeeded, the history shows the wanted revision as the latest, and the application is healthy",
			Rights:   "applications get and sync on the application (rollback instead of sync where Argo CD enforces it apart)"},
		integration.Ability{Fix: fixSync, Does: "asks Argo CD to sync the application to the revision that it compared with; nothing is pruned",
			Verifies: "the operation succeeded, and the application is in sync and healthy",
			Rights:   "applications get and sync on the application (override too where Argo CD requires it for a revision)"},
	)
}

// Executor acts on one application. It may be used concurrently.
type Executor struct {
	env      integration.Env
	settings Settings
	tell     steps.Teller
}

// Open opens the executor. It calls nobody.
func Open(env integration.Env, s Settings) (steps.Executor, error) {
	return &Executor{env, s, steps.Teller{Now: env.Now}}, nil
}

// path is the application's, with what follows it.
func (e *Executor) path(rest string) string {
	return "/api/v1/applications/" + url.PathEscape(e.settings.Application) + rest
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
	return e.env.Exchange(ctx, integration.Call{Vendor: "Argo CD", Method: method, URL: base + path,
		Header: http.Header{"Authorization": {"Bearer " + token}}, Body: body, Judge: e.judge, Max: maxAnswer})
}

// judge words a refusal. Without a project Argo CD answers 403 for an application that
// does not exist too.
func (e *Executor) judge(status int, _ []byte) string {
	switch status {
	case http.StatusUnauthorized:
		return fmt.Sprintf("Argo CD does not accept the token (401); replace %s", e.env.Place(e.settings.Token))
	case http.StatusForbidden:
		return fmt.Sprintf("Argo CD refused (403): there is no application %s, or the token's account may not do this to it, or a sync window"+
			" forbids it; check the name and the account's rights", e.settings.Application)
	case http.StatusNotFound:
		return fmt.Sprintf("Argo CD has no application %s (404), or not in that namespace or project; check the target in services.yaml",
			e.settings.Application)
	case http.StatusBadRequest:
		return "Argo CD refused the call (400): another operation is in progress, auto-sync was turned on, or the deployment is gone from " +
			"the history; look at the application"
	}
	return ""
}

// Look reads the application and refuses where the fix cannot be done.
func (e *Executor) Look(ctx context.Context, p incident.Proposal) (incident.State, error) {
	a, err := e.application(ctx)
	if err != nil {
		return nil, err
	}
	if err := a.free(); err != nil {
		return nil, err
	}
	switch p.FixID {
	case fixRollback:
		return a.rollback()
	case fixSync:
		return a.drift()
	}
	return nil, incident.BadField("fixId", "%s cannot be done on an application of Argo CD", p.FixID)
}

// Plan implements steps.Executor.
func (e *Executor) Plan(present incident.State, p incident.Proposal) (incident.Draft, error) {
	blast := incident.Blast{Affected: 1, Of: 1, Unit: "applications"}
	get := "applications, get on " + e.settings.Application
	if p.FixID == fixSync {
		return incident.Draft{
			Actions: []string{fmt.Sprintf("POST %s with revision %s and prune false", e.path("/sync"), present["revision"])},
			Present: present, Wanted: incident.State{"sync": "Synced", "revision": present["revision"]},
			Undo:  incident.Undo{Not: "what had drifted from what is declared is not kept anywhere"},
			Limit: limit, Blast: blast, Rights: []string{get, "applications, sync on " + e.settings.Application},
		}, nil
	}
	if p.FixID != fixRollback {
		return incident.Draft{}, incident.BadField("fixId", "%s cannot be done on an application of Argo CD", p.FixID)
	}
	post := func(id, revision string) []string {
		return []string{fmt.Sprintf("POST %s with history id %s (revision %s) and prune false", e.path("/rollback"), id, revision)}
	}
	return incident.Draft{
		Actions: post(present["previous"], present["previousRevision"]),
		Present: present, Wanted: incident.State{"revision": present["previousRevision"]},
		Undo:  incident.Undo{Actions: post(present["history"], present["revision"]), Wanted: incident.State{"revision": present["revision"]}},
		Limit: limit, Blast: blast, Rights: []string{get, "applications, sync or rollback on " + e.settings.Application},
	}, nil
}
