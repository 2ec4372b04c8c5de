package integration

import (
	"bytes"
	"cmp"
	"context"
	"crypto/tls"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math"
	"net"
	"net/http"
	"strconv"
	"time"

	"github.com/opsguard/opsguard/pkg/incident"
)

// Bounds of one call.
const (
	// MaxAnswer bounds what is read of an answer, in bytes.
	MaxAnswer = 256 << 10
	// maxWait is the longest that a rate limit is waited for within a call; a longer
	// one is the caller's to repeat.
	maxWait = 5 * time.Second
)

// Call is one HTTP call to a vendor.
type Call struct {
	Vendor string // how errors name it: "Discord"
	Method string
	URL    string // may be a secret: no error shows it
	Header http.Header
	Body   any // JSON; a []byte goes as it is; nil for none
	// RequestID names the header by which the vendor finds the call again; "" if it
	// has none.
	RequestID string
	// Judge words a refusal (no 2xx, not a rate limit, not 5xx) by what the vendor
	// answered; nil, or "", for the general wording. Its text must not repeat the
	// answer's.
	Judge func(status int, answer []byte) string
	// Limit tells a rate limit that the vendor answers with a status of its own, such as
	// GitHub with 403, and for how long; nil: only 429 is one.
	Limit func(a Answer) (wait time.Duration, limited bool)
	// Max bounds what is read of the answer, in bytes; 0: MaxAnswer.
	Max int64
}

// Answer is what a vendor answered. Status is 0 if it has not, or if its answer broke off.
type Answer struct {
	Status int
	Header http.Header
	Body   []byte
}

// Do makes the call and returns the answer's body. It waits once, for 5 s at most,
// where the vendor asks for that. Errors are incident.Unavailable where repeating
// later may work (not reached, cut off, 408, 425, 429, 5xx) and incident.Invalid
// where it will not. They name the vendor, the status and the vendor's request id,
// and show nothing of the URL, the headers or the answer.
func (e Env) Do(ctx context.Context, c Call) ([]byte, error) {
	a, err := e.Exchange(ctx, c)
	if err != nil && a.limited(c) {
		return nil, err
	}
	return a.Body, err
}

// Exchange is Do that also tells status and headers, those of a refusal too.
func (e Env) Exchange(ctx context.Context, c Call) (Answer, error) {
	body, ready := c.Body.([]byte)
	if c.Body != nil && !ready {
		var err error
		if body, err = json.Marshal(c.Body); err != nil {
			return Answer{}, incident.Bad("the message for %s could not be written", c.Vendor)
		}
	}
	for try := 0; ; try++ {
		resp, answer, err := e.send(ctx, c, body)
		if err != nil {
			return Answer{}, err
		}
		a := Answer{resp.StatusCode, resp.Header, answer}
		if !a.limited(c) {
			return a, c.judge(resp, answer)
		}
		wait := a.wait(c, e.Now())
		tooMany := incident.Limited(fmt.Sprintf("%s answered %d: over its limit; repeat after %s%s", c.Vendor, a.Status, wait, c.id(resp)), wait)
		if try > 0 || wait > maxWait || !fits(ctx, wait) {
			return a, tooMany
		}
		select {
		case <-e.After(wait):
		case <-ctx.Done():
			return a, tooMany
		}
	}
}

func (a Answer) limited(c Call) bool {
	if c.Limit == nil || a.Status == 0 {
		return a.Status == http.StatusTooManyRequests
	}
	_, limited := c.Limit(a)
	return limited || a.Status == http.StatusTooManyRequests
}

func (a Answer) wait(c Call, now time.Time) time.Duration {
	if c.Limit != nil {
		if wait, limited := c.Limit(a); limited && wait > 0 {
			return wait
		}
	}
	return RetryAfter(a.Header, a.Body, now)
}

// Untouched reports that a call that was to change something and ended in err has
// certainly changed nothing: it was refused, or never reached the vendor. A redirect, a
// server's error and an answer that broke off leave it open.
func (a Answer) Untouched(err error) bool {
	var connecting *net.OpError
	switch {
	case a.Status == 0 && incident.KindOf(err) != incident.Unavailable:
		return true // it was not sent
	case a.Status == 0:
		return errors.As(err, &connecting) && connecting.Op == "dial"
	}
	return a.Status >= 400 && a.Status < 500 && a.Status != http.StatusRequestTimeout
}

func (e Env) send(ctx context.Context, c Call, body []byte) (*http.Response, []byte, error) {
	req, err := http.NewRequestWithContext(ctx, c.Method, c.URL, bytes.NewReader(body))
	if err != nil {
		return nil, nil, incident.Bad("the address of %s is not a URL", c.Vendor)
	}
	for name, values := range c.Header {
		req.Header[name] = values
	}
	if c.Body != nil && req.Header.Get("Content-Type") == "" {
		req.Header.Set("Content-Type", "application/json")
	}
	if req.Header.Get("User-Agent") == "" {
		req.Header.Set("User-Agent", "OpsGuard/"+e.Version)
	}
	resp, err := e.HTTP.Do(req)
	if err != nil {
		return nil, nil, incident.Unavail(c.Vendor+" could not be reached", cause(err))
	}
	defer resp.Body.Close()
	answer, err := io.ReadAll(io.LimitReader(resp.Body, cmp.Or(c.Max, MaxAnswer)))
	if err != nil {
		return nil, nil, incident.Unavail(c.Vendor+"'s answer broke off"+c.id(resp), cause(err))
	}
	return resp, answer, nil
}

// cause is why a call failed, without what net/http puts into its errors: the URL,
// and text of the answer.
func cause(err error) error {
	var connecting *net.OpError
	var certificate *tls.CertificateVerificationError
	var waiting net.Error
	switch {
	case errors.Is(err, context.Canceled):
		return context.Canceled
	case errors.Is(err, context.DeadlineExceeded):
		return context.DeadlineExceeded
	case errors.As(err, &connecting):
		return connecting
	case errors.As(err, &certificate):
		return errors.New("its certificate is not accepted")
	case errors.As(err, &waiting) && waiting.Timeout():
		return errors.New("it took too long")
	case errors.Is(err, io.EOF), errors.Is(err, io.ErrUnexpectedEOF):
		return io.ErrUnexpectedEOF
	}
	return errors.New("what it answered cannot be read as HTTP")
}

// judge turns a status into an error, nil if the call was taken.
func (c Call) judge(resp *http.Response, answer []byte) error {
	status := resp.StatusCode
	if status >= 200 && status < 300 {
		return nil
	}
	if status >= 500 || status == http.StatusRequestTimeout || status == http.StatusTooEarly {
		return incident.Unavail(fmt.Sprintf("%s answered %d%s", c.Vendor, status, c.id(resp)), nil)
	}
	why := ""
	if c.Judge != nil {
		why = c.Judge(status, answer)
	}
	switch {
	case why != "":
	case status >= 300 && status < 400:
		why = fmt.Sprintf("%s answered a redirect (%d), which is not followed; check its address", c.Vendor, status)
	case status == http.StatusUnauthorized, status == http.StatusForbidden:
		why = fmt.Sprintf("%s does not accept the credential (%d); replace it", c.Vendor, status)
	default:
		why = fmt.Sprintf("%s refused the call (%d)", c.Vendor, status)
	}
	return incident.Bad("%s%s", why, c.id(resp))
}

// maxRequestID bounds what of a vendor's request id gets into an error.
const maxRequestID = 128

// id names the vendor's request id, if it gave one of the usual characters.
func (c Call) id(resp *http.Response) string {
	id := resp.Header.Get(c.RequestID)
	if c.RequestID == "" || id == "" || len(id) > maxRequestID {
		return ""
	}
	for _, r := range id {
		if r < '!' || r > '~' {
			return ""
		}
	}
	return " (request id " + id + ")"
}

// RetryAfter reads how long a vendor asks to wait: retry_after in a JSON body, in
// seconds with fractions, else the Retry-After header, in seconds or as a date.
// If neither says something sensible, it is a minute.
func RetryAfter(header http.Header, answer []byte, now time.Time) time.Duration {
	var b struct {
		RetryAfter *float64 `json:"retry_after"`
	}
	seconds := -1.0
	after := header.Get("Retry-After")
	if json.Unmarshal(answer, &b) == nil && b.RetryAfter != nil {
		seconds = *b.RetryAfter
	} else if s, err := strconv.ParseFloat(after, 64); err == nil {
		seconds = s
	} else if at, err := http.ParseTime(after); err == nil {
		seconds = max(0, at.Sub(now).Seconds())
	}
	if !(seconds >= 0 && seconds <= 24*60*60) {
		seconds = 60
	}
	return time.Duration(math.Ceil(seconds*1000)) * time.Millisecond
}

// fits reports whether a wait ends before the caller gives up.
func fits(ctx context.Context, wait time.Duration) bool {
	deadline, ok := ctx.Deadline()
	return !ok || time.Until(deadline) > wait
}
