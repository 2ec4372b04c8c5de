//go:build unix

package command_test

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/opsguard/opsguard/pkg/catalog"
	"github.com/opsguard/opsguard/pkg/executor/command"
	"github.com/opsguard/opsguard/pkg/integration"
	"github.com/opsguard/opsguard/pkg/steps/stepstest"
)

func TestItIsAnExecutorForEveryFixOfTheCatalogue(t *testing.T) {
	for _, undoable := range []bool{true, false} {
		for _, fix := range catalog.IDs() {
			name := fix
			if !undoable {
				name += " without undo and verify"
			}
			t.Run(name, func(t *testing.T) { holdToTheContract(t, fix, undoable) })
		}
	}
}

func holdToTheContract(t *testing.T, fix string, undoable bool) {
	r := newRig(t)
	did := filepath.Join(r.dir, "did")
	act := r.script("act", "echo $OPSGUARD_KEY >> did\n")
	r.gives("run", fix, act, "{notAParameter")
	if undoable {
		r.gives("undo", fix, act)
		r.gives("verify", fix, "test", "-s", did)
	}
	stepstest.ExecutorContract(t, command.Integration(), stepstest.Fix{
		Vendor: stepstest.Vendor{
			Entry: func(string) ([]integration.Setting, stepstest.Secrets) { return r.settings(), nil },
			World: func(env *integration.Env) { env.After = r.env.After },
		},
		Proposal: proposal(t, fix),
		Reset: func(t *testing.T) {
			if err := os.RemoveAll(did); err != nil {
				t.Fatal(err)
			}
			r.script("act", "echo $OPSGUARD_KEY >> did\n")
		},
		Effects: func() int { return lines(t, did) },
		Drift:   func(*testing.T) { r.script("act", "echo something else >> did\n") },
	})
}
