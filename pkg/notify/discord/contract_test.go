package discord_test

import (
	"testing"

	"github.com/opsguard/opsguard/pkg/integration"
	"github.com/opsguard/opsguard/pkg/notify/discord"
	"github.com/opsguard/opsguard/pkg/steps/stepstest"
)

func TestItIsAChannel(t *testing.T) {
	f := &fake{t: t, messages: map[string]posted{}}
	stepstest.ChannelContract(t, discord.Integration(), stepstest.Vendor{
		Handler: f, GivesIDs: true,
		Entry: func(url string) ([]integration.Setting, stepstest.Secrets) {
			f.messages = map[string]posted{}
			return []integration.Setting{integration.SecretSetting("webhookUrl", "HOOK")}, stepstest.Secrets{"HOOK": url + path}
		},
	}, func() int { return len(f.messages) })
}
