package steps

import (
	"cmp"
	"context"
	"slices"
	"time"

	"github.com/opsguard/opsguard/pkg/brief"
	"github.com/opsguard/opsguard/pkg/incident"
)

// Groups keeps who is told of together.
type Groups interface {
	// UpdateGroup changes a group, the zero value if there is none of that key. change may
	// be called again, with another one, when somebody else changed it meanwhile.
	UpdateGroup(ctx context.Context, tenant, key string, change func(*incident.Group)) error
}

// Together has people told in one message of what belongs together. The zero value tells
// of each incident by itself.
type Together struct {
	Groups Groups
	Window time.Duration // incidents that people are asked about within it of the last one belong together
	// Alone: only messages that show one incident are edited here, because the links of
	// others could not be made. Reconcile edits the rest.
	Alone bool
}

// errAtIt is that somebody else is at the group's message, and will show this incident.
var errAtIt = incident.Limited("another process is at the message of this incident's group", time.Second)

// currentKey is where the group is that a service's incidents come to now, and groupKey
// where a group is for good.
func currentKey(channel, joined string) string { return "current/" + channel + "/" + joined }
func groupKey(channel, id string) string       { return "group/" + channel + "/" + id }

// groupFor returns the group of an incident that people are to be told of now.
func (p People) groupFor(ctx context.Context, inc incident.Incident, channel string) (id string, err error) {
	for _, n := range slices.Concat(inc.Asked.Former, inc.Asked.Notices) {
		if n.Channel == channel && n.Group != "" {
			return n.Group, nil // it is worse than it was; it stays where it is
		}
	}
	err = p.Together.Groups.UpdateGroup(ctx, inc.Tenant, currentKey(channel, p.Inventory.Joined(inc.Service)), func(g *incident.Group) {
		if !g.Has(inc.ID) && !g.Takes(p.Together.Window, p.Now()) {
			g.Begin(inc.ID, p.Now())
		}
		g.Join(inc, p.Now())
		id = g.ID
	})
	return id, err
}

// postTogether tells of an incident in the message of its group.
func (p People) postTogether(ctx context.Context, inc incident.Incident, ch Channel) (incident.Notice, error) {
	id, err := p.groupFor(ctx, inc, ch.Name())
	if err != nil {
		return incident.Notice{}, err
	}
	message, err := p.show(ctx, inc, ch, id, true, func(g *incident.Group) {
		if g.ID == "" {
			g.Begin(id, p.Now())
		}
		g.Join(inc, p.Now())
	})
	return incident.Notice{Channel: ch.Name(), MessageID: message, Group: id}, err
}

// editTogether shows in the message of its group how an incident is now. errAtIt: the one
// who is at it will, unless that fails.
func (p People) editTogether(ctx context.Context, inc incident.Incident, ch Channel, id string) error {
	_, err := p.show(ctx, inc, ch, id, false, func(g *incident.Group) { g.Note(inc) })
	return err
}

// maxNote bounds how long it takes to note what became of a message. It may be noted
// after the time for the message itself is over.
const maxNote = 3 * time.Second

// show makes a change to a group and brings its message up to date, until it shows every
// change or somebody else is at it. mayPost is false where nobody is to be told anew. What
// others changed meanwhile is theirs to tell if it cannot be shown.
func (p People) show(ctx context.Context, inc incident.Incident, ch Channel, id string, mayPost bool, change func(*incident.Group)) (message string, err error) {
	key, by := groupKey(ch.Name(), id), inc.ID
	update := func(ctx context.Context, change func(*incident.Group)) error {
		return p.Together.Groups.UpdateGroup(ctx, inc.Tenant, key, change)
	}
	note := func(change func(*incident.Group)) error {
		ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), maxNote)
		defer cancel()
		return update(ctx, change)
	}
	for {
		var turn incident.Turn
		var g incident.Group
		err := update(ctx, func(now *incident.Group) {
			change(now)
			if turn = incident.TurnNone; !p.Together.Alone || len(now.Members) < 2 {
				turn = now.Take(by, mayPost, p.Now())
			}
			g = now.Clone()
		})
		switch {
		case message != "" && (err != nil || turn == incident.TurnWait):
			return message, nil
		case err != nil:
			return "", err
		case turn == incident.TurnNone:
			return g.Message, nil
		case turn == incident.TurnWait:
			return "", errAtIt
		}
		posted, told, whole, err := p.deliver(ctx, inc.Ref, ch, g, turn)
		if err != nil {
			gone := turn == incident.TurnEdit && incident.KindOf(err) == incident.Invalid
			left := note(func(now *incident.Group) {
				if gone && mayPost {
					now.Lost(by)
					return
				}
				now.Leave(by)
			})
			switch {
			case gone && mayPost && left == nil:
				message, change = "", func(*incident.Group) {}
				continue // the message was deleted, and people are still to be told
			case message != "":
				logFailure(ctx, p.Log, inc.Ref, "channel "+ch.Name()+" could not be brought up to date", err)
				return message, nil
			}
			return "", cmp.Or(err, left)
		}
		shown := g.Changed
		if !whole {
			shown = 0 // whoever is not in it has it edited once more
		}
		if err := note(func(now *incident.Group) { now.Done(by, posted, shown, g.WorstMember()) }); err != nil {
			return "", err
		}
		message = cmp.Or(posted, g.Message)
		changed := p.tellOthers(ctx, inc, told, incident.Notice{Channel: ch.Name(), MessageID: message, Group: id})
		change = func(g *incident.Group) {
			for _, other := range changed {
				g.Note(other)
			}
		}
		if !whole {
			return message, nil
		}
	}
}

// maxTogether is how many incidents beside the first a message says something of.
const maxTogether = 12

// deliver posts or edits a group's message because of one of its incidents, and returns
// which it tells of, and whether these are all that it was to tell of.
func (p People) deliver(ctx context.Context, own incident.Ref, ch Channel, g incident.Group, turn incident.Turn) (posted string, told []incident.Incident, whole bool, err error) {
	b, told, whole, err := p.together(ctx, own, ch.Name(), g)
	if err != nil {
		return "", nil, false, err
	}
	if turn == incident.TurnEdit {
		return "", told, whole, ch.Edit(ctx, g.Message, b)
	}
	if posted, err = ch.Post(ctx, b); err != nil {
		return "", nil, false, err
	}
	for _, older := range append(slices.Clone(g.Older), g.Message) {
		if older == "" {
			continue
		}
		if err := ch.Edit(ctx, older, b); err != nil {
			p.Log.WarnContext(ctx, "channel "+ch.Name()+" could not be brought up to date", "incidentId", g.ID, "error", err.Error())
		}
	}
	return posted, told, whole, nil
}

// together words a group: the probable root first, then what is worst. An incident whose
// record cannot be read is only counted, or it would keep people from being told of any.
func (p People) together(ctx context.Context, own incident.Ref, channel string, g incident.Group) (b brief.Brief, all []incident.Incident, whole bool, err error) {
	members := p.inOrder(g.Members)
	members = members[:min(len(members), maxTogether+1)]
	for _, m := range members {
		inc, failed := p.Store.Load(ctx, incident.Ref{Tenant: own.Tenant, ID: m.ID})
		if failed != nil {
			if err = failed; m.ID == own.ID {
				return b, nil, false, err
			}
			logFailure(ctx, p.Log, incident.Ref{Tenant: own.Tenant, ID: m.ID}, "people cannot be told of it together with "+own.ID, err)
			continue
		}
		all = append(all, inc)
	}
	if len(all) == 0 {
		return b, nil, false, cmp.Or(err, error(incident.BadField("group", "has no incidents")))
	}
	b = brief.Of(all[0], p.Links.Links(all[0], channel), p.Now())
	for _, inc := range all[1:] {
		b.Others = append(b.Others, brief.OtherOf(inc, p.Links.Links(inc, channel), p.Now()))
	}
	b.MoreOthers = g.Size() - len(all)
	return b, all, len(all) == len(members), nil
}

// inOrder puts the worst incident of the service that the others depend on first, then
// the others by what people need to see first; those that are alike as they came.
func (p People) inOrder(members []incident.Member) []incident.Member {
	var services []string
	for _, m := range members {
		if !slices.Contains(services, m.Service) {
			services = append(services, m.Service)
		}
	}
	members = slices.Clone(members)
	slices.SortStableFunc(members, incident.Member.Compare)
	root := p.Inventory.Root(services)
	i := slices.IndexFunc(members, func(m incident.Member) bool { return m.Service == root })
	if i > 0 && members[i].Settled == members[0].Settled {
		first := members[i]
		members = slices.Insert(slices.Delete(members, i, i+1), 0, first)
	}
	return members
}

// tellOthers records for the other incidents that the message told of them, unless one
// became worse since. What cannot be recorded, reconcile finds shown already. It returns
// those that were decided on while the message was on its way.
func (p People) tellOthers(ctx context.Context, inc incident.Incident, told []incident.Incident, notice incident.Notice) (changed []incident.Incident) {
	for _, other := range told {
		if other.Ref == inc.Ref || other.Told(notice.Channel) || other.Asked == nil || other.Status != incident.WaitingForApproval {
			continue
		}
		recorded, err := update(ctx, p.Store, other.Ref, func(now incident.Incident) (incident.Change, error) {
			if now.Severity != other.Severity {
				return incident.Change{Incident: now}, nil
			}
			return now.Notified([]incident.Notice{notice}, p.toldAll(now, notice.Channel), p.Now())
		})
		if err != nil {
			logFailure(ctx, p.Log, other.Ref, "it could not be recorded that people were told together with "+inc.ID, err)
		} else if other.Decision == nil && recorded.Decision != nil {
			changed = append(changed, recorded)
		}
	}
	return changed
}

// toldAll reports whether every channel has been told, with these ones.
func (p People) toldAll(inc incident.Incident, with ...string) bool {
	return !slices.ContainsFunc(p.channelsFor(inc.Service), func(ch Channel) bool {
		return !inc.Told(ch.Name()) && !slices.Contains(with, ch.Name())
	})
}
