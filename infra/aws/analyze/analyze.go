// Package analyze opens Gemini for the analyze function, where a key is set.
package analyze

import (
	"context"

	"github.com/opsguard/opsguard/infra/aws"
	"github.com/opsguard/opsguard/infra/aws/outside"
	"github.com/opsguard/opsguard/infra/setting"
	"github.com/opsguard/opsguard/pkg/gemini"
	"github.com/opsguard/opsguard/pkg/integration"
	"github.com/opsguard/opsguard/pkg/steps"
)

// Settings are those of the analyze function.
type Settings struct {
	APIKeyParam string `env:"GEMINI_API_KEY_PARAM" help:"the SSM parameter of the Gemini key; empty: rules only"`
	Model       string `env:"GEMINI_MODEL" help:"which model is asked; empty: the default"`
	Endpoint    string `env:"GEMINI_ENDPOINT" help:"where the API is; empty: at Google"`
}

const settingKey = "GEMINI_API_KEY_PARAM"

// Open opens the model where a key's parameter is named; nil: rules only. A key
// that can later not be read is a model that fails: the analysis goes on without it
// and says so.
func Open(ctx context.Context, f aws.Function) (steps.Analyst, error) {
	var s Settings
	if err := setting.Load(&s); err != nil {
		return nil, err
	}
	if s.APIKeyParam == "" {
		return nil, nil
	}
	env, err := outside.Env(f, outside.Setting{Secret: gemini.SettingKey, Name: settingKey, Parameter: s.APIKeyParam})
	if err != nil {
		return nil, err
	}
	opened, err := integration.Open(env, integration.Models, gemini.List(), []integration.Entry{gemini.Entry(s.Model, s.Endpoint)})
	if err != nil {
		return nil, err
	}
	f.Check(ctx, opened[0])
	return opened[0].It, nil
}
