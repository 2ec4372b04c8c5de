package command

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"os/user"
	"runtime"
	"strconv"
	"syscall"
	"time"

	"github.com/opsguard/opsguard/pkg/steps"
)

// Waits at the end of a command.
const (
	// politely is between SIGTERM and SIGKILL.
	politely = 5 * time.Second
	// lastWords is how long the output is still read once the command itself has ended.
	lastWords = 2 * time.Second
	// toDie is how long a killed command is waited for: one that hangs in the kernel
	// cannot be killed.
	toDie = 5 * time.Second
)

// result is how a command ended.
type result struct {
	well       bool   // it ran to its end with exit status 0
	notStarted bool   // nothing was run
	cutOff     bool   // it was killed: the time was up
	ended      string // in words that follow "the command"
	head, tail []byte // of its output; the same where it was short
	wrote      int64  // bytes of output, shown or not
	leftOpen   bool   // something that it started still held its output
}

// runs runs a command to its end, or to that of its time or of ctx, and kills its group
// then. It returns within limit and 12 s.
func (e *Executor) runs(ctx context.Context, o steps.Order, argv []string, limit time.Duration) result {
	output, child, err := os.Pipe()
	if err != nil {
		return result{notStarted: true, ended: "no pipe for its output could be made"}
	}
	defer output.Close()
	cmd := &exec.Cmd{Path: argv[0], Args: argv, Dir: e.set.Dir, Env: e.environment(o), Stdout: child, Stderr: child, SysProcAttr: ownGroup()}
	ended, err := begin(cmd)
	child.Close()
	if err != nil {
		return result{notStarted: true, ended: notStarted(err)}
	}
	var kept keeper
	drained := make(chan struct{})
	go func() {
		kept.drain(output)
		close(drained)
	}()
	r := e.waits(ctx, cmd.Process.Pid, ended, limit)
	select {
	case <-drained:
	case <-e.env.After(lastWords):
		r.leftOpen = true
		output.Close() // ends the drain
		<-drained
	}
	r.head, r.tail, r.wrote = kept.ends()
	return r
}

// begin starts a command and returns where its end is told. The thread that starts it
// stays until it has ended: Linux would take the end of that thread for the end of
// OpsGuard (Pdeathsig, prctl(2)).
func begin(cmd *exec.Cmd) (ended <-chan error, err error) {
	started, end := make(chan error), make(chan error, 1)
	go func() {
		runtime.LockOSThread()
		defer runtime.UnlockOSThread()
		err := cmd.Start()
		started <- err
		if err == nil {
			end <- cmd.Wait()
		}
	}()
	return end, <-started
}

// waits for the end of a command, and brings it about when the time is up.
func (e *Executor) waits(ctx context.Context, group int, ended <-chan error, limit time.Duration) result {
	var why string
	select {
	case err := <-ended:
		return ending(err)
	case <-e.env.After(limit):
		why = "ran longer than " + limit.String()
	case <-ctx.Done():
		why = "was called off"
	}
	signalGroup(group, syscall.SIGTERM)
	r := result{cutOff: true, ended: why + " and was stopped, with all that it had started"}
	alive := true
	select {
	case <-ended:
		alive = false
	case <-e.env.After(politely):
	}
	signalGroup(group, syscall.SIGKILL) // what it started may be left, or deaf
	if !alive {
		return r
	}
	select {
	case <-ended:
	case <-e.env.After(toDie):
		r.ended = why + " and could not be killed; look for it on the machine"
	}
	return r
}

// ending words the end of a command that nobody stopped.
func ending(err error) result {
	var exit *exec.ExitError
	switch {
	case err == nil:
		return result{well: true, ended: "ended with exit status 0"}
	case errors.As(err, &exit) && exit.ExitCode() >= 0:
		return result{ended: fmt.Sprintf("ended with exit status %d", exit.ExitCode())}
	}
	return result{ended: "was ended by a signal"}
}

func notStarted(err error) string {
	switch {
	case errors.Is(err, syscall.ENOEXEC):
		return "it is neither a program of this machine nor a script that begins with #!"
	case errors.Is(err, os.ErrNotExist):
		return "the program, or what its #! names, is not there"
	case errors.Is(err, os.ErrPermission):
		return "the user that OpsGuard runs as may not execute it"
	case errors.Is(err, syscall.E2BIG):
		return "its arguments are too long"
	}
	return "the system has refused it"
}

// environment is all of a command's environment. Nothing of OpsGuard's own is in it.
func (e *Executor) environment(o steps.Order) []string {
	home := "/"
	if u, err := user.LookupId(strconv.Itoa(os.Getuid())); err == nil && u.HomeDir != "" {
		home = u.HomeDir
	}
	return []string{"PATH=" + searchPath, "LANG=C", "HOME=" + home,
		"OPSGUARD_INCIDENT=" + o.Ref.ID, "OPSGUARD_FIX=" + o.Plan.FixID, "OPSGUARD_KEY=" + o.Key}
}
