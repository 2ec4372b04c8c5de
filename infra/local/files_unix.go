//go:build unix

package local

import "syscall"

// openFiles is how many files this process may have open.
func openFiles() uint64 {
	var limit syscall.Rlimit
	if err := syscall.Getrlimit(syscall.RLIMIT_NOFILE, &limit); err != nil {
		return leastOpenFiles
	}
	return uint64(limit.Cur) // of another type on some systems
}

// leastOpenFiles is taken where the limit cannot be read: the usual one of old
// systems.
const leastOpenFiles = 1024
