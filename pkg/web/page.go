package web

import (
	"bytes"
	"crypto/sha256"
	_ "embed" // the page's style
	"encoding/base64"
	"fmt"
	"net/http"
	"slices"
	"unicode"
	"unicode/utf8"

	"github.com/opsguard/opsguard/pkg/brief"
	"github.com/opsguard/opsguard/pkg/incident"
	"github.com/opsguard/opsguard/pkg/link"
	"github.com/opsguard/opsguard/pkg/steps"
)

//go:embed page.css
var pageCSS string

// decisionPage is the one HTML page: what a link shows before it decides.
type decisionPage struct {
	policy string // its Content-Security-Policy
	url    link.PublicURL
}

func newDecisionPage(url link.PublicURL) *decisionPage {
	style := sha256.Sum256([]byte(pageCSS))
	return &decisionPage{url: url, policy: "default-src 'none'; style-src 'sha256-" + base64.StdEncoding.EncodeToString(style[:]) +
		"'; form-action 'self'; frame-ancestors 'none'; base-uri 'none'"}
}

// pageView is one state of the page.
type pageView struct {
	Heading string
	Message string       // why there is nothing to decide; "" if there is
	After   string       // what that means for the person who pressed or followed the link
	Brief   *brief.Brief // nil when the link does not say which incident
	Channel string       // where the link was sent
	Form    *formView    // nil when there is nothing to decide, or a candidate to be chosen
	Choices []choiceView // the candidates of a manual review
}

// asks reports whether the page's link can decide now.
func (v pageView) asks() bool {
	return v.Form != nil || slices.ContainsFunc(v.Choices, func(c choiceView) bool { return c.Form != nil })
}

type formView struct {
	Path        string
	IncidentID  string
	Action      incident.Action
	Token       string
	PlanHash    string
	MaxNote     int
	Button      string
	Consequence string
	Suffix      string // tells the forms of one page apart
}

// showPage shows a link's page. It only looks; the page's form decides.
func (s *server) showPage(x *exchange, said word) error {
	inc, err := s.Read.Incident(x.r.Context(), said.ref)
	if err != nil {
		return err
	}
	err = wouldTake(inc, said.action, said.by, said.link.PlanHash, s.Now())
	choose := err == nil && inc.Decision == nil && inc.Plan == nil && said.action == incident.Approve
	if incident.CodeOf(err) == incident.CodeChoosePlan {
		choose, err = true, nil // that is what the page is for
	}
	if err == nil && inc.Decision == nil && said.expire != nil {
		err = said.expire
	}
	if err != nil {
		return s.showIncident(x, said, inc, err)
	}
	b := brief.Of(inc, brief.Links{}, s.Now())
	v := pageView{Heading: taken(said.action), Brief: &b, Channel: said.link.Channel}
	if v.Choices, err = s.choices(x, said, b); err != nil {
		return err
	}
	switch {
	case choose:
		v.Heading = "Choose one of these fixes?"
	case inc.Decision == nil:
		v.Heading, v.Form = question(said.action), s.page.form(said)
	}
	return s.page.render(x, http.StatusOK, v)
}

// refusePage answers a browser whose link or word was refused.
func (s *server) refusePage(x *exchange, said word, refused error) error {
	if said.link != nil && said.ref.ID != "" {
		if inc, err := s.Read.Incident(x.r.Context(), said.ref); err == nil {
			return s.showIncident(x, said, inc, refused)
		}
	}
	return s.page.refuse(x, refused, pageView{})
}

func (s *server) showIncident(x *exchange, said word, inc incident.Incident, refused error) error {
	b := brief.Of(inc, brief.Links{}, s.Now())
	return s.page.refuse(x, refused, pageView{Brief: &b, Channel: said.link.Channel})
}

func (p *decisionPage) refuse(x *exchange, refused error, v pageView) error {
	problem := x.failing(refused)
	setProblemHeaders(x.Header(), refused, problem)
	v.Heading, v.Message = problem.Title, message(problem, v.Brief)
	v.After = "This changed nothing."
	if problem.Status >= http.StatusInternalServerError {
		// A write whose answer was lost may have been made.
		v.After = "Open the link again in a moment: it tells how things stand."
	}
	return p.render(x, problem.Status, v)
}

func (p *decisionPage) render(x *exchange, status int, v pageView) error {
	var b bytes.Buffer
	if err := v.document().Render(&b); err != nil {
		return fmt.Errorf("render the decision page: %w", err)
	}
	x.Header().Set("Content-Security-Policy", p.policy)
	return x.send(status, "text/html; charset=utf-8", b.Bytes())
}

func (p *decisionPage) form(said word) *formView {
	f := &formView{Path: p.url.Path("/approve-fix"), IncidentID: said.ref.ID, Action: said.action, Token: said.token,
		PlanHash: said.link.PlanHash, MaxNote: steps.MaxNote / 3} // a browser counts UTF-16 units, of 3 bytes at most
	switch said.action {
	case incident.Approve:
		f.Button, f.Consequence = "Approve and run the fix", "Exactly the fix shown above will run, once."
	case incident.Escalate:
		f.Button, f.Consequence = "Escalate", "A ticket will be opened. No fix will run."
	case incident.Resolve:
		f.Button, f.Consequence = "Resolve by hand", "The incident will be closed as resolved. No fix will run."
	}
	return f
}

// message is why there is nothing to decide: by whose decision, if that is it.
func message(p problem, b *brief.Brief) string {
	switch {
	case b != nil && b.Decision != "" && (p.Type == string(incident.CodeAlreadyDecided) || p.Type == string(incident.CodeExpired)):
		return sentence(b.Decision)
	case p.Field != nil:
		return p.Detail // it begins with the field's name, which has its own spelling
	}
	return sentence(p.Detail)
}

func sentence(s string) string {
	if s == "" {
		return ""
	}
	first, size := utf8.DecodeRuneInString(s)
	return string(unicode.ToUpper(first)) + s[size:] + "."
}

func question(a incident.Action) string {
	switch a {
	case incident.Approve:
		return "Approve this fix?"
	case incident.Escalate:
		return "Escalate this incident?"
	}
	return "Close this incident as resolved?"
}

// taken heads the page of a link whose decision stands.
func taken(a incident.Action) string {
	switch a {
	case incident.Approve:
		return "Approved"
	case incident.Escalate:
		return "Escalated"
	}
	return "Resolved by hand"
}
