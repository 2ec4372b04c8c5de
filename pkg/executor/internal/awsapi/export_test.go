package awsapi

import (
	"context"

	"github.com/opsguard/opsguard/pkg/integration"
)

// With makes a session of a key that is at hand, for tests that set an account up.
func With(env integration.Env, t Target, key integration.AWSKey) *Session {
	return &Session{Target: t, env: env, key: key}
}

// OpenAs opens a session as an executor does, with any rights.
func OpenAs(ctx context.Context, env integration.Env, t Target, rights []string, role, name, source string) (*Session, error) {
	return Open(ctx, env, t, rights, Who{role, name, source})
}
