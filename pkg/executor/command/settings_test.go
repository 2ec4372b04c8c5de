//go:build unix

package command_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/opsguard/opsguard/pkg/executor/command"
	"github.com/opsguard/opsguard/pkg/incident"
	"github.com/opsguard/opsguard/pkg/integration"
	"github.com/opsguard/opsguard/pkg/inventory"
)

func text(s string) integration.Value { return integration.Value{Text: s} }

func (r *rig) must(err error) {
	r.t.Helper()
	if err != nil {
		r.t.Fatal(err)
	}
}

func services(t *testing.T, target string) (*inventory.Inventory, error) {
	t.Helper()
	const service = "services:\n  shop:\n    owner: shop\n    fixes: [restart-service, scale-out]\n    target: {type: command, "
	return inventory.Load([]byte(service+target+"}\n"),
		integration.Types{integration.Executors: {command.Integration().Type}})
}

func TestServicesYamlHoldsTheCommandsAsTheyAreWritten(t *testing.T) {
	inv, err := services(t, `dir: /srv/shop, timeout: 3m, `+
		`run: {restart-service: [systemctl, restart, shop], scale-out: [/srv/shop/scale, "+{instances}"]}, `+
		`verify: {restart-service: [systemctl, is-active, shop]}, undo: {scale-out: [/srv/shop/scale, "-{instances}"]}`)
	if err != nil {
		t.Fatal(err)
	}
	shop, _ := inv.Lookup("shop")
	got := integration.Unpack(shop.Target.Attributes["run"]).Lists["scale-out"]
	if len(got) != 2 || got[1] != "+{instances}" {
		t.Errorf("run is %q", got)
	}
}

func TestCommandsThatCannotWorkAreRefusedWhenServicesYamlIsChecked(t *testing.T) {
	for target, want := range map[string]string{
		`run: {reboot: [reboot]}`:                                             "run.reboot: is no fix of the catalogue",
		`run: {restart-service: []}`:                                          "run.restart-service: names no program",
		`run: {restart-service: [""]}`:                                        "run.restart-service: names no program",
		`run: {restart-service: [bin/restart]}`:                               "write the full path",
		`run: {restart-service: [./restart]}`:                                 "write the full path",
		`run: {restart-service: [restart, "{instances}"]}`:                    "holds {instances}, but the fix has no parameter",
		`run: {scale-out: [scale, "${HOME}/{instances}"]}`:                    "holds {HOME}, but the fix has only {instances}",
		`run: {scale-out: ["scale{instances}"]}`:                              "lets a parameter choose the program",
		`run: {restart-service: [restart]}, undo: {scale-out: [scale, "-1"]}`: "undo.scale-out: has no command under run",
		`run: {restart-service: [restart]}, verify: {scale-out: [scale]}`:     "verify.scale-out: has no command under run",
		`run: {restart-service: [restart]}, dir: shop`:                        "must be the full path of a folder",
		`run: {restart-service: [restart]}, timeout: 10m`:                     "must be 1s to 9m0s",
		`run: {restart-service: [restart]}, timeout: 0s`:                      "must be 1s to 9m0s",
		`dir: /`: "run: is missing",
		`run: {restart-service: [restart, ` + strings.Repeat("x", 1600) + `]}`: "nobody could read",
		`run: systemctl`: "must be a mapping of names to lists",
		`run: {restart-service: [restart], scale-out: [a/b]}, undo: {reboot: [x]}, timeout: never`: "must be a duration",
	} {
		if _, err := services(t, target); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%.200s: %v, want %q", target, err, want)
		}
	}
}

func TestEveryMistakeIsToldAtOnce(t *testing.T) {
	_, err := services(t, `run: {restart-service: [a/b], scale-out: [scale, "{x}"]}, undo: {reboot: [x]}, dir: shop`)
	for _, want := range []string{"run.restart-service", "run.scale-out", "undo.reboot", "dir"} {
		if err == nil || !strings.Contains(err.Error(), want+": ") {
			t.Errorf("it does not tell of %s: %v", want, err)
		}
	}
}

func TestAFixWithoutACommandSaysWhatToAdd(t *testing.T) {
	r := newRig(t)
	r.gives("run", restart, "true")
	_, err := r.open().Look(t.Context(), proposal(t, "scale-out"))
	if incident.KindOf(err) != incident.Invalid || !strings.Contains(err.Error(), "gives no command for scale-out; add it below run") {
		t.Errorf("%v", err)
	}
}

func TestLookRefusesWhatCouldNotBeRun(t *testing.T) {
	r := newRig(t)
	file := filepath.Join(r.dir, "file")
	r.must(os.WriteFile(file, nil, 0o644))
	open := filepath.Join(r.dir, "open")
	r.must(os.Mkdir(open, 0o700))
	r.must(os.WriteFile(filepath.Join(open, "act"), []byte("#!/bin/sh\n"), 0o755))
	r.must(os.Chmod(open, 0o777))
	for argv, want := range map[string]string{
		"no-such-program-here":     "is in none of the folders /usr/local/sbin:",
		"/no/such/program":         "there is no program",
		file:                       "is not executable",
		file + "/below":            "cannot be looked at",
		r.dir:                      "is not a file",
		open + "/act":              "anybody on this machine can replace the program",
		"/dev/null":                "is not a file",
		r.dir + "/line\nbreak\x1b": `line\nbreak\x1b`,
	} {
		r.gives("run", restart, argv)
		if _, err := r.open().Look(t.Context(), proposal(t, restart)); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%q: %v, want %q", argv, err, want)
		}
	}
	r.gives("run", restart, "true")
	for dir, want := range map[string]string{filepath.Join(r.dir, "gone"): "there is no folder", file: "is not a folder"} {
		r.set["dir"] = text(dir)
		if _, err := r.open().Look(t.Context(), proposal(t, restart)); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%q: %v, want %q", dir, err, want)
		}
	}
}

// The undoing is part of what is approved, so its program is under the hash as well.
func TestEveryProgramOfAFixIsUnderThePlansHash(t *testing.T) {
	r := newRig(t)
	for _, of := range []string{"run", "verify", "undo"} {
		r.gives(of, restart, r.script(of, "exit 0\n"))
	}
	was := r.order(restart).Plan.Hash
	for _, of := range []string{"run", "verify", "undo"} {
		r.script(of, "exit 0 # changed\n")
		is := r.order(restart).Plan.Hash
		if is == was {
			t.Errorf("a changed program of %s gives the same plan", of)
		}
		was = is
	}
}

func TestThePlanShowsEveryCommandWordForWord(t *testing.T) {
	r := newRig(t)
	act := r.script("act", "exit 0\n")
	r.gives("run", "scale-out", act, "+{instances}", "a b; rm -rf /", "\u202e$(x)", "{}", "{1,2}")
	r.gives("undo", "scale-out", act, "-{instances}")
	p := proposal(t, "scale-out")
	p.Parameters["instances"] = "3"
	plan := r.orderOf(p).Plan
	if want := `"` + act + `" "+3" "a b; rm -rf /" "\u202e$(x)" "{}" "{1,2}" in "` + r.dir + `", for at most 2m0s`; plan.Actions[0] != want {
		t.Errorf("it shows\n%s, want\n%s", plan.Actions[0], want)
	}
	if want := `"` + act + `" "-3" in "` + r.dir + `", for at most 2m0s`; plan.Undo.Actions[0] != want {
		t.Errorf("it shows\n%s, want\n%s", plan.Undo.Actions[0], want)
	}
}

func TestOnlyAnIntegerWithinTheCataloguesBoundsGetsIntoACommand(t *testing.T) {
	r := newRig(t)
	r.gives("run", "scale-out", r.script("act", "echo \"$@\" >> did\n"), "{instances}")
	p := proposal(t, "scale-out")
	o := r.orderOf(p)
	for _, value := range []string{"0", "6", "-1", "+1", "01", " 1", "1 2", "1;reboot", "", "{instances}", "99999999999999999999", "\u0661"} {
		p.Parameters["instances"] = value
		if _, err := r.open().Plan(o.Plan.Present, p); incident.KindOf(err) != incident.Invalid {
			t.Errorf("%q was planned: %v", value, err)
		}
		o.Plan.Parameters = p.Parameters
		if acted := r.open().Act(t.Context(), o); acted.Outcome != incident.Failed || lines(t, filepath.Join(r.dir, "did")) != 0 {
			t.Errorf("%q was run: %s", value, told(acted.Steps))
		}
	}
	p.Parameters["instances"] = "5"
	o.Plan.Parameters = p.Parameters
	if acted := r.open().Act(t.Context(), o); acted.Outcome != "" || read(t, r, "did") != "5\n" {
		t.Errorf("%s", told(acted.Steps))
	}
}
