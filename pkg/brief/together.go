package brief

import (
	"fmt"
	"strings"
	"time"

	"github.com/opsguard/opsguard/pkg/incident"
)

// Other is an incident that people are told of together with the brief's own, in a line
// and its links.
type Other struct {
	IncidentID string
	Title      Outside
	Severity   incident.Severity
	Status     incident.Status
	StatusLine string
	Fix        string // what is proposed, "" for nothing
	Links      Links  // those that can still be used
}

// OtherOf describes an incident as one of others.
func OtherOf(inc incident.Incident, links Links, now time.Time) Other {
	b := Of(inc, links, now)
	o := Other{b.IncidentID, b.Title, b.Severity, b.Status, b.StatusLine, "", b.Links}
	if b.Fix != nil && b.Asked {
		o.Fix = b.Fix.Title + " on " + b.Fix.Target
	}
	if n := len(b.Candidates); n > 0 {
		o.Fix = fmt.Sprintf("none is proposed; %d may be chosen", n)
	}
	return o
}

// others lists them in plain text.
func (t *textWriter) others(b Brief) {
	if len(b.Others) == 0 {
		return
	}
	t.printf("\nTogether with it\n")
	for _, o := range b.Others {
		t.printf("  %s [%s] %s, %s\n", o.IncidentID, strings.ToUpper(string(o.Severity)), o.Status, o.StatusLine)
		t.quote(o.Title)
		t.field("  fix", o.Fix)
	}
	if b.MoreOthers > 0 {
		t.printf("  and %d more incidents\n", b.MoreOthers)
	}
}
