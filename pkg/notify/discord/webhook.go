package discord

import (
	"net/url"
	"regexp"
	"strings"

	"github.com/opsguard/opsguard/pkg/integration"
)

// webhookPath is the path that Discord documents for executing a webhook, with
// or without a version.
var webhookPath = regexp.MustCompile(`^(/[A-Za-z0-9._-]+)*/webhooks/[0-9]+/[A-Za-z0-9._-]+$`)

var threadID = regexp.MustCompile(`^[0-9]+$`)

// parseWebhook holds a URL to the form that Discord documents. Plain http is for
// the loopback interface only, where tests play Discord.
func parseWebhook(text string) (*url.URL, bool) {
	u, err := url.Parse(strings.TrimSuffix(text, "/"))
	if err != nil || u.User != nil || u.Fragment != "" || u.Host == "" || u.RawPath != "" || !webhookPath.MatchString(u.Path) || !integration.Encrypted(u) {
		return nil, false
	}
	for name, values := range u.Query() {
		if name != "thread_id" || len(values) != 1 || !threadID.MatchString(values[0]) {
			return nil, false
		}
	}
	return u, true
}
