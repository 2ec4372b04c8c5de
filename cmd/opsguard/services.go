package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"os/signal"
	"strings"

	"github.com/opsguard/opsguard/infra/local"
	"github.com/opsguard/opsguard/pkg/redact"
)

type servicesCommand struct {
	Check servicesCheckCommand `cmd:"" help:"Check services.yaml and name everything that is wrong with it, with line and path. Exit status: 0 right, 1 wrong."`
}

type servicesCheckCommand struct {
	Services string `help:"services.yaml (OPSGUARD_SERVICES)." placeholder:"FILE"`
	AWS      bool   `name:"aws" help:"Refuse also what cannot be used on AWS; the build of the functions does."`
	Targets  bool   `help:"Look also at each target, and say of each fix what it would do now, or what is in the way. Nothing is changed."`
}

func (c servicesCheckCommand) Run() error {
	settings, _, err := where{Services: c.Services}.load()
	if err != nil {
		return err
	}
	return c.check(settings, os.Stdout)
}

func (c servicesCheckCommand) check(s local.Settings, out io.Writer) error {
	counts, err := s.CheckServices(c.AWS)
	if err != nil {
		return err
	}
	if _, err = fmt.Fprintln(out, counts); err != nil || !c.Targets {
		return err
	}
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	return lookAtTargets(ctx, s, out)
}

// lookAtTargets prints a line for each fix, and fails if one of them cannot be done.
func lookAtTargets(ctx context.Context, s local.Settings, out io.Writer) error {
	checks, err := s.CheckTargets(ctx, local.Deps{Version: version, Console: io.Discard, Log: slog.New(slog.DiscardHandler)})
	if err != nil {
		return err
	}
	wrong := 0
	for _, c := range checks {
		said := "ok: " + strings.Join(c.Plan.Actions, "; ")
		if c.Problem != "" {
			said = "cannot be done: " + c.Problem
			wrong++
		}
		if _, err := fmt.Fprintf(out, "%s, %s: %s\n", c.Service, c.FixID, oneLine(said)); err != nil {
			return err
		}
	}
	if wrong > 0 {
		return errors.New(fmt.Sprint(wrong, " of ", len(checks), " fixes cannot be done as the targets are now"))
	}
	return nil
}

// oneLine keeps what a target said from looking like another line of the answer.
func oneLine(said string) string {
	text, _ := redact.Line(said)
	return text
}
