package command

import (
	"context"
	"fmt"
	"strings"
	"unicode/utf8"

	"github.com/opsguard/opsguard/pkg/incident"
	"github.com/opsguard/opsguard/pkg/redact"
	"github.com/opsguard/opsguard/pkg/steps"
)

// statuses of a step; see incident.FixStep.
const (
	ok     = "ok"
	failed = "failed"
)

const nothingChanged = "; nothing was changed"

// exitStatus is the fact of a receipt that says that a command ran to its end with 0.
const exitStatus = "exit status"

// Act implements steps.Executor. It runs the command to its end, which is the one way to
// know how it ended. A command that failed, or was killed, may have done a part of its
// work: the outcome is Unknown, and it is not undone, because what undoes the whole may
// harm where only a part was done.
func (e *Executor) Act(ctx context.Context, o steps.Order) steps.Acted {
	return e.act(ctx, o, "run")
}

// Undo implements steps.Executor. Whether the target is still as the fix made it cannot be
// seen; that the fix ran to its end, and that the program is the one that was approved, can.
func (e *Executor) Undo(ctx context.Context, o steps.Order) steps.Acted {
	switch {
	case !o.Plan.Undo.Possible() || len(e.set.Undo[o.Plan.FixID]) == 0:
		return e.refused("undo", "services.yaml gives no command that undoes it")
	case o.Fix[exitStatus] != "0":
		return e.refused("undo", "it is not known that the fix ran to its end, so undoing it could do harm")
	}
	return e.act(ctx, o, "undo")
}

// act runs the fix's command of that name.
func (e *Executor) act(ctx context.Context, o steps.Order, of string) steps.Acted {
	if ctx.Err() != nil {
		return e.refused(of, "the time was over before the command was started")
	}
	argv, err := e.ready(ctx, o, of)
	if err != nil {
		return e.refused(of, steps.Told(err))
	}
	r := e.runs(ctx, o, argv, e.set.Timeout)
	if r.notStarted {
		return e.refused(of, "the command could not be started: "+r.ended)
	}
	told := []incident.FixStep{e.step(of, failed, quoted(argv)+" "+r.ended)}
	told = append(told, e.output(r)...)
	if !r.well {
		told = append(told, e.step("result", failed, "what it had done by then is not known; look at the service before doing anything else"))
		return steps.Acted{Outcome: incident.Unknown, Steps: told}
	}
	told[0].Status = ok
	return steps.Acted{Receipt: incident.State{exitStatus: "0"}, Steps: told}
}

// ready returns the command's arguments, if its program is still the one of the plan.
func (e *Executor) ready(ctx context.Context, o steps.Order, of string) ([]string, error) {
	var argv []string
	for _, c := range e.commands(o.Plan.FixID) {
		if c.of == of {
			argv = c.argv
		}
	}
	if len(argv) == 0 {
		return nil, incident.BadField(of, "services.yaml gives no command for %s", o.Plan.FixID)
	}
	argv, err := filled(o.Plan.Proposal(), argv)
	if err != nil {
		return nil, err
	}
	if err := folder(e.set.Dir); err != nil {
		return nil, err
	}
	path, digest, err := resolved(ctx, argv[0])
	if err != nil {
		return nil, err
	}
	if path != o.Plan.Present[of+" program"] || digest != o.Plan.Present[of+" sha256"] {
		return nil, incident.BadField(of, "the program %s is not the one that was approved: it was changed since", path)
	}
	script, digest, err := scriptOf(ctx, argv)
	if err != nil {
		return nil, err
	}
	if script != o.Plan.Present[of+" script"] || digest != o.Plan.Present[of+" script sha256"] {
		return nil, incident.BadField(of, "the script %s is not the one that was approved: it was changed since", script)
	}
	argv[0] = path
	return argv, nil
}

// Verify implements steps.Executor. A fix of which no call has told how it ended is never
// verified: what the command looks at may have been well before.
func (e *Executor) Verify(ctx context.Context, o steps.Order) (steps.Sight, error) {
	what := "run"
	if o.Undoing {
		what = "undo"
	}
	if o.Receipt[exitStatus] != "0" {
		return steps.Sight{Phase: steps.NotVerified, Steps: []incident.FixStep{
			e.step("verify", failed, "OpsGuard was stopped while the command ran, or before; whether it ran to its end is not known")}}, nil
	}
	if o.Undoing || len(e.set.Verify[o.Plan.FixID]) == 0 {
		return steps.Sight{Phase: steps.Verified, Steps: []incident.FixStep{
			e.step("verify", ok, "the command under "+what+" ended with exit status 0; "+
				"services.yaml gives no other way to look, so nothing else is known")}}, nil
	}
	argv, err := e.ready(ctx, o, "verify")
	if err != nil {
		return steps.Sight{}, err
	}
	r := e.runs(ctx, o, argv, min(e.set.Timeout, maxLook))
	if r.notStarted || r.cutOff {
		return steps.Sight{}, incident.Unavail("the command under verify "+r.ended, nil)
	}
	told := append([]incident.FixStep{e.step("verify", ok, quoted(argv)+" "+r.ended)}, e.output(r)...)
	if !r.well {
		told[0].Status = failed
		return steps.Sight{Phase: steps.Settling, Steps: told}, nil
	}
	return steps.Sight{Phase: steps.Verified, Steps: told}, nil
}

func (e *Executor) refused(step, why string) steps.Acted {
	return steps.Acted{Outcome: incident.Failed, Steps: []incident.FixStep{e.step(step, failed, why+nothingChanged)}}
}

// maxShown bounds each end of the output in a step's text, in bytes.
const maxShown = 400

// output shows the beginning and the end of what a command wrote. It is redacted before
// it is cut, so that no half of a secret is left.
func (e *Executor) output(r result) []incident.FixStep {
	var told []incident.FixStep
	if r.leftOpen {
		told = append(told, e.step("output", ok, "a process that the command left behind still held its output; it was closed. "+
			"Let such a process write to a file of its own"))
	}
	if r.wrote == 0 {
		return told
	}
	head, tail := plain(r.head), plain(r.tail)
	told = append(told, e.step("output", ok, fmt.Sprintf("%d bytes: %s", r.wrote, incident.Cut(head, maxShown))))
	if tail != head || len(head) > maxShown {
		told = append(told, e.step("end of output", ok, last(tail, maxShown)))
	}
	return told
}

func plain(output []byte) string {
	text, _ := redact.Line(strings.ToValidUTF8(string(output), "\uFFFD"))
	return text
}

// last returns at most n bytes of the end of s, from the beginning of a character on.
func last(s string, n int) string {
	for len(s) > n || s != "" && !utf8.RuneStart(s[0]) {
		s = s[1:]
	}
	return s
}
