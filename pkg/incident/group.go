package incident

import (
	"reflect"
	"slices"
	"time"
)

const (
	// groupLife is how long a group takes incidents after its first one.
	groupLife = 30 * time.Minute
	// maxMembers bounds the incidents of a group that are kept with their severity, those
	// that wait for people and the worst of all; maxRest those of which only the id is kept. More are counted.
	maxMembers = 50
	maxRest    = 1000
	// maxOlder bounds the older messages of a group that are kept up to date.
	maxOlder = 4
	// turnTime is how long one process may be at a group's message before another takes
	// it for dead.
	turnTime = 20 * time.Second
)

// Group is what people are told together in one channel: incidents of one service, or of
// services that depend on each other, that people were asked about within a few minutes.
// Each is decided on its own. One process at a time is at the message; the others leave
// it to that one what has changed.
type Group struct {
	Version int64     `json:"version"` // counts changes, for stores that need a lock
	ID      string    `json:"id"`      // of the incident that began it
	Begun   time.Time `json:"begun"`
	Last    time.Time `json:"last"` // when the last incident came to it
	Members []Member  `json:"members"`
	Rest    []string  `json:"rest"` // the ends of more incidents' ids
	Beyond  int       `json:"beyond"`

	Message string    `json:"message"` // "" while there is none
	Older   []string  `json:"older"`   // messages from when the worst was less severe
	Worst   Severity  `json:"worst"`   // of what the message was sent for
	Changed int64     `json:"changed"` // counts what has to be shown
	Shown   int64     `json:"shown"`   // up to which of it the message shows
	By      string    `json:"by"`      // who is at the message; "" for nobody
	Since   time.Time `json:"since"`
}

// Member is an incident of a group.
type Member struct {
	ID       string   `json:"id"`
	Service  string   `json:"service"`
	Severity Severity `json:"severity"`
	Version  int64    `json:"version"`           // of its record, as it is to be shown
	Settled  bool     `json:"settled,omitempty"` // nobody is to decide on it any more
}

// memberOf is how an incident stands in its group.
func memberOf(inc Incident) Member {
	return Member{inc.ID, inc.Service, inc.Severity, inc.Version, inc.Decision != nil || inc.Status.Final()}
}

// Compare orders members by what people need to see first: what waits for them, then what
// is worst.
func (m Member) Compare(other Member) int {
	switch {
	case m.Settled != other.Settled:
		if other.Settled {
			return -1
		}
		return 1
	case m.Severity.Above(other.Severity):
		return -1
	case other.Severity.Above(m.Severity):
		return 1
	}
	return 0
}

// Turn is what whoever asks has to do about a group's message.
type Turn string

const (
	TurnNone Turn = ""     // it shows everything
	TurnWait Turn = "wait" // somebody else is at it, and will show it
	TurnPost Turn = "post"
	TurnEdit Turn = "edit"
)

// Takes reports whether the group is one that an incident may come to now: the last one
// came within the window.
func (g *Group) Takes(window time.Duration, now time.Time) bool {
	return g.ID != "" && now.Before(g.Last.Add(window)) && now.Before(g.Begun.Add(groupLife))
}

// Has reports whether an incident came to the group. Of more than it keeps it does not know.
func (g *Group) Has(id string) bool {
	return slices.ContainsFunc(g.Members, func(m Member) bool { return m.ID == id }) || slices.Contains(g.Rest, short(id))
}

// Begin makes it a new group.
func (g *Group) Begin(id string, now time.Time) {
	*g = Group{Version: g.Version, ID: id, Begun: now, Last: now}
}

// Join puts an incident into the group, or takes note of how severe it has become.
func (g *Group) Join(inc Incident, now time.Time) {
	i := slices.IndexFunc(g.Members, func(one Member) bool { return one.ID == inc.ID })
	rest := slices.Index(g.Rest, short(inc.ID))
	switch {
	case i >= 0:
		g.Note(inc)
		return
	case rest < 0:
		g.Last = now
		g.Changed++
	}
	m := memberOf(inc)
	if len(g.Members) < maxMembers {
		g.Members = append(g.Members, m)
		return
	}
	least := 0
	for i := range g.Members {
		if g.Members[least].Compare(g.Members[i]) < 0 {
			least = i
		}
	}
	if m.Compare(g.Members[least]) < 0 {
		if rest >= 0 {
			g.Rest = slices.Delete(g.Rest, rest, rest+1)
		}
		m, g.Members[least] = g.Members[least], m
		g.Changed++
		rest = -1
	}
	switch {
	case rest >= 0:
	case len(g.Rest) < maxRest:
		g.Rest = append(g.Rest, short(m.ID))
	default:
		g.Beyond++
	}
}

// short is the end of an id, which tells it from the others of a group.
func short(id string) string { return id[max(0, len(id)-12):] }

// Size is how many incidents came to the group.
func (g *Group) Size() int { return len(g.Members) + len(g.Rest) + g.Beyond }

// Note takes note of how an incident of the group is now.
func (g *Group) Note(inc Incident) {
	i := slices.IndexFunc(g.Members, func(one Member) bool { return one.ID == inc.ID })
	if i < 0 || g.Members[i].Version >= inc.Version {
		return
	}
	g.Members[i] = memberOf(inc)
	g.Changed++
}

// WorstMember is the severity of the worst member that waits for people.
func (g *Group) WorstMember() Severity {
	worst := Low
	for _, m := range g.Members {
		if !m.Settled && m.Severity.Above(worst) {
			worst = m.Severity
		}
	}
	return worst
}

// Take asks for the turn at the message. A message about something worse than what the
// last one was sent for is a new one, because an edit wakes nobody. mayPost is false where
// nobody is to be told anew: then what there is no message for is left to those who tell.
func (g *Group) Take(by string, mayPost bool, now time.Time) Turn {
	worse := mayPost && g.Message != "" && g.WorstMember().Above(g.Worst)
	switch {
	case g.Message != "" && g.Shown == g.Changed && !worse, g.Message == "" && !mayPost:
		return TurnNone
	case g.By != "" && g.By != by && now.Before(g.Since.Add(turnTime)):
		return TurnWait
	}
	g.By, g.Since = by, now
	if g.Message == "" || worse {
		return TurnPost
	}
	return TurnEdit
}

// Done gives the turn back. message is the one that was posted, "" where it was edited;
// shown is what it shows.
func (g *Group) Done(by, message string, shown int64, worst Severity) {
	if g.By == by {
		g.By = ""
	}
	if message != "" {
		if g.Message != "" && g.Message != message {
			g.Older = append(g.Older, g.Message)
			g.Older = g.Older[max(0, len(g.Older)-maxOlder):]
		}
		g.Message, g.Worst = message, worst
	}
	g.Shown = max(g.Shown, shown)
}

// Leave gives the turn back with nothing shown.
func (g *Group) Leave(by string) {
	if g.By == by {
		g.By = ""
	}
}

// Lost forgets a message that is not there any more, so that the next one is posted.
func (g *Group) Lost(by string) {
	g.Leave(by)
	g.Message, g.Shown = "", 0
}

// Update makes a change, counts it, and reports whether it was one.
func (g *Group) Update(change func(*Group)) bool {
	before := g.Clone()
	if change(g); reflect.DeepEqual(before, *g) {
		return false
	}
	g.Version++
	return true
}

// Clone returns a copy that shares nothing.
func (g Group) Clone() Group {
	g.Members, g.Rest, g.Older = slices.Clone(g.Members), slices.Clone(g.Rest), slices.Clone(g.Older)
	return g
}
