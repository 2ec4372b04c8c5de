package launchdarkly

import (
	"context"
	"strconv"

	"github.com/opsguard/opsguard/pkg/incident"
	"github.com/opsguard/opsguard/pkg/steps"
)

// Look implements steps.Executor. The state says only that the flag is on: turning it off
// does not depend on its rules.
func (e *Executor) Look(ctx context.Context, p incident.Proposal) (incident.State, error) {
	if p.FixID != fix {
		return nil, incident.BadField("fixId", "%s cannot be done on a flag of LaunchDarkly", p.FixID)
	}
	f, c, err := e.flag(ctx)
	switch {
	case err != nil:
		return nil, err
	case f.Archived:
		return nil, incident.Bad("the flag is archived; nothing evaluates it as on")
	case !c.On:
		return nil, incident.Bad("the flag is already off in %s", e.settings.Environment)
	}
	return incident.State{"on": "true"}, nil
}

// Plan implements steps.Executor.
func (e *Executor) Plan(present incident.State, p incident.Proposal) (incident.Draft, error) {
	if p.FixID != fix {
		return incident.Draft{}, incident.BadField("fixId", "%s cannot be done on a flag of LaunchDarkly", p.FixID)
	}
	patch := func(kind string) []string {
		return []string{"PATCH " + e.path() + " with " + kind + " in environment " + e.settings.Environment}
	}
	return incident.Draft{
		Actions: patch("turnFlagOff"), Present: present, Wanted: incident.State{"on": "false"},
		Undo:  incident.Undo{Actions: patch("turnFlagOn"), Wanted: incident.State{"on": "true"}},
		Limit: limit, Blast: incident.Blast{Affected: 1, Of: 1, Unit: "flags"},
		Rights: []string{"updateOn on proj/" + e.settings.Project + ":env/" + e.settings.Environment + ":flag/" + e.settings.Flag},
	}, nil
}

// Act implements steps.Executor.
func (e *Executor) Act(ctx context.Context, o steps.Order) steps.Acted {
	if late, is := e.tell.Late(ctx, fix); is {
		return late
	}
	f, before, err := e.flag(ctx)
	switch {
	case err != nil:
		return e.tell.Refused(fix, "%s", err.Error())
	case f.Archived || !before.On:
		return e.tell.Refused(fix, "the flag is no longer on: somebody changed it since the plan was made")
	}
	a, after, err := e.patch(ctx, o, "turnFlagOff")
	switch {
	case err != nil:
		return e.tell.Ended(fix, a, err)
	case after.On:
		return e.tell.Unsure(fix, "LaunchDarkly took the change and answered that the flag is still on")
	}
	return e.tell.Took(fix, version(after), "LaunchDarkly has turned the flag off (version %d)", after.Version)
}

func version(c config) incident.State { return incident.State{"version": strconv.Itoa(c.Version)} }

// Verify implements steps.Executor.
func (e *Executor) Verify(ctx context.Context, o steps.Order) (steps.Sight, error) {
	_, c, err := e.flag(ctx)
	word := map[bool]string{true: "on", false: "off"}[c.On]
	switch {
	case err != nil:
		return steps.Sight{}, err
	case c.On == o.Undoing:
		return e.tell.Saw(steps.Verified, "the flag is %s in %s (version %d)", word, e.settings.Environment, c.Version), nil
	case len(o.Receipt) == 0:
		return e.tell.Saw(steps.Settling, "the flag is still %s", word), nil
	}
	return e.tell.Saw(steps.NotVerified, "the flag is %s again: somebody has turned it back", word), nil
}

// Undo turns the flag on if it is at the version to which the fix brought it.
func (e *Executor) Undo(ctx context.Context, o steps.Order) steps.Acted {
	const name = "undo"
	if late, is := e.tell.Late(ctx, name); is {
		return late
	}
	f, before, err := e.flag(ctx)
	switch {
	case err != nil:
		return e.tell.Refused(name, "%s", err.Error())
	case f.Archived || before.On:
		return e.tell.Refused(name, "the flag is no longer as the fix left it: it is on, or archived")
	case o.Fix["version"] == "" || o.Fix["version"] != strconv.Itoa(before.Version):
		return e.tell.Refused(name, "the flag is no longer at the version that the fix made; look at it, and turn it on by hand")
	}
	a, after, err := e.patch(ctx, o, "turnFlagOn")
	switch {
	case err != nil:
		return e.tell.Ended(name, a, err)
	case !after.On:
		return e.tell.Unsure(name, "LaunchDarkly took the change and answered that the flag is still off")
	}
	return e.tell.Took(name, version(after), "LaunchDarkly has turned the flag on (version %d)", after.Version)
}
