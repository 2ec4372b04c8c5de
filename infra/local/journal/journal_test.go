package journal

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"reflect"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// written is a journal with what was appended to it.
type written struct {
	t    *testing.T
	path string
	*Journal
	groups [][]Op // group n is at n-1
	begins []int  // where each begins in the file
}

func create(t *testing.T, applied uint64) *written {
	t.Helper()
	path := filepath.Join(t.TempDir(), FileName)
	j, err := Create(path, "the-store", applied)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { j.Close() })
	return &written{t: t, path: path, Journal: j}
}

// group makes operations that tell which group they are of.
func group(n, size int) []Op {
	return []Op{
		{Kind: Put, Bucket: "incidents", Key: fmt.Appendf(nil, "key-%d", n), Value: bytes.Repeat([]byte{byte(n)}, size)},
		{Kind: Delete, Bucket: "dedup", Key: []byte("gone")},
		{Kind: Sequence, Bucket: "incidents", Key: []byte{}, Value: binary.BigEndian.AppendUint64(nil, uint64(n))},
	}
}

func (w *written) add(size int) {
	w.t.Helper()
	ops := group(len(w.groups)+1, size)
	w.begins = append(w.begins, sector+w.half*halfSize+w.at)
	if err := w.Append(ops); err != nil {
		w.t.Fatal(err)
	}
	w.Keep()
	w.groups = append(w.groups, ops)
}

// used is how many bytes a group has in the file, without the padding.
func (w *written) used(n int) int {
	_, length, _ := parseHead(appendRecord(nil, record{ops: w.groups[n-1]}), ID{})
	return recordHead + length
}

func (w *written) bytes() []byte {
	w.t.Helper()
	all, err := os.ReadFile(w.path)
	if err != nil {
		w.t.Fatal(err)
	}
	return all
}

// pending returns what a store with the groups up to applied lacks.
func (w *written) pending(all []byte, applied uint64) Pending {
	w.t.Helper()
	p, err := parse(all).Pending(w.ID(), applied)
	if err != nil {
		w.t.Fatal(err)
	}
	return p
}

// want compares what was found with groups first to last, of which lost are missing.
func (w *written) want(what string, got Pending, first, last int, torn bool, lost ...int) {
	w.t.Helper()
	want := Pending{Last: uint64(last), Torn: torn}
	missing := map[int]bool{}
	for _, n := range lost {
		missing[n] = true
		want.Lost = append(want.Lost, Range{uint64(n), uint64(n)})
	}
	for n := first; n <= last; n++ {
		if !missing[n] {
			want.Ops = append(want.Ops, w.groups[n-1]...)
		}
	}
	if !reflect.DeepEqual(want, got) { // thousands of times; a diff takes long
		w.t.Fatalf("%s (-want +got):\n%s", what, cmp.Diff(want, got))
	}
}

func TestWhatWasAppendedIsRead(t *testing.T) {
	w := create(t, 0)
	w.want("an empty one", w.pending(w.bytes(), 0), 1, 0, false)
	for n := range 20 {
		w.add(n * 100)
	}
	found, err := Read(w.path)
	if err != nil || !found.Whole || found.Store != "the-store" || found.ID != w.ID() || found.Cut() {
		t.Fatalf("%+v %v", found, err)
	}
	w.want("all", w.pending(w.bytes(), 0), 1, 20, false)
	w.want("the rest", w.pending(w.bytes(), 7), 8, 20, false)
	if nothing, err := Read(w.path + "-none"); nothing != nil || err != nil {
		t.Errorf("no file: %v %v", nothing, err)
	}
}

// TestAJournalCutAnywhereGivesAPrefix: a write that was torn at any byte costs its
// own group, and no other. What lay there before is zeros or an older record.
func TestAJournalCutAnywhereGivesAPrefix(t *testing.T) {
	for _, used := range []bool{false, true} {
		w := create(t, 0)
		first := 1
		if used { // the same places held records before
			for range 12 {
				w.add(300)
			}
			w.SetApplied(12)
			w.Rotate()
			w.SetApplied(12)
			w.Rotate()
			first = 13
		}
		const enough = 16 << 10 // of the file: the whole of it takes long to copy
		before := w.bytes()[:enough]
		for _, size := range []int{0, 600, 130} {
			w.add(size)
		}
		all := w.bytes()[:enough]
		begin := w.begins[first-1]
		for cut := begin; cut <= begin+w.at; cut++ {
			torn := append(bytes.Clone(all[:cut]), before[cut:]...)
			whole := first - 1
			for n := first; n <= len(w.groups); n++ {
				if from, to := w.begins[n-1], w.begins[n-1]+w.used(n); bytes.Equal(torn[from:to], all[from:to]) {
					whole = n
				}
			}
			p := w.pending(torn, uint64(first-1))
			p.Torn = false // whether enough of it is there to tell depends on the byte
			w.want(fmt.Sprintf("cut at %d", cut), p, first, whole, false)
		}
	}
}

// TestADamagedGroupIsNamedAndTheRestIsThere flips a bit of every byte of every record.
func TestADamagedGroupIsNamedAndTheRestIsThere(t *testing.T) {
	w := create(t, 0)
	for n := range 5 {
		w.add(n * 50)
	}
	all := w.bytes()[:16<<10]
	random := rand.New(rand.NewPCG(1, 2))
	for n := 1; n <= 5; n++ {
		for at := w.begins[n-1]; at < w.begins[n-1]+w.used(n); at++ {
			harmed := bytes.Clone(all)
			harmed[at] ^= 1 << random.IntN(8)
			p := w.pending(harmed, 0)
			if n < 5 {
				w.want(fmt.Sprintf("group %d, byte %d", n, at), p, 1, 5, false, n)
				continue
			}
			p.Torn = false // the last one cannot be told from one whose sync had not ended
			w.want(fmt.Sprintf("group %d, byte %d", n, at), p, 1, 4, false)
		}
	}
}

func TestATornEndIsTold(t *testing.T) {
	w := create(t, 0)
	w.add(10)
	w.add(2000)
	all := w.bytes()
	clear(all[w.begins[1]+sector : w.begins[1]+4*sector])
	w.want("its second sector was never written", w.pending(all, 0), 1, 1, true)
}

// TestHalvesChangePlaces runs through many epochs and looks after every group.
func TestHalvesChangePlaces(t *testing.T) {
	w := create(t, 0)
	applied := uint64(0)
	for n := range 40 {
		if n%7 == 6 { // all but the newest half has been applied by then
			applied = w.Seq()
			w.SetApplied(applied)
			w.Rotate()
		}
		w.add(n * 20)
		w.want(fmt.Sprintf("after group %d", n+1), w.pending(w.bytes(), applied), int(applied)+1, n+1, false)
	}
}

// TestAHalfThatIsWipedOutIsNamed: the groups of the half that was being applied are
// zeros, and the other half has later ones.
func TestAHalfThatIsWipedOutIsNamed(t *testing.T) {
	w := create(t, 0)
	for range 3 {
		w.add(10)
	}
	w.Rotate()
	w.add(10)
	all := w.bytes()
	clear(all[sector : sector+halfSize])
	p := w.pending(all, 0)
	want := Pending{Ops: w.groups[3], Last: 4, Lost: []Range{{1, 3}}}
	if diff := cmp.Diff(want, p); diff != "" || p.Lost[0].String() != "groups 1 to 3" {
		t.Errorf("%v (-want +got):\n%s", p.Lost, diff)
	}
}

// TestARefusedGroupGivesWayToTheNext: its number and its place are used again, in the
// same half or after a change of halves.
func TestARefusedGroupGivesWayToTheNext(t *testing.T) {
	for _, rotate := range []bool{false, true} {
		w := create(t, 0)
		w.add(10)
		if err := w.Append(group(99, 3000)); err != nil { // and not kept
			t.Fatal(err)
		}
		if rotate {
			w.Rotate()
		}
		w.add(20)
		w.add(30)
		w.want(fmt.Sprintf("rotated: %v", rotate), w.pending(w.bytes(), 0), 1, 3, false)
		harmed := w.bytes()
		harmed[w.begins[1]+recordHead+3] ^= 1 // the one in its place is damaged: the refused one must not stand for it
		w.want(fmt.Sprintf("rotated: %v, damaged", rotate), w.pending(harmed, 0), 1, 3, false, 2)
	}
}

func TestAStoreThatIsOlderThanItsJournalIsRefused(t *testing.T) {
	w := create(t, 5)
	w.groups = make([][]Op, 5)
	w.begins = make([]int, 5)
	w.add(10)
	if _, err := parse(w.bytes()).Pending(w.ID(), 4); !errors.Is(err, ErrOlder) {
		t.Errorf("it lacks group 5, which the journal was begun after: %v", err)
	}
	if got := parse(w.bytes()).Applied(w.ID()); got != 5 {
		t.Errorf("the journal says that %d were applied", got)
	}
	w.want("a newer store", w.pending(w.bytes(), 9), 10, 9, false)
}

func TestRecordsOfAnotherJournalAreNotRead(t *testing.T) {
	w := create(t, 0)
	w.add(10)
	if !parse(w.bytes()).Empty(ID{1}) || parse(w.bytes()).Empty(w.ID()) {
		t.Error("records are read under the wrong id")
	}
}

func TestADamagedHeaderDoesNotHideTheRecords(t *testing.T) {
	w := create(t, 0)
	w.add(10)
	whole := w.bytes()[:64<<10]
	for at := range sector {
		all := bytes.Clone(whole)
		all[at] ^= 0x10
		if found := parse(all); found.Whole {
			t.Fatalf("byte %d: the header passes for whole", at)
		}
		w.want(fmt.Sprintf("byte %d", at), w.pending(all, 0), 1, 1, false)
	}
}

func TestAppendsKeepWithinTheirHalf(t *testing.T) {
	w := create(t, 0)
	for w.Room(Size(group(1, 100_000))) {
		w.add(100_000)
	}
	if err := w.Append(group(0, 100_000)); err == nil {
		t.Error("a group was written over the end of its half")
	}
	if p := w.pending(w.bytes(), 0); p.Last != uint64(len(w.groups)) || p.Lost != nil {
		t.Errorf("full: the last of %d groups is %d, lost %v", len(w.groups), p.Last, p.Lost)
	}
	if !w.HalfFull() {
		t.Error("it does not say that it is full")
	}
	for _, ops := range [][]Op{nil, group(1, 0), group(2, 5000)} {
		if got, want := Size(ops), len(appendRecord(nil, record{ops: ops})); got != want {
			t.Errorf("Size says %d, it takes %d", got, want)
		}
	}
}

func TestAFileThatIsNotInItsPlaceIsNoticed(t *testing.T) {
	for _, c := range []struct {
		name, want string
		away       func(path string) error
	}{
		{"deleted", "is gone", os.Remove},
		{"replaced", "was replaced", func(path string) error {
			return errors.Join(os.Remove(path), os.WriteFile(path, make([]byte, fileSize), 0o600))
		}},
		{"cut off", "was cut off", func(path string) error { return os.Truncate(path, 1000) }},
	} {
		w := create(t, 0)
		if err := w.Look(); err != nil {
			t.Fatal(err)
		}
		if err := c.away(w.path); err != nil {
			t.Fatal(err)
		}
		if err := w.Look(); err == nil || !bytes.Contains([]byte(err.Error()), []byte(c.want)) {
			t.Errorf("%s: %v", c.name, err)
		}
	}
}

// FuzzParse: whatever lies there instead of a journal is read without a panic, and
// what passes for a record can be written and read again.
func FuzzParse(f *testing.F) {
	id := ID{7}
	whole := append(header(id, "store"), appendRecord(nil, record{id: id, epoch: 1, base: 1, seq: 1, ops: group(1, 40)})...)
	f.Add(whole)
	f.Add(whole[:700])
	f.Add([]byte{})
	f.Fuzz(func(t *testing.T, all []byte) {
		if len(all) > 1<<16 {
			return
		}
		found := parse(all)
		if _, err := found.Pending(id, 0); err != nil && !errors.Is(err, ErrOlder) {
			t.Fatal(err)
		}
		for _, r := range found.records(id) {
			again, err := parseRecord(appendRecord(nil, r), id)
			if diff := cmp.Diff(r.ops, again.ops); err != nil || diff != "" {
				t.Fatalf("%v\n%s", err, diff)
			}
		}
	})
}

// FuzzParseOps reaches the operations, which a checksum guards in FuzzParse.
func FuzzParseOps(f *testing.F) {
	f.Add(appendRecord(nil, record{ops: group(1, 40)})[recordHead:])
	f.Fuzz(func(t *testing.T, b []byte) {
		ops, err := parseOps(b)
		if err != nil {
			return
		}
		again, err := parseRecord(appendRecord(nil, record{ops: ops}), ID{})
		if diff := cmp.Diff(ops, again.ops); err != nil || diff != "" {
			t.Fatalf("%v\n%s", err, diff)
		}
	})
}
