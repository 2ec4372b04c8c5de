//go:build !unix

package local

// openFiles is a number that fits where there is no such limit.
func openFiles() uint64 { return 16384 }
