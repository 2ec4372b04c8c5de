//go:build !unix

package command

import "syscall"

// There are no process groups here, so no program is taken for one that can be run.

func ownGroup() *syscall.SysProcAttr { return nil }

func signalGroup(int, syscall.Signal) {}

func runnable(string) bool { return false }
