package gemini

import (
	"net/url"
	"strings"
	"time"

	"github.com/opsguard/opsguard/pkg/incident"
	"github.com/opsguard/opsguard/pkg/integration"
)

// Settings are what may be said of the model.
type Settings struct {
	APIKey integration.Secret `setting:"apiKey" help:"Google Gemini's API key"`
	// Model is a Gemini model's name. The default is the newest stable Flash model
	// of 2026-11; gemini-2.5-flash is shut down on 2026-12-01.
	Model    string        `setting:"model" default:"gemini-3.8-flash" help:"which model is asked"`
	Endpoint string        `setting:"endpoint" default:"https://generativelanguage.googleapis.com" help:"where the API is; https, or http on loopback"`
	Timeout  time.Duration `setting:"timeout" default:"20s" help:"how long one question may take; less than the analyze step has"`
}

// The settings that configure the one entry that there may be, and the secret.
const (
	SettingKey      = "GEMINI_API_KEY"
	SettingModel    = "GEMINI_MODEL"
	SettingEndpoint = "GEMINI_ENDPOINT"
	DefaultModel    = "gemini-3.8-flash"
)

// Entry makes the entry that GEMINI_API_KEY, GEMINI_MODEL and GEMINI_ENDPOINT
// configure; "" leaves the default.
func Entry(model, endpoint string) integration.Entry {
	e := integration.Entry{Name: "gemini", Type: "gemini", Settings: []integration.Setting{integration.SecretSetting("apiKey", SettingKey)}}
	if model != "" {
		e.Settings = append(e.Settings, integration.Setting{Name: "model", Value: integration.Value{Text: model}})
	}
	if endpoint != "" {
		e.Settings = append(e.Settings, integration.Setting{Name: "endpoint", Value: integration.Value{Text: endpoint}})
	}
	return e
}

const (
	upper   = "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
	letters = "abcdefghijklmnopqrstuvwxyz" + upper + "0123456789"
)

// madeOf reports whether s has least to most bytes, all of them allowed. A regular
// expression that counts took a third of a cold start of hello-world to compile.
func madeOf(s, allowed string, least, most int) bool {
	return len(s) >= least && len(s) <= most && strings.Trim(s, allowed) == ""
}

// isModel takes a model's name, with or without where it is listed.
func isModel(s string) bool {
	if name, ok := strings.CutPrefix(s, "models/"); ok {
		s = name
	} else if name, ok := strings.CutPrefix(s, "tunedModels/"); ok {
		s = name
	}
	return madeOf(s, letters+"._-", 1, 100) && strings.Contains(letters, s[:1])
}

// isKey takes what a header can carry; Google's keys are of letters, digits, - and _.
func isKey(s string) bool { return madeOf(s, letters+"._~+/=:-", 1, 500) }

// Validate refuses what cannot work, by the setting's name in the environment.
func (s Settings) Validate() error {
	u, err := url.Parse(strings.TrimSuffix(s.Endpoint, "/"))
	switch {
	case !isModel(s.Model):
		return incident.BadField("model", "%s: must be a model's name, like %s", SettingModel, DefaultModel)
	case err != nil || u.Host == "" || u.User != nil || u.RawQuery != "" || u.Fragment != "" || !integration.Encrypted(u):
		return incident.BadField("endpoint", "%s: must be https://host (http only on loopback), with a path at most", SettingEndpoint)
	case s.Timeout <= 0:
		return incident.BadField("timeout", "must be positive")
	}
	return nil
}
