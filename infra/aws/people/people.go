// Package people opens what people get to see of an incident: the channels that
// tell them and the links by which they decide. Both need secrets, which may change
// while a function is warm, so the function asks for them with each call.
package people

import (
	"context"
	"errors"
	"time"

	"github.com/opsguard/opsguard/infra/aws"
	"github.com/opsguard/opsguard/infra/aws/outside"
	"github.com/opsguard/opsguard/infra/aws/secret"
	"github.com/opsguard/opsguard/infra/setting"
	"github.com/opsguard/opsguard/pkg/integration"
	"github.com/opsguard/opsguard/pkg/inventory"
	"github.com/opsguard/opsguard/pkg/link"
	"github.com/opsguard/opsguard/pkg/notify"
	"github.com/opsguard/opsguard/pkg/steps"
)

// Settings are those of a function that tells people.
type Settings struct {
	PublicURL     string `env:"OPSGUARD_PUBLIC_URL" help:"what links start with, stage prefix included"`
	LinkKeysParam string `env:"OPSGUARD_LINK_KEYS_PARAM" help:"the SSM parameter of the keys that sign links"`
	// GroupWindow is within what incidents are told in one message.
	GroupWindow time.Duration `env:"OPSGUARD_GROUP_WINDOW" envDefault:"5m" help:"incidents of one service, or of services that dependsOn joins, are told in one message if people are asked about them within it; 0: each has its own"`
}

// ChannelSettings are those of a function that only brings up to date what was posted.
type ChannelSettings struct {
	DiscordParam string `env:"DISCORD_WEBHOOK_URL_PARAM" help:"the SSM parameter of the Discord webhook's URL; empty: none"`
}

const (
	settingLinkKeys = "OPSGUARD_LINK_KEYS_PARAM"
	settingDiscord  = "DISCORD_WEBHOOK_URL_PARAM"
)

// Source gives people as the secrets are now.
type Source struct {
	*Channels
	links  *secret.Secret[link.Maker]
	window time.Duration
}

// Store is what telling people needs of it.
type Store interface {
	steps.Incidents
	steps.Groups
}

// Open refuses what is wrong with the secrets, or with the public URL, by the
// setting's name.
func Open(ctx context.Context, f aws.Function, store Store) (*Source, error) {
	var s Settings
	if err := setting.Load(&s); err != nil {
		return nil, err
	}
	url, err := link.ParsePublicURL(s.PublicURL)
	if err != nil {
		return nil, err
	}
	if err := setting.CheckGroupWindow(s.GroupWindow); err != nil {
		return nil, err
	}
	// The keys are read while the channels are opened.
	links := secret.Open(ctx, f, settingLinkKeys, s.LinkKeysParam, func(text string) (link.Maker, error) {
		keys, err := link.ParseKeys(text)
		if err != nil {
			return link.Maker{}, err
		}
		return link.NewMaker(keys, url)
	})
	channels, err := OpenChannels(f, store, s.PublicURL)
	return &Source{Channels: channels, links: links, window: s.GroupWindow}, err
}

// People is who is told, with the channels and keys of now.
func (p *Source) People(ctx context.Context) (steps.People, error) {
	links, err := p.links.Get(ctx)
	if err != nil {
		return steps.People{}, err
	}
	people := p.Deciding(links)
	people.Together.Window = p.window
	return people, nil
}

// Channels are where people are told.
type Channels struct {
	function  aws.Function
	store     Store
	inventory *inventory.Inventory
	opened    []integration.Opened[steps.Channel]
}

// Types are the integrations that a function which tells people checks services.yaml
// against.
func Types() integration.Types {
	return integration.Types{integration.Channels: integration.TypesOf(notify.List())}
}

// OpenChannels opens the configured channels. The caller passes them to
// aws.Function.Check or, if it can do without, to Warm.
func OpenChannels(f aws.Function, store Store, publicURL string) (*Channels, error) {
	var s ChannelSettings
	if err := setting.Load(&s); err != nil {
		return nil, err
	}
	inv, err := aws.Inventory(Types())
	if err != nil {
		return nil, err
	}
	env, err := outside.Env(f, outside.Setting{Secret: notify.DiscordWebhook, Name: settingDiscord, Parameter: s.DiscordParam})
	if err != nil {
		return nil, err
	}
	env.PublicURL = publicURL
	opened, err := notify.Open(env, s.DiscordParam != "", inv.Entries(integration.Channels))
	return &Channels{f, store, inv, opened}, err
}

// Inventory is the services.yaml that the channels were read from.
func (c *Channels) Inventory() *inventory.Inventory { return c.inventory }

// Check implements aws.Checker.
func (c *Channels) Check(ctx context.Context) error {
	var problems []error
	for _, o := range c.opened {
		problems = append(problems, o.Check(ctx))
	}
	return errors.Join(problems...)
}

// Deciding is Told with links that can decide, so that a message of several incidents
// keeps those of the others.
func (c *Channels) Deciding(links link.Maker) steps.People {
	people := c.Told(steps.DecidableLinks{Linker: links, Inventory: c.inventory})
	people.Together.Alone = false
	return people
}

// Told returns the people to tell, with these links. If a channel's secret cannot be
// used, the incident goes on, and reconcile tells people once it can.
func (c *Channels) Told(links steps.Linker) steps.People {
	return steps.People{Store: c.store, Inventory: c.inventory, Channels: integration.Items(c.opened), Links: links,
		Together: steps.Together{Groups: c.store, Alone: true}, Now: c.function.Now, Log: c.function.Log}
}
