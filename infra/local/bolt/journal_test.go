package bolt_test

import (
	"bytes"
	"context"
	"errors"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"go.etcd.io/bbolt"

	"github.com/opsguard/opsguard/infra/local/bolt"
	"github.com/opsguard/opsguard/infra/local/dbfile"
)

// crashed makes a store with incidents 1 to 3 and copies it in the middle of its use:
// only the journal has 2 and 3.
func crashed(t *testing.T) (dir string) {
	t.Helper()
	o := openStore(t, t.TempDir())
	o.open(1)
	o.must(o.w.Flush())
	for n := 2; n <= 3; n++ {
		o.open(n)
	}
	dir = t.TempDir()
	copyStore(t, o.dir, dir)
	return dir
}

// has returns which of incidents 1 to 9 can be read.
func (o *opened) has() (there []int) {
	for n := 1; n <= 9; n++ {
		if _, err := o.Load(context.Background(), ref(n)); err == nil {
			there = append(there, n)
		}
	}
	return there
}

func journalIn(dir string) string { return filepath.Join(dir, bolt.JournalName) }

func TestWhatOnlyTheJournalHasIsThereAfterACrash(t *testing.T) {
	dir := crashed(t)
	for range 2 { // looking changes nothing
		report, err := bolt.Check(dir)
		if err != nil || !report.Whole() || report.Incidents != 3 {
			t.Fatalf("the check: %+v %v", report, err)
		}
		f, _, err := bolt.OpenRead(dir)
		if err != nil {
			t.Fatal(err)
		}
		reading := &opened{t: t, Store: bolt.New(f, nil)}
		if got := reading.has(); !slices.Equal(got, []int{1, 2, 3}) {
			t.Errorf("a reader sees %v", got)
		}
		if err := f.Close(); err != nil {
			t.Fatal(err)
		}
	}
	o := openStore(t, dir)
	if got := o.has(); !slices.Equal(got, []int{1, 2, 3}) {
		t.Errorf("the start has %v", got)
	}
	o.open(4)
	if report, err := o.db.Check(); err != nil || !report.Whole() || report.Incidents != 4 {
		t.Errorf("%+v %v", report, err)
	}
	o.close()
	if again := openStore(t, dir); len(again.db.Opened) != 0 || !slices.Equal(again.has(), []int{1, 2, 3, 4}) {
		t.Errorf("after a clean stop: %q %v", again.db.Opened, again.has())
	}
}

func TestAStoreThatWasClosedIsOneFile(t *testing.T) {
	dir := crashed(t)
	o := openStore(t, dir)
	o.close()
	alone := t.TempDir()
	file, err := os.ReadFile(filepath.Join(dir, bolt.FileName))
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(alone, bolt.FileName), file, 0o600); err != nil {
		t.Fatal(err)
	}
	o = openStore(t, alone)
	if known, _ := o.db.Damage.Known(); len(known) > 0 || !slices.Equal(o.has(), []int{1, 2, 3}) {
		t.Errorf("%v %v", known, o.has())
	}
}

// TestALostJournalIsNamedAndNoFixBegins: the store was in use with a journal, and what
// that held is gone. The check and the start say so, what is left goes on, and no fix
// begins until one that was forgotten cannot run any more.
func TestALostJournalIsNamedAndNoFixBegins(t *testing.T) {
	for name, harm := range map[string]func(path string) error{
		"deleted": os.Remove,
		"emptied": func(path string) error { return os.Truncate(path, 0) },
		"zeroed":  func(path string) error { return os.WriteFile(path, make([]byte, 9<<20), 0o600) },
		"noise":   func(path string) error { return os.WriteFile(path, bytes.Repeat([]byte("noise "), 1<<20), 0o600) },
	} {
		t.Run(name, func(t *testing.T) {
			at := time.Now()
			o := openStore(t, t.TempDir())
			o.approved(1, at)
			o.must(o.w.Flush())
			o.must(o.claim(1, at))
			dir := t.TempDir()
			copyStore(t, o.dir, dir)
			if err := harm(journalIn(dir)); err != nil {
				t.Fatal(err)
			}
			report, err := bolt.Check(dir)
			if err != nil || report.Count != 1 || !names(report.Findings, "journal: ") {
				t.Errorf("the check: %+v %v", report, err)
			}
			o = openStore(t, dir)
			if known, count := o.db.Damage.Known(); count != 1 || !names(known, "journal: ") {
				t.Errorf("the start: %v", known)
			}
			if report, err := o.db.Check(); err != nil || report.Count != 1 || !names(report.Findings, "journal: ") {
				t.Errorf("the check in use: %+v %v", report, err)
			}
			if err := o.claim(1, time.Now()); err == nil {
				t.Error("the fix, whose beginning is forgotten, begins again")
			}
			o.open(2)
			kept, err := filepath.Glob(journalIn(dir) + ".damaged-*")
			if err != nil || name != "deleted" && (len(kept) != 1 || !strings.Contains(strings.Join(o.db.Opened, "\n"), kept[0])) {
				t.Errorf("kept %v %v, said %q", kept, err, o.db.Opened)
			}
		})
	}
}

// TestADamagedGroupOfTheJournalIsNamed flips a byte of each group in turn. The last
// one cannot be told from one whose sync had not ended.
func TestADamagedGroupOfTheJournalIsNamed(t *testing.T) {
	source := crashed(t)
	whole, err := os.ReadFile(journalIn(source))
	if err != nil {
		t.Fatal(err)
	}
	var begins []int
	for at := 512; at < len(whole); at += 512 {
		if bytes.HasPrefix(whole[at:], []byte("OPSGREC1")) {
			begins = append(begins, at)
		}
	}
	if len(begins) != 3 {
		t.Fatalf("%d groups", len(begins))
	}
	for i, begin := range begins[1:] { // the first one is in the store already
		dir := t.TempDir()
		copyStore(t, source, dir)
		harmed := bytes.Clone(whole)
		harmed[begin+100] ^= 1
		if err := os.WriteFile(journalIn(dir), harmed, 0o600); err != nil {
			t.Fatal(err)
		}
		before, err := bolt.Check(dir)
		if err != nil {
			t.Fatal(err)
		}
		o := openStore(t, dir)
		known, _ := o.db.Damage.Known()
		said := strings.Join(o.db.Opened, "\n")
		if i == 0 {
			if !names(before.Findings, "journal: group 2 of the writes cannot be read") || !names(known, "journal: group 2 of the writes cannot be read") {
				t.Errorf("the check: %v; the start: %v", before.Findings, known)
			}
			if !names(known, "incidents: 1 incident was opened of which nothing is left") || !slices.Equal(o.has(), []int{1, 3}) {
				t.Errorf("%v; there are %v", known, o.has())
			}
			continue
		}
		if len(known) > 0 || !strings.Contains(said, "ends within a group") || !slices.Equal(o.has(), []int{1, 2}) {
			t.Errorf("the last one: %v %q, there are %v", known, said, o.has())
		}
	}
}

// TestAJournalThatIsNotThisStoresIsRefused in words, and moving it away is a way on.
func TestAJournalThatIsNotThisStoresIsRefused(t *testing.T) {
	for _, c := range []struct {
		name, want string
		make       func(t *testing.T) (dir string)
		lost       bool // starting without it is told as a loss
	}{
		{"another store's", "belongs to the store", func(t *testing.T) string {
			dir := crashed(t)
			o := openStore(t, t.TempDir())
			o.open(1)
			copyFile(t, journalIn(o.dir), journalIn(dir))
			return dir
		}, true},
		{"the store is an older copy, from a clean stop", "a newer state of the store", func(t *testing.T) string {
			dir := filled(t)
			old := t.TempDir()
			copyStore(t, dir, old)
			o := openStore(t, dir)
			o.open(4)
			copyFile(t, journalIn(dir), journalIn(old))
			return old
		}, false},
		{"the store is an older copy, from its use", "a newer state of the store", func(t *testing.T) string {
			o := openStore(t, t.TempDir())
			o.open(1)
			old := t.TempDir()
			copyStore(t, o.dir, old)
			o.must(o.w.Flush())
			o.open(2)
			copyFile(t, journalIn(o.dir), journalIn(old))
			return old
		}, true},
	} {
		t.Run(c.name, func(t *testing.T) {
			dir := c.make(t)
			for range 2 { // a refusal changes nothing
				_, opening := bolt.OpenFile(dir)
				_, checking := bolt.Check(dir)
				for _, err := range []error{opening, checking} {
					for _, want := range []string{dir, bolt.JournalName, c.want, "move " + bolt.JournalName + " away"} {
						if err == nil || !strings.Contains(err.Error(), want) {
							t.Fatalf("%v; want %q", err, want)
						}
					}
				}
			}
			if err := os.Rename(journalIn(dir), journalIn(dir)+".away"); err != nil {
				t.Fatal(err)
			}
			o := openStore(t, dir)
			if known, _ := o.db.Damage.Known(); c.lost != names(known, "journal: ") {
				t.Errorf("after moving it away: %v", known)
			}
		})
	}
}

func copyFile(t *testing.T, from, to string) {
	t.Helper()
	file, err := os.ReadFile(from)
	if err := errors.Join(err, os.WriteFile(to, file, 0o600)); err != nil {
		t.Fatal(err)
	}
}

// TestAStoreInUseIsRefusedByWhatKnowsNoJournal: an older OpsGuard would miss what the
// journal holds, so the layout that it reads is one that it does not know.
func TestAStoreInUseIsRefusedByWhatKnowsNoJournal(t *testing.T) {
	layout := func(dir string) (plain, sealed string) {
		raw(t, dir, func(tx *bbolt.Tx) error {
			info, key := tx.Bucket([]byte("opsguard")), []byte("schema-sealed")
			v, err := dbfile.NewSeal("opsguard").Open(key, info.Get(key))
			plain, sealed = string(info.Get([]byte("schema"))), string(v)
			return err
		})
		return plain, sealed
	}
	dir := crashed(t)
	if plain, sealed := layout(dir); plain == "2" || sealed == `"2"` {
		t.Errorf("in use: %s %s", plain, sealed)
	}
	openStore(t, dir).close()
	if plain, sealed := layout(dir); plain != "2" || sealed != `"2"` {
		t.Errorf("closed: %s %s", plain, sealed)
	}
}

// TestABrokenStoreGetsItsJournalToo: a page of the store is lost, and the journal has
// what was written last.
func TestABrokenStoreGetsItsJournalToo(t *testing.T) {
	o := openStore(t, t.TempDir())
	o.openMany(200)
	o.must(o.w.Flush())
	o.open(300)
	for _, salvage := range []bool{false, true} {
		dir := t.TempDir()
		copyStore(t, o.dir, dir)
		hit(t, dir, func(file []byte) []byte {
			if _, u64 := newest(file); salvage {
				clearPage(file, u64(32))
			} else {
				clearPage(file, u64(48))
			}
			return file
		})
		if _, report, err := bolt.OpenRead(dir); err != nil || report.Whole() {
			t.Errorf("%+v %v", report, err)
		}
		if salvage {
			if _, err := bolt.Salvage(dir); err != nil {
				t.Fatal(err)
			}
		}
		again := openStore(t, dir)
		if _, err := again.Load(context.Background(), ref(300)); err != nil {
			t.Errorf("salvaged: %v: %v", salvage, err)
		}
	}
}

func TestInitKeepsTheJournalOfAStoreThatIsGone(t *testing.T) {
	dir := crashed(t)
	if err := errors.Join(os.Remove(filepath.Join(dir, bolt.FileName)), os.Remove(filepath.Join(dir, "store.id"))); err != nil {
		t.Fatal(err)
	}
	if _, err := bolt.OpenFile(dir); err == nil || !strings.Contains(err.Error(), "was in use before ("+bolt.JournalName) {
		t.Errorf("%v", err)
	}
	if err := bolt.Init(dir); err != nil {
		t.Fatal(err)
	}
	if kept, err := filepath.Glob(journalIn(dir) + ".damaged-*"); err != nil || len(kept) != 1 {
		t.Errorf("kept %v %v", kept, err)
	}
	if got := openStore(t, dir).has(); got != nil {
		t.Errorf("the empty store has %v", got)
	}
}
