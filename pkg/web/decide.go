package web

import (
	"net/http"
	"strings"
	"time"

	"github.com/opsguard/opsguard/pkg/body"
	"github.com/opsguard/opsguard/pkg/incident"
	"github.com/opsguard/opsguard/pkg/link"
	"github.com/opsguard/opsguard/pkg/steps"
)

type decidedView struct {
	IncidentID string          `json:"incidentId"`
	Decision   incident.Action `json:"decision"`
	By         incident.Actor  `json:"by"`
	At         string          `json:"at"`
	Status     incident.Status `json:"status"`
}

// pendingView is the answer while a quorum is incomplete.
type pendingView struct {
	IncidentID string           `json:"incidentId"`
	Decision   *incident.Action `json:"decision"` // always null
	Approvals  int              `json:"approvals"`
	Needed     int              `json:"needed"`
	Status     incident.Status  `json:"status"`
}

// approveByGet is GET /approve-fix: it decides for a key and for somebody on this
// machine, who typed it, but for a link only shows the page, because scanners
// follow every link they see.
func (s *server) approveByGet(x *exchange) error {
	sent, bad := x.query()
	if _, given := sent["action"]; !given && sent != nil {
		sent["action"] = string(incident.Approve)
	}
	g, err := s.granted(x, sent)
	if err == nil && g.link == nil && x.r.Method == http.MethodHead {
		return &refusal{status: http.StatusMethodNotAllowed, slug: slugMethod, allow: "GET, POST", detail: "HEAD does not decide; use GET or POST"}
	}
	return s.answerWord(x, g, err, sent, bad, s.showPage)
}

// approveByPost is POST /approve-fix: it decides, whoever may.
func (s *server) approveByPost(x *exchange) error {
	sent, bad := x.fields()
	if _, err := x.query(); err != nil && bad == nil {
		bad = err
	}
	g, err := s.granted(x, sent)
	return s.answerWord(x, g, err, sent, bad, s.decide)
}

// word is what one caller said, checked as far as it can be without the record.
type word struct {
	grant
	ref      incident.Ref
	action   incident.Action
	note     string
	planHash string
	token    string // as it was sent
}

// answerWord goes through the refusals in the order of ARCHITECTURE.md, HTTP: 401,
// 403, 404, 400, and leaves 410 and 409 to the record.
func (s *server) answerWord(x *exchange, g grant, denied error, sent body.Values, bad error, byLink func(*exchange, word) error) error {
	err := denied
	if err == nil {
		err = g.covers(sent["incidentId"], sent["action"])
	}
	var said word
	if err == nil {
		said, err = s.readWord(x, g, sent, bad)
	}
	if err == nil && g.link != nil {
		err = byLink(x, said)
	} else if err == nil {
		err = s.decide(x, said)
	}
	if _, linked := sent["t"]; err != nil && linked && wantsHTML(x.r) {
		return s.refusePage(x, said, err)
	}
	return err
}

// readWord checks what was sent. A mistake in it is told only after the incident
// was found to exist, for 404 comes before 400.
func (s *server) readWord(x *exchange, g grant, sent body.Values, bad error) (word, error) {
	id := sent["incidentId"]
	if id == "" {
		if bad == nil {
			bad = incident.BadField("incidentId", "is missing; send the incident's id, INC-...")
		}
		return word{}, bad
	}
	ref, err := refOf(id)
	if err != nil {
		return word{}, err
	}
	said := word{grant: g, ref: ref, note: sent["note"], planHash: sent["planHash"], token: sent["t"]}
	if bad == nil {
		said.action, bad = readAction(sent)
	}
	if bad == nil && len(said.note) > steps.MaxNote {
		bad = incident.BadField("note", "has %d bytes; send at most %d", len(said.note), steps.MaxNote)
	}
	if bad != nil {
		if _, err := s.Read.Incident(x.r.Context(), ref); err != nil {
			return word{}, err
		}
		return word{}, bad
	}
	return said, nil
}

func readAction(sent body.Values) (incident.Action, error) {
	action, ok := sent["action"]
	if !ok {
		return "", incident.BadField("action", "is missing; send approve, escalate or resolve")
	}
	return incident.ParseAction(action)
}

// decide passes the word on, or answers from the record where a link can no
// longer decide but did so before.
func (s *server) decide(x *exchange, said word) error {
	if l := said.link; l != nil && (said.expire != nil || said.planHash != "" && said.planHash != l.PlanHash) {
		return s.fromRecord(x, said)
	}
	if said.link != nil {
		said.planHash = said.link.PlanHash
	}
	out, err := s.Decide.Handle(x.r.Context(), steps.ApproveFixInput{
		Ref: said.ref, Action: said.action, By: said.by, Note: said.note, PlanHash: said.planHash})
	if err != nil {
		return s.withStanding(x, said.ref, err)
	}
	return s.sendDecision(x, said, out)
}

// fromRecord answers for a link that is used too late, or with another plan than
// its own: with the decision if it is the one that the link asks for, and with
// the record's refusal otherwise. It never decides.
func (s *server) fromRecord(x *exchange, said word) error {
	inc, err := s.Read.Incident(x.r.Context(), said.ref)
	if err != nil {
		return err
	}
	hash := said.planHash
	if hash == "" {
		hash = said.link.PlanHash
	}
	err = wouldTake(inc, said.action, said.by, hash, s.Now())
	switch {
	case err != nil:
		return s.withStanding(x, said.ref, err)
	case inc.Decision != nil:
		return s.sendDecision(x, said, steps.ApproveFixOutput{Decision: inc.Decision, Status: inc.Status})
	case said.expire != nil:
		return said.expire
	}
	return incident.Fail(incident.Conflict, incident.CodePlanChanged, "the link was made for another plan; look at the incident again")
}

// wouldTake asks the record's own rules whether a word could be taken now,
// without giving it; nil if it could, or if it was given before.
func wouldTake(inc incident.Incident, action incident.Action, by incident.Actor, planHash string, now time.Time) error {
	_, err := inc.Vote(incident.Vote{Action: action, By: by, PlanHash: planHash}, incident.Verdict{Allowed: true, Decides: true}, now)
	return err
}

// withStanding adds the decision that stands to a refusal because of it, and what there is
// to choose to one because nothing was chosen.
func (s *server) withStanding(x *exchange, ref incident.Ref, err error) error {
	code := incident.CodeOf(err)
	if code != incident.CodeAlreadyDecided && code != incident.CodeChoosePlan {
		return err
	}
	inc, readErr := s.Read.Incident(x.r.Context(), ref)
	switch {
	case readErr != nil: // the refusal is right without it
	case code == incident.CodeChoosePlan:
		return &choosing{err, inc.Candidates}
	case inc.Decision != nil:
		return &standing{err, *inc.Decision}
	}
	return err
}

func (s *server) sendDecision(x *exchange, said word, out steps.ApproveFixOutput) error {
	if said.link != nil && wantsHTML(x.r) {
		// The page of the same link now tells what was decided, and going back or
		// reloading sends nothing again.
		x.Header().Set("Location", s.PublicURL.Path(link.DecidePath(*said.link, said.token)))
		return x.send(http.StatusSeeOther, "text/plain; charset=utf-8", []byte("Recorded.\n"))
	}
	if out.Decision == nil {
		return x.json(http.StatusAccepted, pendingView{IncidentID: said.ref.ID, Approvals: out.Approvals, Needed: out.Needed, Status: out.Status})
	}
	d := out.Decision
	return x.json(http.StatusOK, decidedView{said.ref.ID, d.Action, d.By, incident.FormatTime(d.At), out.Status})
}

// wantsHTML reports whether the caller is a browser, which asks for it by name.
func wantsHTML(r *http.Request) bool {
	return strings.Contains(r.Header.Get("Accept"), "text/html")
}
