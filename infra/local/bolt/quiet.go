package bolt

import (
	"time"

	"go.etcd.io/bbolt"

	"github.com/opsguard/opsguard/infra/local/commit"
	"github.com/opsguard/opsguard/infra/local/dbfile"
	"github.com/opsguard/opsguard/pkg/incident"
)

// quietKey holds until when no fix may begin. A store whose last writes may be missing,
// or that was made again of what could be read, may have forgotten that a fix began
// or who holds a target. Until holdTime is over, no approval and no hold from before
// can still count: every older approval is stale, and no forgotten fix still runs.
const quietKey = "noClaimsBefore"

// holdTime is how long a target is held whose holder is not known, and how long a
// doubtful store lets no fix begin.
const holdTime = incident.MaxHoldTime

// beQuiet writes into the store that no fix may begin for holdTime.
func beQuiet(tx *bbolt.Tx, now time.Time) error {
	info, err := tx.CreateBucketIfNotExists(bucketInfo.name)
	if err != nil {
		return err
	}
	until, err := bucketInfo.encode([]byte(quietKey), now.Add(holdTime+time.Second))
	if err != nil {
		return err
	}
	return info.Put([]byte(quietKey), until)
}

// quietFile is beQuiet for a file that nobody has opened yet.
func quietFile(path string) error {
	f, err := dbfile.Open(path, dbfile.Write)
	if err != nil {
		return err
	}
	err = f.Update(func(tx *bbolt.Tx) error { return beQuiet(tx, time.Now()) })
	if closing := f.Close(); err == nil {
		err = closing
	}
	return err
}

// mayBegin refuses a fix that would begin while the store is quiet. A record of it
// that cannot be read says that it may be.
func mayBegin(r commit.Reader, from time.Time) error {
	var until time.Time
	there, err := bucketInfo.get(r, []byte(quietKey), &until)
	if err == nil && (!there || !from.Before(until)) {
		return nil
	}
	return incident.Fail(incident.Conflict, incident.CodeTargetBusy, "the store was damaged: until no earlier fix can still run, none begins")
}
