package dynamo

import (
	"context"
	"slices"
	"strings"

	"golang.org/x/sync/errgroup"
)

// spread is one page of a list that is spread over partitions.
type spread struct {
	order string // the attribute that orders the list, newest first
	limit int    // how many items the page may hold
	parts []part
}

// part is what one partition gave so far.
type part struct {
	key   string // the partition's
	items []item
	seen  string // the oldest key that was looked at; where to begin, before the first look
	ended bool   // there is nothing older in it
}

// partsOf begins in every partition after the key before, "" for the newest.
func partsOf(keys []string, before string) []part {
	parts := make([]part, len(keys))
	for n, key := range keys {
		parts[n] = part{key: key, seen: before}
	}
	return parts
}

// Of a page, a partition is asked for its even share and somewhat more, at first: the
// whole page from each of 40 partitions would be 40 pages read for one.
const shareMargin = 4

// maxInFlight bounds how many partitions are read at the same time: connections that
// a function keeps open.
const maxInFlight = 32

// partReader gives the next items of a partition after what was seen, at most limit,
// and the last key that it looked at, "" at the end.
type partReader func(ctx context.Context, p part, limit int) (items []item, seen string, err error)

// fill reads until the page is whole, or once only, where short pages are in order.
func (s *spread) fill(ctx context.Context, once bool, read partReader) error {
	share := min(s.limit, 2*s.limit/len(s.parts)+shareMargin)
	for missing := s.all(); len(missing) > 0; missing = s.missing() {
		all, together := errgroup.WithContext(ctx)
		all.SetLimit(maxInFlight)
		for _, n := range missing {
			p := &s.parts[n]
			all.Go(func() error {
				items, seen, err := read(together, *p, share)
				p.items = append(p.items, items...)
				p.seen, p.ended = seen, seen == ""
				return err
			})
		}
		if err := all.Wait(); err != nil || once {
			return err
		}
		share = min(s.limit, 2*share)
	}
	return nil
}

func (s *spread) all() []int {
	all := make([]int, len(s.parts))
	for n := range all {
		all[n] = n
	}
	return all
}

// sorted are the items of all partitions, newest first.
func (s *spread) sorted() []item {
	var items []item
	for _, p := range s.parts {
		items = append(items, p.items...)
	}
	slices.SortFunc(items, func(a, b item) int { return strings.Compare(stringOf(b, s.order), stringOf(a, s.order)) })
	return items
}

// missing are the partitions that may still have something for this page.
func (s *spread) missing() []int {
	oldest := "" // on the page, as far as it is known
	if items := s.sorted(); len(items) >= s.limit {
		oldest = stringOf(items[s.limit-1], s.order)
	}
	var missing []int
	for n, p := range s.parts {
		if !p.ended && p.seen > oldest {
			missing = append(missing, n)
		}
	}
	return missing
}

// merge puts the parts in one order, newest first, and keeps what is certain: an
// item older than what some partition has still to show may not come yet. next is
// the key after which to go on, "" at the end.
func (s *spread) merge() (items []item, next string) {
	for _, p := range s.parts {
		if !p.ended {
			next = max(next, p.seen)
		}
	}
	items = s.sorted()
	certain := len(items)
	for n, it := range items {
		if stringOf(it, s.order) < next {
			certain = n
			break
		}
	}
	items = items[:certain]
	if len(items) > s.limit {
		items = items[:s.limit]
		next = stringOf(items[s.limit-1], s.order)
	}
	return items, next
}
