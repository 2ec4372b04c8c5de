package steps

import (
	"crypto/sha256"

	"github.com/opsguard/opsguard/pkg/recent"
)

// maxDeliveries is how many signed requests Deliveries remembers at least: 32 bytes
// each.
const maxDeliveries = 8192

// Deliveries remembers signed requests that were taken, so that a copy of one does
// nothing. It holds the last 8,192 at least and twice as many at most, and belongs to
// one process. A copy that reaches another process, or comes after a restart, is one more
// occurrence of the same alert or the same recovery, unless the sender signs a time and it
// is over.
type Deliveries struct{ seen *recent.Map[[32]byte, bool] }

// NewDeliveries remembers nothing yet.
func NewDeliveries() *Deliveries {
	return &Deliveries{recent.NewMap[[32]byte, bool](maxDeliveries)}
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
	_, seen := d.seen.Peek(id) // a copy must not push out a delivery that came later
	return seen
}

func (d *Deliveries) add(id [32]byte) {
	if d != nil && id != [32]byte{} {
		d.seen.Put(id, true)
	}
}
