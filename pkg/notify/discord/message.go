package discord

import (
	"fmt"
	"strings"

	"github.com/opsguard/opsguard/pkg/brief"
	"github.com/opsguard/opsguard/pkg/incident"
)

// Limits that Discord documents for a message, in characters. The others (content
// 2,000; 25 fields; a field's name 256 and value 1,024) are kept by the fixed
// shares that the parts get below and in fields.go.
const (
	maxTitle       = 256
	maxDescription = 4096
	maxEmbeds      = 6000 // title, description, names and values together
)

type message struct {
	Content         string   `json:"content"`
	Embeds          []embed  `json:"embeds"`
	AllowedMentions mentions `json:"allowed_mentions"`
}

// mentions with an empty list lets nothing notify anybody. It must be sent with
// every edit too: an edit without it is parsed with Discord's defaults.
type mentions struct {
	Parse []string `json:"parse"`
}

type embed struct {
	Title       string  `json:"title"`
	Description string  `json:"description,omitempty"`
	Color       int     `json:"color"`
	Fields      []field `json:"fields"`
}

type field struct {
	Name   string `json:"name"`
	Value  string `json:"value"`
	Inline bool   `json:"inline"`
}

// render lays a brief out. What must be there (fix, decision, links) is laid out
// first; cause and evidence share the room that is left.
func render(b brief.Brief) message {
	title := "[" + strings.ToUpper(string(b.Severity)) + "] " + string(b.Title)
	e := embed{Title: escape(title, maxTitle), Color: color(b.Status), Fields: fields(b)}
	room := maxEmbeds - units(e.Title)
	for _, f := range e.Fields {
		room -= units(f.Name) + units(f.Value)
	}
	others := together(b, room/2)
	for _, o := range others {
		room -= units(o.Title) + units(o.Description)
	}
	e.Description = why(b, min(room, maxDescription))
	// No text from outside: Discord opens an invite in content (discord.gg/X) even without a scheme, and no escape stops it.
	// In embeds it opens none.
	content := "**" + escape(string(b.Status), 60) + "** " + escape(b.StatusLine, 200) + ": " + string(b.Severity) + ", " + escape(b.IncidentID, 60)
	if more := len(b.Others) + b.MoreOthers; more > 0 {
		content += fmt.Sprintf(", and %d more", more)
	}
	return message{
		Content:         content,
		Embeds:          append([]embed{e}, others...),
		AllowedMentions: mentions{Parse: []string{}},
	}
}

// color is the stripe beside the message.
func color(s incident.Status) int {
	switch s {
	case incident.Resolved:
		return 0x2e7d32 // green
	case incident.Escalated:
		return 0xc62828 // red
	case incident.ExecutingFix:
		return 0x1565c0 // blue
	}
	return 0xf9a825 // amber
}

// why words cause and evidence in at most room units: a third for the cause, the
// rest shared by the lines of evidence.
func why(b brief.Brief, room int) string {
	var lines []string
	add := func(l string) {
		lines = append(lines, l)
		room -= units(l) + 1
	}
	if b.CauseBy != "" {
		add("**Why** (" + escape(b.CauseBy, 100) + ")")
	}
	if b.Cause != "" {
		add(quote(b.Cause, room/3))
	}
	if len(b.Evidence) == 0 {
		return strings.Join(lines, "\n")
	}
	add("**Evidence**, as logged")
	room -= len("and 999999 more lines") // kept for the end
	for i, l := range b.Evidence {
		share := room / (len(b.Evidence) - i)
		if share < 20 { // too little to tell anything
			break
		}
		add(quote(l, share-1))
	}
	if b.EvidenceLeftOut > 0 {
		add(fmt.Sprintf("and %d more lines", min(b.EvidenceLeftOut, 999_999)))
	}
	return strings.Join(lines, "\n")
}
