package local

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"time"

	"github.com/opsguard/opsguard/infra/local/bolt"
	"github.com/opsguard/opsguard/infra/local/dbfile"
	"github.com/opsguard/opsguard/pkg/incident"
	"github.com/opsguard/opsguard/pkg/web"
)

const (
	// probeEvery is how long a good answer of the disk holds, so that a monitor that
	// asks each second costs nothing.
	probeEvery = 10 * time.Second
	// probeAgain is how long a bad one holds.
	probeAgain = time.Second
	// room is how much space a disk must have left, in bytes: the largest alert, and
	// the pages that its transaction writes anew, take less.
	room = 1 << 20
)

// health says whether alerts can be accepted: the store's file is in its place, takes
// a write, and there is room for more. It writes rarely, once for all who ask.
type health struct {
	db    *bolt.File
	store *bolt.Store
	now   func() time.Time

	mu    sync.Mutex
	last  verdict
	under chan struct{} // closed when the probe that is under way ends; nil: none is
}

type verdict struct {
	at  time.Time
	err error
}

func newHealth(db *bolt.File, store *bolt.Store) *health {
	return &health{db: db, store: store, now: time.Now}
}

// Ping implements web.Health.
func (h *health) Ping(ctx context.Context) error {
	if err := h.db.Look(); err != nil { // costs no write, so it is asked each time
		return unhealthy(err)
	}
	if err := h.probed(ctx); err != nil {
		return unhealthy(err)
	}
	if findings, count := h.db.Damage.Known(); count > 0 {
		return degraded(findings, count)
	}
	return nil
}

// maxNamed bounds how many damaged places a health check names.
const maxNamed = 5

// degraded names what is damaged, for anybody who asks: incidents by their ids, and of
// the rest only where it is, for keys hold targets and fingerprints.
func degraded(findings []bolt.Finding, count int) error {
	var named []string
	for _, f := range findings[:min(maxNamed, len(findings))] {
		if f.IncidentID == "" {
			named = append(named, cmp.Or(f.Bucket, "a part of the file"))
			continue
		}
		named = append(named, f.Bucket+" of "+f.IncidentID)
	}
	if more := count - len(named); more > 0 {
		named = append(named, fmt.Sprintf("%d more", more))
	}
	return web.Degraded("damaged: " + strings.Join(named, "; ") + ". On the machine that keeps it, opsguard store check names all")
}

// unhealthy words a failure for anybody: no paths.
func unhealthy(err error) error {
	var failed *dbfile.Failure
	if errors.As(err, &failed) {
		return incident.Unavail(failed.What, err)
	}
	return err
}

// probed returns what the last probe said, or what a new one does when that is old or
// an alert was refused since. A disk that hangs holds up the probe and not who asks: ctx
// ends the wait.
func (h *health) probed(ctx context.Context) error {
	_, refused := h.db.Written()
	h.mu.Lock()
	age := h.now().Sub(h.last.at)
	if fresh := age < probeAgain || h.last.err == nil && refused == nil && age < probeEvery; fresh && h.under == nil {
		defer h.mu.Unlock()
		return h.last.err
	}
	if h.under == nil {
		h.under = make(chan struct{})
		go h.run(h.under)
	}
	under := h.under
	h.mu.Unlock()
	select {
	case <-under:
		h.mu.Lock()
		defer h.mu.Unlock()
		return h.last.err
	case <-ctx.Done():
		return incident.Unavail("the store's disk does not answer", ctx.Err())
	}
}

func (h *health) run(ended chan struct{}) {
	err := h.probe()
	h.mu.Lock()
	defer h.mu.Unlock()
	h.last, h.under = verdict{h.now(), err}, nil
	close(ended)
}

// probe asks the disk for room and the store for a write. A store that is written to
// anyway is not asked.
func (h *health) probe() error {
	if err := hasRoom(filepath.Dir(h.db.Path())); err != nil {
		return err
	}
	if at, refused := h.db.Written(); refused == nil && h.now().Sub(at) < probeEvery {
		return nil
	}
	return h.store.Touch()
}

// hasRoom writes a file of that size and takes it away again, without waiting for the
// disk: a full one, or a quota that is used up, refuses at once.
func hasRoom(dir string) error {
	path := filepath.Join(dir, "room")
	err := os.WriteFile(path, make([]byte, room), 0o600)
	if removed := os.Remove(path); err == nil {
		err = removed
	}
	if err != nil {
		return &dbfile.Failure{Path: dir, What: "there is no room on the store's disk", Err: err}
	}
	return nil
}
