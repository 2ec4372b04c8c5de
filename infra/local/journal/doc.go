// Package journal is an append-only file in front of the store's bbolt file. A
// group of writes is one record, written and synced at once, which costs a third of
// a bbolt transaction. The records are applied to the bbolt file later, many groups
// in one transaction.
//
// The file has a fixed size and is filled with zeros when it is made, so that an
// append changes no length. It has a header and two halves. Groups go to one half
// while those of the other are applied; then they change places. A record carries
// its number, and the epoch of its half, which is new each time the half is used
// again: what an earlier use left behind a newer record is recognised by it.
//
// A record that is torn at the end was never answered, because its sync had not
// ended. A record that is missing before a good one was answered, because groups
// are synced one after another: [Pending] names it as lost. So after a crash the store
// is as it was at one moment: a group is there only if all groups before it are. The
// workflow engine relies on that when it does not wait for its own writes. Start at
// [Journal].
package journal
