package setting

import (
	"strings"
	"testing"
	"time"
)

func TestWhatCannotBeReadIsNamedByItsVariableWithAnExample(t *testing.T) {
	var into struct {
		Timeout time.Duration `env:"A_TIMEOUT" envDefault:"4h"`
		Count   int           `env:"A_COUNT" envDefault:"7"`
		Name    string        `env:"A_NAME" envDefault:"none"`
	}
	t.Setenv("A_TIMEOUT", "90s")
	if err := Load(&into); err != nil || into.Timeout != 90*time.Second || into.Count != 7 || into.Name != "none" {
		t.Errorf("%+v, %v", into, err)
	}
	t.Setenv("A_TIMEOUT", "soon")
	t.Setenv("A_COUNT", "many")
	err := Load(&into)
	if err == nil {
		t.Fatal("taken")
	}
	lines := strings.Split(err.Error(), "\n")
	if len(lines) != 2 || !strings.HasPrefix(lines[0], "A_TIMEOUT: ") || !strings.HasSuffix(lines[0], "; write for instance 4h") ||
		!strings.HasPrefix(lines[1], "A_COUNT: ") || !strings.HasSuffix(lines[1], "; write for instance 7") {
		t.Errorf("%v", err)
	}
}
