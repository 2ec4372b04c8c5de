package aws_test

import (
	"os"
	"os/exec"
	"path/filepath"
	"testing"
)

// Secrets are written under such a umask, often in the shell that then builds.
func TestLambdaMayRunWhatWasBuiltUnderAnyUmask(t *testing.T) {
	dir := t.TempDir()
	build := exec.Command("sh", "-c", "umask 077; exec make -s -C ../../functions build-ExecuteFixFunction")
	build.Env = append(os.Environ(), "ARTIFACTS_DIR="+dir)
	if out, err := build.CombinedOutput(); err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	info, err := os.Stat(filepath.Join(dir, "bootstrap"))
	if err != nil || info.Mode().Perm() != 0o755 {
		t.Errorf("%v, %v", info.Mode(), err)
	}
}
