// Package dbfile is the bbolt file that the one-machine runtime keeps
// everything in, and what stands between OpsGuard and a bad disk:
//
//   - [Seal] adds a checksum to every record. It covers the bucket, the key and
//     the value, so that a flipped byte and a record under a wrong key show.
//   - [Examine] reads a whole file with a reader of its own, which checks every
//     offset and length before it follows it. bbolt trusts what it reads: a bad
//     byte makes it panic, fault, recurse without end or overwrite good pages. So
//     nothing is opened before it was examined, at any size; that takes about a
//     second for each GiB.
//   - [Rebuild] copies what can be read of a file whose structure is broken into a
//     new one. The old one is kept beside it.
//   - [File] is an open file. Its transactions turn panics and faults into errors
//     that name the store, and it refuses to write once the file is no longer at
//     its path: what is committed to a deleted file is lost.
package dbfile
