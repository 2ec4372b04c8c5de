package webhook

import (
	"context"
	"encoding/json"
	"maps"
	"net/url"
	"strconv"
	"strings"
	"time"

	"github.com/opsguard/opsguard/pkg/incident"
	"github.com/opsguard/opsguard/pkg/redact"
	"github.com/opsguard/opsguard/pkg/steps"
)

// Request is what is posted. The receiver must do it once for a key, and may refuse it
// with 409 or 412 if the target is not in the state Present any more.
type Request struct {
	Type      string    `json:"type"`      // opsguard.fix.requested, opsguard.undo.requested
	Timestamp time.Time `json:"timestamp"` // when the fix, or its undoing, was begun
	Data      Data      `json:"data"`
}

// Data is the fix.
type Data struct {
	Fix        string            `json:"fix"`        // of the catalogue
	Parameters map[string]string `json:"parameters"` // numbers, as text
	Target     string            `json:"target"`     // the service's name in services.yaml
	Incident   string            `json:"incident"`
	Key        string            `json:"key"`              // the idempotency key
	FixKey     string            `json:"fixKey,omitempty"` // with undo: the key of what is undone
	Undo       bool              `json:"undo"`
	Present    incident.State    `json:"present,omitempty"` // what stateUrl answered
}

// Status is what the receiver answers at its status address, and may answer to the
// request: {"status": "running", "detail": "..."}. Status is running, succeeded or failed.
// In answer to the request it may name the status address, as the header Location may.
type Status struct {
	Status    string `json:"status"`
	Detail    string `json:"detail"` // for people; 200 characters are shown
	StatusURL string `json:"statusUrl"`
}

// maxDetail bounds what is shown of a detail; maxAddress, a status address, in bytes.
const (
	maxDetail  = 200
	maxAddress = 1000
)

// Act hands the fix over.
func (e *Executor) Act(ctx context.Context, o steps.Order) steps.Acted {
	name := o.Plan.FixID
	if late, is := e.tell.Late(ctx, name); is {
		return late
	}
	now, err := e.Look(ctx, o.Plan.Proposal())
	if err != nil {
		return e.tell.Refused(name, "%s", err.Error())
	}
	if !maps.Equal(now, o.Plan.Present) {
		return e.tell.Refused(name, "the target is no longer as it was when the fix was planned")
	}
	return e.hand(ctx, name, o)
}

// Undo hands the undoing over, where the receiver can. That the target is as the fix made
// it is the receiver's to check.
func (e *Executor) Undo(ctx context.Context, o steps.Order) steps.Acted {
	if late, is := e.tell.Late(ctx, "undo"); is {
		return late
	}
	if !e.settings.Undo || !o.Plan.Undo.Possible() {
		return e.tell.Refused("undo", "the target does not say that its webhook can undo")
	}
	return e.hand(ctx, "undo", o)
}

func (e *Executor) hand(ctx context.Context, name string, o steps.Order) steps.Acted {
	r := Request{Type: "opsguard.fix.requested", Timestamp: o.StartedAt.UTC(), Data: Data{Fix: o.Plan.FixID, Parameters: o.Plan.Parameters,
		Target: o.Plan.Target.Service, Incident: o.Ref.ID, Key: o.Key, Undo: o.Undoing, Present: o.Plan.Present}}
	if o.Undoing {
		r.Type, r.Data.FixKey = "opsguard.undo.requested", o.Plan.Key(o.Ref, false)
	}
	a, err := e.post(ctx, o.Key, r)
	if err != nil {
		return e.tell.Ended(name, a, err)
	}
	receipt := incident.State{"answered": strconv.Itoa(a.Status)}
	var said Status
	if json.Unmarshal(a.Body, &said) != nil {
		said = Status{}
	}
	if said.Status == "succeeded" || said.Status == "failed" {
		receipt["status"] = said.Status
		return e.tell.Took(name, receipt, "the webhook answered that it %s", said.Status)
	}
	where := said.StatusURL
	if where == "" {
		where = a.Header.Get("Location")
	}
	if to, ok := e.own(where); ok {
		receipt["statusUrl"] = to
	}
	switch {
	case receipt["statusUrl"] != "" || e.settings.StatusURL != "":
		return e.tell.Took(name, receipt, "the webhook has taken it (%d) and will say how it ends", a.Status)
	case where != "":
		return e.tell.Took(name, receipt, "the webhook has taken it (%d); its status address is on another host, or holds a secret, and is "+
			"not asked, so "+
			"nothing will say how it ends", a.Status)
	}
	return e.tell.Took(name, receipt, "the webhook has taken it (%d) and names no status address, so nothing will say how it ends", a.Status)
}

// own resolves a status address that the receiver named, if it is on the configured
// scheme and host: elsewhere an answer could make OpsGuard call what it likes. One that
// holds a secret is not taken: the record would not keep it.
func (e *Executor) own(text string) (string, bool) {
	base, err := url.Parse(e.settings.URL)
	if err != nil || text == "" || len(text) > maxAddress {
		return "", false
	}
	to, err := base.Parse(text)
	if err != nil || !sameOrigin(base, to) || to.User != nil || len(to.String()) > maxAddress {
		return "", false
	}
	to.Fragment = ""
	kept, _ := redact.Line(to.String())
	return to.String(), kept == to.String()
}

// Verify asks the receiver, where it said where.
func (e *Executor) Verify(ctx context.Context, o steps.Order) (steps.Sight, error) {
	if final := o.Receipt["status"]; final != "" {
		return e.judgeStatus(Status{Status: final})
	}
	to, ok := e.own(o.Receipt["statusUrl"])
	if !ok && e.settings.StatusURL != "" {
		to, ok = strings.ReplaceAll(e.settings.StatusURL, "{key}", url.QueryEscape(o.Key)), true
	}
	if !ok {
		return e.tell.Saw(steps.Settling, "the webhook names no status address, so it cannot be told how it ended; look there by hand"), nil
	}
	a, err := e.get(ctx, to, o.Key)
	if err != nil {
		return steps.Sight{}, err
	}
	var s Status
	if json.Unmarshal(a.Body, &s) != nil {
		s = Status{}
	}
	return e.judgeStatus(s)
}

func (e *Executor) judgeStatus(s Status) (steps.Sight, error) {
	detail := ""
	if s.Detail != "" {
		detail = "; it says " + strconv.Quote(incident.Cut(s.Detail, maxDetail))
	}
	switch s.Status {
	case "running":
		return e.tell.Saw(steps.Settling, "the webhook reports that it is running%s", detail), nil
	case "succeeded":
		return e.tell.Saw(steps.Verified, "the webhook reports that it succeeded%s", detail), nil
	case "failed":
		return e.tell.Saw(steps.NotVerified, "the webhook reports that it failed%s", detail), nil
	}
	return steps.Sight{}, incident.Bad("the webhook's status must be running, succeeded or failed")
}
