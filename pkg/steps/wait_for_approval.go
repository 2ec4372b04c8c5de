package steps

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"time"

	"github.com/opsguard/opsguard/pkg/brief"
	"github.com/opsguard/opsguard/pkg/incident"
	"github.com/opsguard/opsguard/pkg/inventory"
	"github.com/opsguard/opsguard/pkg/policy"
)

// WaitForApproval is wait-for-approval: it stores the task token beside the plan that
// plan-fix froze, and only then tells people. It never waits itself; the state
// machine does.
type WaitForApproval struct {
	Store    Incidents
	Delivery Delivery
	People   People
	Now      Clock
	Log      *slog.Logger
}

// WaitInput comes from the state machine's context object.
type WaitInput struct {
	incident.Ref
	TaskToken   incident.TaskToken `json:"taskToken"`
	EnteredTime time.Time          `json:"enteredTime"`
	RetryCount  int64              `json:"retryCount"`
}

// Handle returns once the token is durable and telling people was tried.
// People who could not be told are told by reconcile.
func (s WaitForApproval) Handle(ctx context.Context, in WaitInput) error {
	if in.TaskToken.IsZero() || in.EnteredTime.IsZero() {
		return incident.BadField("taskToken", "the state machine must pass $$.Task.Token and $$.State.EnteredTime")
	}
	inc, err := update(ctx, s.Store, in.Ref, func(inc incident.Incident) (incident.Change, error) {
		return inc.Await(incident.Ask{ManualReason: manual(inc), Token: in.TaskToken,
			EnteredAt: in.EnteredTime, RetryCount: in.RetryCount, Now: s.Now()})
	})
	if err != nil {
		return err
	}
	if inc.Decision != nil { // taken before this token was stored
		return s.Delivery.Deliver(ctx, inc)
	}
	if err := s.People.Ask(ctx, inc); err != nil {
		logFailure(ctx, s.Log, inc.Ref, "people could not be told; reconcile tries again", err)
	}
	return nil
}

// manual says for a human why there is no plan; "" where there is one.
func manual(inc incident.Incident) string {
	switch {
	case inc.Plan != nil:
		return ""
	case inc.Analysis == nil:
		return "The analysis failed; a person has to look."
	case inc.Proposal != nil && !inc.Analysis.PlanFailed:
		return fmt.Sprintf("The proposed fix %s could not be planned; a person has to look.", inc.Proposal.FixID)
	}
	return inc.Analysis.ManualReason
}

// People are those who are told: every channel, each with links of its own, or
// the channels that the service names in services.yaml. The console shows all.
type People struct {
	Store     Incidents
	Inventory *inventory.Inventory
	Channels  []Channel
	Links     Linker
	Together  Together
	// Later, where given, has an incident asked about again soon, because a channel was
	// out of reach. Else reconcile does.
	Later func(inc incident.Incident, after time.Duration)
	Now   Clock
	Log   *slog.Logger
}

// consoleChannel is the name of the channel that every incident is shown on.
const consoleChannel = "console"

// channelsFor returns the channels that are told of the service's incidents.
func (p People) channelsFor(service string) []Channel {
	svc, known := p.Inventory.Lookup(service)
	if !known || len(svc.Notify) == 0 {
		return p.Channels
	}
	return slices.DeleteFunc(slices.Clone(p.Channels), func(ch Channel) bool {
		return ch.Name() != consoleChannel && !slices.Contains(svc.Notify, ch.Name())
	})
}

// maxAsk bounds how long all channels together may take.
const maxAsk = 15 * time.Second

// Ask posts the incident to every channel that has not taken it yet, and records
// where. A channel that is out of reach is tried again by reconcile; one that
// refuses the message is not. Ask fails if a channel is out of reach. Two calls at
// once may both post: telling people twice is better than not at all.
func (p People) Ask(ctx context.Context, inc incident.Incident) error {
	if inc.Asked == nil || inc.Asked.NotifiedAt != nil || inc.Status != incident.WaitingForApproval {
		return nil
	}
	notices, outOfReach := p.post(ctx, inc)
	if len(notices) == 0 && outOfReach == nil && len(inc.Asked.Notices) == 0 {
		p.Log.WarnContext(ctx, "nobody was told: no channel is configured, or none takes messages", "incidentId", inc.ID, "deadline", inc.Asked.Deadline, "manualReview", inc.Plan == nil)
	}
	asked := inc.Severity
	now, err := update(ctx, p.Store, inc.Ref, func(inc incident.Incident) (incident.Change, error) {
		fresh := slices.DeleteFunc(slices.Clone(notices), func(n incident.Notice) bool {
			return n.Group != "" && inc.Severity != asked // it became worse since: its group has to send a new message
		})
		var told []string
		for _, n := range fresh {
			told = append(told, n.Channel)
		}
		return inc.Notified(fresh, outOfReach == nil && len(fresh) == len(notices) || p.toldAll(inc, told...), p.Now())
	})
	if err != nil {
		return err
	}
	if now.Decision != nil { // while the message was on its way
		p.Tell(ctx, now)
	} else if outOfReach != nil && p.Later != nil {
		p.Later(now, incident.WaitOf(outOfReach))
	}
	return outOfReach
}

// post tries the channels; outOfReach is the last failure that may pass.
func (p People) post(ctx context.Context, inc incident.Incident) (notices []incident.Notice, outOfReach error) {
	limited, cancel := context.WithTimeout(ctx, maxAsk)
	defer cancel()
	for _, ch := range p.channelsFor(inc.Service) {
		if inc.Told(ch.Name()) {
			continue
		}
		notice, err := p.postTo(limited, inc, ch)
		if errors.Is(err, errAtIt) {
			if outOfReach == nil { // a channel that is out of reach may say for how long
				outOfReach = err
			}
			continue
		}
		if err != nil {
			logFailure(ctx, p.Log, inc.Ref, "channel "+ch.Name()+" did not take the message", err)
			if incident.KindOf(err) != incident.Invalid {
				outOfReach = err
			}
			continue
		}
		notices = append(notices, notice)
	}
	if len(notices) > 0 {
		p.Log.InfoContext(ctx, "people asked", "incidentId", inc.ID, "channels", len(notices), "deadline", inc.Asked.Deadline, "manualReview", inc.Plan == nil)
	}
	return notices, outOfReach
}

// postTo tells one channel. The console shows each incident by itself.
func (p People) postTo(ctx context.Context, inc incident.Incident, ch Channel) (incident.Notice, error) {
	if p.Together.Groups != nil && p.Together.Window > 0 && ch.Name() != consoleChannel {
		return p.postTogether(ctx, inc, ch)
	}
	id, err := ch.Post(ctx, brief.Of(inc, p.Links.Links(inc, ch.Name()), p.Now()))
	return incident.Notice{Channel: ch.Name(), MessageID: id}, err
}

// DecidableLinks offers only links that can decide. Where the service names its
// approvers there are none, and where a fix needs two people there is no link to
// approve, because a link does not say who follows it.
type DecidableLinks struct {
	Linker
	Inventory *inventory.Inventory
}

// Links implements Linker.
func (l DecidableLinks) Links(inc incident.Incident, channel string) brief.Links {
	links := l.Linker.Links(inc, channel)
	svc, known := l.Inventory.Lookup(inc.Service)
	rule := policy.RuleFor(svc, known, inc.Plan)
	if len(rule.Approvers) > 0 {
		return brief.Links{View: links.View}
	}
	if rule.Quorum > 1 {
		links.Approve = ""
	}
	if !slices.ContainsFunc(inc.Candidates, func(c incident.Plan) bool { return policy.RuleFor(svc, known, &c).Quorum <= 1 }) {
		links.Choose = ""
	}
	return links
}

// Tell edits the posted messages so that they show the incident as it is now. It
// logs failures; nothing depends on it. Where the message of a group cannot be edited here,
// reconcile does: see Change's Untold.
func (p People) Tell(ctx context.Context, inc incident.Incident) {
	_ = p.tell(ctx, inc, misses{})
}

// tell is Tell. Its error is one that may pass. It passes over channels that were out of
// reach too often.
func (p People) tell(ctx context.Context, inc incident.Incident, missed misses) (later error) {
	if inc.Asked == nil {
		return nil
	}
	for _, notice := range slices.Concat(inc.Asked.Former, inc.Asked.Notices) {
		for _, ch := range p.Channels {
			if ch.Name() != notice.Channel || notice.Group != "" && p.Together.Groups == nil {
				continue
			}
			channel := "channel " + ch.Name()
			if skipped := missed.skip(channel); skipped != nil {
				later = skipped
				continue
			}
			err := p.edit(ctx, inc, ch, notice)
			if err == nil {
				continue
			}
			if !errors.Is(err, errAtIt) {
				logFailure(ctx, p.Log, inc.Ref, channel+" could not be brought up to date", err)
				missed.note(channel, err)
			}
			if incident.KindOf(err) == incident.Unavailable {
				later = err
			}
		}
	}
	return later
}

func (p People) edit(ctx context.Context, inc incident.Incident, ch Channel, notice incident.Notice) error {
	if notice.Group != "" {
		return p.editTogether(ctx, inc, ch, notice.Group)
	}
	return ch.Edit(ctx, notice.MessageID, brief.Of(inc, p.Links.Links(inc, ch.Name()), p.Now()))
}
