package steps_test

import (
	"context"
	"sync/atomic"

	"github.com/opsguard/opsguard/pkg/incident"
	"github.com/opsguard/opsguard/pkg/steps"
	"github.com/opsguard/opsguard/pkg/steps/stepstest"
)

// faulty is the real store at the far end of a wire. A hook stands between the
// step and the store: it decides whether the real call is made and what the
// step hears of it. Set hooks while no step runs.
type faulty struct {
	stepstest.Store
	onCommit   func(c incident.Change, real func() error) error
	onJoin     func(real func() (incident.Incident, error)) (incident.Incident, error)
	onHolder   func() error
	onLoad     func(ref incident.Ref) error
	onLoaded   func(ref incident.Ref)
	onEvidence func() error
	onWait     func(real func() (incident.Wait, error)) (incident.Wait, error)
	onEvents   func() error
	onList     func() error
	onFixes    func(write bool) error
}

func (f *faulty) Fixes(ctx context.Context, tenant, service string) (incident.FixHistory, error) {
	if f.onFixes != nil {
		if err := f.onFixes(false); err != nil {
			return incident.FixHistory{}, err
		}
	}
	return f.Store.Fixes(ctx, tenant, service)
}

func (f *faulty) UpdateFixes(ctx context.Context, tenant, service string, change func(*incident.FixHistory)) error {
	if f.onFixes != nil {
		if err := f.onFixes(true); err != nil {
			return err
		}
	}
	return f.Store.UpdateFixes(ctx, tenant, service, change)
}

func (f *faulty) Commit(ctx context.Context, c incident.Change) error {
	real := func() error { return f.Store.Commit(ctx, c) }
	if f.onCommit != nil {
		return f.onCommit(c, real)
	}
	return real()
}

func (f *faulty) Join(ctx context.Context, tenant, fingerprint string, says incident.Latest) (incident.Incident, error) {
	real := func() (incident.Incident, error) { return f.Store.Join(ctx, tenant, fingerprint, says) }
	if f.onJoin != nil {
		return f.onJoin(real)
	}
	return real()
}

func (f *faulty) Holder(ctx context.Context, tenant, fingerprint string) (incident.Ref, error) {
	if f.onHolder != nil {
		if err := f.onHolder(); err != nil {
			return incident.Ref{}, err
		}
	}
	return f.Store.Holder(ctx, tenant, fingerprint)
}

func (f *faulty) Load(ctx context.Context, ref incident.Ref) (incident.Incident, error) {
	if f.onLoad != nil {
		if err := f.onLoad(ref); err != nil {
			return incident.Incident{}, err
		}
	}
	inc, err := f.Store.Load(ctx, ref)
	if f.onLoaded != nil {
		f.onLoaded(ref)
	}
	return inc, err
}

func (f *faulty) Evidence(ctx context.Context, ref incident.Ref) (incident.Evidence, error) {
	if f.onEvidence != nil {
		if err := f.onEvidence(); err != nil {
			return incident.Evidence{}, err
		}
	}
	return f.Store.Evidence(ctx, ref)
}

func (f *faulty) Wait(ctx context.Context, ref incident.Ref) (incident.Wait, error) {
	real := func() (incident.Wait, error) { return f.Store.Wait(ctx, ref) }
	if f.onWait != nil {
		return f.onWait(real)
	}
	return real()
}

func (f *faulty) Events(ctx context.Context, ref incident.Ref) ([]incident.Event, error) {
	if f.onEvents != nil {
		if err := f.onEvents(); err != nil {
			return nil, err
		}
	}
	return f.Store.Events(ctx, ref)
}

func (f *faulty) List(ctx context.Context, q steps.ListQuery) (steps.Page, error) {
	if f.onList != nil {
		if err := f.onList(); err != nil {
			return steps.Page{}, err
		}
	}
	return f.Store.List(ctx, q)
}

// is reports whether a change is the one that a fault waits for.
func is(c incident.Change, action incident.EventAction) bool { return c.Event.Action == action }

// lostReply makes the write of an action and answers that the wire was cut, once.
func lostReply(action incident.EventAction) func(incident.Change, func() error) error {
	var done atomic.Bool
	return func(c incident.Change, real func() error) error {
		if !is(c, action) || done.Swap(true) {
			return real()
		}
		if err := real(); err != nil {
			return err
		}
		return errWire
	}
}

// neverWritten refuses every write of an action.
func neverWritten(action incident.EventAction) func(incident.Change, func() error) error {
	return func(c incident.Change, real func() error) error {
		if is(c, action) {
			return errWire
		}
		return real()
	}
}

// before runs something, once, just before an action is written: what another
// writer does between a step's look and its write.
func before(action incident.EventAction, other func()) func(incident.Change, func() error) error {
	var done atomic.Bool
	return func(c incident.Change, real func() error) error {
		if is(c, action) && !done.Swap(true) {
			other()
		}
		return real()
	}
}
