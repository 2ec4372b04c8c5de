package web

import (
	"context"
	"log/slog"

	"github.com/opsguard/opsguard/pkg/incident"
	"github.com/opsguard/opsguard/pkg/steps"
)

// fakeBrake is the kill switch over a record in memory.
type fakeBrake struct{ *fakeRecord }

func (f fakeBrake) Brake(context.Context, string) (incident.Brake, error) {
	return f.brake.Clone(), f.fails
}

func (f fakeBrake) UpdateBrake(_ context.Context, _ string, change func(*incident.Brake)) error {
	if f.fails == nil {
		f.brake.Update(change)
	}
	return f.fails
}

func (f fakeBrake) step() steps.KillSwitch {
	return steps.KillSwitch{Store: f, Tenant: incident.DefaultTenant, Now: f.now, Log: slog.New(slog.DiscardHandler)}
}

// Look implements Brake.
func (f fakeBrake) Look(ctx context.Context) (incident.Brake, error) { return f.step().Look(ctx) }

// Set implements Brake.
func (f fakeBrake) Set(ctx context.Context, to incident.Stop, by incident.Actor, reason string) (incident.Brake, error) {
	return f.step().Set(ctx, to, by, reason)
}
