package command

import "syscall"

// ownGroup puts a command into a process group of its own, and has the kernel kill it when
// the thread that started it ends, so with OpsGuard. What the command starts is not killed
// then (prctl(2), PR_SET_PDEATHSIG: it is cleared for children).
func ownGroup() *syscall.SysProcAttr {
	return &syscall.SysProcAttr{Setpgid: true, Pdeathsig: syscall.SIGKILL}
}
