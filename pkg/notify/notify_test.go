package notify_test

import (
	"bytes"
	"slices"
	"strings"
	"testing"

	"github.com/opsguard/opsguard/pkg/integration"
	"github.com/opsguard/opsguard/pkg/notify"
	"github.com/opsguard/opsguard/pkg/steps/stepstest"
)

func shop() integration.Entry {
	return integration.Entry{Name: "team-shop", Type: "discord", Settings: []integration.Setting{integration.SecretSetting("webhookUrl", "SHOP_DISCORD")}}
}

func TestOpenOpensWhatIsConfigured(t *testing.T) {
	for _, tc := range []struct {
		name             string
		console, discord bool
		entries          []integration.Entry
		want             []string
	}{
		{"one machine", true, false, nil, []string{"console"}},
		{"one machine with Discord", true, true, nil, []string{"console", "discord"}},
		{"Lambda", false, false, nil, nil},
		{"Lambda with Discord", false, true, nil, []string{"discord"}},
		{"with a channel of services.yaml", true, true, []integration.Entry{shop()}, []string{"console", "discord", "team-shop"}},
	} {
		env := stepstest.Env(nil)
		if tc.console {
			env.Console = &bytes.Buffer{}
		}
		channels, err := notify.Open(env, tc.discord, tc.entries)
		if err != nil {
			t.Fatal(err)
		}
		var names []string
		for _, c := range channels {
			names = append(names, c.It.Name())
		}
		if !slices.Equal(names, tc.want) {
			t.Errorf("%s: channels %v, want %v", tc.name, names, tc.want)
		}
	}
}

func TestOpenTellsAllThatIsWrong(t *testing.T) {
	env := stepstest.Env(nil)
	env.Console, env.PublicURL = &bytes.Buffer{}, "localhost:3000"
	twice := shop()
	twice.Name = "discord"
	_, err := notify.Open(env, true, []integration.Entry{twice, {Name: "x1", Type: "no-such"}, {Name: "x2", Type: "discord"}})
	for _, want := range []string{"OPSGUARD_PUBLIC_URL", "channels.discord: is named twice", `channels.x1: type "no-such" is not built in; known: `, "channels.x2: webhookUrl: is missing"} {
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("got %v\nwant it to say %q", err, want)
		}
	}
}
