package web

import (
	"strings"
	"time"

	"github.com/opsguard/opsguard/pkg/incident"
)

// The views are what is promised to callers, in this order and spelling. They
// are apart from the record's own structs, so that a change of those cannot
// change an answer unnoticed. What is absent is null; a list is never null.

type incidentView struct {
	IncidentID       string            `json:"incidentId"`
	Status           incident.Status   `json:"status"`
	Service          string            `json:"service"`
	Severity         incident.Severity `json:"severity"`
	Source           string            `json:"source"`
	Link             *string           `json:"link"` // where the sender shows it
	Occurrences      int64             `json:"occurrences"`
	CreatedAt        string            `json:"createdAt"`
	UpdatedAt        string            `json:"updatedAt"`
	Deadline         *string           `json:"deadline"`
	Analysis         *analysisView     `json:"analysis"`
	Plan             *planView         `json:"plan"`
	Candidates       []planView        `json:"candidates"` // what may be chosen in a manual review, by hash
	Caution          *string           `json:"caution"`    // what to know before one approves: done in vain before, or frozen
	Decision         *decisionView     `json:"decision"`
	StoppedBy        *string           `json:"stoppedBy"` // why the approved fix was not started, where a brake stopped it
	Attempt          *attemptView      `json:"attempt"`
	Ticket           *ticketLinkView   `json:"ticket"`
	EscalationReason *string           `json:"escalationReason"`
	Resolution       *resolutionView   `json:"resolution"`     // of an incident that was escalated before it was resolved
	LatestEvidence   *latestView       `json:"latestEvidence"` // asked for by its id: what a repeated alert said last, where it was not the same
	Flood            *floodView        `json:"flood"`          // of a flood incident, asked for by its id: what is counted there

	// What callers of the first version read: service and attempt by their old names.
	ServerName string       `json:"serverName"`
	Fix        *attemptView `json:"fix"`
}

type resolutionView struct {
	By   incident.Actor `json:"by"`
	At   string         `json:"at"`
	Note *string        `json:"note"`
}

// maxLatestLines bounds the lines of the latest evidence that are shown.
const maxLatestLines = 20

type latestView struct {
	At    string   `json:"at"`
	Lines []string `json:"lines"`
	More  int      `json:"more"` // lines that are not shown
}

func viewLatest(l incident.Latest) *latestView {
	if l.At.IsZero() {
		return nil
	}
	v := &latestView{At: incident.FormatTime(l.At), Lines: []string{}}
	for line := range strings.Lines(l.Logs) {
		switch line = strings.TrimRight(line, "\r\n"); {
		case strings.TrimSpace(line) == "":
		case len(v.Lines) < maxLatestLines:
			v.Lines = append(v.Lines, line)
		default:
			v.More++
		}
	}
	return v
}

type floodView struct {
	Shapes []foldedView `json:"shapes"`
	Others int64        `json:"others"` // alerts of more shapes
}

type foldedView struct {
	Shape string `json:"shape"`
	Count int64  `json:"count"`
}

func viewFlood(f incident.Flow) *floodView {
	if len(f.Folded) == 0 {
		return nil
	}
	v := &floodView{Others: f.Others}
	for _, one := range f.Folded {
		v.Shapes = append(v.Shapes, foldedView(one))
	}
	return v
}

type analysisView struct {
	AnalyzedBy incident.AnalyzedBy `json:"analyzedBy"`
	Cause      *string             `json:"cause"`
	Evidence   []string            `json:"evidence"`
	Confidence float64             `json:"confidence"`
	// ManualReason is why no fix is proposed; null where one is.
	ManualReason *string `json:"manualReason"`
}

type decisionView struct {
	Decision incident.Action `json:"decision"`
	By       incident.Actor  `json:"by"`
	At       string          `json:"at"`
	Reason   *string         `json:"reason"`
	Note     *string         `json:"note"`
}

type ticketLinkView struct {
	Tracker string  `json:"tracker"`
	Key     string  `json:"key"`
	URL     *string `json:"url"`
}

type eventView struct {
	Seq      int64                `json:"seq"`
	Time     string               `json:"time"`
	Actor    incident.Actor       `json:"actor"`
	Action   incident.EventAction `json:"action"`
	Details  map[string]string    `json:"details"`
	PrevHash string               `json:"prevHash"`
	Hash     string               `json:"hash"`
}

func viewIncident(inc incident.Incident, now time.Time) incidentView {
	v := incidentView{
		IncidentID: inc.ID, Status: inc.Status, Service: inc.Service, Severity: inc.Severity, Source: inc.Source, Link: orNull(inc.Link), Occurrences: inc.Occurrences,
		CreatedAt: incident.FormatTime(inc.CreatedAt), UpdatedAt: incident.FormatTime(inc.UpdatedAt),
		Plan: viewPlan(inc.Plan), Candidates: viewCandidates(inc), Attempt: viewAttempt(inc.Attempt), EscalationReason: orNull(string(inc.EscalationReason)),
	}
	v.Caution, v.StoppedBy = orNull(inc.Caution), orNull(inc.RefusalWhy)
	if v.Attempt != nil {
		v.Attempt.Lasted = inc.Lasted(now)
	}
	v.ServerName, v.Fix = v.Service, v.Attempt
	if inc.Asked != nil {
		v.Deadline = timeOrNull(&inc.Asked.Deadline)
	}
	if a := inc.Analysis; a != nil {
		v.Analysis = &analysisView{a.AnalyzedBy, orNull(causeOf(*a)), list(a.Evidence), a.Confidence, orNull(a.ManualReason)}
	}
	if d := inc.Decision; d != nil {
		v.Decision = &decisionView{d.Action, d.By, incident.FormatTime(d.At), orNull(d.Reason), orNull(d.Note)}
	}
	if r := inc.Resolution; r != nil {
		v.Resolution = &resolutionView{r.By, incident.FormatTime(r.At), orNull(r.Note)}
	}
	if t := inc.Ticket; t != nil {
		v.Ticket = &ticketLinkView{t.Tracker, t.Key, orNull(t.URL)}
	}
	return v
}

func viewEvents(events []incident.Event) []eventView {
	views := make([]eventView, 0, len(events))
	for _, e := range events {
		views = append(views, eventView{e.Seq, incident.FormatTime(e.Time), e.Actor, e.Action, object(e.Details), e.PrevHash, e.Hash})
	}
	return views
}

func orNull(s string) *string {
	if s == "" {
		return nil
	}
	return &s
}

func timeOrNull(t *time.Time) *string {
	if t == nil {
		return nil
	}
	s := incident.FormatTime(*t)
	return &s
}

func list(s []string) []string {
	if s == nil {
		return []string{}
	}
	return s
}

func object(m map[string]string) map[string]string {
	if m == nil {
		return map[string]string{}
	}
	return m
}

// causeOf is the cause and, for a manual review, why no fix is proposed and what
// to do about that: a reader who uses curl has no other place for it.
func causeOf(a incident.Analysis) string {
	return strings.TrimSpace(a.Cause + " " + a.ManualReason)
}
