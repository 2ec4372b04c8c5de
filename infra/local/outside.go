package local

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"time"

	"github.com/opsguard/opsguard/pkg/executor"
	"github.com/opsguard/opsguard/pkg/gemini"
	"github.com/opsguard/opsguard/pkg/incident"
	"github.com/opsguard/opsguard/pkg/integration"
	"github.com/opsguard/opsguard/pkg/inventory"
	"github.com/opsguard/opsguard/pkg/link"
	"github.com/opsguard/opsguard/pkg/notify"
	"github.com/opsguard/opsguard/pkg/probe"
	"github.com/opsguard/opsguard/pkg/scan"
	"github.com/opsguard/opsguard/pkg/source"
	"github.com/opsguard/opsguard/pkg/steps"
	"github.com/opsguard/opsguard/pkg/ticket"
)

// Integrations is everything that is built in: what services.yaml is held to, and
// what the docs are made of.
func Integrations() integration.Types {
	return integration.Types{
		integration.Sources:   integration.TypesOf(source.List()),
		integration.Channels:  integration.TypesOf(notify.List()),
		integration.Trackers:  integration.TypesOf(ticket.List()),
		integration.Executors: integration.TypesOf(executor.List()),
		integration.Models:    integration.TypesOf(gemini.List()),
		integration.Probes:    integration.TypesOf(probe.List()),
	}
}

// outside is every system that the steps reach through an integration.
type outside struct {
	publicURL link.PublicURL
	links     link.Maker
	linkKeys  link.Keys
	sources   map[string]steps.Source
	executors steps.Executors
	trackers  []steps.Tracker
	channels  []steps.Channel
	prober    steps.Prober
	scanner   steps.Scanner
	analyst   steps.Analyst
}

func (rt *Runtime) openOutside(ctx context.Context, inv *inventory.Inventory, d Deps) (out outside, err error) {
	s := rt.settings
	if out.publicURL, err = link.ParsePublicURL(s.PublicURL); err != nil {
		return out, err
	}
	var made bool
	if out.linkKeys, made, err = linkKeys(s.LinkKeys, s.DataDir); err != nil {
		return out, err
	}
	if made {
		rt.warnOfDeadLinks(ctx)
	}
	if out.links, err = link.NewMaker(out.linkKeys, out.publicURL); err != nil {
		return out, err
	}
	return out, rt.openIntegrations(ctx, &out, inv, d)
}

// warnOfDeadLinks tells whoever starts with a new link key beside incidents that wait
// what the old one was for.
func (rt *Runtime) warnOfDeadLinks(ctx context.Context) {
	page, err := rt.store.List(ctx, steps.ListQuery{Tenant: tenant, Status: incident.WaitingForApproval, Limit: 1})
	if err == nil && len(page.Incidents) > 0 {
		rt.log.Warn("link.keys was missing, and a new key was made: links in messages that were sent before no longer work; put the old file back, or decide with a key")
	}
}

// openIntegrations opens what services.yaml and the settings configure, and tells
// all that is wrong with it at once.
func (rt *Runtime) openIntegrations(ctx context.Context, out *outside, inv *inventory.Inventory, d Deps) error {
	s, env := rt.settings, rt.env(d)
	w := opening{ctx: ctx}
	sources := opened(&w, func() ([]integration.Opened[steps.Source], error) {
		return source.Open(env, inv.Entries(integration.Sources))
	})
	channels := opened(&w, func() ([]integration.Opened[steps.Channel], error) {
		return notify.Open(env, s.DiscordWebhook != "", inv.Entries(integration.Channels))
	})
	trackers := opened(&w, func() ([]integration.Opened[steps.Tracker], error) {
		return ticket.Open(env, inv.Entries(integration.Trackers))
	})
	models := opened(&w, func() ([]integration.Opened[steps.Analyst], error) {
		if s.GeminiKey == "" {
			return nil, nil
		}
		return integration.Open(env, integration.Models, gemini.List(), []integration.Entry{gemini.Entry(s.GeminiModel, s.GeminiEndpoint)})
	})
	prober, err := probe.Open(env)
	w.failed(err)
	scanner, err := scan.New(env, scan.Settings{OSV: s.OSVEndpoint, OSVFile: s.OSVFile, KEV: s.KEVURL, EPSS: s.EPSSEndpoint,
		Cache: filepath.Join(s.DataDir, "advisories")})
	w.failed(err)
	out.executors = d.Executors
	if out.executors == nil {
		out.executors, err = executor.Open(env, executor.List())
		w.failed(err)
	}
	if w.err != nil {
		return w.err
	}
	out.sources = map[string]steps.Source{}
	for _, o := range sources {
		out.sources[o.Entry.Name] = o.It
	}
	for _, ch := range integration.Items(channels) {
		out.channels = append(out.channels, &patient{Channel: ch, now: rt.clock.Now})
	}
	out.trackers, out.prober, out.scanner = integration.Items(trackers), prober, scanner
	if len(models) > 0 {
		out.analyst = models[0].It
	}
	return nil
}

// opening collects what is wrong while integrations are opened.
type opening struct {
	ctx context.Context
	err error
}

func (w *opening) failed(err error) { w.err = errors.Join(w.err, err) }

// opened opens the entries of one kind and looks whether each can work.
func opened[T any](w *opening, open func() ([]integration.Opened[T], error)) []integration.Opened[T] {
	all, err := open()
	w.failed(err)
	for _, o := range all {
		w.failed(o.Check(w.ctx))
	}
	return all
}

// env is what integrations see of the world on one machine.
func (rt *Runtime) env(d Deps) integration.Env {
	env := rt.settings.env(d)
	env.Now, env.Tickets = rt.clock.Now, rt.store
	return env
}

// env is the same for a command that has no store.
func (s Settings) env(d Deps) integration.Env {
	return integration.Env{
		Secrets: secrets{notify.DiscordWebhook: s.DiscordWebhook, gemini.SettingKey: s.GeminiKey},
		HTTP:    integration.NewHTTP(http.DefaultTransport), Outside: integration.NewOutside(),
		AWS: awsAccess(os.Getenv), Now: time.Now, After: time.After, Log: d.Log, Version: d.Version,
		PublicURL: s.PublicURL, Console: d.Console, Keyless: s.APIKeys == "",
	}
}

// awsAccess is what the environment says of AWS, in the variables of AWS's own tools. It
// is read for each use.
func awsAccess(getenv func(string) string) integration.AWS {
	return integration.AWS{Endpoint: getenv("AWS_ENDPOINT_URL"), Credentials: func(context.Context) (integration.AWSKey, error) {
		key := integration.AWSKey{ID: getenv("AWS_ACCESS_KEY_ID"), Secret: getenv("AWS_SECRET_ACCESS_KEY"), Token: getenv("AWS_SESSION_TOKEN")}
		if key.ID == "" || key.Secret == "" {
			return integration.AWSKey{}, incident.Bad(
				"AWS_ACCESS_KEY_ID or AWS_SECRET_ACCESS_KEY is not set; an AWS target needs the keys of somebody who may assume its role")
		}
		return key, nil
	}}
}

// secretPrefix is what the environment variable of a secret that services.yaml
// names begins with.
const secretPrefix = "OPSGUARD_SECRET_"

// secrets are those that have a setting of their own, by its name; all others are
// read from the environment.
type secrets map[string]string

// Secret implements integration.Secrets. The kind does not matter here: the process
// reads every variable alike.
func (s secrets) Secret(_ context.Context, _ integration.Kind, name string) (string, error) {
	if value := s[name]; value != "" {
		return value, nil
	}
	if value := os.Getenv(secretPrefix + name); value != "" {
		return value, nil
	}
	return "", incident.Bad("%s: is not set; services.yaml names this secret", secretPrefix+name)
}

// Place implements integration.Secrets.
func (s secrets) Place(_ integration.Kind, name string) string {
	if _, set := s[name]; set {
		return name
	}
	return secretPrefix + name
}

// needKeys refuses a target on which fixes are real while anybody on this machine
// may decide.
func needKeys(inv *inventory.Inventory) error {
	for _, svc := range inv.Services() {
		if svc.Target.Type != incident.SimulatedTarget {
			return fmt.Errorf("OPSGUARD_API_KEYS: services.%s has a real target (%s), so keys are needed; make entries with: opsguard keys new --name NAME --role operate", svc.Name, svc.Target.Type)
		}
	}
	return nil
}
