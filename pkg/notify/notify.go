// Package notify lists the channels through which people are told. Each is a
// folder below; adding one is a line in List.
package notify

import (
	"github.com/opsguard/opsguard/pkg/integration"
	"github.com/opsguard/opsguard/pkg/notify/console"
	"github.com/opsguard/opsguard/pkg/notify/discord"
	"github.com/opsguard/opsguard/pkg/steps"
)

// List is every channel that is built in.
func List() []integration.Descriptor[steps.Channel] {
	return []integration.Descriptor[steps.Channel]{
		console.Integration(),
		discord.Integration(),
	}
}

// DiscordWebhook is the setting that makes the channel named discord without a
// line in services.yaml, and the name of its secret.
const DiscordWebhook = "DISCORD_WEBHOOK_URL"

// Open opens the channels: the console where there is one, then discord if
// DISCORD_WEBHOOK_URL is set, then those that services.yaml lists, in its order.
// It calls nobody.
func Open(env integration.Env, discordIsSet bool, entries []integration.Entry) ([]integration.Opened[steps.Channel], error) {
	var all []integration.Entry
	if env.Console != nil {
		all = append(all, integration.Entry{Name: "console", Type: "console"})
	}
	if discordIsSet {
		all = append(all, integration.Entry{Name: "discord", Type: "discord", Settings: []integration.Setting{integration.SecretSetting("webhookUrl", DiscordWebhook)}})
	}
	return integration.Open(env, integration.Channels, List(), append(all, entries...))
}
