package web

import (
	g "maragu.dev/gomponents"
	h "maragu.dev/gomponents/html"

	"github.com/opsguard/opsguard/pkg/brief"
	"github.com/opsguard/opsguard/pkg/incident"
)

func (v pageView) fix() g.Node {
	heading := "The fix"
	switch fix := v.Brief.Fix; {
	case v.Form == nil || fix == nil:
	case v.Form.Action == incident.Approve:
		heading = "Exactly what would run"
	default:
		heading = "Proposed fix, which this does not run"
	}
	return h.Section(h.Class("plan"), h.H2(g.Text(heading)), fixOf(v.Brief))
}

func fixOf(b *brief.Brief) g.Node {
	if b.Fix == nil {
		return g.Group{h.P(g.Text("None is proposed.")), g.If(b.ManualReason != "", h.P(auto(), foreign(b.ManualReason)))}
	}
	return plan(*b.Fix)
}

// plan is what would run, and what would become of the target.
func plan(f brief.FixText) g.Node {
	with := g.Group{g.Text("no parameters")}
	if len(f.Parameters) > 0 {
		with = g.Map(f.Parameters, func(p brief.Outside) g.Node { return g.Group{h.Code(auto(), foreign(p)), g.Text(" ")} })
	}
	effect := h.Dd(h.Class("real"), g.Text("real: the target will be changed"))
	if f.Simulated != "" {
		effect = h.Dd(g.Text(f.Simulated))
	}
	return g.Group{
		h.P(h.Class("title"), g.Text(f.Title)),
		h.Dl(term("Fix", h.Code(g.Text(f.ID))), said("On", f.Target), term("With", with), said("Risk", f.Risk), h.Dt(g.Text("Effect")), effect),
		g.Map(f.Parts, part),
	}
}

func part(p brief.Part) g.Node {
	if p.Said != "" {
		return h.P(g.Text(p.Label + ": " + p.Said + "."))
	}
	return g.Group{
		h.P(h.Class("by"), g.Text(p.Label+":")),
		h.Ul(h.Class("facts"), g.Map(p.Lines, func(l brief.Outside) g.Node { return h.Li(auto(), h.Code(foreign(l))) })),
	}
}

// candidates are the fixes of a manual review, each with a form of its own where this
// link may choose one.
func (v pageView) candidates() g.Node {
	return g.Map(v.Choices, func(c choiceView) g.Node {
		return g.Group{
			h.Section(h.Class("plan"), h.H2(g.Text(c.Fix.Heading)), plan(c.Fix), h.Dl(term("Hash", h.Code(g.Text(c.Fix.PlanHash)))),
				g.If(c.Form == nil, aside("This link does not choose it. Use the message's link to choose, or an operator's key and this hash."))),
			v.formOf(c.Form),
		}
	})
}
