package discord

import (
	"fmt"
	"strings"

	"github.com/opsguard/opsguard/pkg/brief"
)

// maxOthers is how many more embeds a message can have: Discord takes 10.
const maxOthers = 9

// together shows the others in room units: each with its links while there is room for
// them, and how many are not shown.
func together(b brief.Brief, room int) []embed {
	var all []embed
	left := b.MoreOthers
	for i, o := range b.Others {
		e := other(o)
		size := units(e.Title) + units(e.Description)
		if len(all) == maxOthers-1 || size > room-moreRoom {
			left += len(b.Others) - i
			break
		}
		room -= size
		all = append(all, e)
	}
	if left > 0 {
		all = append(all, embed{Title: fmt.Sprintf("and %d more incidents together with these", left), Color: color(b.Status)})
	}
	return all
}

// moreRoom is kept for the line that tells of those that are not shown.
const moreRoom = 60

func other(o brief.Other) embed {
	e := embed{
		Title: escape("["+strings.ToUpper(string(o.Severity))+"] "+string(o.Title), maxTitle), Color: color(o.Status),
		Description: "**" + escape(string(o.Status), 60) + "** " + escape(o.StatusLine, 200) + "\n" + escape(o.IncidentID, 60),
	}
	if o.Fix != "" {
		e.Description += "\n" + escape(o.Fix, 300)
	}
	var links []string
	for _, l := range []struct{ text, to string }{{"Approve", o.Links.Approve}, {"Escalate", o.Links.Escalate}, {"Resolve", o.Links.Resolve}, {"Open", o.Links.View}} {
		if link := masked(l.text, l.to, maxLink); l.to != "" && link != "" {
			links = append(links, link)
		}
	}
	if len(links) > 0 {
		e.Description += "\n" + strings.Join(links, " · ")
	}
	return e
}
