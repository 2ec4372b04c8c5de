package secret

import (
	"context"
	"fmt"
	"sync"

	"github.com/opsguard/opsguard/pkg/incident"
)

// Parsed is what a function makes of one secret, made anew only when its text
// changes.
type Parsed[T any] struct {
	store   *Store
	setting string
	parse   func(text string) (T, error)

	mu    sync.Mutex
	text  string
	made  bool
	value T
}

// Parse makes the value once, at the start, so that a malformed secret is refused
// then.
func Parse[T any](ctx context.Context, s *Store, setting string, parse func(text string) (T, error)) (*Parsed[T], error) {
	p := &Parsed[T]{store: s, setting: setting, parse: parse}
	_, err := p.Get(ctx)
	return p, err
}

// Get returns the value as of five minutes ago at most. A secret that was changed
// to something malformed lets nobody in: what it replaced may have been revoked.
func (p *Parsed[T]) Get(ctx context.Context) (T, error) {
	var none T
	text, err := p.store.Get(ctx, p.setting)
	if err != nil {
		return none, err
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.made && p.text == text {
		return p.value, nil
	}
	value, err := p.parse(text)
	if err != nil {
		return none, incident.Unavail("a secret cannot be used", fmt.Errorf("%s: %w", p.setting, err))
	}
	p.text, p.value, p.made = text, value, true
	return value, nil
}
