// Package notify opens the channels through which people are told, from settings.
// Each channel is a package of its own below; adding one is a line here.
package notify

import (
	"io"
	"net/http"
	"time"

	"github.com/opsguard/opsguard/pkg/notify/console"
	"github.com/opsguard/opsguard/pkg/notify/discord"
	"github.com/opsguard/opsguard/pkg/steps"
)

// Settings are those of every channel. They hold secrets and print as
// placeholders.
type Settings struct {
	Discord discord.Settings
}

// String and the like are the nested settings' own; see discord.Settings.
func (s Settings) String() string { return s.Discord.String() }

// Deps is what the channels need of the world.
type Deps struct {
	// Console is where the console channel writes; nil (a Lambda): there is none.
	Console io.Writer
	// Commands says what the console's commands look like; needed with Console.
	Commands console.Config
	HTTP     http.RoundTripper                    // usually http.DefaultTransport
	After    func(time.Duration) <-chan time.Time // time.After
}

// Open returns the channels that are configured, the console first. It refuses
// a wrong setting by its name.
func Open(s Settings, d Deps) ([]steps.Channel, error) {
	var channels []steps.Channel
	if d.Console != nil {
		c, err := console.Open(d.Console, d.Commands)
		if err != nil {
			return nil, err
		}
		channels = append(channels, c)
	}
	if s.Discord.WebhookURL != "" {
		c, err := discord.Open(s.Discord, discord.Deps{HTTP: d.HTTP, After: d.After})
		if err != nil {
			return nil, err
		}
		channels = append(channels, c)
	}
	return channels, nil
}
