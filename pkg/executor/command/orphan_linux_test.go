package command_test

import (
	"os"
	"os/exec"
	"path/filepath"
	"testing"
)

// hostDir is set where this test binary plays an OpsGuard that is about to be killed.
const hostDir = "COMMAND_TEST_HOST"

func TestACommandEndsWithOpsGuard(t *testing.T) {
	if dir := os.Getenv(hostDir); dir != "" {
		r := newRig(t)
		r.gives("run", restart, filepath.Join(dir, "act"))
		r.set["dir"] = text(dir)
		r.open().Act(t.Context(), r.order(restart))
		return
	}
	r := newRig(t)
	_, line, ended := r.gate()
	r.script("act", "exec 3> gate\necho running >&3\nexec sleep 1000\n")
	host := exec.Command(os.Args[0], "-test.run=^"+t.Name()+"$")
	host.Env = append(os.Environ(), hostDir+"="+r.dir)
	r.must(host.Start())
	line()
	r.must(host.Process.Kill())
	_ = host.Wait() // it was killed
	ended()
}
