package bolt_test

import (
	"context"
	"errors"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"go.etcd.io/bbolt"

	"github.com/opsguard/opsguard/infra/local/bolt"
	"github.com/opsguard/opsguard/infra/local/dbfile"
	"github.com/opsguard/opsguard/pkg/incident"
	"github.com/opsguard/opsguard/pkg/steps"
)

func TestAStoreThatVanishedIsRefusedUntilSomebodyDecides(t *testing.T) {
	beside := func(name string) func(dir string) error {
		return func(dir string) error {
			for _, other := range []string{"store.id", bolt.LinkKeyFile} {
				if other != name {
					os.Remove(filepath.Join(dir, other))
				}
			}
			return os.WriteFile(filepath.Join(dir, name), []byte("x"), 0o600)
		}
	}
	path := func(dir string) string { return filepath.Join(dir, bolt.FileName) }
	for _, c := range []struct {
		name, want string
		keep       func(dir string) error // what stays beside it
		harm       func(dir string) error
	}{
		{"deleted, its id is left", "is not there", beside("store.id"), func(dir string) error { return os.Remove(path(dir)) }},
		{"deleted, the link key is left", "is not there", beside(bolt.LinkKeyFile), func(dir string) error { return os.Remove(path(dir)) }},
		{"emptied", "is empty", beside(bolt.LinkKeyFile), func(dir string) error { return os.Truncate(path(dir), 0) }},
	} {
		t.Run(c.name, func(t *testing.T) {
			dir := filled(t)
			if err := errors.Join(c.keep(dir), c.harm(dir)); err != nil {
				t.Fatal(err)
			}
			for range 2 { // a refusal changes nothing
				_, err := bolt.OpenFile(dir)
				for _, want := range []string{dir, c.want, "was in use before", "Restore", "opsguard store init"} {
					if err == nil || !strings.Contains(err.Error(), want) {
						t.Fatalf("%v; want %q", err, want)
					}
				}
			}
			if err := bolt.Init(dir); err != nil {
				t.Fatal(err)
			}
			openStore(t, dir).open(1)
		})
	}
}

func TestInitOverwritesNothing(t *testing.T) {
	dir := filled(t)
	if err := bolt.Init(dir); err == nil || !strings.Contains(err.Error(), "is not overwritten") {
		t.Errorf("%v", err)
	}
	if _, err := openStore(t, dir).Load(context.Background(), ref(1)); err != nil {
		t.Error(err)
	}
}

func TestAnotherStoreInItsPlaceIsRefused(t *testing.T) {
	dir, other := filled(t), filled(t)
	if err := os.Rename(filepath.Join(other, bolt.FileName), filepath.Join(dir, bolt.FileName)); err != nil {
		t.Fatal(err)
	}
	_, err := bolt.OpenFile(dir)
	if err == nil || !strings.Contains(err.Error(), "not the store that this directory was used with") {
		t.Fatalf("%v", err)
	}
	if err := os.Remove(filepath.Join(dir, "store.id")); err != nil { // as the message says
		t.Fatal(err)
	}
	openStore(t, dir)
}

func TestANewerLayoutIsRefusedAndADamagedOneIsNot(t *testing.T) {
	put := func(plain, sealed string) func(*bbolt.Tx) error {
		return func(tx *bbolt.Tx) error {
			b, key := tx.Bucket([]byte("opsguard")), []byte("schema-sealed")
			return errors.Join(b.Put([]byte("schema"), []byte(plain)), b.Put(key, dbfile.NewSeal("opsguard").Close(key, []byte(`"`+sealed+`"`))))
		}
	}
	newer := filled(t)
	raw(t, newer, put("3", "3"))
	_, opening := bolt.OpenFile(newer)
	_, checking := bolt.Check(newer)
	for _, err := range []error{opening, checking} {
		if err == nil || !strings.Contains(err.Error(), "the store has layout 3, this opsguard knows 2; use the version that wrote it") {
			t.Errorf("%v", err)
		}
	}
	for _, harm := range []func(*bbolt.Tx) error{put("3", "2"), drop("opsguard", "schema"), flip("opsguard", "schema-sealed")} {
		dir := filled(t)
		raw(t, dir, harm)
		openStore(t, dir).goesOn("")
	}
}

// openMany opens incidents that share their transactions.
func (o *opened) openMany(n int) {
	o.t.Helper()
	var opening sync.WaitGroup
	for i := range n {
		opening.Go(func() {
			c := incident.Open(incident.New{Ref: ref(i), Alert: alert(i), By: incident.Local, ApprovalTimeout: time.Hour, Now: now})
			if err := o.Commit(context.Background(), c); err != nil {
				o.t.Error(err)
			}
		})
	}
	opening.Wait()
}

// hit overwrites a part of a store's file.
func hit(t *testing.T, dir string, change func(file []byte) []byte) {
	t.Helper()
	path := filepath.Join(dir, bolt.FileName)
	file, err := os.ReadFile(path)
	if err == nil {
		err = os.WriteFile(path, change(file), 0o600)
	}
	if err != nil {
		t.Fatal(err)
	}
}

// TestABrokenStructureCostsWhatWasOnIt zeroes pages of a store with many incidents.
// The start makes it again and keeps the damaged file; all that was not on the page is
// there, and what is missing is named.
func TestABrokenStructureCostsWhatWasOnIt(t *testing.T) {
	const incidents = 200
	source := t.TempDir()
	o := openStore(t, source)
	o.openMany(incidents)
	o.close()
	random := rand.New(rand.NewPCG(1, 2))
	rebuilt := 0
	for range 8 {
		dir := t.TempDir()
		copyStore(t, source, dir)
		hit(t, dir, func(file []byte) []byte {
			page := 2 + random.IntN(len(file)/4096-2)
			clear(file[page*4096 : page*4096+4096])
			return file
		})
		before, err := bolt.Check(dir)
		if err != nil {
			t.Fatal(err)
		}
		db, err := bolt.OpenFile(dir)
		if err != nil {
			t.Fatal(err)
		}
		store := bolt.New(db, nil)
		kept, _ := filepath.Glob(filepath.Join(dir, bolt.FileName+".damaged-*"))
		known, _ := db.Damage.Known()
		if !before.Whole() {
			rebuilt++
			if len(kept) != 1 || !strings.Contains(strings.Join(db.Opened, "\n"), kept[0]) {
				t.Errorf("kept %q, said %q", kept, db.Opened)
			}
		}
		readable := 0
		for n := range incidents {
			if _, err := store.Load(context.Background(), ref(n)); err == nil {
				readable++
			} else if !names(known, "incidents "+id(n)) {
				t.Errorf("%s is lost, and nothing says so: %v", id(n), err)
			}
		}
		if readable < incidents-20 {
			t.Errorf("one page, and %d of %d incidents can be read", readable, incidents)
		}
		db.Close()
	}
	if rebuilt < 2 {
		t.Errorf("%d stores were made again: this shows little", rebuilt)
	}
}

func copyStore(t *testing.T, from, to string) {
	t.Helper()
	if err := os.CopyFS(to, os.DirFS(from)); err != nil {
		t.Fatal(err)
	}
}

// layOut copies a store record by record, each in a transaction of its own, so that its
// pages lie in the same places every time. Otherwise the places depend on when the
// checkpoints came. It returns how many bytes of the file are in use; the file is longer.
func layOut(t *testing.T, dir string) (used int64) {
	t.Helper()
	path := filepath.Join(dir, bolt.FileName)
	from, err := bbolt.Open(path, 0o600, &bbolt.Options{ReadOnly: true})
	if err != nil {
		t.Fatal(err)
	}
	to, err := bbolt.Open(path+".laid-out", 0o600, &bbolt.Options{NoSync: true})
	if err != nil {
		t.Fatal(err)
	}
	err = errors.Join(bbolt.Compact(to, from, 1), to.View(func(tx *bbolt.Tx) error { used = tx.Size(); return nil }),
		from.Close(), to.Close(), os.Rename(path+".laid-out", path))
	if err != nil {
		t.Fatal(err)
	}
	return used
}

func TestWhatIsTooDamagedWaitsForSomebodyToDecide(t *testing.T) {
	t.Parallel() // it waits for stores that are in use
	for _, c := range []struct {
		name string
		harm func(file []byte, used int64) []byte
	}{
		{"half of it is zeros", func(file []byte, used int64) []byte { clear(file[8192 : used/2]); return file }},
		{"its end is missing", func(file []byte, used int64) []byte { return file[:used/8192*4096] }},
	} {
		t.Run(c.name, func(t *testing.T) {
			dir := t.TempDir()
			o := openStore(t, dir)
			o.openMany(200)
			o.close()
			used := layOut(t, dir)
			hit(t, dir, func(file []byte) []byte { return c.harm(file, used) })
			_, err := bolt.OpenFile(dir)
			for _, want := range []string{"is damaged", "backup", "opsguard store salvage"} {
				if err == nil || !strings.Contains(err.Error(), want) {
					t.Fatalf("%v; want %q", err, want)
				}
			}
			kept, err := bolt.Salvage(dir)
			if err != nil {
				t.Fatal(err)
			}
			if _, err := os.Stat(kept); err != nil {
				t.Error(err)
			}
			o = openStore(t, dir)
			page, err := o.List(context.Background(), steps.ListQuery{Tenant: incident.DefaultTenant, Limit: 100})
			known, _ := o.db.Damage.Known()
			if err != nil || len(page.Incidents) == 0 || len(known) == 0 {
				t.Errorf("%d incidents, %d findings, %v", len(page.Incidents), len(known), err)
			}
			o.open(900)
			if _, err := bolt.Salvage(dir); err == nil {
				t.Error("a store in use was salvaged")
			}
		})
	}
}

// The file is longer than what is in use of it, up to twice as long.
func TestAStoreWhoseUnusedEndIsMissingIsWhole(t *testing.T) {
	dir := filled(t)
	used := layOut(t, dir)
	hit(t, dir, func(file []byte) []byte { return file[:used] })
	report, err := bolt.Check(dir)
	if err != nil || !report.Whole() {
		t.Errorf("%+v, %v", report, err)
	}
	openStore(t, dir).goesOn("")
}

func TestCheckingWritesNothing(t *testing.T) {
	dir := filled(t)
	hit(t, dir, func(file []byte) []byte { clear(file[4*4096 : 5*4096]); return file })
	before, err := os.ReadFile(filepath.Join(dir, bolt.FileName))
	if err != nil {
		t.Fatal(err)
	}
	if _, err := bolt.Check(dir); err != nil {
		t.Fatal(err)
	}
	f, _, err := bolt.OpenRead(dir)
	if err != nil {
		t.Fatal(err)
	}
	f.Close()
	after, err := os.ReadFile(filepath.Join(dir, bolt.FileName))
	if err != nil || string(before) != string(after) {
		t.Errorf("checking changed the store (%v)", err)
	}
	if _, err := bolt.Check(t.TempDir()); err == nil || !strings.Contains(err.Error(), "no store") {
		t.Errorf("an empty directory: %v", err)
	}
}

// TestAStoreWithoutItsRootIsStillAudited: the page that leads to every bucket is lost,
// and small buckets lie on it whole.
func TestAStoreWithoutItsRootIsStillAudited(t *testing.T) {
	dir := t.TempDir()
	o := openStore(t, dir)
	o.openMany(200)
	o.close()
	var root int
	raw(t, dir, func(tx *bbolt.Tx) error { return tx.Bucket([]byte("opsguard")).Put([]byte("x"), nil) })
	db, err := bbolt.Open(filepath.Join(dir, bolt.FileName), 0o600, &bbolt.Options{ReadOnly: true})
	if err != nil {
		t.Fatal(err)
	}
	err = errors.Join(db.View(func(tx *bbolt.Tx) error { root = int(tx.Cursor().Bucket().Root()); return nil }), db.Close())
	if err != nil {
		t.Fatal(err)
	}
	hit(t, dir, func(file []byte) []byte { clear(file[root*4096 : root*4096+4096]); return file })
	f, report, err := bolt.OpenRead(dir)
	if err != nil || report.Whole() {
		t.Fatalf("%v %v", report, err)
	}
	defer f.Close()
	store := bolt.New(f, nil)
	if err := store.Ping(context.Background()); err != nil {
		t.Error(err)
	}
	for n := range 200 {
		if _, err := store.Load(context.Background(), ref(n)); err != nil {
			t.Fatalf("%s: %v", id(n), err)
		}
	}
}
