// Package command applies a fix by running the command that services.yaml gives it: what a
// small team has in place of a platform. Start at Settings and Integration; run.go runs
// one command within its limits.
//
// No shell is involved. A command gets a fixed environment, none of OpsGuard's own, and
// nothing that an alert or a model wrote: the only things put into its arguments are the
// fix's integers, within the catalogue's bounds. It runs on this machine as the user that
// OpsGuard runs as, in a process group of its own, which is killed when its time is up.
//
// What cannot be promised. A process that leaves the group (setsid) is not killed with it,
// nor one that OpsGuard's user may not signal (sudo). When OpsGuard itself is killed while
// a command runs, Linux kills the command at once, but not what the command had started;
// other systems kill nothing.
package command

import (
	"context"
	"time"

	"github.com/opsguard/opsguard/pkg/catalog"
	"github.com/opsguard/opsguard/pkg/incident"
	"github.com/opsguard/opsguard/pkg/integration"
	"github.com/opsguard/opsguard/pkg/steps"
)

// Settings are the attributes of a target.
type Settings struct {
	Run     map[string][]string `setting:"run" example:"{restart-service: [systemctl, restart, shop]}" help:"the command of each fix, as a list and without a shell; {instances} stands for that parameter"`
	Verify  map[string][]string `setting:"verify" default:"" example:"{restart-service: [systemctl, is-active, shop]}" help:"the command that looks whether it worked: 0 is yes, else not yet; without one, run's exit status decides"`
	Undo    map[string][]string `setting:"undo" default:"" help:"the command that undoes a fix that had ended well and did not help"`
	Dir     string              `setting:"dir" default:"/" help:"the working folder of every command"`
	Timeout time.Duration       `setting:"timeout" default:"2m" help:"of each command, 1s to 9m; then its process group is killed; 25s at most for verify"`
	Within  time.Duration       `setting:"verifyWithin" default:"10m" help:"after run has ended, how long verify may go on saying not yet, 1s to 1h; then the fix is undone"`
}

// Bounds of the setting timeout. A fix must be over within incident.MaxFixTime.
const (
	minTimeout = time.Second
	maxTimeout = incident.MaxFixTime - time.Minute
	// maxLook ends a verify command before the look at the target ends.
	maxLook = 25 * time.Second
)

// Executor runs commands for one target. It may be used concurrently.
type Executor struct {
	env integration.Env
	set Settings
}

// Integration describes the executor. It can do every fix of the catalogue that run has a
// command for.
func Integration() integration.Descriptor[steps.Executor] {
	var all []integration.Ability
	for _, fix := range catalog.All() {
		all = append(all, integration.Ability{Fix: fix.ID,
			Does:     "runs the command that `run` of the target gives it, once",
			Undo:     "runs the command that `undo` gives it, if there is one and the fix had ended with exit status 0",
			Verifies: "the command that `verify` gives it ends with exit status 0; without one, that of `run` did",
			Rights:   "those of the user that OpsGuard runs as, on the same machine"})
	}
	return integration.New("command",
		"runs a command of your own for each fix, on the machine that OpsGuard runs on; its environment is PATH, LANG, HOME, "+
			"OPSGUARD_INCIDENT, OPSGUARD_FIX and OPSGUARD_KEY",
		func(env integration.Env, s Settings) (steps.Executor, error) { return &Executor{env, s}, nil }).NamedBy("dir", "run").Can(all...).OnOneMachine()
}

// Look implements steps.Executor. The state is the programs that would be run and what is
// in them: a script that was changed after people were asked is not the one they approved.
// A digest of the content is taken and not the time of the last change, which whoever
// writes the file can set, and which a reinstalled program has anew.
func (e *Executor) Look(ctx context.Context, p incident.Proposal) (incident.State, error) {
	if _, given := e.set.Run[p.FixID]; !given {
		return nil, incident.Bad(
			"services.yaml gives no command for %s; add it below run of the service's target", incident.Cut(p.FixID, 64))
	}
	if err := folder(e.set.Dir); err != nil {
		return nil, err
	}
	seen := incident.State{}
	for _, c := range e.commands(p.FixID) {
		if len(c.argv) == 0 {
			continue
		}
		path, digest, err := resolved(ctx, c.argv[0])
		if err != nil {
			return nil, err
		}
		seen[c.of+" program"], seen[c.of+" sha256"] = path, digest
		script, digest, err := scriptOf(ctx, c.argv)
		if err != nil {
			return nil, err
		}
		if script != "" {
			seen[c.of+" script"], seen[c.of+" script sha256"] = script, digest
		}
	}
	return seen, nil
}

// command is one of the up to three that a fix has.
type command struct {
	of   string // run, verify, undo
	argv []string
}

func (e *Executor) commands(fix string) []command {
	return []command{{"run", e.set.Run[fix]}, {"verify", e.set.Verify[fix]}, {"undo", e.set.Undo[fix]}}
}

// Plan implements steps.Executor. The commands are shown word for word, so that they are
// under the plan's hash.
func (e *Executor) Plan(present incident.State, p incident.Proposal) (incident.Draft, error) {
	shown := map[string]string{}
	for _, c := range e.commands(p.FixID) {
		if len(c.argv) == 0 {
			continue
		}
		argv, err := filled(p, c.argv)
		if err != nil {
			return incident.Draft{}, err
		}
		argv[0] = present[c.of+" program"]
		shown[c.of] = quoted(argv)
	}
	within := " in " + quoted([]string{e.set.Dir}) + ", for at most " + e.set.Timeout.String()
	d := incident.Draft{
		Limit:   e.set.Within,
		Actions: []string{shown["run"] + within}, Present: present, Wanted: incident.State{"exit status of run": "0"},
		Undo:  incident.Undo{Not: "services.yaml gives no command that undoes it"},
		Blast: incident.Blast{Affected: 1, Of: 1, Unit: "machines"}, Rights: []string{"execute on " + present["run program"]},
	}
	if verify := shown["verify"]; verify != "" {
		d.Wanted["exit status of verify"] = "0"
		d.Actions = append(d.Actions, "then, to see whether it worked, each few seconds: "+verify)
		d.Rights = append(d.Rights, "execute on "+present["verify program"])
	}
	if undo := shown["undo"]; undo != "" {
		d.Undo = incident.Undo{Actions: []string{undo + within}, Wanted: incident.State{"exit status of undo": "0"}}
		d.Rights = append(d.Rights, "execute on "+present["undo program"])
	}
	return d, nil
}

func (e *Executor) step(name, status, detail string) incident.FixStep {
	return incident.FixStep{Name: name, Status: status, Detail: detail, At: incident.Stamp(e.env.Now())}
}
