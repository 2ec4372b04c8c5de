package journal

import (
	"cmp"
	"errors"
	"fmt"
	"io"
	"maps"
	"os"
	"slices"
)

// Found is what a journal file holds. Nothing of it has been weighed against a store
// yet: see Pending.
type Found struct {
	// Whole: the header can be read. ID and Store are what it says.
	Whole bool
	ID    ID
	Store string

	size  int64
	halfs [2][]byte
}

// Read reads a journal file. One that is not there is nil; one that is damaged is
// not an error.
func Read(path string) (*Found, error) {
	file, err := os.Open(path)
	if errors.Is(err, os.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	defer file.Close()
	info, err := file.Stat()
	if err != nil {
		return nil, err
	}
	all := make([]byte, min(info.Size(), fileSize))
	n, err := io.ReadFull(file, all)
	if err != nil && !errors.Is(err, io.EOF) && !errors.Is(err, io.ErrUnexpectedEOF) {
		return nil, err
	}
	return parse(all[:n]), nil
}

func parse(all []byte) *Found {
	f := &Found{size: int64(len(all))}
	f.ID, f.Store, f.Whole = parseHeader(all)
	for i := range f.halfs {
		from := min(len(all), sector+i*halfSize)
		f.halfs[i] = all[from:min(len(all), from+halfSize)]
	}
	return f
}

// Cut reports whether the file is shorter than a journal.
func (f *Found) Cut() bool { return f.size < fileSize }

// Empty reports whether there is no whole record of that journal.
func (f *Found) Empty(id ID) bool { return len(f.records(id)) == 0 }

// Applied returns the highest number up to which a record says that the store has
// every group. All later groups were in the journal when the last one was written.
func (f *Found) Applied(id ID) (applied uint64) {
	for _, r := range f.records(id) {
		applied = max(applied, r.applied)
	}
	return applied
}

// records finds every whole record of one journal, also those that an earlier use of
// a half left behind.
func (f *Found) records(id ID) (all []record) {
	for _, half := range f.halfs {
		for at := 0; at < len(half); {
			r, err := parseRecord(half[at:], id)
			if err != nil {
				at += sector
				continue
			}
			all = append(all, r)
			at += r.size
		}
	}
	return all
}

// Pending is what a store still lacks of its journal.
type Pending struct {
	Ops  []Op   // in order
	Last uint64 // the number of the last group; what was applied if there is none
	// Lost are groups that were answered and cannot be read.
	Lost []Range
	// Torn: behind the last group lies a piece of another one. It was never
	// answered, unless the disk damaged it later.
	Torn bool
}

// Range is one group or several, by their numbers.
type Range struct{ First, Last uint64 }

func (r Range) String() string {
	if r.First == r.Last {
		return fmt.Sprintf("group %d", r.First)
	}
	return fmt.Sprintf("groups %d to %d", r.First, r.Last)
}

// ErrOlder means that the journal knows of a newer state of the store than there is.
var ErrOlder = errors.New("the store is older than its journal")

// Pending returns what a store that has every group of this journal up to applied
// still lacks.
func (f *Found) Pending(id ID, applied uint64) (Pending, error) {
	all := f.records(id)
	slices.SortStableFunc(all, func(a, b record) int { return cmp.Or(cmp.Compare(a.epoch, b.epoch), cmp.Compare(a.seq, b.seq)) })
	p := Pending{Last: applied}
	groups := map[uint64]record{}
	epochEnd := ^uint64(0) // numbers from here on belong to a later epoch
	for i := len(all) - 1; i >= 0; i-- {
		r := all[i]
		if r.applied > applied {
			return p, fmt.Errorf("%w: it has %d groups of writes, and had %d", ErrOlder, applied, r.applied)
		}
		if i+1 < len(all) && all[i+1].epoch != r.epoch {
			epochEnd = min(epochEnd, all[i+1].base)
		}
		if r.seq > applied && r.seq < epochEnd {
			groups[r.seq] = r
		}
	}
	for _, seq := range slices.Sorted(maps.Keys(groups)) {
		if seq > p.Last+1 {
			p.Lost = append(p.Lost, Range{p.Last + 1, seq - 1})
		}
		p.Ops = append(p.Ops, groups[seq].ops...)
		p.Last = seq
	}
	p.Torn = f.torn(id, p.Last+1)
	return p, nil
}

// torn reports whether a record with that number begins somewhere and is not whole.
func (f *Found) torn(id ID, seq uint64) bool {
	for _, half := range f.halfs {
		for at := 0; at < len(half); at += sector {
			if r, _, ok := parseHead(half[at:], id); ok && r.seq == seq {
				if _, err := parseRecord(half[at:], id); err != nil {
					return true
				}
			}
		}
	}
	return false
}
