package discord

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math"
	"net/http"
	"net/url"
	"strconv"
	"time"

	"github.com/opsguard/opsguard/pkg/incident"
)

const (
	// maxBody bounds what is read of an answer, in bytes. A message comes back whole,
	// at most 6,000 characters of embeds and their JSON.
	maxBody = 256 << 10
	// maxWait is the longest that a rate limit is waited for here; a longer one is
	// the caller's to repeat.
	maxWait = 5 * time.Second
)

// send makes one call, and a second one when Discord asks for a short wait.
func (c *Channel) send(ctx context.Context, method, to string, m message) ([]byte, error) {
	body, err := json.Marshal(m)
	if err != nil {
		return nil, incident.Fail(incident.Invalid, incident.CodeInvalid, "the message for Discord could not be written")
	}
	for try := 0; ; try++ {
		status, header, answer, err := c.call(ctx, method, to, body)
		if err != nil {
			return nil, err
		}
		if status != http.StatusTooManyRequests {
			return answer, judge(status, answer)
		}
		wait, global := retryAfter(header, answer)
		if try > 0 || wait > maxWait || !fits(ctx, wait) {
			return nil, tooMany(wait, global)
		}
		select {
		case <-c.after(wait):
		case <-ctx.Done():
			return nil, tooMany(wait, global)
		}
	}
}

// call makes one request. Its errors show nothing of the URL.
func (c *Channel) call(ctx context.Context, method, to string, body []byte) (int, http.Header, []byte, error) {
	req, err := http.NewRequestWithContext(ctx, method, to, bytes.NewReader(body))
	if err != nil {
		return 0, nil, nil, errWebhookURL
	}
	req.Header.Set("Content-Type", "application/json")
	// Discord asks clients to say who they are, in this form.
	req.Header.Set("User-Agent", "DiscordBot (https://github.com/opsguard/opsguard, 1)")
	resp, err := c.client.Do(req)
	if err != nil {
		return 0, nil, nil, incident.Unavail("Discord could not be reached", withoutURL(err))
	}
	defer resp.Body.Close()
	answer, err := io.ReadAll(io.LimitReader(resp.Body, maxBody))
	if err != nil {
		return 0, nil, nil, incident.Unavail("Discord's answer broke off", withoutURL(err))
	}
	return resp.StatusCode, resp.Header, answer, nil
}

// withoutURL strips what net/http wraps around a failure: the webhook's URL.
func withoutURL(err error) error {
	var u *url.Error
	for errors.As(err, &u) {
		err = u.Err
	}
	return err
}

// judge turns a status into an error, nil if the message was taken.
func judge(status int, answer []byte) error {
	const anew = "set DISCORD_WEBHOOK_URL anew"
	refused := func(format string, args ...any) error {
		return incident.Fail(incident.Invalid, incident.CodeInvalid, format, args...)
	}
	code := errorCode(answer)
	switch {
	case status >= 200 && status < 300:
		return nil
	case status >= 500 || status == http.StatusRequestTimeout:
		return incident.Unavail(fmt.Sprintf("Discord answered %d", status), nil)
	case code == 10008: // Unknown Message
		return refused("Discord no longer has the message (404): it was deleted")
	case status == http.StatusNotFound:
		return refused("Discord does not know the webhook (404): it is gone; " + anew)
	case status == http.StatusUnauthorized, status == http.StatusForbidden:
		return refused("Discord does not accept the webhook (%d); %s", status, anew)
	case status >= 300 && status < 400:
		return refused("Discord answered a redirect (%d), which is not followed; %s", status, anew)
	}
	return refused("Discord refused the message (%d, code %d)", status, code)
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

// retryAfter reads how long to wait: retry_after in the body, in seconds with
// fractions, else the header of that name (Cloudflare's own 429 has no JSON).
// What says nothing sensible is longer than anybody waits here.
func retryAfter(header http.Header, answer []byte) (wait time.Duration, global bool) {
	var b struct {
		RetryAfter *float64 `json:"retry_after"`
		Global     bool     `json:"global"`
	}
	seconds := -1.0
	if json.Unmarshal(answer, &b) == nil && b.RetryAfter != nil {
		seconds = *b.RetryAfter
	} else if s, err := strconv.ParseFloat(header.Get("Retry-After"), 64); err == nil {
		seconds = s
	}
	global = b.Global || header.Get("X-RateLimit-Global") == "true"
	if !(seconds >= 0 && seconds <= 24*60*60) {
		seconds = 60
	}
	return time.Duration(math.Ceil(seconds*1000)) * time.Millisecond, global
}

// fits reports whether a wait ends before the caller gives up.
func fits(ctx context.Context, wait time.Duration) bool {
	deadline, ok := ctx.Deadline()
	return !ok || time.Until(deadline) > wait
}

func tooMany(wait time.Duration, global bool) error {
	whose := "this webhook"
	if global {
		whose = "every call from here"
	}
	return incident.Unavail(fmt.Sprintf("Discord answered 429: over the limit for %s; repeat after %s", whose, wait), nil)
}

// postedID reads the id of the message that was made.
func postedID(answer []byte) (string, error) {
	var m struct {
		ID string `json:"id"`
	}
	if json.Unmarshal(answer, &m) != nil || !messageID.MatchString(m.ID) {
		return "", incident.Fail(incident.Invalid, incident.CodeInvalid, "Discord's answer holds no message id; is DISCORD_WEBHOOK_URL a Discord webhook?")
	}
	return m.ID, nil
}
