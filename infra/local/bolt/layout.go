package bolt

import (
	"errors"
	"time"

	"go.etcd.io/bbolt"

	"github.com/opsguard/opsguard/infra/local/commit"
)

// prepare makes what is missing and brings an older layout up to date. It returns
// the store's id, "" if it has none yet.
func (f *File) prepare() (id string, err error) {
	layout := ""
	err = f.Update(func(tx *bbolt.Tx) error {
		for _, b := range buckets {
			if _, err := tx.CreateBucketIfNotExists(b.name); err != nil {
				return err
			}
		}
		if layout, err = knownLayout(tx); err != nil {
			return err
		}
		if f.doubt { // with the write that removes what the doubt rests on
			if err := beQuiet(tx, time.Now()); err != nil {
				return err
			}
		}
		var stored struct{ ID string }
		if _, err := bucketInfo.get(commit.Plain{Tx: tx}, []byte(idKey), &stored); err != nil && !errors.As(err, new(badRecord)) {
			return err
		}
		id = stored.ID
		return nil
	})
	if err == nil && layout == firstLayout {
		err = f.migrate()
	}
	return id, err
}

// knownLayout returns the store's layout, and writes it where it is missing: into a
// new store, or over a damaged record.
func knownLayout(tx *bbolt.Tx) (string, error) {
	have := layoutOf(commit.Plain{Tx: tx})
	var twin string
	if _, err := bucketInfo.get(commit.Plain{Tx: tx}, []byte(twinKey), &twin); err != nil {
		twin = "" // damaged: then the other one tells
	}
	layout, err := agreed(have, twin)
	if first, _ := bucketMeta.in(tx).Cursor().First(); have+twin == "" && first == nil {
		layout, err = schema, nil // nothing has been written yet
	}
	if err != nil || layout == firstLayout || have == twin && (have == layout || have == inUse) {
		return layout, err
	}
	return layout, putLayout(tx, schema)
}

func putLayout(tx *bbolt.Tx, layout string) error {
	sealed, err := bucketInfo.encode([]byte(twinKey), layout)
	if err != nil {
		return err
	}
	info := bucketInfo.in(tx)
	return errors.Join(info.Put([]byte(schemaKey), []byte(layout)), info.Put([]byte(twinKey), sealed))
}
