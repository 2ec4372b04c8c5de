package setting

import (
	"strings"
	"testing"
)

func TestAMisspeltSettingIsRefusedWithTheOneThatWasMeant(t *testing.T) {
	var s struct {
		Services string `env:"OPSGUARD_SERVICES"`
		Keys     string `env:"OPSGUARD_API_KEYS"`
		Other    string `env:"GEMINI_MODEL"`
	}
	known := Names(&s)
	for entry, meant := range map[string]string{
		"OPSGUARD_SERVICE=x": "OPSGUARD_SERVICES", "OPSGUARD_API_KEY=x": "OPSGUARD_API_KEYS", "OPSGUARD_APIKEYS=x": "OPSGUARD_API_KEYS",
		"OPSGUARD_SERVICES=x": "", "OPSGUARD_KEY=x": "", "OPSGUARD_URL=x": "", "OPSGUARD_SECRET_SERVICE=x": "", "PATH=OPSGUARD_SERVICE": "",
	} {
		err := Misspelt([]string{"HOME=/", entry}, known)
		if meant == "" && err != nil || meant != "" && (err == nil || !strings.Contains(err.Error(), "did you mean "+meant+"?") || strings.Contains(err.Error(), "=x")) {
			t.Errorf("%s: %v, want it to name %q", entry, err, meant)
		}
	}
}
