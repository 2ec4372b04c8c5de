package journal

import (
	"os"
	"syscall"
)

// syncData waits until the disk has the file's bytes. Its length does not change.
func syncData(f *os.File) error {
	for {
		err := syscall.Fdatasync(int(f.Fd()))
		if err != syscall.EINTR {
			return err
		}
	}
}
