package unleash

import (
	"context"
	"net/http"

	"github.com/opsguard/opsguard/pkg/incident"
	"github.com/opsguard/opsguard/pkg/steps"
)

// Look implements steps.Executor.
func (e *Executor) Look(ctx context.Context, p incident.Proposal) (incident.State, error) {
	if p.FixID != fix {
		return nil, incident.BadField("fixId", "%s cannot be done on a flag of Unleash", p.FixID)
	}
	on, err := e.on(ctx)
	if err != nil {
		return nil, err
	}
	if !on {
		return nil, incident.Bad("the flag is already off in %s", e.settings.Environment)
	}
	return incident.State{"enabled": "true"}, nil
}

// Plan implements steps.Executor.
func (e *Executor) Plan(present incident.State, p incident.Proposal) (incident.Draft, error) {
	if p.FixID != fix {
		return incident.Draft{}, incident.BadField("fixId", "%s cannot be done on a flag of Unleash", p.FixID)
	}
	return incident.Draft{
		Actions: []string{"POST " + e.path("/off")}, Present: present, Wanted: incident.State{"enabled": "false"},
		Undo:  incident.Undo{Actions: []string{"POST " + e.path("/on")}, Wanted: incident.State{"enabled": "true"}},
		Limit: limit, Blast: incident.Blast{Affected: 1, Of: 1, Unit: "flags"},
		Rights: []string{"UPDATE_FEATURE_ENVIRONMENT on " + e.settings.Project + "/" + e.settings.Environment},
	}, nil
}

// Act implements steps.Executor.
func (e *Executor) Act(ctx context.Context, o steps.Order) steps.Acted {
	if late, is := e.tell.Late(ctx, fix); is {
		return late
	}
	on, err := e.on(ctx)
	switch {
	case err != nil:
		return e.tell.Refused(fix, "%s", err.Error())
	case !on:
		return e.tell.Refused(fix, "somebody has turned the flag off since the plan was made")
	}
	return e.toggle(ctx, fix, "/off")
}

// toggle asks for the change. The receipt holds the event that it left, by which an
// undoing tells whether anybody toggled the flag afterwards.
func (e *Executor) toggle(ctx context.Context, name, to string) steps.Acted {
	a, err := e.call(ctx, http.MethodPost, e.path(to))
	if err != nil {
		return e.tell.Ended(name, a, err)
	}
	receipt := incident.State{"toggled": to[1:]}
	event, err := e.toggled(ctx)
	if err != nil || event == "" {
		return e.tell.Took(name, receipt, "Unleash has turned the flag %s; its events could not be read, so this cannot be undone by itself",
			to[1:])
	}
	receipt["event"] = event
	return e.tell.Took(name, receipt, "Unleash has turned the flag %s (event %s)", to[1:], event)
}

// Verify implements steps.Executor.
func (e *Executor) Verify(ctx context.Context, o steps.Order) (steps.Sight, error) {
	on, err := e.on(ctx)
	word := map[bool]string{true: "on", false: "off"}[on]
	switch {
	case err != nil:
		return steps.Sight{}, err
	case on == o.Undoing:
		return e.tell.Saw(steps.Verified, "the flag is %s in %s; clients follow at their next poll", word, e.settings.Environment), nil
	case len(o.Receipt) == 0:
		return e.tell.Saw(steps.Settling, "the flag is still %s", word), nil
	}
	return e.tell.Saw(steps.NotVerified, "the flag is %s again: somebody has turned it back", word), nil
}

// Undo turns the flag on if it is off, and the fix's toggle is still the last one.
func (e *Executor) Undo(ctx context.Context, o steps.Order) steps.Acted {
	const name = "undo"
	if late, is := e.tell.Late(ctx, name); is {
		return late
	}
	on, err := e.on(ctx)
	if err != nil {
		return e.tell.Refused(name, "%s", err.Error())
	}
	if on {
		return e.tell.Refused(name, "the flag is on again already")
	}
	last, err := e.toggled(ctx)
	switch {
	case err != nil:
		return e.tell.Refused(name, "%s", err.Error())
	case o.Fix["event"] == "" || last != o.Fix["event"]:
		return e.tell.Refused(name, "it cannot be told that the fix's toggle is the last one of the flag; look at its event log, and turn "+
			"it on by hand")
	}
	return e.toggle(ctx, name, "/on")
}
