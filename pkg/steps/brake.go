package steps

import (
	"context"
	"log/slog"
	"strings"

	"github.com/opsguard/opsguard/pkg/incident"
	"github.com/opsguard/opsguard/pkg/redact"
)

// Brakes keeps each tenant's kill switch. A store refuses a change that says Unless, in
// the transaction of that change.
type Brakes interface {
	// Brake returns it, consistently; the zero value, which stops nothing, if it was never
	// set.
	Brake(ctx context.Context, tenant string) (incident.Brake, error)
	// UpdateBrake changes it. change may be called again, with another one, when somebody
	// else changed it meanwhile.
	UpdateBrake(ctx context.Context, tenant string, change func(*incident.Brake)) error
}

// KillSwitch stops every fix of a tenant at once, and lets them go again. What runs
// already is not cut off: it is verified, and undone if it did not help.
type KillSwitch struct {
	Store  Brakes
	Tenant string
	Now    Clock
	Log    *slog.Logger
}

// Look returns the switch as it stands.
func (s KillSwitch) Look(ctx context.Context) (incident.Brake, error) {
	return s.Store.Brake(ctx, s.Tenant)
}

// Set sets or lifts it and returns how it stands then. Whoever stops says why.
func (s KillSwitch) Set(ctx context.Context, to incident.Stop, by incident.Actor, reason string) (set incident.Brake, err error) {
	reason, _ = redact.Line(strings.TrimSpace(reason))
	switch {
	case to != incident.StopNone && reason == "":
		return set, incident.BadField("reason", "is missing; say why fixes are stopped, for those who find them stopped")
	case len(reason) > incident.MaxBrakeReason:
		return set, incident.BadField("reason", "has %d bytes; give at most %d", len(reason), incident.MaxBrakeReason)
	}
	news := false
	err = s.Store.UpdateBrake(ctx, s.Tenant, func(b *incident.Brake) {
		before := b.Version
		b.Set(s.Tenant, to, by, reason, s.Now())
		news = b.Version != before
		set = b.Clone()
	})
	if err == nil && news {
		s.Log.WarnContext(ctx, "the kill switch was set", "stops", to, "by", by, "reason", reason)
	}
	return set, err
}
