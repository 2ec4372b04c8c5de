package steps

import (
	"crypto/sha256"
	"sync"
)

// maxDeliveries bounds each of the two generations that Deliveries remembers: 32 bytes
// each.
const maxDeliveries = 8192

// Deliveries remembers signed requests that were taken, so that a copy of one does
// nothing. It holds the last 8,192 at least and twice as many at most, and belongs to
// one process: a copy that reaches another process, or comes after a restart, meets
// the source's own limit on a signature's age, and is then one more occurrence of the
// same alert. The zero value is ready.
type Deliveries struct {
	mu         sync.Mutex
	young, old map[[32]byte]bool
}

// deliveryOf names a signed request; the zero value if it has no name.
func deliveryOf(name string, source Source, r Request) (id [32]byte) {
	signer, ok := source.(Signer)
	if !ok {
		return id
	}
	if delivery := signer.Delivery(r); delivery != "" {
		return sha256.Sum256([]byte(name + "\n" + delivery))
	}
	return id
}

func (d *Deliveries) has(id [32]byte) bool {
	if d == nil || id == [32]byte{} {
		return false
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.young[id] || d.old[id]
}

func (d *Deliveries) add(id [32]byte) {
	if d == nil || id == [32]byte{} {
		return
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.young == nil || len(d.young) >= maxDeliveries {
		d.young, d.old = map[[32]byte]bool{}, d.young
	}
	d.young[id] = true
}
