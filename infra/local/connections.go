package local

import (
	"errors"
	"math"
	"net"
	"net/http"
	"sync"
	"sync/atomic"
	"syscall"
)

// Of the files that the process may open, half are kept for everything that is no
// caller's connection, but not more than maxKept: the store's files, the log, the
// control socket, and calls to health URLs (32 at once), channels and the model. More
// than maxConnections cost memory, some 20 KiB each, and no caller needs them.
const (
	maxKept        = 128
	maxConnections = 4096
)

// connectionLimit is how many connections fit into a limit of open files.
func connectionLimit(files uint64) int {
	return int(max(1, min(files-min(files/2, maxKept), maxConnections)))
}

// connections is a listener that holds at most limit connections. When one more
// comes, the one gives way that has been idle the longest: kept alive between two
// requests, or not used yet. A connection in the middle of a request never does;
// if all are, the newcomer waits for the first that ends, and the answers that are
// sent meanwhile tell their callers not to come again on the same connection.
type connections struct {
	net.Listener
	limit int

	waiting atomic.Bool // a newcomer has no place

	mu     sync.Mutex
	room   sync.Cond
	open   map[net.Conn]*place
	turn   uint64 // counts changes, so that what is older can be told
	closed bool
}

// place is one connection's. idleSince is the turn at which it became idle, 0 while a
// request is under way.
type place struct{ idleSince uint64 }

func limited(l net.Listener, limit int) *connections {
	c := &connections{Listener: l, limit: limit, open: map[net.Conn]*place{}}
	c.room.L = &c.mu
	return c
}

// Accept implements net.Listener.
func (c *connections) Accept() (net.Conn, error) {
	for {
		conn, err := c.Listener.Accept()
		if err == nil {
			return c.admit(conn)
		}
		// Something else has the files that were kept; net/http would only wait.
		if (errors.Is(err, syscall.EMFILE) || errors.Is(err, syscall.ENFILE)) && c.giveWay() {
			continue
		}
		return nil, err
	}
}

// admit waits until there is a place.
func (c *connections) admit(conn net.Conn) (net.Conn, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	for len(c.open) >= c.limit && !c.closed {
		if victim := c.longestIdle(); victim != nil {
			victim.Close()
			continue
		}
		c.waiting.Store(true)
		c.room.Wait()
	}
	c.waiting.Store(false)
	if c.closed {
		conn.Close()
		return nil, net.ErrClosed
	}
	c.turn++
	c.open[conn] = &place{idleSince: c.turn}
	return conn, nil
}

// giveWay closes the longest idle connection and reports whether there was one.
func (c *connections) giveWay() bool {
	c.mu.Lock()
	victim := c.longestIdle()
	c.mu.Unlock()
	if victim == nil {
		return false
	}
	victim.Close()
	return true
}

// longestIdle takes out the connection that gives way; nil if none is idle. The
// caller holds mu and closes it. It looks at them all: that is rarer than a request,
// each of which would else have to keep them in order.
func (c *connections) longestIdle() (victim net.Conn) {
	oldest := uint64(math.MaxUint64)
	for conn, at := range c.open {
		if at.idleSince > 0 && at.idleSince < oldest {
			victim, oldest = conn, at.idleSince
		}
	}
	delete(c.open, victim)
	return victim
}

// state is http.Server's ConnState.
func (c *connections) state(conn net.Conn, to http.ConnState) {
	c.mu.Lock()
	defer c.mu.Unlock()
	at, ok := c.open[conn]
	if !ok {
		return // it gave way
	}
	switch to {
	case http.StateActive:
		at.idleSince = 0
	case http.StateIdle:
		c.turn++
		at.idleSince = c.turn
	case http.StateClosed, http.StateHijacked:
		delete(c.open, conn)
	case http.StateNew: // admitted as that
	}
	if c.waiting.Load() {
		c.room.Signal()
	}
}

// handler asks callers to close their connection while another has no place.
func (c *connections) handler(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if c.waiting.Load() {
			w.Header().Set("Connection", "close")
		}
		next.ServeHTTP(w, r)
	})
}

// Close implements net.Listener. It also ends a newcomer's wait.
func (c *connections) Close() error {
	c.mu.Lock()
	c.closed = true
	c.room.Broadcast()
	c.mu.Unlock()
	return c.Listener.Close()
}
