package incident

import (
	"reflect"
	"slices"
	"time"
)

// Stop is how much a kill switch stops.
type Stop string

const (
	StopNone Stop = "none"
	// StopFixes lets no approved fix begin. A fix that ran and did not help is still
	// undone: that is what makes a bad fix good again.
	StopFixes Stop = "fixes"
	// StopAll lets no fix begin and none be undone.
	StopAll Stop = "all"
)

// ParseStop refuses anything but the three, in their spelling.
func ParseStop(s string) (Stop, error) {
	if stop := Stop(s); stop.rank() >= 0 {
		return stop, nil
	}
	return "", BadField("stops", "must be none, fixes or all")
}

// AtLeast reports whether it stops as much as other. "" stops nothing.
func (s Stop) AtLeast(other Stop) bool { return s.rank() >= other.rank() }

func (s Stop) rank() int {
	if s == "" {
		s = StopNone
	}
	return slices.Index([]Stop{StopNone, StopFixes, StopAll}, s)
}

const (
	// maxBrakeChanges bounds how many changes of a kill switch are kept.
	maxBrakeChanges = 50
	// MaxBrakeReason bounds why a switch was set, in bytes.
	MaxBrakeReason = 500
)

// Brake is a tenant's kill switch. The zero value stops nothing. It holds at most 50
// KiB.
type Brake struct {
	Version int64         `json:"version"` // counts every change that was ever made
	Changes []BrakeChange `json:"changes"` // the last ones, the newest last
}

// BrakeChange is one time that somebody set or lifted it. Hash covers the rest and the
// hash before it, so that none can be changed or dropped unseen.
type BrakeChange struct {
	Seq      int64     `json:"seq"`
	Stops    Stop      `json:"stops"`
	By       Actor     `json:"by"`
	At       time.Time `json:"at"`
	Reason   string    `json:"reason"`
	PrevHash string    `json:"prevHash"`
	Hash     string    `json:"hash"`
}

func (c BrakeChange) hashFor(tenant string) string {
	return sha256Hex(canonical(map[string]any{
		"brake": tenant, "seq": c.Seq, "stops": string(c.Stops), "by": string(c.By), "at": FormatTime(c.At),
		"reason": c.Reason, "prevHash": c.PrevHash,
	}))
}

// Last is the change that holds now; the zero value, which stops nothing, if there was
// none.
func (b Brake) Last() BrakeChange {
	if len(b.Changes) == 0 {
		return BrakeChange{Stops: StopNone}
	}
	return b.Changes[len(b.Changes)-1]
}

// Stops is what it stops now.
func (b Brake) Stops() Stop { return b.Last().Stops }

// Set sets or lifts it. Asked again for the same, for the same reason, it changes
// nothing.
func (b *Brake) Set(tenant string, to Stop, by Actor, reason string, now time.Time) {
	last := b.Last()
	if to == last.Stops && (reason == last.Reason || to == StopNone) {
		return
	}
	next := BrakeChange{Seq: b.Version + 1, Stops: to, By: by, At: Stamp(now), Reason: Cut(reason, MaxBrakeReason), PrevHash: last.Hash}
	if next.PrevHash == "" {
		next.PrevHash = FirstPrevHash
	}
	if next.At.Before(last.At) { // a clock that is behind must not make the list run backwards
		next.At = last.At
	}
	next.Hash = next.hashFor(tenant)
	b.Version = next.Seq
	b.Changes = append(slices.Clone(b.Changes), next)
	b.Changes = b.Changes[max(0, len(b.Changes)-maxBrakeChanges):]
}

// Verify recomputes the list; nil means that it is whole. What came before the 50 last
// changes is not kept and cannot be verified.
func (b Brake) Verify(tenant string) *BadEvent {
	first := b.Version - int64(len(b.Changes)) + 1
	if len(b.Changes) < int(min(b.Version, maxBrakeChanges)) {
		return &BadEvent{first - 1, "is missing"}
	}
	prev := FirstPrevHash
	for n, c := range b.Changes {
		want := first + int64(n)
		switch {
		case c.Seq != want:
			return &BadEvent{want, "is missing"}
		case c.Hash != c.hashFor(tenant):
			return &BadEvent{c.Seq, "was changed"}
		case (n > 0 || c.Seq == 1) && c.PrevHash != prev:
			return &BadEvent{c.Seq, "does not follow the one before"}
		}
		prev = c.Hash
	}
	return nil
}

// LostBrake is in the place of a switch that cannot be read: everything is stopped until
// somebody sets it anew. Its list begins anew, too.
func LostBrake(tenant string) Brake {
	var b Brake
	b.Set(tenant, StopAll, System, "the record of the kill switch is damaged; set or lift it to go on", time.Unix(0, 0))
	return b
}

// Clone returns a copy that shares nothing.
func (b Brake) Clone() Brake {
	b.Changes = slices.Clone(b.Changes)
	return b
}

// Update makes a change and reports whether it was one.
func (b *Brake) Update(change func(*Brake)) bool {
	before := b.Clone()
	change(b)
	return !reflect.DeepEqual(before, *b)
}

// Refuses answers Conflict with CodeStopped where the switch stops at least that, nil
// where what asks may begin.
func (b Brake) Refuses(what Stop) error {
	if what == "" || what == StopNone || !b.Stops().AtLeast(what) {
		return nil
	}
	last := b.Last()
	return Stopped("fixes are stopped: %s set the kill switch at %s: %s", last.By, FormatTime(last.At), last.Reason)
}

// Stopped is Conflict with CodeStopped: the kill switch, a freeze window or the breaker
// lets no fix begin.
func Stopped(format string, args ...any) *Error { return Fail(Conflict, CodeStopped, format, args...) }
