// Package secret reads secrets from SSM parameters. A function's environment holds
// a parameter's name only (NAME_PARAM), so that no secret stands in a template, a
// console or a function's configuration. What was read is kept for five minutes at
// most, so that a key that was rotated or revoked reaches warm functions too.
package secret

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ssm"
	"github.com/aws/aws-sdk-go-v2/service/ssm/types"
	"golang.org/x/sync/errgroup"

	"github.com/opsguard/opsguard/pkg/incident"
)

// MaxAge is how long a secret may go on being used after it was changed.
const MaxAge = 5 * time.Minute

// Store holds the parameters of one function. It may be used concurrently.
type Store struct {
	client   *ssm.Client
	settings map[string]string // parameter -> the setting that names it
	now      func() time.Time

	mu     sync.Mutex
	readAt time.Time
	values map[string]string // setting -> text
}

// Name is a setting and the parameter that it names; an empty Parameter is left out.
type Name struct{ Setting, Parameter string }

// Open reads all parameters once, at the start; one that is not there is refused
// by its setting.
func Open(ctx context.Context, cfg aws.Config, now func() time.Time, names ...Name) (*Store, error) {
	s := &Store{client: ssm.NewFromConfig(cfg), settings: map[string]string{}, now: now}
	for _, n := range names {
		if n.Parameter == "" {
			continue
		}
		if other, taken := s.settings[n.Parameter]; taken {
			return nil, fmt.Errorf("%s: names the parameter of %s", n.Setting, other)
		}
		s.settings[n.Parameter] = n.Setting
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	return s, s.refresh(ctx)
}

// Get returns a secret's text; "" for a setting that names no parameter.
func (s *Store) Get(ctx context.Context, setting string) (string, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.now().Sub(s.readAt) >= MaxAge {
		if err := s.refresh(ctx); err != nil {
			return "", incident.Unavail("the secrets cannot be read", err)
		}
	}
	return s.values[setting], nil
}

// refresh reads every parameter by itself: IAM then decides by each one's ARN.
func (s *Store) refresh(ctx context.Context) error {
	began := s.now()
	var mu sync.Mutex
	values := map[string]string{}
	all, ctx := errgroup.WithContext(ctx)
	for parameter, setting := range s.settings {
		all.Go(func() error {
			text, err := s.read(ctx, parameter)
			if err != nil {
				return fmt.Errorf("%s: %w", setting, err)
			}
			mu.Lock()
			defer mu.Unlock()
			values[setting] = text
			return nil
		})
	}
	if err := all.Wait(); err != nil {
		return err
	}
	s.values, s.readAt = values, began
	return nil
}

func (s *Store) read(ctx context.Context, parameter string) (string, error) {
	out, err := s.client.GetParameter(ctx, &ssm.GetParameterInput{Name: &parameter, WithDecryption: aws.Bool(true)})
	var missing *types.ParameterNotFound
	if errors.As(err, &missing) {
		return "", fmt.Errorf("SSM has no parameter %s", parameter)
	}
	if err != nil {
		return "", fmt.Errorf("the SSM parameter %s cannot be read: %w", parameter, err)
	}
	return strings.TrimSpace(aws.ToString(out.Parameter.Value)), nil
}
