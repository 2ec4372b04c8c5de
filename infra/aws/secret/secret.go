// Package secret reads secrets from SSM parameters. A function's environment holds
// a parameter's name only (NAME_PARAM), so that no secret stands in a template, a
// console or a function's configuration. What was read is kept for five minutes at
// most, so that a key that was rotated or revoked reaches warm functions too.
package secret

import (
	"context"
	"fmt"
	"sync"
	"time"

	"github.com/opsguard/opsguard/infra/aws"
	"github.com/opsguard/opsguard/pkg/incident"
)

// MaxAge is how long a secret may be used after it was changed.
const MaxAge = 5 * time.Minute

// Secret is what a function makes of one parameter. It may be used concurrently.
type Secret[T any] struct {
	setting, parameter string
	parse              func(text string) (T, error)
	from               ssm
	now                func() time.Time

	mu     sync.Mutex
	readAt time.Time
	made   bool // value is what parse made of text
	text   string
	value  T
}

// Open names the parameter and reads it while the rest of the start goes on: one
// that is not there, or malformed, is refused by its setting before the function
// takes a call. An empty parameter is an empty text.
func Open[T any](ctx context.Context, f aws.Function, setting, parameter string, parse func(text string) (T, error)) *Secret[T] {
	s := New(f, setting, parameter, parse)
	f.Check(ctx, s)
	return s
}

// New names the parameter without reading it. The caller passes it to
// aws.Function.Check or Warm; otherwise the first Get reads it.
func New[T any](f aws.Function, setting, parameter string, parse func(text string) (T, error)) *Secret[T] {
	return &Secret[T]{setting: setting, parameter: parameter, parse: parse, from: ssm{f.AWS, f.Domain, f.Now, time.After}, now: f.Now}
}

// Check implements aws.Checker.
func (s *Secret[T]) Check(ctx context.Context) error {
	if _, err := s.get(ctx); err != nil {
		return fmt.Errorf("%s: %w", s.setting, err)
	}
	return nil
}

// Get returns a value that is at most five minutes old. If the secret can no longer
// be read, or is malformed, Get fails and does not return the value before, which
// may have been revoked.
func (s *Secret[T]) Get(ctx context.Context) (T, error) {
	value, err := s.get(ctx)
	if err != nil {
		return value, incident.Unavail(s.setting, err)
	}
	return value, nil
}

func (s *Secret[T]) get(ctx context.Context) (value T, err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	text, began := s.text, s.now()
	if began.Sub(s.readAt) >= MaxAge {
		if text, err = s.read(ctx); err != nil {
			return value, err
		}
		s.readAt = began
	}
	if s.made && s.text == text {
		return s.value, nil
	}
	s.text, s.made = text, false
	if value, err = s.parse(text); err != nil {
		return value, err
	}
	s.value, s.made = value, true
	return value, nil
}

func (s *Secret[T]) read(ctx context.Context) (string, error) {
	if s.parameter == "" {
		return "", nil
	}
	return s.from.parameter(ctx, s.parameter)
}
