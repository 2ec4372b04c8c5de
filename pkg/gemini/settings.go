package gemini

import (
	"errors"
	"log/slog"
	"net"
	"net/url"
	"strings"
	"time"
)

// Settings are read from the environment by a main. The key is a secret and
// prints as a placeholder.
type Settings struct {
	APIKey string `env:"GEMINI_API_KEY" secret:"true" default:"none" help:"Google Gemini's API key; none: causes are found by the built-in rules only"` // "": there is no Gemini; do not open it
	// Model is a Gemini model's name. The default is the newest stable Flash model
	// of 2026-11; gemini-2.5-flash is shut down on 2026-12-01.
	Model string `env:"GEMINI_MODEL" envDefault:"gemini-3.8-flash" help:"which model is asked"`
	// Endpoint is where the API is; "" is Google's. Plain http only on loopback.
	Endpoint string `env:"GEMINI_ENDPOINT" default:"Google's" help:"where the API is; https, or http on loopback"`
	// Timeout bounds one question; 0 is DefaultTimeout.
	Timeout time.Duration
}

const (
	// DefaultModel is used where Settings were not read from an environment.
	DefaultModel = "gemini-3.8-flash"
	// DefaultTimeout is how long a question may take: less than the analyze step has.
	DefaultTimeout  = 20 * time.Second
	defaultEndpoint = "https://generativelanguage.googleapis.com"
)

func (s Settings) String() string {
	if s.APIKey == "" {
		return "gemini: off"
	}
	return "gemini: " + s.Model + ", [API key]"
}

func (s Settings) GoString() string             { return s.String() }
func (s Settings) LogValue() slog.Value         { return slog.StringValue(s.String()) }
func (s Settings) MarshalText() ([]byte, error) { return []byte(s.String()), nil }

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

// check refuses what cannot work by the setting's name, shows nothing of the
// key, and fills in the defaults.
func (s Settings) check() (Settings, *url.URL, error) {
	if s.Model == "" {
		s.Model = DefaultModel
	}
	if s.Endpoint == "" {
		s.Endpoint = defaultEndpoint
	}
	if s.Timeout == 0 {
		s.Timeout = DefaultTimeout
	}
	u, err := url.Parse(strings.TrimSuffix(s.Endpoint, "/"))
	switch {
	case !isKey(s.APIKey):
		return s, nil, errors.New("GEMINI_API_KEY: must be a key, without white space")
	case !isModel(s.Model):
		return s, nil, errors.New("GEMINI_MODEL: must be a model's name, like " + DefaultModel)
	case err != nil || u.Host == "" || u.User != nil || u.RawQuery != "" || u.Fragment != "" ||
		u.Scheme != "https" && (u.Scheme != "http" || !loopback(u.Hostname())):
		return s, nil, errors.New("GEMINI_ENDPOINT: must be https://host (http only on loopback), with a path at most")
	case s.Timeout < 0:
		return s, nil, errors.New("gemini: Timeout: must be positive")
	}
	return s, u, nil
}

func loopback(host string) bool {
	ip := net.ParseIP(host)
	return host == "localhost" || ip != nil && ip.IsLoopback()
}
