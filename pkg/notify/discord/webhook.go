package discord

import (
	"net/url"
	"slices"
	"strings"

	"github.com/opsguard/opsguard/pkg/integration"
)

const (
	decimals  = "0123456789"
	wordChars = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ._-" + decimals
)

// only reports whether a text is made of these characters, at least one.
func only(text, chars string) bool { return text != "" && strings.Trim(text, chars) == "" }

// isWebhookPath holds a path to the one that Discord documents for executing a webhook,
// with or without a version: .../webhooks/ID/TOKEN.
func isWebhookPath(path string) bool {
	parts := strings.Split(path, "/")
	n := len(parts)
	if n < 4 || parts[0] != "" || parts[n-3] != "webhooks" || !only(parts[n-2], decimals) {
		return false
	}
	return !slices.ContainsFunc(parts[1:], func(part string) bool { return !only(part, wordChars) })
}

// parseWebhook holds a URL to the form that Discord documents. Plain http is for
// the loopback interface only, where tests play Discord.
func parseWebhook(text string) (*url.URL, bool) {
	u, err := url.Parse(strings.TrimSuffix(text, "/"))
	if err != nil || u.User != nil || u.Fragment != "" || u.Host == "" || u.RawPath != "" || !isWebhookPath(u.Path) || !integration.Encrypted(u) {
		return nil, false
	}
	for name, values := range u.Query() {
		if name != "thread_id" || len(values) != 1 || !only(values[0], decimals) {
			return nil, false
		}
	}
	return u, true
}
