package local

import (
	"context"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"net/netip"
	"os"
	"time"

	"github.com/opsguard/opsguard/infra"
	"github.com/opsguard/opsguard/infra/setting"
	"github.com/opsguard/opsguard/pkg/executor"
	"github.com/opsguard/opsguard/pkg/incident"
	"github.com/opsguard/opsguard/pkg/integration"
	"github.com/opsguard/opsguard/pkg/inventory"
	"github.com/opsguard/opsguard/pkg/source"
	"github.com/opsguard/opsguard/pkg/steps"
)

// Settings is what the one-machine runtime is told. The table in
// docs/operating.md is made from its tags; a flag wins over its variable.
type Settings struct {
	Addr              string        `env:"OPSGUARD_ADDR" envDefault:"127.0.0.1:3000" flag:"--addr" help:"where to listen; anything but loopback needs OPSGUARD_API_KEYS"`
	DataDir           string        `env:"OPSGUARD_DATA_DIR" envDefault:".opsguard" flag:"--data-dir" help:"where incidents, executions and the link key are kept"`
	ServicesFile      string        `env:"OPSGUARD_SERVICES" flag:"--services" default:"infra/services.yaml, built in" help:"the services, their targets and allowed fixes"`
	PublicURL         string        `env:"OPSGUARD_PUBLIC_URL" default:"http://localhost:3000, with the port of OPSGUARD_ADDR" help:"what links start with, stage prefix included"`
	ApprovalTimeout   time.Duration `env:"OPSGUARD_APPROVAL_TIMEOUT" envDefault:"4h" help:"how long people may take to decide; a service's own wins; 2 s at least"`
	IncidentsPerHour  int           `env:"OPSGUARD_INCIDENTS_PER_HOUR" envDefault:"20" help:"new incidents that a service may open in an hour, critical ones apart; alerts of more are counted in its flood incident; 0: no bound"`
	GroupWindow       time.Duration `env:"OPSGUARD_GROUP_WINDOW" envDefault:"5m" help:"incidents of one service, or of services that dependsOn joins, are told in one message if people are asked about them within it; 0: each has its own"`
	HealthInterval    time.Duration `env:"OPSGUARD_HEALTH_INTERVAL" envDefault:"1h" help:"how often the services' health URLs are probed"`
	ReconcileInterval time.Duration `env:"OPSGUARD_RECONCILE_INTERVAL" envDefault:"5m" help:"how often what a crash left undone is done"`
	APIKeys           string        `env:"OPSGUARD_API_KEYS" secret:"true" default:"none" help:"entries name:role:sha256hex, comma or newline between; make one with opsguard keys new; none: keyless, on loopback only"`
	LinkKeys          string        `env:"OPSGUARD_LINK_KEYS" secret:"true" default:"made at first start, kept in the data directory" help:"hex, 32 bytes or more each, comma or newline between; the first signs decision links, all verify"`
	OSVEndpoint       string        `env:"OSV_ENDPOINT" envDefault:"https://api.osv.dev" help:"OSV's API, which is asked for the vulnerabilities of the services' dependencies"`
	OSVFile           string        `env:"OSV_FILE" default:"none" help:"a file of OSV records (JSON or zip), or a folder of such files, that is read in place of the API"`
	KEVURL            string        `env:"KEV_URL" default:"CISA's" help:"where CISA's catalogue of known exploited vulnerabilities is; none: it is not read"`
	EPSSEndpoint      string        `env:"EPSS_ENDPOINT" envDefault:"https://api.first.org/data/v1/epss" help:"EPSS's API: how likely a vulnerability is to be exploited; none: it is not asked"`
	LogLevel          string        `env:"OPSGUARD_LOG_LEVEL" envDefault:"info" help:"debug, info, warn or error"`
	LogFormat         string        `env:"OPSGUARD_LOG_FORMAT" default:"text on a terminal, else json" help:"text or json"`
	GeminiKey         string        `env:"GEMINI_API_KEY" secret:"true" default:"none" help:"Google Gemini's API key; none: causes are found by the built-in rules only"`
	GeminiModel       string        `env:"GEMINI_MODEL" default:"gemini-3.8-flash" help:"which model is asked"`
	GeminiEndpoint    string        `env:"GEMINI_ENDPOINT" default:"Google's" help:"where the API is; https, or http on loopback"`
	DiscordWebhook    string        `env:"DISCORD_WEBHOOK_URL" secret:"true" default:"none" help:"a Discord webhook that is told about incidents, as the channel discord"`
}

// String leaves out the settings' values: some are secrets.
func (s Settings) String() string { return "settings of the one-machine runtime" }

// GoString and LogValue are as String.
func (s Settings) GoString() string     { return s.String() }
func (s Settings) LogValue() slog.Value { return slog.StringValue(s.String()) }

// check refuses what is wrong, naming the setting.
func (s Settings) check() error {
	if err := setting.CheckIncidentsPerHour(s.IncidentsPerHour); err != nil {
		return err
	}
	if err := setting.CheckApprovalTimeout(s.ApprovalTimeout); err != nil {
		return err
	}
	if err := setting.CheckGroupWindow(s.GroupWindow); err != nil {
		return err
	}
	for name, d := range map[string]time.Duration{"OPSGUARD_HEALTH_INTERVAL": s.HealthInterval, "OPSGUARD_RECONCILE_INTERVAL": s.ReconcileInterval} {
		if d < time.Second {
			return fmt.Errorf("%s: %s: must be 1s at least", name, d)
		}
	}
	if _, _, err := net.SplitHostPort(s.Addr); err != nil {
		return fmt.Errorf("OPSGUARD_ADDR: %q: must be host:port, for instance 127.0.0.1:3000", s.Addr)
	}
	if s.APIKeys == "" && !loopback(s.Addr) {
		return fmt.Errorf("OPSGUARD_ADDR: listening on %s without keys would let anybody decide; set OPSGUARD_API_KEYS (make entries with: opsguard keys new --name NAME --role operate), or listen on 127.0.0.1", s.Addr)
	}
	return nil
}

// Mode says in a word who may decide.
func (s Settings) Mode() string {
	if s.APIKeys == "" {
		return "keyless: whoever is on this machine decides"
	}
	return "keys"
}

// loopback reports whether only this machine can reach the address.
func loopback(addr string) bool {
	host, _, err := net.SplitHostPort(addr)
	if err != nil {
		return false
	}
	if host == "localhost" {
		return true
	}
	ip, err := netip.ParseAddr(host)
	return err == nil && ip.IsLoopback()
}

// publicURL is what was set, or this machine with the port that is listened on.
func (s Settings) publicURL() string {
	if s.PublicURL != "" {
		return s.PublicURL
	}
	_, port, err := net.SplitHostPort(s.Addr)
	if err != nil {
		return "" // check has refused it
	}
	return "http://localhost:" + port
}

// Inventory reads services.yaml: the file named, or the one built in.
func (s Settings) Inventory() (*inventory.Inventory, error) {
	data, name := infra.Services, "the built-in services.yaml"
	if s.ServicesFile != "" {
		var err error
		if data, err = os.ReadFile(s.ServicesFile); err != nil {
			return nil, fmt.Errorf("OPSGUARD_SERVICES: %w", err)
		}
		name = s.ServicesFile
	}
	inv, err := inventory.Load(data, Integrations())
	if err != nil {
		return nil, fmt.Errorf("OPSGUARD_SERVICES: %s:\n%w", name, err)
	}
	return inv, nil
}

// CheckServices reads services.yaml as a start would, and says what is in it. forAWS holds
// it also to what can be used there.
func (s Settings) CheckServices(forAWS bool) (string, error) {
	inv, err := s.Inventory()
	if err == nil && forAWS {
		err = inv.FitsAWS(Integrations())
	}
	if err != nil {
		return "", err
	}
	name := s.ServicesFile
	if name == "" {
		name = "the built-in services.yaml"
	}
	return fmt.Sprintf("%s is right: %d services, %d sources, %d channels, %d trackers", name, len(inv.Services()),
		len(inv.Entries(integration.Sources)), len(inv.Entries(integration.Channels)), len(inv.Entries(integration.Trackers))), nil
}

// CheckTargets looks at every target that services.yaml names, and changes none.
func (s Settings) CheckTargets(ctx context.Context, d Deps) ([]steps.TargetCheck, error) {
	inv, err := s.Inventory()
	if err != nil {
		return nil, err
	}
	executors, err := executor.Open(s.env(d), executor.List())
	if err != nil {
		return nil, err
	}
	return steps.CheckTargets(ctx, executors, inv), nil
}

// tenant is the only one until there are several.
const tenant = incident.DefaultTenant

// SourceReader opens what reads the bodies of one kind of sender, for a look without a
// server: name is an entry of that services.yaml, or, where no file is named, a type.
func SourceReader(servicesFile, name, version string) (steps.Source, error) {
	var entries []integration.Entry
	if servicesFile != "" {
		inv, err := Settings{ServicesFile: servicesFile}.Inventory()
		if err != nil {
			return nil, err
		}
		entries = inv.Entries(integration.Sources)
	}
	env := integration.Env{
		Secrets: secrets{}, HTTP: integration.NewHTTP(http.DefaultTransport), Outside: integration.NewOutside(),
		Now: time.Now, After: time.After, Log: slog.New(slog.DiscardHandler), Version: version,
	}
	return source.Reader(env, name, entries)
}
