// Package people opens what people get to see of an incident: the channels that
// tell them and the links by which they decide. Both rest on secrets that may
// change under a warm function, so they are asked for anew with each call.
package people

import (
	"context"
	"net/http"
	"time"

	"github.com/opsguard/opsguard/infra/aws"
	"github.com/opsguard/opsguard/infra/aws/secret"
	"github.com/opsguard/opsguard/infra/setting"
	"github.com/opsguard/opsguard/pkg/brief"
	"github.com/opsguard/opsguard/pkg/incident"
	"github.com/opsguard/opsguard/pkg/link"
	"github.com/opsguard/opsguard/pkg/notify"
	"github.com/opsguard/opsguard/pkg/notify/discord"
	"github.com/opsguard/opsguard/pkg/steps"
)

// Settings are those of a function that tells people.
type Settings struct {
	PublicURL     string `env:"OPSGUARD_PUBLIC_URL" help:"what links start with, stage prefix included"`
	LinkKeysParam string `env:"OPSGUARD_LINK_KEYS_PARAM" help:"the SSM parameter of the keys that sign links"`
}

// ViewerSettings are those of a function whose links only show.
type ViewerSettings struct {
	PublicURL string `env:"OPSGUARD_PUBLIC_URL" help:"what links start with, stage prefix included"`
}

// OpenViewer makes links that show an incident and decide nothing, for the steps
// that run after a decision.
func OpenViewer() (link.Viewer, error) {
	var s ViewerSettings
	if err := setting.Load(&s); err != nil {
		return link.Viewer{}, err
	}
	url, err := link.ParsePublicURL(s.PublicURL)
	return link.Viewer{URL: url}, err
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
	links *secret.Secret[link.Maker]
}

// Open refuses what is wrong with the secrets, or with the public URL, by the
// setting's name.
func Open(ctx context.Context, f aws.Function, store steps.Incidents) (*Source, error) {
	var s Settings
	if err := setting.Load(&s); err != nil {
		return nil, err
	}
	url, err := link.ParsePublicURL(s.PublicURL)
	if err != nil {
		return nil, err
	}
	channels, err := OpenChannels(f, store)
	return &Source{
		Channels: channels,
		links: secret.Open(ctx, f, settingLinkKeys, s.LinkKeysParam, func(text string) (link.Maker, error) {
			keys, err := link.ParseKeys(text)
			if err != nil {
				return link.Maker{}, err
			}
			return link.NewMaker(keys, url)
		}),
	}, err
}

// People is who is told, with the channels and keys of now.
func (p *Source) People(ctx context.Context) (steps.People, error) {
	links, err := p.links.Get(ctx)
	if err != nil {
		return steps.People{}, err
	}
	return p.Told(ctx, links), nil
}

// Channels are where people are told.
type Channels struct {
	function aws.Function
	store    steps.Incidents
	open     *secret.Secret[[]steps.Channel]
}

// OpenChannels opens those that are configured; who calls it says by Check or Warm
// whether it can do without.
func OpenChannels(f aws.Function, store steps.Incidents) (*Channels, error) {
	var s ChannelSettings
	if err := setting.Load(&s); err != nil {
		return nil, err
	}
	return &Channels{f, store, secret.New(f, settingDiscord, s.DiscordParam, func(text string) ([]steps.Channel, error) {
		return notify.Open(notify.Settings{Discord: discord.Settings{WebhookURL: text}}, notify.Deps{HTTP: http.DefaultTransport, After: time.After})
	})}, nil
}

// Check implements aws.Checker.
func (c *Channels) Check(ctx context.Context) error { return c.open.Check(ctx) }

// Told is who is told with these links. Nothing but the telling depends on the
// channels: where their secret cannot be used, the incident goes on. Reconcile asks
// people once it is mended; an edit that was missed is not made up for.
func (c *Channels) Told(ctx context.Context, links steps.Linker) steps.People {
	channels, err := c.open.Get(ctx)
	if err != nil {
		c.function.Log.ErrorContext(ctx, "people cannot be told", "setting", settingDiscord, "error", err.Error())
		channels = []steps.Channel{broken{}}
	}
	return steps.People{Store: c.store, Channels: channels, Links: links, Now: c.function.Now, Log: c.function.Log}
}

// broken stands for Discord while its webhook cannot be used.
type broken struct{}

var errBroken = incident.Unavail(settingDiscord+" cannot be used at the moment", nil)

func (broken) Name() string                                      { return "discord" }
func (broken) Post(context.Context, brief.Brief) (string, error) { return "", errBroken }
func (broken) Edit(context.Context, string, brief.Brief) error   { return errBroken }
