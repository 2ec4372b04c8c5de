// Package brief is what a human reads about an incident, without any markup.
// Chat, tickets, the decision page and the command line render a Brief and add no
// words about the incident. Start at Of.
//
// Text that OpsGuard did not write (an alert, a log line, a model, a person's
// note, a tracker) has the type Outside, so that a renderer cannot mix it with
// our words without noticing. Of makes it one line, bounded and free of control
// characters; escaping it for a medium is the renderer's duty.
package brief

import (
	"log/slog"
	"time"

	"github.com/opsguard/opsguard/pkg/incident"
)

// Links are the ways to decide, for one channel's message. An empty one is not
// offered (Approve is empty when there is no fix to approve). A link decides for
// any holder, so Links prints as a placeholder.
type Links struct {
	Approve  string
	Choose   string // shows the candidates of a manual review; it decides nothing itself
	Escalate string
	Resolve  string
	View     string // GET /incidents/{id}
}

const hiddenLinks = "[decision links]"

func (l Links) String() string       { return hiddenLinks }
func (l Links) GoString() string     { return hiddenLinks }
func (l Links) LogValue() slog.Value { return slog.StringValue(hiddenLinks) }

// Outside is text that came from outside OpsGuard: one line, bounded, without
// control or invisible characters, and still not to be trusted. Convert it to a
// string only to escape it for the medium at hand.
type Outside string

// Limits of text from outside, in characters.
const (
	MaxTitle        = 160
	MaxCause        = 1000
	MaxEvidence     = 5 // lines
	MaxEvidenceLine = 300
	MaxManualReason = 1000
	MaxNote         = 500
	MaxParameter    = 200
	MaxSteps        = 10 // the last ones are shown
	MaxStep         = 300
	MaxFact         = 300
	MaxFacts        = 12   // of what stays as it is
	MaxAction       = 2048 // never cut: a plan holds no longer ones
	maxService      = incident.MaxService
	maxTicketKey    = 100
	maxTicketURL    = 500
)

// Brief is one incident, worded. Strings are our words; see Outside for the
// rest. An empty field has nothing to say and is left out.
type Brief struct {
	IncidentID string
	Title      Outside // "prod-api-01: Node.js heap out of memory"
	Service    Outside
	Severity   incident.Severity
	Status     incident.Status
	StatusLine string // what goes on, to be read after Status
	// Asked tells that a person is to decide now; Links then says how.
	Asked       bool
	Opened      time.Time
	Occurrences int64
	Source      string  // by which name its sender is known here
	SourceLink  Outside // where the sender shows it, "" if nowhere; not to be followed without a look

	Cause           Outside // "" when none was found
	CauseBy         string  // who says so: "Gemini, 82 % sure", or that nobody could
	Evidence        []Outside
	EvidenceLeftOut int     // how many lines are not shown
	ManualReason    Outside // why no fix is proposed; "" when one is
	Fix             *FixText
	// Candidates are what a person who has looked may choose in a manual review; none of
	// them is proposed, and only its hash chooses one. nil once nobody is asked.
	Candidates []FixText

	AskedBecause string    // why a person is needed; "" once decided
	Deadline     time.Time // until when people may decide; zero when nobody is asked
	Until        string    // the same for a human: "until 14:05 UTC (in 3 h 59 min)"
	Approvals    []string  // who approved so far, while more are needed

	Decision  string  // "approved by key:anna at 2026-11-02 14:05 UTC"
	Note      Outside // what they wrote beside it
	Outcome   string  // how the fix ended, truthfully
	Steps     []Outside
	Escalated string  // why, in words; "" unless it is or is about to be
	Ticket    Outside // "jira OPS-12", or that there is none although there should be
	TicketURL Outside

	// Links are those that can still be used.
	Links Links

	// Others are what people are told of together with this; MoreOthers is how many more
	// there are.
	Others     []Other
	MoreOthers int
}

// LogValue keeps links and logs out of a log.
func (b Brief) LogValue() slog.Value { return slog.StringValue(b.IncidentID) }

// Of describes an incident as it is at now. It leaves out links that can no longer
// be used: there is nothing to approve, somebody decided, or the deadline passed.
func Of(inc incident.Incident, links Links, now time.Time) Brief {
	asked := mayDecide(inc, now)
	b := Brief{
		IncidentID: inc.ID, Title: title(inc), Service: line(inc.Service, maxService),
		Severity: inc.Severity, Status: inc.Status, StatusLine: statusLine(inc, now), Asked: asked,
		Opened: inc.CreatedAt, Occurrences: inc.Occurrences, Source: inline(inc.Source, MaxParameter), SourceLink: line(inc.Link, incident.MaxLink),
		Fix: fixText(inc), Approvals: approvals(inc),
		Decision: decisionLine(inc.Decision), Outcome: outcomeLine(inc), Escalated: escalated(inc),
		Links: Links{View: links.View},
	}
	b.addAnalysis(inc)
	if asked {
		b.Deadline = inc.Asked.Deadline
		b.Until = until(b.Deadline, now)
		b.AskedBecause = askedBecause(inc)
		b.Links.Escalate, b.Links.Resolve = links.Escalate, links.Resolve
		if inc.Plan != nil {
			b.Links.Approve = links.Approve
		} else if b.Candidates = candidates(inc); len(b.Candidates) > 0 {
			b.Links.Choose = links.Choose
		}
	}
	if inc.Decision != nil {
		b.Note = line(inc.Decision.Note, MaxNote)
	}
	if inc.Attempt != nil {
		b.Steps = steps(*inc.Attempt)
	}
	if inc.RefusalWhy != "" {
		b.Steps = append(b.Steps, line("not started: "+inc.RefusalWhy, MaxStep))
	}
	b.Ticket, b.TicketURL = ticket(inc)
	return b
}

// mayDecide reports whether a person can decide now.
func mayDecide(inc incident.Incident, now time.Time) bool {
	return inc.Status == incident.WaitingForApproval && inc.Decision == nil &&
		inc.Asked != nil && now.Before(inc.Asked.Deadline)
}

func (b *Brief) addAnalysis(inc incident.Incident) {
	a := inc.Analysis
	if a == nil {
		return
	}
	b.Cause = line(a.Cause, MaxCause)
	b.CauseBy = causeBy(*a)
	for _, l := range a.Evidence {
		if l := line(l, MaxEvidenceLine); l == "" {
			continue
		} else if len(b.Evidence) < MaxEvidence {
			b.Evidence = append(b.Evidence, l)
		} else {
			b.EvidenceLeftOut++
		}
	}
	if inc.Plan == nil {
		b.ManualReason = line(a.ManualReason, MaxManualReason)
	}
}
