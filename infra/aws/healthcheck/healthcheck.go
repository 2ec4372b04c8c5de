// Package healthcheck opens what only the hourly health check uses: the look for known
// vulnerabilities.
package healthcheck

import (
	"os"
	"path/filepath"

	"github.com/opsguard/opsguard/infra/setting"
	"github.com/opsguard/opsguard/pkg/integration"
	"github.com/opsguard/opsguard/pkg/scan"
	"github.com/opsguard/opsguard/pkg/steps"
)

// Settings say where the public data is; OSV_FILE has no place in a function.
type Settings struct {
	OSVEndpoint  string `env:"OSV_ENDPOINT" envDefault:"https://api.osv.dev" help:"OSV's API, which is asked for the vulnerabilities of the services' dependencies"`
	KEVURL       string `env:"KEV_URL" default:"CISA's" help:"where CISA's catalogue of known exploited vulnerabilities is; none: it is not read"`
	EPSSEndpoint string `env:"EPSS_ENDPOINT" envDefault:"https://api.first.org/data/v1/epss" help:"EPSS's API: how likely a vulnerability is to be exploited; none: it is not asked"`
}

// Scanner opens it. What was answered is kept while the function is warm.
func Scanner(env integration.Env) (steps.Scanner, error) {
	var s Settings
	if err := setting.Load(&s); err != nil {
		return nil, err
	}
	cache := filepath.Join(os.TempDir(), "opsguard-advisories")
	return scan.New(env, scan.Settings{OSV: s.OSVEndpoint, KEV: s.KEVURL, EPSS: s.EPSSEndpoint, Cache: cache})
}
