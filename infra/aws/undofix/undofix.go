// Package undofix opens the step that undoes what did not help.
package undofix

import (
	"context"
	"crypto/rand"

	"github.com/opsguard/opsguard/infra/aws"
	"github.com/opsguard/opsguard/infra/aws/targets"
	"github.com/opsguard/opsguard/pkg/steps"
)

// Open binds undo-fix. Lambda may call it twice at once, so each call has a name.
func Open(ctx context.Context, f aws.Function) (steps.UndoFix, error) {
	t, err := targets.Open(ctx, f)
	return steps.UndoFix{Store: t.Store, Executors: t.Executors, NewCall: rand.Text, Now: f.Now, Log: f.Log}, err
}
