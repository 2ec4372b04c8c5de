package web

import (
	"strconv"
	"strings"
	"time"

	g "maragu.dev/gomponents"
	h "maragu.dev/gomponents/html"

	"github.com/opsguard/opsguard/pkg/brief"
)

// The page is built of nodes instead of a template: every text and attribute is
// escaped where it is written, and html/template would add 8 MB to each function,
// because with it the linker must keep every method there is.

// document is a state of the page as HTML.
func (v pageView) document() g.Node {
	return h.Doctype(h.HTML(h.Lang("en"),
		h.Head(
			h.Meta(h.Charset("utf-8")),
			meta("viewport", "width=device-width, initial-scale=1"),
			meta("robots", "noindex, nofollow"),
			meta("color-scheme", "light dark"),
			h.TitleEl(g.Text("OpsGuard: "+v.Heading)),
			h.StyleEl(g.Raw(pageCSS)), // ours, from the file beside this one
		),
		h.Body(h.Main(
			v.header(),
			g.Iff(v.Brief != nil, func() g.Node {
				return h.Div(h.Class("columns"),
					h.Div(v.stands(), v.happened(), v.why(), v.evidence()),
					h.Div(v.fix(), v.formOf(v.Form), v.candidates(), v.details()),
				)
			}),
		)),
	))
}

func meta(name, content string) g.Node { return h.Meta(h.Name(name), h.Content(content)) }

func (v pageView) header() g.Node {
	return h.Header(
		h.P(h.Class("brand"), g.Text("OpsGuard")),
		h.H1(g.Text(v.Heading)),
		g.If(v.Message != "", g.Group{h.P(h.Class("message"), g.Text(v.Message)), aside(v.After)}),
		g.Iff(v.Brief != nil, func() g.Node { return v.asked() }),
	)
}

func (v pageView) asked() g.Node {
	asks, because := "asked", ""
	if v.asks() {
		asks = "asks"
	}
	if v.Brief.AskedBecause != "" {
		because = ": " + v.Brief.AskedBecause
	}
	return g.Group{
		h.P(g.Text("OpsGuard " + asks + " through " + v.Channel + because + ".")),
		g.If(v.Brief.Until != "", h.P(h.Class("until"), g.Text("You can decide "+v.Brief.Until+"."))),
	}
}

// stands is how an incident stands that this link does not decide (any more).
func (v pageView) stands() g.Node {
	if v.asks() {
		return nil
	}
	b := v.Brief
	return h.Section(h.Class("now"), h.H2(g.Text("How it stands")),
		h.Dl(v.status(), said("Decision", b.Decision), outside("Note", b.Note), said("Fix", b.Outcome), said("Escalated", b.Escalated),
			outside("Ticket", b.Ticket), outside("Ticket at", b.TicketURL)),
		g.If(len(b.Steps) > 0, h.Ul(h.Class("steps"), g.Map(b.Steps, func(s brief.Outside) g.Node { return h.Li(auto(), foreign(s)) }))),
		g.If(!b.Status.Final(), aside("It may go on: open the link again to see how it stands then.")),
	)
}

func (v pageView) status() g.Node {
	return said("Status", string(v.Brief.Status)+", "+v.Brief.StatusLine)
}

func (v pageView) happened() g.Node {
	b := v.Brief
	return h.Section(h.H2(g.Text("What happened")),
		h.P(h.Class("title"), auto(), foreign(b.Title)),
		h.Dl(said("Severity", string(b.Severity)), said("Opened", b.Opened.UTC().Format(time.DateTime+" UTC")),
			g.If(b.Occurrences > 1, said("Seen", strconv.FormatInt(b.Occurrences, 10)+" times")),
			outside("Shown by its sender ("+b.Source+") at", b.SourceLink)), // as text: nobody should follow it without a look
	)
}

func (v pageView) why() g.Node {
	b := v.Brief
	if b.CauseBy == "" {
		return nil
	}
	return h.Section(h.H2(g.Text("Why we think so")),
		g.If(b.Cause != "", h.P(h.Class("cause"), auto(), foreign(b.Cause))),
		aside("Source: "+b.CauseBy),
	)
}

func (v pageView) evidence() g.Node {
	b := v.Brief
	if len(b.Evidence) == 0 {
		return nil
	}
	return h.Section(h.H2(g.Text("Evidence")),
		h.P(h.Class("warning"), g.Text("Untrusted text, as logged. Do not follow instructions or addresses in it.")),
		h.Ul(h.Class("evidence"), g.Map(b.Evidence, func(line brief.Outside) g.Node { return h.Li(auto(), h.Code(foreign(line))) })),
		g.If(b.EvidenceLeftOut > 0, aside("and "+strconv.Itoa(b.EvidenceLeftOut)+" more")),
	)
}

// formOf is a form: the one kind of thing here that acts.
func (v pageView) formOf(f *formView) g.Node {
	if f == nil {
		return nil
	}
	note := "note" + f.Suffix
	return h.Form(h.Method("post"), h.Action(f.Path),
		hidden("incidentId", f.IncidentID), hidden("action", string(f.Action)), hidden("t", f.Token), hidden("planHash", f.PlanHash),
		g.If(len(v.Brief.Approvals) > 0, h.P(g.Text("Approved so far by "+strings.Join(v.Brief.Approvals, ", ")+"."))),
		h.Label(h.For(note), g.Text("Note, kept with the decision (optional)")),
		h.Textarea(h.ID(note), h.Name("note"), h.Rows("2"), h.MaxLength(strconv.Itoa(f.MaxNote)), h.AutoComplete("off")),
		h.P(g.Text(f.Consequence)),
		h.Button(h.Type("submit"), h.Class(string(f.Action)), g.Text(f.Button)),
		aside("To decide otherwise, use another link of the same message."),
	)
}

func hidden(name, value string) g.Node {
	return h.Input(h.Type("hidden"), h.Name(name), h.Value(value))
}

func (v pageView) details() g.Node {
	b := v.Brief
	return h.Section(h.Class("details"), h.H2(g.Text("Details")),
		h.Dl(term("Incident", h.Code(g.Text(b.IncidentID))), outside("Service", b.Service),
			g.If(v.asks(), v.status()),
			g.Iff(b.Fix != nil, func() g.Node { return term("Plan", h.Code(g.Text(b.Fix.PlanHashShort))) })),
	)
}

// foreign is text from outside: escaped, in an element that says so by auto.
func foreign(text brief.Outside) g.Node { return g.Text(string(text)) }

// auto keeps text that runs from right to left from reordering ours.
func auto() g.Node { return h.Dir("auto") }

func aside(text string) g.Node { return h.P(h.Class("by"), g.Text(text)) }

func term(name string, what g.Node) g.Node { return g.Group{h.Dt(g.Text(name)), h.Dd(what)} }

// said is a line in our words, left out if there are none.
func said(name, text string) g.Node { return g.If(text != "", term(name, g.Text(text))) }

// outside is said for text from outside.
func outside(name string, text brief.Outside) g.Node {
	return g.If(text != "", g.Group{h.Dt(g.Text(name)), h.Dd(auto(), foreign(text))})
}
