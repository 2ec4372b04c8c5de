package link

import (
	"errors"

	"github.com/opsguard/opsguard/pkg/brief"
	"github.com/opsguard/opsguard/pkg/incident"
)

// Maker makes the links of a notification. It is a small value; where keys may
// change under a running process, make a new one from the fresh keys.
type Maker struct {
	keys Keys
	url  PublicURL
}

// NewMaker refuses to make links that nobody could follow or verify.
func NewMaker(keys Keys, url PublicURL) (Maker, error) {
	switch {
	case keys.IsZero():
		return Maker{}, errors.New("link maker: keys: there is no signing key (" + setting + ")")
	case url.IsZero():
		return Maker{}, errors.New("link maker: url: there is no public URL (OPSGUARD_PUBLIC_URL)")
	}
	return Maker{keys, url}, nil
}

// Links returns what one channel's message about the incident offers: to view it
// always, and to decide while people are asked and nobody has decided. There is
// no Approve when there is no plan. Where there are candidates instead, Choose shows
// them: its token names no plan, so it approves none.
func (m Maker) Links(inc incident.Incident, channel string) brief.Links {
	links := brief.Links{View: m.url.Incident(inc.ID)}
	if inc.Asked == nil || inc.Decision != nil || inc.Status.Final() {
		return links
	}
	c := Claims{Ref: inc.Ref, Channel: channel, Expires: inc.Asked.Deadline}
	if inc.Plan != nil {
		c.PlanHash = inc.Plan.Hash
		links.Approve = m.decide(c, incident.Approve)
	} else if len(inc.Candidates) > 0 {
		links.Choose = m.decide(c, incident.Approve)
	}
	links.Escalate = m.decide(c, incident.Escalate)
	links.Resolve = m.decide(c, incident.Resolve)
	return links
}

func (m Maker) decide(c Claims, action incident.Action) string {
	c.Action = action
	return m.url.Decide(c, m.keys.Mint(c))
}

// Viewer makes only the link that shows an incident. It needs no keys, and serves
// to update messages after the decision.
type Viewer struct{ URL PublicURL }

// Links implements steps.Linker.
func (v Viewer) Links(inc incident.Incident, _ string) brief.Links {
	return brief.Links{View: v.URL.Incident(inc.ID)}
}
