package steps

import (
	"context"
	"encoding/json"
	"log/slog"
	"time"

	"github.com/opsguard/opsguard/pkg/incident"
	"github.com/opsguard/opsguard/pkg/inventory"
	"github.com/opsguard/opsguard/pkg/policy"
	"github.com/opsguard/opsguard/pkg/redact"
)

// ApproveFix is approve-fix: it takes one person's vote, asks the policy whether
// the vote decides, and once a decision stands tells the waiting execution.
type ApproveFix struct {
	Store     Incidents
	Delivery  Delivery
	Inventory *inventory.Inventory
	People    People // whose messages are brought up to date; the zero value: nobody's
	Now       Clock
	Log       *slog.Logger
}

// ApproveFixInput is one person's vote. By has been authenticated.
type ApproveFixInput struct {
	Ref      incident.Ref
	Action   incident.Action
	By       incident.Actor
	Note     string // at most MaxNote characters; redacted here
	PlanHash string // the plan that was seen; "": whichever is frozen
}

// ApproveFixOutput is the decision that stands, or how many approvals there are
// while a quorum is incomplete (Decision nil).
type ApproveFixOutput struct {
	Decision  *incident.Decision
	Approvals int
	Needed    int
	Status    incident.Status
}

// maxTell bounds how long a decision waits for messages to be edited.
const maxTell = 3 * time.Second

// MaxNote bounds a decision's note, in bytes.
const MaxNote = 1000

// Handle answers once the vote is durable; the execution may hear of it later.
func (s ApproveFix) Handle(ctx context.Context, in ApproveFixInput) (ApproveFixOutput, error) {
	if len(in.Note) > MaxNote {
		return ApproveFixOutput{}, incident.BadField("note", "has %d bytes; send at most %d", len(in.Note), MaxNote)
	}
	note, _ := redact.Text(in.Note)
	note = incident.Cut(note, MaxNote) // placeholders may be longer than what they replace
	var verdict incident.Verdict
	var afterwards *incident.Resolution
	toldNow := false // there is news for the messages
	inc, err := update(ctx, s.Store, in.Ref, func(inc incident.Incident) (incident.Change, error) {
		now := s.Now()
		if in.Action == incident.Resolve && !in.By.IsLink() && (inc.MayBeResolved(now) || inc.Resolution != nil) {
			c, err := s.afterwards(inc, in.By, note, now)
			afterwards = c.Incident.Resolution
			toldNow = !c.Empty()
			return c, err
		}
		vote := incident.Vote{Action: in.Action, By: in.By, At: now, PlanHash: in.PlanHash, Note: note}
		svc, known := s.Inventory.Lookup(inc.Service)
		verdict = policy.Decide(policy.RuleFor(svc, known, inc.PlanFor(vote)), inc.Votes, vote, now)
		c, err := inc.Vote(vote, verdict, now)
		toldNow = !c.Empty() && c.Incident.Decision != nil
		return c, err
	})
	if err != nil {
		return ApproveFixOutput{}, err
	}
	switch {
	case afterwards != nil:
		s.Log.InfoContext(ctx, "resolved after its escalation", "incidentId", inc.ID, "by", afterwards.By)
	case inc.Decision != nil:
		s.Log.InfoContext(ctx, "decision stands", "incidentId", inc.ID, "decision", inc.Decision.Action, "by", inc.Decision.By)
	default:
		s.Log.InfoContext(ctx, "vote counted", "incidentId", inc.ID, "by", in.By, "approvals", verdict.Have, "needed", verdict.Needed)
	}
	out := ApproveFixOutput{Decision: inc.Decision, Approvals: verdict.Have, Needed: verdict.Needed, Status: inc.Status}
	if r := afterwards; r != nil {
		out.Decision = &incident.Decision{Action: incident.Resolve, By: r.By, At: r.At, Note: r.Note}
	}
	ctx = context.WithoutCancel(ctx) // the caller may hang up now; the decision stands
	if toldNow {
		// Before the delivery, so that this edit cannot overtake the one that shows the end.
		courtesy, cancel := context.WithTimeout(ctx, maxTell)
		s.People.Tell(courtesy, inc)
		cancel()
	}
	if inc.Decision != nil && inc.Open() {
		if err := s.Delivery.Deliver(ctx, inc); err != nil {
			logFailure(ctx, s.Log, inc.Ref, "the decision stands but the execution could not be told; reconcile will", err)
		}
	}
	return out, nil
}

// afterwards resolves an incident that was escalated. Who may is who may decide, but
// not by a link: its message asked for a decision, and another one stands.
func (s ApproveFix) afterwards(inc incident.Incident, by incident.Actor, note string, now time.Time) (incident.Change, error) {
	svc, known := s.Inventory.Lookup(inc.Service)
	verdict := policy.Decide(policy.RuleFor(svc, known, inc.Plan), nil, incident.Vote{Action: incident.Resolve, By: by, At: now}, now)
	if !verdict.Allowed {
		return incident.Change{}, incident.Fail(incident.Forbidden, incident.CodeForbidden, "%s", verdict.Reason)
	}
	return inc.ResolveEscalated(by, note, now)
}

// Delivery tells a waiting execution the decision that stands.
type Delivery struct {
	Waits    Waits
	Workflow Deliverer
}

// decided is what WaitForApproval's callback returns to the state machine.
type decided struct {
	Decision incident.Action `json:"decision"`
	PlanHash string          `json:"planHash"`
}

// Deliver sends the standing decision to the execution that waits now. If the
// workflow no longer waits on a token, Deliver reads the stored token again. A newer
// one is tried. If it is the same, the workflow finishes by itself, and the decision
// counts as delivered.
func (d Delivery) Deliver(ctx context.Context, inc incident.Incident) error {
	output, err := json.Marshal(decided{inc.Decision.Action, inc.Decision.PlanHash})
	if err != nil {
		return err
	}
	var tried *incident.Wait
	for {
		wait, err := d.Waits.Wait(ctx, inc.Ref)
		if incident.KindOf(err) == incident.NotFound {
			return nil // not waiting yet: wait-for-approval delivers; or closed
		}
		if err != nil {
			return err
		}
		if tried != nil && wait.EnteredAt.Equal(tried.EnteredAt) && wait.RetryCount == tried.RetryCount {
			return nil
		}
		err = d.Workflow.Deliver(ctx, wait.Token, output)
		if incident.CodeOf(err) != incident.CodeTaskClosed {
			return err
		}
		tried = &wait
	}
}
