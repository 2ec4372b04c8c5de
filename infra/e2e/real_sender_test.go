package e2e

import (
	"os"
	"os/exec"
	"os/user"
	"path/filepath"
	"strconv"
	"syscall"
	"testing"
	"time"
)

// startSender starts a real sender, or what it needs, in a process group of its own, and
// ends it with the test: by Ctrl-C, and what of it still runs after ten seconds by force.
// If the test failed, it shows what the program printed, and the end of these logs.
func startSender(t *testing.T, cmd *exec.Cmd, logs ...string) *output {
	t.Helper()
	out := &output{}
	cmd.Stdout, cmd.Stderr = out, out
	cmd.WaitDelay = time.Second // a child of it may hold its output open
	if cmd.Env == nil {
		cmd.Env = cleanEnv()
	}
	if cmd.SysProcAttr == nil {
		cmd.SysProcAttr = &syscall.SysProcAttr{}
	}
	cmd.SysProcAttr.Setpgid = true
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	ended := make(chan struct{})
	go func() { _ = cmd.Wait(); close(ended) }() // how it ended says nothing: it is interrupted
	t.Cleanup(func() {
		cmd.Process.Signal(os.Interrupt)
		select {
		case <-ended:
		case <-time.After(10 * time.Second):
			t.Errorf("%s did not end within 10 s", cmd.Path)
		}
		_ = syscall.Kill(-cmd.Process.Pid, syscall.SIGKILL) // mostly there is nothing left
		<-ended
		if t.Failed() {
			t.Logf("what %s printed:\n%s", cmd.Path, tail(out.String(), 6000))
			for _, log := range logs {
				text, _ := os.ReadFile(log)
				t.Logf("%s:\n%s", log, tail(string(text), 3000))
			}
		}
	})
	return out
}

// nobodys makes a folder for programs that refuse to run as root, and returns how they are
// started: as the user of that name if the test is run by root, else as who runs it.
func nobodys(t *testing.T, name string) (dir string, as func(*exec.Cmd) *exec.Cmd) {
	t.Helper()
	dir, err := os.MkdirTemp("", "opsguard-"+name+"-") // t.TempDir is not for other users to enter
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { os.RemoveAll(dir) })
	if os.Geteuid() != 0 {
		return dir, func(cmd *exec.Cmd) *exec.Cmd { return cmd }
	}
	u, err := user.Lookup(name)
	if err != nil {
		t.Fatalf("root has no user to run it as: %v", err)
	}
	uid, err1 := strconv.Atoi(u.Uid)
	gid, err2 := strconv.Atoi(u.Gid)
	if err1 != nil || err2 != nil {
		t.Fatal(err1, err2)
	}
	if err := os.Chown(dir, uid, gid); err != nil {
		t.Fatal(err)
	}
	return dir, func(cmd *exec.Cmd) *exec.Cmd {
		cmd.SysProcAttr = &syscall.SysProcAttr{Credential: &syscall.Credential{Uid: uint32(uid), Gid: uint32(gid)}}
		cmd.Dir = dir
		return cmd
	}
}

// needs skips the test where one of the programs is not installed. It returns where they are.
func needs(t *testing.T, programs ...string) map[string]string {
	t.Helper()
	at := map[string]string{}
	for _, p := range programs {
		found, err := exec.LookPath(p)
		if all, _ := filepath.Glob(p); err != nil && len(all) > 0 {
			found, err = all[len(all)-1], nil // the newest of several versions
		}
		if err != nil {
			t.Skip("there is no " + p)
		}
		at[filepath.Base(p)] = found
	}
	return at
}
