package integration_test

import (
	"context"
	"fmt"

	"github.com/opsguard/opsguard/pkg/incident"
	"github.com/opsguard/opsguard/pkg/integration"
)

// bell stands for any kind's interface.
type bell interface {
	Ring(ctx context.Context) error
}

type bellSettings struct {
	Key    integration.Secret `setting:"key" help:"the key that the bell asks for"`
	Volume int                `setting:"volume" default:"3" help:"how loud, 1 to 9"`
}

// Validate says what the types cannot.
func (s bellSettings) Validate() error {
	if s.Volume < 1 || s.Volume > 9 {
		return incident.BadField("volume", "must be 1 to 9")
	}
	return nil
}

type tower struct {
	env integration.Env
	bellSettings
}

// Ring reads the key for each use, so that a rotated one is used at once.
func (b tower) Ring(ctx context.Context) error {
	_, err := b.env.Secret(ctx, b.Key)
	return err
}

func towerIntegration() integration.Descriptor[bell] {
	return integration.New("tower", "rings the bell of a tower", func(env integration.Env, s bellSettings) (bell, error) {
		return tower{env, s}, nil
	})
}

// An integration is described once. The check of services.yaml and the documents
// need only the description.
func ExampleNew() {
	d := towerIntegration()
	fmt.Println(d.Name+":", d.Doc)
	for _, f := range d.Fields {
		fmt.Printf("%s (%s, default %q): %s\n", f.Name, f.Kind, f.Default, f.Help)
	}
	for _, problem := range d.CheckSettings([]integration.Setting{
		integration.SecretSetting("key", "TOWER_KEY"), {Name: "volume", Value: integration.Value{Text: "11"}},
	}) {
		fmt.Println("refused:", problem)
	}
	// Output:
	// tower: rings the bell of a tower
	// key (secret, default ""): the key that the bell asks for
	// volume (number, default "3"): how loud, 1 to 9
	// refused: volume: must be 1 to 9
}
