package bolt

import (
	"encoding/hex"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"time"

	"go.etcd.io/bbolt"

	"github.com/opsguard/opsguard/infra/local/commit"
	"github.com/opsguard/opsguard/infra/local/dbfile"
	"github.com/opsguard/opsguard/infra/local/journal"
)

// JournalName is the journal's file in the data directory. It is there while the
// store is in use, and after a crash.
const JournalName = journal.FileName

// journalKey holds a journalState.
const journalKey = "journal"

// journalState is what the store knows of its journal.
type journalState struct {
	ID      string `json:"id"`      // of the journal that is in use or was last
	Applied uint64 `json:"applied"` // up to which number the store has every group
	InUse   bool   `json:"inUse"`   // else the store has all there is
}

func (s journalState) id() (id journal.ID) {
	if raw, err := hex.DecodeString(s.ID); err == nil && len(raw) == len(id) {
		copy(id[:], raw)
	}
	return id
}

// putState writes the state, and with it the layout that says whether a store may be
// opened without its journal.
func putState(tx *bbolt.Tx, s journalState) error {
	stored, err := bucketInfo.encode([]byte(journalKey), s)
	if err != nil {
		return err
	}
	layout := schema
	if s.InUse {
		layout = inUse
	}
	if layoutOf(commit.Plain{Tx: tx}) != layout {
		if err := putLayout(tx, layout); err != nil {
			return err
		}
	}
	return bucketInfo.in(tx).Put([]byte(journalKey), stored)
}

// stateOf reads the state. It is not known where its record is damaged, or was lost
// when the store was made again of what could be read, now or before.
func stateOf(tx *bbolt.Tx, rebuilt bool) (s journalState, known bool) {
	r := commit.Plain{Tx: tx}
	there, err := bucketInfo.get(r, []byte(journalKey), &s)
	if err != nil {
		return journalState{InUse: true}, false
	}
	if there {
		return s, true
	}
	return s, !rebuilt && r.Get(bucketInfo.name, []byte(quietKey)) == nil
}

// replayed is what a store gets from the journal beside it.
type replayed struct {
	pending journal.Pending
	state   journalState // afterwards
	lost    []Finding    // what was answered and cannot be read
	notes   []string
	changes bool // the store has to be written to
}

func lostWrites(what string) Finding { return Finding{Bucket: "journal", What: what} }

// weigh says what a store needs of the journal that was found beside it, nil if none
// was. It refuses a journal that is not this store's.
func weigh(found *journal.Found, store string, s journalState, known bool) (r replayed, err error) {
	r.state, r.pending.Last = s, s.Applied
	r.state.InUse = false
	lose := func(what string) (replayed, error) {
		r.lost = append(r.lost, lostWrites(what+"; what was written last may be lost"))
		return r, nil
	}
	if found == nil {
		if s.InUse {
			return lose("the store was in use with a journal, and " + JournalName + " is not there")
		}
		return r, nil
	}
	id := s.id()
	switch {
	case found.Whole && store != "" && found.Store != store:
		return r, fmt.Errorf("%s belongs to the store %s, and this is the store %s: restore the right one, or move %s away and start again",
			JournalName, found.Store, store, JournalName)
	case !known && found.Whole:
		id = found.ID
		s.Applied = found.Applied(id)
	case !known:
		return lose(JournalName + " cannot be read")
	case found.Whole && found.ID != id && !found.Empty(found.ID):
		return r, older(errors.New("the store knows nothing of it"))
	case found.Whole && found.ID != id && s.InUse:
		return lose(JournalName + " is another one than the store was in use with")
	case found.Whole && found.ID != id:
		return r, nil // made at a start that was cut off
	}
	if r.pending, err = found.Pending(id, s.Applied); err != nil {
		return r, older(err)
	}
	r.state.ID, r.state.Applied = hex.EncodeToString(id[:]), r.pending.Last
	for _, lost := range r.pending.Lost {
		r.lost = append(r.lost, lostWrites(lost.String()+" of the writes cannot be read, and what they wrote is lost"))
	}
	if r.pending.Torn {
		r.notes = append(r.notes, "the journal ends within a group of writes, which was never answered; it is dropped")
	}
	if s.InUse && (!found.Whole || found.Cut()) {
		return lose(JournalName + " is damaged or cut off")
	}
	return r, nil
}

// older refuses a journal that is newer than the store.
func older(why error) error {
	return fmt.Errorf("%s holds writes that belong to a newer state of the store (%w), as when the store was restored from a backup without it. "+
		"Restore both from the same moment; or go on without those writes: move %s away and start again", JournalName, why, JournalName)
}

// weigh weighs what was found beside the store against what the store says. A store
// that was rebuilt may have lost that.
func (f *File) weigh(found *journal.Found, store string, rebuilt bool) (r replayed, err error) {
	err = f.View(func(tx *bbolt.Tx) error {
		s, known := stateOf(tx, rebuilt)
		r, err = weigh(found, store, s, known)
		r.changes = s.InUse || len(r.lost) > 0 || len(r.pending.Ops) > 0
		return err
	})
	return r, err
}

// replay brings the store up to what its journal holds. It may be cut off at any
// moment, and is then done again.
func (f *File) replay(dir, store string) (r replayed, err error) {
	found, err := journal.Read(filepath.Join(dir, JournalName))
	if err != nil {
		return r, unwrapPath(err)
	}
	if r, err = f.weigh(found, store, false); err != nil || !r.changes {
		return r, err
	}
	return r, f.Update(func(tx *bbolt.Tx) error {
		if err := commit.Apply(tx, r.pending.Ops, f.Scattered); err != nil {
			return err
		}
		if len(r.lost) > 0 {
			if err := beQuiet(tx, time.Now()); err != nil {
				return err
			}
		}
		return putState(tx, r.state)
	})
}

// keepJournal keeps a journal of which something could not be read.
func keepJournal(dir string) (kept string, err error) {
	path := filepath.Join(dir, JournalName)
	kept = fmt.Sprintf("%s.damaged-%s", path, time.Now().UTC().Format(keptFormat))
	if err := os.Rename(path, kept); errors.Is(err, os.ErrNotExist) {
		return "", nil
	} else if err != nil {
		return "", unwrapPath(err)
	}
	return kept, dbfile.SyncDir(dir)
}

// beginJournal makes a journal for a store that has all of the one before, and notes
// that it is in use.
func (f *File) beginJournal(dir, store string, s journalState) error {
	j, err := journal.Create(filepath.Join(dir, JournalName), store, s.Applied)
	if err != nil {
		return fmt.Errorf("make %s: %w", JournalName, unwrapPath(err))
	}
	id := j.ID()
	err = f.Update(func(tx *bbolt.Tx) error {
		return putState(tx, journalState{ID: hex.EncodeToString(id[:]), Applied: s.Applied, InUse: true})
	})
	if err != nil {
		return errors.Join(err, j.Close())
	}
	f.journal = j
	return nil
}

// Journal is what groups of writes are appended to. A file that is only read has none.
func (f *File) Journal() *journal.Journal { return f.journal }

// Append implements commit.DB. Both files are looked for after the append and before
// anybody is told of it: a file that was deleted meanwhile has swallowed it.
func (f *File) Append(ops []journal.Op) error {
	err := f.journal.Append(ops)
	if err == nil {
		err = f.Look()
	} else {
		err = &dbfile.Failure{Path: f.Path(), What: "the store cannot be written to", Err: err}
	}
	if err != nil {
		f.refused.Store(&err)
		return err
	}
	f.journal.Keep()
	now := time.Now()
	f.refused.Store(nil)
	f.appended.Store(&now)
	return nil
}

// Look looks whether both files are still in their place, and as long as they were.
func (f *File) Look() error {
	if err := f.File.Look(); err != nil || f.journal == nil {
		return err
	}
	return f.journal.Look()
}

// Written returns when something was written last, and why what came after could not
// be; nil if nothing was refused.
func (f *File) Written() (at time.Time, refused error) {
	at, refused = f.File.Written()
	if appended := f.appended.Load(); appended != nil && appended.After(at) {
		at = *appended
	}
	if err := f.refused.Load(); err != nil {
		refused = *err
	}
	return at, refused
}

// Descriptor tells how this process can still read its files after they were
// deleted, on Linux.
func (f *File) Descriptor() string {
	if f.journal == nil {
		return f.File.Descriptor()
	}
	return f.File.Descriptor() + " " + f.journal.Descriptor()
}

// Applied implements commit.DB.
func (f *File) Applied(tx *bbolt.Tx, seq uint64) error {
	id := f.journal.ID()
	return putState(tx, journalState{ID: hex.EncodeToString(id[:]), Applied: seq, InUse: true})
}

// Scattered implements commit.DB: the keys of all other buckets come mostly in the
// order of time.
func (f *File) Scattered(bucket string) bool {
	return bucket == string(bucketDedup.name) || bucket == string(bucketTargets.name)
}

// endJournal takes the journal away if the store has all of it. Else it stays for the
// next start.
func (f *File) endJournal() error {
	j := f.journal
	if j == nil {
		return nil
	}
	f.journal = nil
	var err error
	if j.Applied() == j.Seq() {
		id := j.ID()
		err = f.Update(func(tx *bbolt.Tx) error {
			return putState(tx, journalState{ID: hex.EncodeToString(id[:]), Applied: j.Applied()})
		})
		if err == nil {
			err = j.Remove()
		}
	}
	return errors.Join(err, j.Close())
}
