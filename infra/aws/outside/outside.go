// Package outside is what integrations see of the world in a function: secrets
// from SSM parameters, each kind below its own prefix so that a role can be
// allowed one kind and not another.
package outside

import (
	"context"
	"net/http"
	"sync"
	"time"

	"github.com/opsguard/opsguard/infra/aws"
	"github.com/opsguard/opsguard/infra/aws/secret"
	"github.com/opsguard/opsguard/infra/setting"
	"github.com/opsguard/opsguard/pkg/incident"
	"github.com/opsguard/opsguard/pkg/integration"
)

// Settings are those of a function that opens integrations.
type Settings struct {
	Prefix string `env:"OPSGUARD_SECRETS_PREFIX" envDefault:"/opsguard/secrets" help:"what the SSM parameters of secrets that services.yaml names begin with: PREFIX/KIND/NAME"`
}

// Env makes the Env of a function. settings names the parameters of secrets that
// have a setting of their own, by the secret's name.
func Env(f aws.Function, settings ...Setting) (integration.Env, error) {
	var s Settings
	if err := setting.Load(&s); err != nil {
		return integration.Env{}, err
	}
	store := &secrets{function: f, prefix: s.Prefix, settings: map[string]Setting{}, read: map[string]*secret.Secret[string]{}}
	for _, one := range settings {
		store.settings[one.Secret] = one
	}
	return integration.Env{
		Secrets: store, HTTP: integration.NewHTTP(http.DefaultTransport), Outside: integration.NewOutside(),
		AWS: access(f), Now: f.Now, After: time.After, Log: f.Log, Version: f.Version,
	}, nil
}

// access is the function's own: the credentials of its role, as Lambda keeps them fresh.
func access(f aws.Function) integration.AWS {
	own := integration.AWS{Credentials: func(ctx context.Context) (integration.AWSKey, error) {
		c, err := f.AWS.Credentials.Retrieve(ctx)
		if err != nil || c.AccessKeyID == "" {
			return integration.AWSKey{}, incident.Bad("the function has no AWS credentials; Lambda sets them")
		}
		return integration.AWSKey{ID: c.AccessKeyID, Secret: c.SecretAccessKey, Token: c.SessionToken}, nil
	}}
	if f.AWS.BaseEndpoint != nil {
		own.Endpoint = *f.AWS.BaseEndpoint
	}
	return own
}

// Setting is a secret whose parameter a setting names.
type Setting struct {
	Secret    string // DISCORD_WEBHOOK_URL
	Name      string // of the setting: DISCORD_WEBHOOK_URL_PARAM
	Parameter string // its value: the SSM parameter's name
}

// secrets reads parameters and keeps each for secret.MaxAge.
type secrets struct {
	function aws.Function
	prefix   string
	settings map[string]Setting

	mu   sync.Mutex
	read map[string]*secret.Secret[string] // by parameter
}

// Secret implements integration.Secrets.
func (s *secrets) Secret(ctx context.Context, kind integration.Kind, name string) (string, error) {
	parameter := s.prefix + "/" + string(kind) + "/" + name
	if set, ok := s.settings[name]; ok {
		parameter = set.Parameter
	}
	limited, cancel := context.WithTimeout(ctx, maxRead)
	defer cancel()
	return s.of(s.Place(kind, name), parameter).Get(limited)
}

// Place implements integration.Secrets.
func (s *secrets) Place(kind integration.Kind, name string) string {
	if set, ok := s.settings[name]; ok {
		return set.Name
	}
	return "the secret " + s.prefix + "/" + string(kind) + "/" + name
}

// maxRead bounds how long a step waits for a secret to be read again: a decision
// must not wait for SSM because a message has to be updated.
const maxRead = 5 * time.Second

func (s *secrets) of(at, parameter string) *secret.Secret[string] {
	s.mu.Lock()
	defer s.mu.Unlock()
	one, ok := s.read[parameter]
	if !ok {
		one = secret.New(s.function, at, parameter, func(text string) (string, error) { return text, nil })
		s.read[parameter] = one
	}
	return one
}
