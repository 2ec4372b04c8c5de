// Package discord tells people through a Discord webhook: one message an
// incident, edited as the incident goes on, so that a link that was used up is no
// longer offered. Start at Open.
//
// A webhook cannot have buttons that act; the message carries links to
// OpsGuard's own page. Text from outside is escaped so that it cannot mention,
// link or format, whatever it holds. The webhook's URL is the credential: it
// stands in no error and no log.
package discord

import (
	"context"
	"errors"
	"net/http"
	"net/url"
	"regexp"
	"time"

	"github.com/opsguard/opsguard/pkg/brief"
	"github.com/opsguard/opsguard/pkg/incident"
)

// Deps is what a channel needs of the world.
type Deps struct {
	HTTP  http.RoundTripper                    // usually http.DefaultTransport
	After func(time.Duration) <-chan time.Time // time.After
}

// Channel posts through one webhook. It is safe for concurrent use.
type Channel struct {
	webhook *url.URL
	client  *http.Client
	after   func(time.Duration) <-chan time.Time
}

// Open refuses settings and dependencies that cannot work, by name.
func Open(s Settings, d Deps) (*Channel, error) {
	switch {
	case d.HTTP == nil:
		return nil, errors.New("discord: HTTP: there is no transport")
	case d.After == nil:
		return nil, errors.New("discord: After: there is no clock")
	}
	u, err := s.parse()
	if err != nil {
		return nil, err
	}
	client := &http.Client{
		Transport: d.HTTP,
		Timeout:   requestTimeout,
		// A redirect would carry the message to a host that nobody configured.
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}
	return &Channel{webhook: u, client: client, after: d.After}, nil
}

// requestTimeout bounds one call, so that a step never waits for its whole
// Lambda timeout on a chat.
const requestTimeout = 10 * time.Second

// Name is what a decision taken through this channel's links is recorded under.
func (c *Channel) Name() string { return "discord" }

var messageID = regexp.MustCompile(`^[0-9]{1,20}$`)

// Post sends the message and returns its id. Unavailable: it may or may not have
// been posted, and trying again later may work. Invalid: trying again will not.
func (c *Channel) Post(ctx context.Context, b brief.Brief) (string, error) {
	u := *c.webhook
	q := u.Query()
	q.Set("wait", "true") // only then is the message returned, and a failure told
	u.RawQuery = q.Encode()
	body, err := c.send(ctx, http.MethodPost, u.String(), render(b))
	if err != nil {
		return "", err
	}
	id, err := postedID(body)
	if err != nil {
		return "", err
	}
	return id, nil
}

// Edit replaces the message, links included. Errors are as those of Post.
func (c *Channel) Edit(ctx context.Context, id string, b brief.Brief) error {
	if !messageID.MatchString(id) {
		return incident.BadField("messageId", "is not the id of a Discord message")
	}
	u := *c.webhook
	u.Path += "/messages/" + id
	_, err := c.send(ctx, http.MethodPatch, u.String(), render(b))
	return err
}
