package discord

import (
	"fmt"
	"strings"

	"github.com/opsguard/opsguard/pkg/brief"
)

// maxOthers is how many more embeds a message can have: Discord takes 10.
const maxOthers = 9

// together shows the others in room units: each with its links while there is room for
// them, then those that are left by name, and how many are not shown.
func together(b brief.Brief, room int) []embed {
	all, rest := linked(b.Others, room)
	if len(rest)+b.MoreOthers == 0 {
		return all
	}
	if all, rest = linked(b.Others, room-restRoom); len(all) == 0 {
		all, rest = linked(b.Others, room-moreRoom)
	}
	e := embed{Title: fmt.Sprintf("and %d more incidents together with these", len(rest)+b.MoreOthers), Color: color(b.Status)}
	used := 0
	for _, one := range all {
		used += units(one.Title) + units(one.Description)
	}
	e.Description = named(rest, min(room-used, restRoom)-moreRoom)
	return append(all, e)
}

// linked shows those that room is enough for, and returns the rest.
func linked(others []brief.Other, room int) (all []embed, rest []brief.Other) {
	for len(others) > 0 && len(all) < maxOthers-1 {
		e := other(others[0])
		size := units(e.Title) + units(e.Description)
		if size > room {
			break
		}
		room -= size
		all, others = append(all, e), others[1:]
	}
	return all, others
}

const (
	// moreRoom is for the line that says how many there are beside those with links, and
	// restRoom for that line and for some of their names.
	moreRoom = 60
	restRoom = 400
)

// named names incidents, one a line, as many as fit.
func named(others []brief.Other, room int) string {
	var lines []string
	for _, o := range others {
		line := "**" + escape(strings.ToUpper(string(o.Severity)), 20) + "** " + escape(string(o.Title), 90) + ", " + escape(o.IncidentID, 60)
		if room -= units(line) + 1; room < 0 {
			break
		}
		lines = append(lines, line)
	}
	return strings.Join(lines, "\n")
}

func other(o brief.Other) embed {
	e := embed{
		Title: escape("["+strings.ToUpper(string(o.Severity))+"] "+string(o.Title), maxTitle), Color: color(o.Status),
		Description: "**" + escape(string(o.Status), 60) + "** " + escape(o.StatusLine, 200) + "\n" + escape(o.IncidentID, 60),
	}
	if o.Fix != "" {
		e.Description += "\n" + escape(o.Fix, 300)
	}
	var links []string
	for _, l := range []struct{ text, to string }{{"Approve", o.Links.Approve}, {"Choose", o.Links.Choose}, {"Escalate", o.Links.Escalate}, {"Resolve", o.Links.Resolve}, {"Open", o.Links.View}} {
		if link := masked(l.text, l.to, maxLink); l.to != "" && link != "" {
			links = append(links, link)
		}
	}
	if len(links) > 0 {
		e.Description += "\n" + strings.Join(links, " · ")
	}
	return e
}
