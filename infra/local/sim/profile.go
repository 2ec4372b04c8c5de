package sim

import (
	"math/rand/v2"
	"time"
)

// profile is what can go wrong in one world, and how often. Most faults are off
// in most worlds: a world with everything at once rarely gets far enough for the
// rare combinations.
type profile struct {
	oneProcess bool // a crash takes everything down, as on one machine; else single invocations die, as on AWS
	byRecord   bool // reconcile visits what is late by its record and is told of ends, as on AWS; else it looks at everything
	softStart  bool // steps of the workflow, starts too, are not waited for: a crash loses those that no write of the store followed
	model      bool // a model is asked; else the rules only
	crowd      bool // many troubles of one target at once, approved as soon as they are seen, with fixes that take minutes

	eager bool // whatever is proposed is approved as soon as it is seen, and the targets are difficult

	timeouts int  // index of Fixtures.inventories
	grouped  bool // of all services only one is worked on at once
	alerts   int
	troubles int

	fail      float64 // chance that a call fails before it did anything
	lost      float64 // chance that a call's answer is lost
	crash     float64 // chance that the process dies after a write
	duplicate float64 // chance that an invocation is delivered twice
	throttle  float64 // chance that an invocation is refused before it runs
	stall     float64 // chance that a call takes minutes
	slow      float64 // chance that a call takes seconds
	redeploy  float64 // chance of a deployment soon after a notice or a decision
	recover   float64 // chance of a recovery at the same moments
	holdUp    float64 // chance that the next system is out of order right after a change
	outages   int     // how many systems fail for a while
	badModel  float64 // chance that the model's answer is of no use
	badFix    float64 // chance that a fix does not simply work
	heldUp    float64 // chance that an acting call arrives minutes after its client has given up
	twice     float64 // chance that an acting call arrives twice
	late      float64 // chance that a target takes longer than the plan's limit
	sick      float64 // chance that a service is not well after its fix, for a while or for good
	stale     float64 // chance that a platform shows what was a while ago
	drift     float64 // chance that somebody changes a target by hand, at each moment where it matters
	careless  bool    // the platforms cannot refuse a fix because the target is another one than planned

	skew time.Duration // how far a process's clock may be off, either way

	faultsEnd time.Duration // from then on nothing fails
}

func newProfile(r *rand.Rand) profile {
	p := profile{
		oneProcess: r.IntN(2) == 0, softStart: r.IntN(2) == 0, model: r.IntN(3) > 0,
		timeouts: []int{0, 1, 2, 2}[r.IntN(4)], alerts: 2 + r.IntN(6), troubles: 1 + r.IntN(4),
		faultsEnd: time.Duration(30+r.IntN(120)) * time.Minute,
	}
	p.byRecord = !p.oneProcess && p.alerts%2 == 0
	if p.crowd = r.IntN(5) == 0; p.crowd {
		p.timeouts, p.alerts, p.troubles = 1+r.IntN(2), 5+r.IntN(4), 5
	}
	if r.IntN(10) == 0 { // everything works
		p.recover = rate(r, 0.3)
		return p
	}
	p.fail, p.lost = rate(r, 0.1), rate(r, 0.1)
	p.crash, p.duplicate, p.throttle = rate(r, 0.06), rate(r, 0.5), rate(r, 0.3)
	p.stall, p.slow = rate(r, 0.04), rate(r, 0.1)
	p.redeploy, p.recover = rate(r, 0.6), rate(r, 0.5)
	p.badModel, p.badFix, p.holdUp = rate(r, 0.6), rate(r, 0.6), rate(r, 0.4)
	p.late, p.sick, p.stale, p.drift = rate(r, 0.3), rate(r, 0.5), rate(r, 0.5), rate(r, 0.3)
	p.careless = r.IntN(3) == 0
	p.heldUp, p.twice = rate(r, 0.2), rate(r, 0.5)
	if p.eager = r.IntN(3) == 0; p.eager {
		p.alerts, p.troubles = 4+r.IntN(4), 4
		p.timeouts, p.recover, p.model, p.badModel = 1+r.IntN(2), 0, true, 0
		p.badFix, p.late, p.sick, p.stale, p.drift = rate(r, 0.4), rate(r, 0.3), 0.6, rate(r, 0.3), rate(r, 0.1)
	}
	if r.IntN(4) == 0 {
		p.skew = time.Duration(r.IntN(2000)) * time.Millisecond
	}
	if r.IntN(2) == 0 {
		p.outages = 1 + r.IntN(3)
	}
	return p
}

// rate is 0 for half of the worlds, else up to most.
func rate(r *rand.Rand, most float64) float64 {
	if r.IntN(2) == 0 {
		return 0
	}
	return most * r.Float64()
}

// system is something that can be out of order for a while.
type system int

const (
	sysStore system = iota
	sysWorkflow
	sysModel
	sysChat
	sysTracker
	sysTarget
	systems // how many there are
)

var systemNames = [systems]string{"the store", "the workflow", "the model", "chat", "the tracker", "the target"}

// latency is how long a call takes to get where it goes, or its answer back. Most
// take whole milliseconds or nothing, so that many things happen at one instant.
func (w *World) latency() time.Duration {
	if w.calm() {
		return time.Duration(w.rng.IntN(3)) * time.Millisecond
	}
	switch r := w.rng.Float64(); {
	case r < w.profile.stall:
		return time.Duration(1+w.rng.IntN(40)) * time.Minute
	case r < w.profile.stall+w.profile.slow:
		return time.Duration(1+w.rng.IntN(20)) * time.Second
	case r < 0.6:
		return 0
	}
	return time.Duration(1+w.rng.IntN(20)) * time.Millisecond
}

// calm reports whether nothing fails any more.
func (w *World) calm() bool { return w.settling || w.clock >= w.profile.faultsEnd }

// chance draws once for each question, so that turning one fault off does not
// change which others come.
func (w *World) chance(p float64) bool { return w.rng.Float64() < p && !w.calm() }

// fault is what happens to one call.
type fault int

const (
	noFault fault = iota
	faultBefore
	faultAfter // it was done; the answer is lost
)

func (w *World) drawFault(sys system) fault {
	r := w.rng.Float64()
	switch {
	case w.calm():
		return noFault
	case w.clock < w.outage[sys]:
		if r < 0.1 {
			return faultAfter
		}
		return faultBefore
	case r < w.profile.fail:
		return faultBefore
	case r < w.profile.fail+w.profile.lost:
		return faultAfter
	}
	return noFault
}
