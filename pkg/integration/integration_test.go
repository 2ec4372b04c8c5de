package integration_test

import (
	"context"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/opsguard/opsguard/pkg/incident"
	"github.com/opsguard/opsguard/pkg/integration"
	"github.com/opsguard/opsguard/pkg/steps/stepstest"
)

// horn is an integration of the tests, which remembers what it was opened with.
type horn struct {
	env      integration.Env
	settings hornSettings
}

type hornSettings struct {
	Key     integration.Secret `setting:"key" help:"its key"`
	Tone    string             `setting:"tone" default:"low" help:"how it sounds"`
	Loud    bool               `setting:"loud" default:"false" help:"whether it is loud"`
	Times   int                `setting:"times" default:"1" help:"how often; 1 to 9"`
	Pause   time.Duration      `setting:"pause" default:"2s" help:"between two"`
	Streets []string           `setting:"streets" default:"" help:"where it is heard"`
	Labels  map[string]string  `setting:"labels" default:"" help:"what it is called"`
}

func (s hornSettings) Validate() error {
	if s.Times < 1 || s.Times > 9 {
		return incident.BadField("times", "must be 1 to 9")
	}
	return nil
}

func (h horn) Check(ctx context.Context) error {
	key, err := h.env.Secret(ctx, h.settings.Key)
	if err == nil && key == "rusty" {
		return errors.New(h.env.Place(h.settings.Key) + ": is rusty")
	}
	return err
}

func horns() []integration.Descriptor[horn] {
	return []integration.Descriptor[horn]{
		integration.New("horn", "makes noise", func(env integration.Env, s hornSettings) (horn, error) { return horn{env, s}, nil }),
	}
}

func entry(name string, settings ...integration.Setting) integration.Entry {
	return integration.Entry{Name: name, Type: "horn", Line: 7, Settings: append(settings, integration.SecretSetting("key", "HORN_KEY"))}
}

func text(name, value string) integration.Setting {
	return integration.Setting{Name: name, Line: 8, Value: integration.Value{Text: value}}
}

func TestSettingsArriveWithTheirDefaults(t *testing.T) {
	opened, err := integration.Open(stepstest.Env(nil), integration.Channels, horns(), []integration.Entry{
		entry("a1"),
		entry("a2", text("tone", "high"), text("loud", "true"), text("times", "3"), text("pause", "5m"),
			integration.Setting{Name: "streets", Value: integration.Value{List: []string{"x", "y"}}},
			integration.Setting{Name: "labels", Value: integration.Value{Map: map[string]string{"k": "v"}}}),
	})
	if err != nil {
		t.Fatal(err)
	}
	first, second := opened[0].It.settings, opened[1].It.settings
	if first.Tone != "low" || first.Loud || first.Times != 1 || first.Pause != 2*time.Second || first.Key.String() != "HORN_KEY" || opened[0].It.env.Name() != "a1" {
		t.Errorf("by default: %+v named %q", first, opened[0].It.env.Name())
	}
	if second.Tone != "high" || !second.Loud || second.Times != 3 || second.Pause != 5*time.Minute || len(second.Streets) != 2 || second.Labels["k"] != "v" {
		t.Errorf("as written: %+v", second)
	}
}

func TestOpenNamesAllThatIsWrong(t *testing.T) {
	_, err := integration.Open(stepstest.Env(nil), integration.Channels, horns(), []integration.Entry{
		entry("a1", text("times", "10"), text("tune", "y")), entry("a2", text("pause", "soon")), entry("a2"), {Name: "a3", Type: "bell"}, {Name: "a4", Type: "horn"}, entry("a5", text("tune", "x")),
		entry("a6", integration.Setting{Name: "tone", Value: integration.Value{List: []string{}}}),
	})
	if err == nil {
		t.Fatal("opened")
	}
	for _, want := range []string{
		"channels.a1: tune: is not a setting here; known: key, tone, loud, times, pause, streets, labels\nchannels.a1: times: must be 1 to 9", "channels.a2: pause: must be a duration", "channels.a2: is named twice", `channels.a3: type "bell" is not built in; known: horn`,
		"channels.a4: key: is missing; its key", "channels.a5: tune: is not a setting here", "channels.a6: tone: must be one value",
	} {
		if !strings.Contains(err.Error(), want) {
			t.Errorf("it does not say %q:\n%v", want, err)
		}
	}
}

func TestADescriptorThatCannotServeIsRefusedByName(t *testing.T) {
	quiet := func(integration.Env, struct{}) (int, error) { return 0, nil }
	type noHelp struct {
		X string `setting:"x"`
	}
	type odd struct {
		X float64 `setting:"x" help:"y"`
	}
	for name, c := range map[string]struct {
		list []integration.Descriptor[int]
		want string
	}{
		"without a doc":            {[]integration.Descriptor[int]{integration.New("mute", " ", quiet)}, "channels/mute: has no doc"},
		"twice":                    {[]integration.Descriptor[int]{integration.New("twin", "a", quiet), integration.New("twin", "b", quiet)}, "channels/twin: is described twice"},
		"with an ill name":         {[]integration.Descriptor[int]{integration.New("Über", "a", quiet)}, "channels/Über: the name must be"},
		"a setting without help":   {[]integration.Descriptor[int]{integration.New("shy", "a", func(integration.Env, noHelp) (int, error) { return 0, nil })}, "channels/shy: the setting x has no help tag"},
		"a setting of an odd type": {[]integration.Descriptor[int]{integration.New("odd", "a", func(integration.Env, odd) (int, error) { return 0, nil })}, "channels/odd: the setting x is of a type"},
	} {
		if _, err := integration.Open(stepstest.Env(nil), integration.Channels, c.list, nil); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: %v, want %q", name, err, c.want)
		}
	}
}

func TestAnEnvWithAPartMissingIsRefusedByName(t *testing.T) {
	for name, spoil := range map[string]func(*integration.Env){
		"Secrets": func(e *integration.Env) { e.Secrets = nil }, "HTTP": func(e *integration.Env) { e.HTTP = nil }, "Outside": func(e *integration.Env) { e.Outside = nil },
		"Now": func(e *integration.Env) { e.Now = nil }, "After": func(e *integration.Env) { e.After = nil }, "Log": func(e *integration.Env) { e.Log = nil },
		"Version": func(e *integration.Env) { e.Version = "" },
	} {
		env := stepstest.Env(nil)
		spoil(&env)
		if _, err := integration.Open(env, integration.Channels, horns(), nil); err == nil || !strings.Contains(err.Error(), "Env."+name+" is missing") {
			t.Errorf("without %s: %v", name, err)
		}
	}
}

func TestCheckReadsTheSecretsAndNamesTheLine(t *testing.T) {
	secrets := stepstest.Secrets{"HORN_KEY": "fine"}
	opened, err := integration.Open(stepstest.Env(secrets), integration.Channels, horns(), []integration.Entry{entry("a1")})
	if err != nil {
		t.Fatal(err)
	}
	if err := opened[0].Check(t.Context()); err != nil {
		t.Errorf("with a good key: %v", err)
	}
	for value, want := range map[string]string{"rusty": "services.yaml:7: channels.a1: HORN_KEY: is rusty", "": "services.yaml:7: channels.a1: HORN_KEY: is not set"} {
		secrets["HORN_KEY"] = value
		if value == "" {
			delete(secrets, "HORN_KEY")
		}
		if err := opened[0].Check(t.Context()); err == nil || err.Error() != want {
			t.Errorf("with %q: %v, want %s", value, err, want)
		}
	}
}
