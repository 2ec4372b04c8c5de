package integration_test

import (
	"errors"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/opsguard/opsguard/pkg/incident"
	"github.com/opsguard/opsguard/pkg/integration"
)

type organSettings struct {
	Pipes  []string          `setting:"pipes" default:"" help:"which sound"`
	Stops  map[string]string `setting:"stops" default:"" help:"what they are called"`
	Volume int               `setting:"volume" default:"3" help:"how loud"`
}

func (s organSettings) Validate() error {
	return errors.Join(
		errors.Join(incident.BadField("pipes[1]", "is flat"), incident.BadField("stops.vox humana", "is stuck")),
		incident.BadField("volume", "must be 1 to 9"), incident.BadField("pipes[0]", "is sharp"))
}

func TestEveryMistakeThatValidateJoinsIsToldWithTheLineOfItsSetting(t *testing.T) {
	organ := integration.New("organ", "plays", func(integration.Env, organSettings) (int, error) { return 0, nil })
	problems := organ.CheckSettings([]integration.Setting{
		{Name: "pipes", Line: 4, Value: integration.Value{List: []string{"a", "b"}}},
		{Name: "stops", Line: 5, Value: integration.Value{Map: map[string]string{"vox humana": "x"}}},
		{Name: "volume", Line: 6, Value: integration.Value{Text: "loud"}},
	})
	want := []integration.Problem{
		{Setting: "volume", Line: 6, What: "must be a whole number"}, // and not what Validate says of it
		{Setting: "pipes[1]", Line: 4, What: "is flat"}, {Setting: "stops.vox humana", Line: 5, What: "is stuck"},
		{Setting: "pipes[0]", Line: 4, What: "is sharp"},
	}
	if diff := cmp.Diff(want, problems); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	if text := problems[1].Error(); !strings.HasPrefix(text, "pipes[1]: ") {
		t.Errorf("a problem does not name its place: %s", text)
	}
}
