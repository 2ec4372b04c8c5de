// Package console tells whoever watches the terminal: the incident in a screen
// that can be read at night, and the commands that decide it, ready to paste.
// Start at Open.
package console

import (
	"context"
	"errors"
	"io"
	"net/url"
	"strings"
	"sync"
	"syscall"

	"github.com/opsguard/opsguard/pkg/brief"
	"github.com/opsguard/opsguard/pkg/incident"
	"github.com/opsguard/opsguard/pkg/integration"
	"github.com/opsguard/opsguard/pkg/steps"
)

// Channel writes to one writer. A message is one Write, so that messages (and
// log lines, on a writer that several share) do not run into each other. A step
// waits for that Write: give it a writer that takes the message at once and prints
// later, or a terminal that was stopped holds up incidents.
type Channel struct {
	mu        sync.Mutex
	name      string
	out       io.Writer
	keyless   bool   // decisions need no key, so a plain curl decides
	publicURL string // what links start with, stage prefix included
}

// Integration describes the channel.
func Integration() integration.Descriptor[steps.Channel] {
	return integration.New("console", "prints incidents to the terminal that serves, with the commands that decide them; one machine only", Open)
}

// Open refuses a runtime without a terminal and a URL that is unfit to stand
// between double quotes in a shell.
func Open(env integration.Env, _ struct{}) (steps.Channel, error) {
	if env.Console == nil {
		return nil, errors.New("there is no terminal here")
	}
	u, err := url.Parse(env.PublicURL)
	if err != nil || u.Host == "" || u.Scheme != "http" && u.Scheme != "https" || u.RawQuery != "" || u.Fragment != "" ||
		strings.ContainsAny(env.PublicURL, "\"'`$\\ \n\r\t!") {
		return nil, errors.New("OPSGUARD_PUBLIC_URL: must be http://host or https://host, with a path at most")
	}
	return &Channel{name: env.Name(), out: env.Console, keyless: env.Keyless, publicURL: strings.TrimSuffix(env.PublicURL, "/")}, nil
}

// Name is what a decision taken through this channel's links is recorded under.
func (c *Channel) Name() string { return c.name }

// Post prints the incident and how to decide it. A terminal keeps no message to
// be edited, so the id is empty.
func (c *Channel) Post(ctx context.Context, b brief.Brief) (string, error) {
	return "", c.write(ctx, c.post(b))
}

// Edit prints what has become of the incident.
func (c *Channel) Edit(ctx context.Context, _ string, b brief.Brief) error {
	return c.write(ctx, c.edit(b))
}

func (c *Channel) write(ctx context.Context, s string) error {
	if err := ctx.Err(); err != nil {
		return incident.Unavail("the console was not written to", err)
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	_, err := io.WriteString(c.out, s)
	switch {
	case errors.Is(err, syscall.EPIPE): // it never reads again: trying later is of no use
		return &incident.Error{Kind: incident.Invalid, Code: incident.CodeUnavailable, Message: "nobody reads the console any more", Err: err}
	case err != nil:
		return incident.Unavail("the console could not be written to", err)
	}
	return nil
}
