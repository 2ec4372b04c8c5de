package notify_test

import (
	"bytes"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/caarlos0/env/v11"

	"github.com/opsguard/opsguard/pkg/notify"
	"github.com/opsguard/opsguard/pkg/notify/console"
	"github.com/opsguard/opsguard/pkg/notify/discord"
)

const webhook = "https://discord.com/api/webhooks/1/secret-token"

func TestOpenOpensWhatIsConfigured(t *testing.T) {
	deps := notify.Deps{Console: &bytes.Buffer{}, Commands: console.Config{Keyless: true, PublicURL: "http://localhost:3000"}, HTTP: http.DefaultTransport, After: time.After}
	lambda := deps
	lambda.Console = nil
	on := notify.Settings{Discord: discord.Settings{WebhookURL: webhook}}
	for _, tc := range []struct {
		name string
		s    notify.Settings
		d    notify.Deps
		want []string
	}{
		{"one machine", notify.Settings{}, deps, []string{"console"}},
		{"one machine with Discord", on, deps, []string{"console", "discord"}},
		{"Lambda", notify.Settings{}, lambda, nil},
		{"Lambda with Discord", on, lambda, []string{"discord"}},
	} {
		channels, err := notify.Open(tc.s, tc.d)
		if err != nil {
			t.Fatal(err)
		}
		var names []string
		for _, c := range channels {
			names = append(names, c.Name())
		}
		if !slices.Equal(names, tc.want) {
			t.Errorf("%s: channels %v, want %v", tc.name, names, tc.want)
		}
	}
}

func TestOpenNamesTheWrongSetting(t *testing.T) {
	deps := notify.Deps{HTTP: http.DefaultTransport, After: time.After}
	_, err := notify.Open(notify.Settings{Discord: discord.Settings{WebhookURL: "https://discord.com/secret-token"}}, deps)
	if err == nil || !strings.Contains(err.Error(), "DISCORD_WEBHOOK_URL") || strings.Contains(err.Error(), "secret-token") {
		t.Errorf("got %v, want an error that names the setting and hides it", err)
	}
	deps.Console = &bytes.Buffer{}
	if _, err := notify.Open(notify.Settings{}, deps); err == nil || !strings.Contains(err.Error(), "OPSGUARD_PUBLIC_URL") {
		t.Errorf("got %v, want an error that names OPSGUARD_PUBLIC_URL", err)
	}
}

func TestSettingsComeFromTheEnvironmentAndPrintNoSecret(t *testing.T) {
	s, err := env.ParseAsWithOptions[notify.Settings](env.Options{Environment: map[string]string{"DISCORD_WEBHOOK_URL": webhook}})
	if err != nil {
		t.Fatal(err)
	}
	if s.Discord.WebhookURL != webhook {
		t.Errorf("the webhook was not read: %v", s)
	}
	if got := fmt.Sprintf("%v %+v %#v %s", s, s, s, s); strings.Contains(got, "secret-token") {
		t.Errorf("the webhook is printed: %s", got)
	}
}
