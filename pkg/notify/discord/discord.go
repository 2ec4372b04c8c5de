// Package discord tells people through a Discord webhook: one message per incident, or
// per group of incidents, edited as they go on, so that it stops offering links that no
// longer decide. Start at Integration.
//
// A webhook cannot have buttons that act; the message carries links to
// OpsGuard's own page. Text from outside is escaped so that it cannot mention,
// link or format, whatever it holds. The webhook's URL is the credential: it
// stands in no error and no log.
package discord

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"

	"github.com/opsguard/opsguard/pkg/brief"
	"github.com/opsguard/opsguard/pkg/incident"
	"github.com/opsguard/opsguard/pkg/integration"
	"github.com/opsguard/opsguard/pkg/steps"
)

// Settings are what services.yaml says of a channel.
type Settings struct {
	// WebhookURL is https://discord.com/api/webhooks/ID/TOKEN, as Discord shows it
	// under a channel's integrations. ?thread_id=N posts into a thread.
	WebhookURL integration.Secret `setting:"webhookUrl" help:"the webhook's URL, as Discord shows it under a channel's integrations; ?thread_id=NUMBER posts into a thread"`
}

// Channel posts through one webhook. It is safe for concurrent use.
type Channel struct {
	env      integration.Env
	settings Settings
}

// Integration describes the channel.
func Integration() integration.Descriptor[steps.Channel] {
	return integration.New("discord", "posts to a Discord channel through a webhook; decisions are taken by links", Open)
}

// Open opens the channel. The webhook is read for each message, so that one that
// was replaced is used at once.
func Open(env integration.Env, s Settings) (steps.Channel, error) {
	return &Channel{env, s}, nil
}

// Name is what a decision taken through this channel's links is recorded under.
func (c *Channel) Name() string { return c.env.Name() }

// Check implements integration.Checker: it holds the webhook to Discord's form and
// calls nobody.
func (c *Channel) Check(ctx context.Context) error {
	_, err := c.webhook(ctx)
	return err
}

func (c *Channel) webhook(ctx context.Context) (*url.URL, error) {
	text, err := c.env.Secret(ctx, c.settings.WebhookURL)
	if err != nil {
		return nil, err
	}
	u, ok := parseWebhook(text)
	if !ok {
		// Unavailable: the message can be posted once the secret is put right.
		return nil, incident.Unavail(c.env.Place(c.settings.WebhookURL)+
			": must be a webhook's URL, https://discord.com/api/webhooks/ID/TOKEN, with ?thread_id=NUMBER at most", nil)
	}
	return u, nil
}

// isMessageID holds an id to Discord's form: a number of 64 bits.
func isMessageID(id string) bool { return only(id, decimals) && len(id) <= 20 }

// Post sends the message and returns its id. Unavailable: it may or may not have
// been posted, and trying again later may work. Invalid: trying again will not.
func (c *Channel) Post(ctx context.Context, b brief.Brief) (string, error) {
	u, err := c.webhook(ctx)
	if err != nil {
		return "", err
	}
	q := u.Query()
	q.Set("wait", "true") // only then is the message returned, and a failure told
	u.RawQuery = q.Encode()
	answer, err := c.send(ctx, http.MethodPost, u, render(b))
	if err != nil {
		return "", err
	}
	return c.postedID(answer)
}

// Edit replaces the message, links included. Errors are as those of Post.
func (c *Channel) Edit(ctx context.Context, id string, b brief.Brief) error {
	if !isMessageID(id) {
		return incident.BadField("messageId", "is not the id of a Discord message")
	}
	u, err := c.webhook(ctx)
	if err != nil {
		return err
	}
	u.Path += "/messages/" + id
	_, err = c.send(ctx, http.MethodPatch, u, render(b))
	return err
}

// userAgent is the form in which Discord asks clients to say who they are.
const userAgent = "DiscordBot (https://github.com/opsguard/opsguard, 1)"

func (c *Channel) send(ctx context.Context, method string, to *url.URL, m message) ([]byte, error) {
	return c.env.Do(ctx, integration.Call{
		Vendor: "Discord", Method: method, URL: to.String(), Header: http.Header{"User-Agent": {userAgent}}, Body: m,
		RequestID: "Cf-Ray", Judge: c.judge,
	})
}

// judge words a refusal and says what to replace.
func (c *Channel) judge(status int, answer []byte) string {
	code := errorCode(answer)
	switch {
	case code == 10008: // Unknown Message
		return "Discord no longer has the message (404): it was deleted"
	case status == http.StatusNotFound:
		return fmt.Sprintf("Discord does not know the webhook (404): it is gone; replace %s", c.env.Place(c.settings.WebhookURL))
	case status == http.StatusUnauthorized, status == http.StatusForbidden:
		return fmt.Sprintf("Discord does not accept the webhook (%d); replace %s", status, c.env.Place(c.settings.WebhookURL))
	case status >= 300 && status < 400:
		return fmt.Sprintf("Discord answered a redirect (%d), which is not followed; replace %s", status, c.env.Place(c.settings.WebhookURL))
	}
	return fmt.Sprintf("Discord refused the message (%d, code %d)", status, code)
}

// errorCode reads Discord's JSON error code; 0 if there is none.
func errorCode(answer []byte) int {
	var e struct {
		Code int `json:"code"`
	}
	if json.Unmarshal(answer, &e) != nil {
		return 0
	}
	return e.Code
}

// postedID reads the id of the message that was made.
func (c *Channel) postedID(answer []byte) (string, error) {
	var m struct {
		ID string `json:"id"`
	}
	if json.Unmarshal(answer, &m) != nil || !isMessageID(m.ID) {
		return "", incident.Bad("Discord's answer holds no message id; is %s a Discord webhook?", c.env.Place(c.settings.WebhookURL))
	}
	return m.ID, nil
}
