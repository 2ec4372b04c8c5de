package discord

import (
	"fmt"
	"net/url"
	"strings"

	"github.com/opsguard/opsguard/pkg/brief"
	"github.com/opsguard/opsguard/pkg/incident"
)

// Shares of a field's value, in units, chosen so that all fields together leave
// room for cause and evidence.
const (
	maxManual = 600
	maxFix    = 700
	// maxChoose is for the candidates of a manual review; they take it from its reason.
	maxChoose = 350
	maxPart   = 100 // one thing about a plan
	maxLink   = 600
	maxLines  = 700
	maxSource = 500
)

func fields(b brief.Brief) []field {
	var fs []field
	add := func(name, value string, inline bool) {
		if value != "" {
			fs = append(fs, field{name, value, inline})
		}
	}
	if b.Fix != nil {
		add(escape(b.Fix.Heading, 100), fixValue(*b.Fix), false)
	}
	if b.ManualReason != "" {
		room := maxManual
		if len(b.Candidates) > 0 {
			room -= maxChoose
		}
		add("No fix is proposed", quote(b.ManualReason, room), false)
	}
	add("What may be chosen", chooseValue(b.Candidates), false)
	if b.Asked {
		add("Decide", decideValue(b), false)
		add("Approve", linkValue("Approve: the fix runs", b.Links.Approve), true)
		add("Choose", linkValue("Look and choose a fix", b.Links.Choose), true)
		add("Escalate", linkValue("Escalate: open a ticket", b.Links.Escalate), true)
		add("Resolve", linkValue("Resolve: it is dealt with", b.Links.Resolve), true)
	}
	add("Decision", lines(escape(b.Decision, maxLines/2), b.Note), false)
	add("Fix result", lines(escape(b.Outcome, maxLines/2), b.Steps...), false)
	add("Escalated", escape(b.Escalated, maxLines/2), false)
	add("Ticket", ticketValue(b), false)
	add("Shown by its sender", sourceValue(b), false)
	about := escape(b.IncidentID, 60)
	if link := masked("open", b.Links.View, maxLink); link != "" {
		about += " (" + link + ")"
	}
	if b.Occurrences > 1 {
		about += fmt.Sprintf(", seen %d times", b.Occurrences)
	}
	add("Incident", about, false)
	return fs
}

func fixValue(f brief.FixText) string {
	value := escape(f.Title+" ("+f.ID+")", 200) + "\n" + escape("on "+f.Target+", risk "+f.Risk+", plan "+f.PlanHashShort, 200)
	if f.Simulated != "" {
		value += "\n**" + escape(f.Simulated, 80) + "**"
	}
	for _, p := range f.Parameters {
		line := "\n" + quote("with "+p, 120)
		if units(value+line) > maxFix {
			return value + "\nand more parameters"
		}
		value += line
	}
	return withParts(value, f.Parts)
}

const morePlan = "\nand more, which is not shown here"

// withParts adds what would become of the target: of each part its first line, as many as
// fit. Who approves sees all of it on the page.
func withParts(value string, parts []brief.Part) string {
	cut := false
	for _, p := range parts {
		text := p.Label + ": " + p.Said
		if p.Said == "" {
			text += string(p.Lines[0])
			cut = cut || len(p.Lines) > 1
		}
		line := "\n" + quote(brief.Outside(text), maxPart)
		cut = cut || strings.HasSuffix(line, "…")
		if units(value+line+morePlan) > maxFix {
			return value + morePlan
		}
		value += line
	}
	if cut {
		value += morePlan
	}
	return value
}

// chooseValue lists the candidates of a manual review. Chat chooses none: the page shows
// what each would do.
func chooseValue(candidates []brief.FixText) string {
	var lines []string
	for _, f := range candidates {
		lines = append(lines, quote(brief.Outside(f.ID+", risk "+f.Risk+": "+f.Title), maxChoose/incident.MaxCandidates-1))
	}
	return strings.Join(lines, "\n")
}

// decideValue lets each reader's Discord show the deadline in their own time and
// count down to it.
func decideValue(b brief.Brief) string {
	at := b.Deadline.Unix()
	value := fmt.Sprintf("until <t:%d:f>, <t:%d:R>; %s", at, at, escape(b.AskedBecause, 200))
	if len(b.Approvals) > 0 {
		value += "\napproved so far by " + escape(strings.Join(b.Approvals, ", "), 200) + "; more are needed"
	}
	return value
}

func linkValue(text, to string) string {
	if to == "" {
		return ""
	}
	if link := masked(text, to, maxLink); link != "" {
		return link
	}
	return "this link is too long for Discord; decide with an operator's key"
}

// hostChars are those of a host's name.
const hostChars = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ.-" + decimals

// ticketValue links the ticket: its URL is the tracker's, which whoever runs
// OpsGuard has chosen, not an alert's.
func ticketValue(b brief.Brief) string {
	u, err := url.Parse(string(b.TicketURL))
	if err == nil && u.Scheme == "https" && only(u.Hostname(), hostChars) && (u.Port() == "" || only(u.Port(), decimals)) && u.User == nil {
		if link := masked("open it", u.String(), maxLines/2); link != "" {
			return escape(string(b.Ticket), maxLines/2-3) + " (" + link + ")"
		}
	}
	return lines(escape(string(b.Ticket), maxLines/2), b.TicketURL)
}

// sourceValue is where the sender shows it: as text, because it is the sender's choice.
func sourceValue(b brief.Brief) string {
	if b.SourceLink == "" {
		return ""
	}
	name := escape(b.Source, 100)
	return name + "\n" + quote(b.SourceLink, maxSource-units(name)-1)
}

// lines puts text from outside under a first line of ours, as much as fits;
// nothing if there is no first line.
func lines(first string, outside ...brief.Outside) string {
	if first == "" {
		return ""
	}
	value := first
	for _, l := range outside {
		if l == "" {
			continue
		}
		room := maxLines - units(value) - 1
		if room < 20 {
			break
		}
		value += "\n" + quote(l, min(room, 150))
	}
	return value
}
