package web

import (
	"fmt"
	"hash/maphash"
	"math"
	"net/http"
	"net/netip"
	"sync"
	"time"
)

// How many wrong keys, links and signatures an address may send: 30 at once, and one
// more every 2 s.
const (
	failureBurst = 30
	failureEvery = 2 * time.Second
)

// failureSlots bounds the memory: 64 KiB, however many addresses fail.
const failureSlots = 4096

// failures slows wrong credentials down by address. It never stands in the way of a
// right one, which is looked at first: nobody can lock an operator out who shares an
// address with them. So it does not keep a key from being guessed, its 32 random
// bytes do; it keeps the log, and whoever reads it, from a flood of guesses.
//
// Addresses share slots by a secret hash, so two that fail may be counted as one. On
// AWS each instance of a function counts for itself.
type failures struct {
	began time.Time
	seed  maphash.Seed

	mu    sync.Mutex
	slots [failureSlots]failureSlot
}

// failureSlot is a token bucket, as the moment at which it is full again.
type failureSlot struct {
	full time.Duration // since began
	told bool          // that it is empty
}

func newFailures(now time.Time) *failures { return &failures{began: now, seed: maphash.MakeSeed()} }

// spend counts a failure. It returns how long the address must wait for its next one,
// 0 if it had one left, and whether that is the first time in a row.
func (f *failures) spend(remoteAddr string, now time.Time) (wait time.Duration, first bool) {
	at := now.Sub(f.began)
	f.mu.Lock()
	defer f.mu.Unlock()
	slot := &f.slots[maphash.Comparable(f.seed, network(remoteAddr))%failureSlots]
	full := max(slot.full, at)
	if wait = full - at - (failureBurst-1)*failureEvery; wait > 0 {
		first = !slot.told
		slot.told = true
		return wait, first
	}
	slot.full, slot.told = full+failureEvery, false
	return 0, false
}

// network is whose failures count together: an IPv4 address, or an IPv6 /64, which
// is the least that one customer gets. What is no address is all one.
func network(remoteAddr string) netip.Prefix {
	at, err := netip.ParseAddrPort(remoteAddr)
	if err != nil {
		return netip.Prefix{}
	}
	addr, bits := at.Addr().Unmap(), 32
	if addr.Is6() {
		bits = 64
	}
	p, err := addr.Prefix(bits)
	if err != nil {
		return netip.Prefix{}
	}
	return p
}

// failed counts a wrong credential and returns its refusal, or in its place that
// there were too many from this address.
func (s *server) failed(x *exchange, refused error) error {
	wait, first := s.failures.spend(x.r.RemoteAddr, s.Now())
	if wait == 0 {
		return refused
	}
	x.quiet = !first
	seconds := int(math.Ceil(wait.Seconds()))
	return &refusal{status: http.StatusTooManyRequests, slug: slugTooManyFailures, retryAfter: seconds,
		detail: fmt.Sprintf("too many wrong keys or links came from this address; a right one works at once, send no other for %d s", seconds)}
}
