package engine

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/opsguard/opsguard/infra/local/commit"
	"github.com/opsguard/opsguard/pkg/asl"
	"github.com/opsguard/opsguard/pkg/incident"
)

// lazyDB has a disk that gets nothing until somebody waits for it, and then all of it
// in order. A crash keeps as many of the last writes as it likes.
type lazyDB struct {
	plainDB
	mu    sync.Mutex
	queue []lazyWrite
	dead  bool
}

type lazyWrite struct {
	write func(commit.Tx) error
	told  func(error)
}

func (l *lazyDB) Soon(write func(commit.Tx) error, told func(error)) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.dead {
		return errKilled
	}
	l.queue = append(l.queue, lazyWrite{write, told})
	return nil
}

// Do is what a task asks of the store that it shares with the engine.
func (l *lazyDB) Do(write func(commit.Tx) error) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.dead {
		return errKilled
	}
	l.reach(len(l.queue))
	return l.plainDB.Soon(write, func(error) {})
}

// reach puts the first writes that nobody waited for on disk.
func (l *lazyDB) reach(n int) {
	for _, w := range l.queue[:n] {
		if err := l.plainDB.Soon(w.write, w.told); err != nil {
			panic(err)
		}
	}
	l.queue = l.queue[n:]
}

// crash ends the world's process at this moment; the disk has got all but the last lost
// writes that nobody waited for.
func (l *lazyDB) crash(w *world, lost int) {
	l.mu.Lock()
	l.reach(max(0, len(l.queue)-lost))
	l.dead = true
	refused := l.queue
	l.queue = nil
	l.mu.Unlock()
	for _, r := range refused {
		r.told(errKilled)
	}
	w.abandon()
}

// claims is what the fix keeps in the store: it acts once, whatever is repeated, because
// its claim is on disk before.
type claims struct {
	acted    int
	tooEarly bool // a planted bug: it acts before its claim is on disk
}

func (c *claims) fix(db func() *lazyDB) TaskFunc {
	bucket, key := []byte(endedBucket), []byte("claim")
	return func(context.Context, json.RawMessage) (json.RawMessage, error) {
		free := false
		look := func(r commit.Reader) error { free = r.Get(bucket, key) == nil; return nil }
		take := func(tx commit.Tx) error { return errors.Join(look(tx), tx.Put(bucket, key, []byte("taken"))) }
		write := db().Do
		if c.tooEarly {
			if err := db().View(look); err != nil {
				return nil, err
			}
			write = func(func(commit.Tx) error) error {
				return db().Soon(func(tx commit.Tx) error { return tx.Put(bucket, key, []byte("taken")) }, func(error) {})
			}
		}
		if err := write(take); err != nil {
			return nil, err
		}
		if free {
			c.acted++
		}
		return nil, nil
	}
}

// lostRun takes an execution to its end, with a crash at a moment: after so many calls of
// tasks have ended, losing so many writes. It tells whether the run was long enough.
func lostRun(t *testing.T, c *claims, moment, lost int) (crashed bool) {
	var db *lazyDB
	var w *world
	ended, crashes := 0, make(chan struct{}, 1)
	after := func(inner TaskFunc) TaskFunc {
		return func(ctx context.Context, payload json.RawMessage) (json.RawMessage, error) {
			out, err := inner(ctx, payload)
			if ended++; ended == moment {
				crashes <- struct{}{}
				<-ctx.Done() // its end is never heard of
			}
			return out, err
		}
	}
	nothing := func(context.Context, json.RawMessage) (json.RawMessage, error) { return nil, nil }
	w = newWorld(t, approval, map[string]TaskFunc{
		"analyze": after(nothing), "ask": after(nothing), "ticket": after(nothing), "fix": after(c.fix(func() *lazyDB { return db }))})
	w.close()
	reopen := func() {
		db = &lazyDB{plainDB: w.db}
		w.config.DB = db
		w.open()
	}
	crash := func() {
		synctest.Wait()
		select {
		case <-crashes:
			crashed = true
			db.crash(w, lost)
			reopen()
			synctest.Wait()
		default:
		}
	}
	reopen()
	start := func() { // by the alert, and again by reconcile
		must(t, w.engine.StartSoon(t.Context(), "run", json.RawMessage(input)))
		crash()
	}
	start()
	token := ""
	for range 3 { // who decided sends it until it is taken
		start()
		for len(w.tokens) > 0 {
			token = <-w.tokens
		}
		err := w.engine.SendTaskSuccessSoon(t.Context(), incident.NewTaskToken(token), json.RawMessage(`{"decision":"approve"}`))
		if err != nil && !errors.Is(err, ErrTaskTimedOut) {
			t.Fatalf("send: %v", err)
		}
		crash()
	}
	pass(time.Minute)
	w.wantStatus("run", asl.Succeeded)
	db.mu.Lock()
	db.reach(len(db.queue))
	db.mu.Unlock()
	w.close()
	return crashed
}

// TestACrashThatLosesStepsIsLikeTasksThatRanAgain crashes after each call of a task, and has each number
// of the steps be lost that were not on disk. The execution ends as it would, and the fix,
// whose claim is on disk before it acts, acts once.
func TestACrashThatLosesStepsIsLikeTasksThatRanAgain(t *testing.T) {
	crashes := 0
	for moment := 1; moment <= 3; moment++ {
		for lost := range 8 {
			t.Run(fmt.Sprintf("after call %d, %d steps lost", moment, lost), func(t *testing.T) {
				inBubble(t, func(t *testing.T) {
					c := &claims{}
					if lostRun(t, c, moment, lost) {
						crashes++
					}
					if c.acted != 1 {
						t.Errorf("the fix acted %d times", c.acted)
					}
				})
			})
		}
	}
	if crashes != 24 {
		t.Errorf("%d of 24 runs crashed", crashes)
	}
}

// TestActingBeforeTheClaimIsOnDiskIsFound: the test above can fail.
func TestActingBeforeTheClaimIsOnDiskIsFound(t *testing.T) {
	acted := map[int]bool{}
	for lost := range 8 {
		inBubble(t, func(t *testing.T) {
			c := &claims{tooEarly: true}
			lostRun(t, c, 3, lost)
			acted[c.acted] = true
		})
	}
	if !acted[1] || !acted[2] {
		t.Errorf("a fix that acts too early acted once where nothing is lost, and twice where its claim is: %v", acted)
	}
}
