//go:build unix

package command

import "syscall"

// signalGroup signals every process of a group. One that is gone is no matter.
func signalGroup(group int, signal syscall.Signal) { _ = syscall.Kill(-group, signal) }

// runnable reports whether this process may execute a file: access(2), X_OK.
func runnable(path string) bool {
	const execute = 1
	return syscall.Access(path, execute) == nil
}
