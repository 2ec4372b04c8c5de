package printer_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/opsguard/opsguard/infra/local/printer"
)

// screen keeps what is printed on it, in the order in which it was. While it is
// stopped a Write waits.
type screen struct {
	mu      sync.Mutex
	stopped chan struct{} // nil: it runs
	printed []string
	err     error
}

// stop makes every Write wait from now on, until run.
func (s *screen) stop() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.stopped = make(chan struct{})
}

func (s *screen) run() { close(s.stopped) }

func (s *screen) Write(text []byte) (int, error) {
	s.mu.Lock()
	stopped := s.stopped
	s.mu.Unlock()
	if stopped != nil {
		<-stopped
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.err != nil {
		return 0, s.err
	}
	s.printed = append(s.printed, string(text))
	return len(text), nil
}

func (s *screen) fail(err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.err = err
}

func (s *screen) lines() []string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return append([]string(nil), s.printed...)
}

func lost(n int) []byte { return fmt.Appendf(nil, "%d lost", n) }

func write(t *testing.T, o *printer.Outlet, text string) {
	t.Helper()
	if n, err := o.Write([]byte(text)); err != nil || n != len(text) {
		t.Errorf("%q: %d %v", text, n, err)
	}
}

// closed closes the queue and wants everything printed.
func closed(t *testing.T, q *printer.Queue) {
	t.Helper()
	if left := q.Close(t.Context()); left != 0 {
		t.Errorf("%d entries were not printed", left)
	}
}

func TestWritingNeverWaitsForTheReader(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var out screen
		q := printer.New(1 << 20)
		o := q.Outlet(&out, printer.Hooks{})
		out.stop()
		var want []string
		for n := range 1000 { // each would wait for ever on a reader that is stopped
			want = append(want, fmt.Sprintf("message %d", n))
			write(t, o, want[n])
		}
		if got := out.lines(); len(got) > 0 {
			t.Fatalf("a stopped screen shows %d messages", len(got))
		}
		out.run()
		closed(t, q)
		if d := cmp.Diff(want, out.lines()); d != "" {
			t.Errorf("printed (-want +got):\n%s", d)
		}
	})
}

// Two outlets of one terminal are one order.
func TestTheOrderIsKeptAcrossOutlets(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var terminal screen
		q := printer.New(1 << 20)
		out, log := q.Outlet(&terminal, printer.Hooks{}), q.Outlet(&terminal, printer.Hooks{})
		terminal.stop()
		var want []string
		for n := range 100 {
			o := []*printer.Outlet{out, log}[n%2]
			want = append(want, fmt.Sprint(n))
			write(t, o, want[n])
		}
		terminal.run()
		closed(t, q)
		if d := cmp.Diff(want, terminal.lines()); d != "" {
			t.Errorf("printed (-want +got):\n%s", d)
		}
	})
}

func TestTheOldestAreDroppedAndCounted(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var out, log screen
		q := printer.New(30) // three entries of ten bytes
		o, l := q.Outlet(&out, printer.Hooks{Lost: lost}), q.Outlet(&log, printer.Hooks{Lost: lost})
		out.stop()
		write(t, o, "entry 0000")
		synctest.Wait() // it is being printed, and out of the queue
		for n := 1; n < 10; n++ {
			write(t, []*printer.Outlet{o, l}[n%2], fmt.Sprintf("entry %04d", n))
		}
		out.run()
		closed(t, q)
		if d := cmp.Diff([]string{"entry 0000", "3 lost", "entry 0008"}, out.lines()); d != "" {
			t.Errorf("one outlet shows (-want +got):\n%s", d)
		}
		if d := cmp.Diff([]string{"3 lost", "entry 0007", "entry 0009"}, log.lines()); d != "" {
			t.Errorf("the other shows (-want +got):\n%s", d)
		}
	})
}

func TestAnEntryLargerThanTheQueueIsKept(t *testing.T) {
	var out screen
	q := printer.New(10)
	o := q.Outlet(&out, printer.Hooks{Lost: lost})
	large := strings.Repeat("x", 100)
	write(t, o, large)
	closed(t, q)
	if d := cmp.Diff([]string{large}, out.lines()); d != "" {
		t.Errorf("printed (-want +got):\n%s", d)
	}
}

func TestTheCallersBufferIsItsOwn(t *testing.T) {
	var out screen
	q := printer.New(100)
	o := q.Outlet(&out, printer.Hooks{})
	out.stop()
	buffer := []byte("first")
	for _, text := range []string{"first", "other"} {
		copy(buffer, text)
		if _, err := o.Write(buffer); err != nil {
			t.Fatal(err)
		}
	}
	out.run()
	closed(t, q)
	if d := cmp.Diff([]string{"first", "other"}, out.lines()); d != "" {
		t.Errorf("printed (-want +got):\n%s", d)
	}
}

// A reader that left does not come back; who still writes for it is told.
func TestAReaderThatLeavesIsToldOnceAndTheOthersReadOn(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		out, log := screen{err: fmt.Errorf("write: %w", syscall.EPIPE)}, screen{}
		q := printer.New(1 << 10)
		l := q.Outlet(&log, printer.Hooks{})
		told := 0
		o := q.Outlet(&out, printer.Hooks{Lost: lost, Gone: func() {
			told++
			write(t, l, "nobody reads it")
		}})
		write(t, o, "one")
		write(t, o, "two")
		synctest.Wait()
		if _, err := o.Write([]byte("three")); !errors.Is(err, syscall.EPIPE) {
			t.Errorf("writing for nobody answers %v", err)
		}
		write(t, l, "on")
		closed(t, q)
		if d := cmp.Diff([]string{"nobody reads it", "on"}, log.lines()); d != "" || told != 1 {
			t.Errorf("told %d times; the other shows (-want +got):\n%s", told, d)
		}
	})
}

// A full disk, say, under a file that is printed to.
func TestWhatCouldNotBePrintedIsCounted(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		out := screen{err: syscall.ENOSPC}
		q := printer.New(1 << 10)
		o := q.Outlet(&out, printer.Hooks{Lost: lost})
		write(t, o, "one")
		synctest.Wait()
		write(t, o, "two") // the count is printed before it, and lost again with it
		synctest.Wait()
		out.fail(nil)
		write(t, o, "three")
		closed(t, q)
		if d := cmp.Diff([]string{"2 lost", "three"}, out.lines()); d != "" {
			t.Errorf("printed (-want +got):\n%s", d)
		}
	})
}

func TestCloseWaitsNoLongerThanItMay(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var out screen
		q := printer.New(1 << 10)
		o := q.Outlet(&out, printer.Hooks{})
		out.stop()
		for _, text := range []string{"one", "two", "three"} {
			write(t, o, text)
		}
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		begun := time.Now()
		if left := q.Close(ctx); left != 3 || time.Since(begun) != time.Second {
			t.Errorf("%d entries are left after %s", left, time.Since(begun))
		}
		if _, err := o.Write([]byte("four")); err == nil {
			t.Error("a closed queue takes entries")
		}
		out.run()
		closed(t, q)
		if got := out.lines(); len(got) != 3 {
			t.Errorf("printed %q", got)
		}
	})
}
