package discord

import (
	"errors"
	"log/slog"
	"net"
	"net/url"
	"regexp"
	"strings"
)

// Settings are read from the environment by a main. The URL is a secret: whoever
// has it can post. It prints as a placeholder.
type Settings struct {
	// WebhookURL is https://discord.com/api/webhooks/ID/TOKEN, as Discord shows it
	// under a channel's integrations; ?thread_id=N posts into a thread. "": no Discord.
	WebhookURL string `env:"DISCORD_WEBHOOK_URL" secret:"true" default:"none" help:"a Discord webhook that is told about incidents"`
}

func (s Settings) String() string {
	if s.WebhookURL == "" {
		return "discord: off"
	}
	return "discord: on, [webhook URL]"
}

func (s Settings) GoString() string             { return s.String() }
func (s Settings) LogValue() slog.Value         { return slog.StringValue(s.String()) }
func (s Settings) MarshalText() ([]byte, error) { return []byte(s.String()), nil }

// webhookPath is the path that Discord documents for executing a webhook, with
// or without a version.
var webhookPath = regexp.MustCompile(`^(/[A-Za-z0-9._-]+)*/webhooks/[0-9]+/[A-Za-z0-9._-]+$`)

var threadID = regexp.MustCompile(`^[0-9]+$`)

// errWebhookURL names the setting and shows nothing of it.
var errWebhookURL = errors.New("DISCORD_WEBHOOK_URL: must be a webhook's URL, https://discord.com/api/webhooks/ID/TOKEN, with ?thread_id=NUMBER at most")

// parse holds the URL to the form above. Plain http is for tests on the loopback
// interface only.
func (s Settings) parse() (*url.URL, error) {
	u, err := url.Parse(strings.TrimSuffix(s.WebhookURL, "/"))
	if err != nil || u.User != nil || u.Fragment != "" || u.Host == "" || u.RawPath != "" || !webhookPath.MatchString(u.Path) {
		return nil, errWebhookURL
	}
	if u.Scheme != "https" && (u.Scheme != "http" || !loopback(u.Hostname())) {
		return nil, errWebhookURL
	}
	for name, values := range u.Query() {
		if name != "thread_id" || len(values) != 1 || !threadID.MatchString(values[0]) {
			return nil, errWebhookURL
		}
	}
	return u, nil
}

func loopback(host string) bool {
	ip := net.ParseIP(host)
	return host == "localhost" || ip != nil && ip.IsLoopback()
}
