package main

import (
	"context"
	"fmt"
	"io"
	"log/slog"
	"os"

	"github.com/lmittmann/tint"
	"golang.org/x/term"

	"github.com/opsguard/opsguard/infra/local"
	"github.com/opsguard/opsguard/infra/setting"
)

// where are the flags that several commands share; each wins over its variable.
type where struct {
	DataDir  string `help:"Data directory (OPSGUARD_DATA_DIR)." placeholder:"DIR"`
	Services string `help:"services.yaml (OPSGUARD_SERVICES)." placeholder:"FILE"`
}

type serveCommand struct {
	where
	Addr string `help:"Listen address (OPSGUARD_ADDR)." placeholder:"HOST:PORT"`
}

func (c serveCommand) Run(ctx context.Context) error {
	settings, _, err := c.load()
	if err != nil {
		return err
	}
	if c.Addr != "" {
		settings.Addr = c.Addr
	}
	printing, log, err := newPrinting(settings)
	if err != nil {
		return err
	}
	defer printing.close()
	rt, err := local.Open(ctx, settings, local.Deps{Version: version, Console: printing.out, Log: log})
	if err != nil {
		return err
	}
	return rt.Serve(ctx, func(addr string) {
		log.Info("OpsGuard is ready", "url", "http://"+addr, "version", version, "dataDir", settings.DataDir, "mode", settings.Mode())
	})
}

// load reads the environment, then the flags, and makes the log.
func (w where) load() (local.Settings, *slog.Logger, error) {
	var s local.Settings
	if err := setting.Load(&s); err != nil {
		return s, nil, err
	}
	if err := setting.Misspelt(os.Environ(), setting.Names(&s)); err != nil {
		return s, nil, err
	}
	if w.DataDir != "" {
		s.DataDir = w.DataDir
	}
	if w.Services != "" {
		s.ServicesFile = w.Services
	}
	log, err := newLog(s, os.Stderr)
	return s, log, err
}

// newLog makes a log that is formatted for what stderr is, and written to out.
func newLog(s local.Settings, out io.Writer) (*slog.Logger, error) {
	level, err := setting.LogLevel(s.LogLevel)
	if err != nil {
		return nil, err
	}
	text := term.IsTerminal(int(os.Stderr.Fd()))
	switch s.LogFormat {
	case "":
	case "text", "json":
		text = s.LogFormat == "text"
	default:
		return nil, fmt.Errorf("OPSGUARD_LOG_FORMAT: %q: must be text or json", s.LogFormat)
	}
	if text {
		return slog.New(tint.NewTextHandler(out, &tint.Options{Level: level, TimeFormat: "15:04:05", NoColor: !term.IsTerminal(int(os.Stderr.Fd()))})), nil
	}
	return slog.New(slog.NewJSONHandler(out, &slog.HandlerOptions{Level: level})), nil
}
