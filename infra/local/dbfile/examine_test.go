package dbfile

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"go.etcd.io/bbolt"
)

// world is a file and what was written into it: sealed records by bucket and key.
type world struct {
	path    string
	records map[string]map[string]string
}

var names = []string{"events", "evidence", "incidents", "opsguard", "status", "waits"}

// newWorld writes a file as OpsGuard does: many transactions, keys in order and at
// random, values from nothing to several pages, deletions. opsguard stays so small
// that it lies in its parent's page.
func newWorld(t testing.TB, seed uint64, transactions int) world {
	t.Helper()
	w := world{filepath.Join(t.TempDir(), "file.db"), map[string]map[string]string{}}
	random := rand.New(rand.NewPCG(seed, 1))
	db, err := bbolt.Open(w.path, 0o600, &bbolt.Options{FreelistType: bbolt.FreelistMapType, NoSync: true})
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	for n := range transactions {
		if err := db.Update(func(tx *bbolt.Tx) error { return w.write(tx, random, n) }); err != nil {
			t.Fatal(err)
		}
	}
	return w
}

func (w world) write(tx *bbolt.Tx, random *rand.Rand, n int) error {
	for _, name := range names {
		b, err := tx.CreateBucketIfNotExists([]byte(name))
		if err != nil {
			return err
		}
		if w.records[name] == nil {
			w.records[name] = map[string]string{}
		}
		if name == "opsguard" {
			if n > 0 {
				continue
			}
		} else if random.IntN(2) == 0 {
			b.FillPercent = 0.9
		}
		for i := range 1 + random.IntN(20) {
			key := fmt.Sprintf("default\x00INC-%06d-%02d", n, i)
			if random.IntN(3) == 0 {
				key = fmt.Sprintf("%x", random.Uint64())
			}
			size := random.IntN(200)
			if random.IntN(20) == 0 {
				size = random.IntN(20_000)
			}
			value := NewSeal(name).Close([]byte(key), bytes.Repeat([]byte{byte(i + 'a')}, size))
			if err := b.Put([]byte(key), value); err != nil {
				return err
			}
			w.records[name][key] = string(value)
		}
		for key := range w.records[name] {
			if random.IntN(4) > 0 || name == "opsguard" {
				break
			}
			delete(w.records[name], key)
			if err := b.Delete([]byte(key)); err != nil {
				return err
			}
		}
	}
	return nil
}

func (w world) bytes(t testing.TB) []byte {
	t.Helper()
	b, err := os.ReadFile(w.path)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// examined collects the records whose seals hold.
func examined(file []byte) (records map[string]map[string]string, e *Examination, err error) {
	records = map[string]map[string]string{}
	e, err = Examine(bytes.NewReader(file), int64(len(file)), Contents{
		Bucket: func(name string, _ uint64) { records[name] = map[string]string{} },
		Record: func(r Record) {
			if _, err := NewSeal(r.Bucket).Open(r.Key, r.Value); err == nil {
				records[r.Bucket][string(r.Key)] = string(r.Value)
			}
		},
	})
	return records, e, err
}

func TestAnHonestFileIsWhole(t *testing.T) {
	for seed := range uint64(8) {
		w := newWorld(t, seed, int(seed)*9)
		records, e, err := examined(w.bytes(t))
		if err != nil {
			t.Fatalf("seed %d: %v", seed, err)
		}
		if len(e.Broken) > 0 || e.LastWriteInDoubt && seed > 0 || e.free == nil {
			t.Errorf("seed %d: %+v", seed, e.Broken)
		}
		if diff := cmp.Diff(w.records, records); diff != "" {
			t.Fatalf("seed %d: %s", seed, diff)
		}
		if orphaned := e.meta.high - e.used.count() - e.free.count(); orphaned != 0 {
			t.Errorf("seed %d: %d pages are neither used nor free", seed, orphaned)
		}
	}
}

// harm changes a file in one of the ways that disks and people have.
func harm(file []byte, random *rand.Rand) (what string) {
	page := func() []byte {
		at := random.IntN(len(file)/4096) * 4096
		return file[at : at+4096]
	}
	switch random.IntN(8) {
	case 0:
		for range 1 + random.IntN(20) {
			file[random.IntN(len(file))] ^= 1 << random.IntN(8)
		}
		return "flipped bits"
	case 1:
		clear(page())
		return "a zeroed page"
	case 2:
		for b := page(); len(b) >= 8; b = b[8:] {
			binary.NativeEndian.PutUint64(b, random.Uint64())
		}
		return "a page of noise"
	case 3:
		copy(page(), page())
		return "a page in the place of another"
	case 4:
		b := page()
		b[random.IntN(16)] ^= 1 << random.IntN(8)
		return "a flipped bit in a page's head"
	case 5:
		b := page()
		b[16+random.IntN(512)] ^= 1 << random.IntN(8)
		return "a flipped bit in an element"
	case 6:
		b := page()
		binary.NativeEndian.PutUint64(b[24:], binary.NativeEndian.Uint64(b))
		return "a page that leads to itself"
	default:
		b := page()
		clear(b[random.IntN(4096):])
		return "a page that was written in part"
	}
}

// TestBboltSurvivesWhatTheExaminationLetsPass damages files at random. None may make
// the examination fail in any way but an error, and bbolt must read and write what it
// calls unbroken.
func TestBboltSurvivesWhatTheExaminationLetsPass(t *testing.T) {
	w := newWorld(t, 42, 40)
	whole := w.bytes(t)
	broken, passed := 0, 0
	for seed := range uint64(160) {
		file := bytes.Clone(whole)
		what := harm(file, rand.New(rand.NewPCG(seed, 2)))
		_, e, err := examined(file)
		if err != nil || len(e.Broken) > 0 {
			broken++
			continue
		}
		if passed++; passed%8 == 0 {
			useAll(t, fmt.Sprintf("seed %d, %s", seed, what), file)
		}
	}
	if broken < 20 || passed < 50 {
		t.Errorf("%d broken and %d passed: this shows little", broken, passed)
	}
}

// useAll reads everything by bbolt and writes to every page.
func useAll(t *testing.T, what string, file []byte) {
	t.Helper()
	path := filepath.Join(t.TempDir(), "file.db")
	if err := os.WriteFile(path, file, 0o600); err != nil {
		t.Fatal(err)
	}
	f, err := Open(path, Write)
	if err != nil {
		t.Errorf("%s: %v", what, err)
		return
	}
	defer f.Close()
	var keys [][2]string
	err = f.View(func(tx *bbolt.Tx) error {
		return tx.ForEach(func(name []byte, b *bbolt.Bucket) error {
			return b.ForEach(func(k, v []byte) error {
				keys = append(keys, [2]string{string(name), string(k)})
				return nil
			})
		})
	})
	if err != nil {
		t.Errorf("%s: read: %v", what, err)
	}
	err = f.Update(func(tx *bbolt.Tx) error {
		for i, k := range keys {
			b := tx.Bucket([]byte(k[0]))
			if i%3 == 0 {
				if err := b.Delete([]byte(k[1])); err != nil {
					return err
				}
			} else if err := b.Put([]byte(k[1]), []byte("x")); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		t.Errorf("%s: write: %v", what, err)
	}
}

func TestARebuiltFileHasAllThatWasNotHit(t *testing.T) {
	w := newWorld(t, 7, 40)
	whole := w.bytes(t)
	_, e, err := examined(whole)
	if err != nil {
		t.Fatal(err)
	}
	spans := leaves(whole, e)
	rebuilt := 0
	for id := uint64(2); id < e.meta.high; id++ {
		span, isLeaf := spans[id]
		if isLeaf && id%40 != 0 { // every page of another kind, and some of these
			continue
		}
		file := bytes.Clone(whole)
		clear(file[id*4096 : id*4096+4096])
		records, damaged, err := examined(file)
		if err != nil {
			t.Errorf("page %d: %v", id, err)
			continue
		}
		if len(damaged.Broken) > 0 {
			rebuilt++
			records = rebuiltRecords(t, file, damaged)
		}
		for name, want := range w.records {
			for key, value := range want {
				if hit := bytes.Contains(span, []byte(key)); !hit && records[name][key] != value {
					t.Fatalf("page %d zeroed: %s %q is gone or changed: %v", id, name, key, damaged.Broken)
				}
			}
		}
	}
	if rebuilt < 10 {
		t.Errorf("%d files were rebuilt: this shows little", rebuilt)
	}
}

// leaves maps every page of a leaf to the whole leaf.
func leaves(file []byte, e *Examination) map[uint64][]byte {
	spans := map[uint64][]byte{}
	for id := uint64(2); id < e.meta.high; id++ {
		head := file[id*4096:]
		if _, inside := spans[id]; inside || !e.used.has(id) || binary.NativeEndian.Uint16(head[8:]) != kindLeaf {
			continue
		}
		more := uint64(binary.NativeEndian.Uint32(head[12:]))
		for n := range more + 1 {
			spans[id+n] = head[:(more+1)*4096]
		}
	}
	return spans
}

func rebuiltRecords(t *testing.T, file []byte, e *Examination) map[string]map[string]string {
	t.Helper()
	to := filepath.Join(t.TempDir(), "new.db")
	sealed := func(r Record) (string, bool) {
		for _, name := range names {
			if _, err := NewSeal(name).Open(r.Key, r.Value); err == nil {
				return name, true
			}
		}
		return "", false
	}
	_, err := Rebuild(bytes.NewReader(file), e, to, Keep{Record: sealed, Newer: func(string, []byte, []byte) bool { return false }})
	if err != nil {
		t.Fatal(err)
	}
	fresh, err := os.ReadFile(to)
	if err != nil {
		t.Fatal(err)
	}
	records, again, err := examined(fresh)
	if err != nil || len(again.Broken) > 0 {
		t.Fatalf("the new file: %v %v", err, again)
	}
	return records
}

func TestWhatIsNoStoreIsRefused(t *testing.T) {
	w := newWorld(t, 3, 20)
	whole := w.bytes(t)
	used := len(bytes.TrimRight(whole, "\x00")) // bbolt may have grown the file further
	for _, c := range []struct {
		name string
		file []byte
		want string
	}{
		{"text", []byte(strings.Repeat("hello ", 4000)), "does not begin as a store does"},
		{"a few bytes", []byte("x"), "does not begin as a store does"},
		{"no beginning", append(make([]byte, 8192), whole[8192:]...), "does not begin as a store does"},
		{"no end", whole[:used/2/4096*4096], "its end is missing"},
		{"the beginning only", whole[:8192], "its end is missing"},
	} {
		_, e, err := examined(c.file)
		if err == nil || !strings.Contains(err.Error(), c.want) || (e != nil) != errors.Is(err, ErrTruncated) {
			t.Errorf("%s: %v; want %q", c.name, err, c.want)
		}
	}
	second := bytes.Clone(whole)
	newest := 0
	if a, _ := parseMeta(whole[:4096]); a.txid < must(parseMeta(whole[4096:])).txid {
		newest = 4096
	}
	clear(second[newest : newest+4096])
	if _, e, err := examined(second); err != nil || !e.LastWriteInDoubt || len(e.Broken) > 0 {
		t.Errorf("without the newest state: %v %+v", err, e)
	}
}

func must(m meta, ok bool) meta {
	if !ok {
		panic("a page that names a state is damaged")
	}
	return m
}
