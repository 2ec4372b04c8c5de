package integration_test

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/opsguard/opsguard/pkg/integration"
	"github.com/opsguard/opsguard/pkg/steps/stepstest"
)

// Reach is what several integrations have.
type Reach struct {
	Region string             `setting:"region" help:"where"`
	Key    integration.Secret `setting:"key" help:"by what"`
}

type bellAbroadSettings struct {
	Tower string `setting:"tower" help:"which"`
	Reach
	Volume int `setting:"volume" default:"3" help:"how loud"`
}

func TestSettingsOfAnEmbeddedStructStandInItsPlace(t *testing.T) {
	d := integration.New("abroad", "rings far away", func(_ integration.Env, s bellAbroadSettings) (bellAbroadSettings, error) { return s, nil })
	var names []string
	for _, f := range d.Fields {
		names = append(names, f.Name)
	}
	if diff := cmp.Diff([]string{"tower", "region", "key", "volume"}, names); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	secrets := stepstest.Secrets{"K": "value"}
	o := stepstest.Open(t, stepstest.Env(secrets), integration.Executors, d, text("tower", "north"), text("region", "eu"), integration.SecretSetting("key", "K"))
	if s := o.It; s.Tower != "north" || s.Region != "eu" || s.Key.String() != "K" || s.Volume != 3 {
		t.Errorf("%+v", s)
	}
	delete(secrets, "K")
	if o.Check(t.Context()) == nil {
		t.Error("its secret is not looked for")
	}
	if p := d.CheckSettings([]integration.Setting{text("tower", "north"), integration.SecretSetting("key", "K")}); len(p) != 1 || p[0].Setting != "region" {
		t.Errorf("without the region: %v", p)
	}
}
