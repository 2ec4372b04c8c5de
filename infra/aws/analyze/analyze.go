// Package analyze opens Gemini for the analyze function, where a key is set.
package analyze

import (
	"context"
	"net/http"

	"github.com/opsguard/opsguard/infra/aws"
	"github.com/opsguard/opsguard/infra/aws/secret"
	"github.com/opsguard/opsguard/infra/setting"
	"github.com/opsguard/opsguard/pkg/gemini"
	"github.com/opsguard/opsguard/pkg/incident"
	"github.com/opsguard/opsguard/pkg/steps"
)

// Settings are those of the analyze function.
type Settings struct {
	APIKeyParam string `env:"GEMINI_API_KEY_PARAM" help:"the SSM parameter of the Gemini key; empty: rules only"`
	Model       string `env:"GEMINI_MODEL" envDefault:"gemini-3.8-flash"`
	Endpoint    string `env:"GEMINI_ENDPOINT"`
}

const settingKey = "GEMINI_API_KEY_PARAM"

// Source gives the model with the key as it is now.
type Source struct {
	model *secret.Secret[steps.Analyst] // nil: rules only
}

// Open reads the key, if one is named.
func Open(ctx context.Context, f aws.Function) (*Source, error) {
	var s Settings
	if err := setting.Load(&s); err != nil {
		return nil, err
	}
	if s.APIKeyParam == "" {
		return &Source{}, nil
	}
	return &Source{secret.Open(ctx, f, settingKey, s.APIKeyParam, func(text string) (steps.Analyst, error) {
		// The client outlives the call that made it.
		return gemini.Open(context.WithoutCancel(ctx), gemini.Settings{APIKey: text, Model: s.Model, Endpoint: s.Endpoint}, http.DefaultTransport)
	})}, nil
}

// Now is the model, nil for rules only. A key that cannot be read is a model that
// fails: the analysis goes on without it and says so.
func (s *Source) Now(ctx context.Context) steps.Analyst {
	if s.model == nil {
		return nil
	}
	model, err := s.model.Get(ctx)
	if err != nil {
		return failing{err}
	}
	return model
}

// failing is a model that cannot be asked.
type failing struct{ err error }

func (failing) Name() incident.AnalyzedBy { return incident.ByGemini }

func (f failing) Analyze(context.Context, steps.Question) (steps.Answer, error) {
	return steps.Answer{}, f.err
}
