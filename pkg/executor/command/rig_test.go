//go:build unix

package command_test

import (
	"bufio"
	"bytes"
	"io"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/opsguard/opsguard/pkg/catalog"
	"github.com/opsguard/opsguard/pkg/executor/command"
	"github.com/opsguard/opsguard/pkg/incident"
	"github.com/opsguard/opsguard/pkg/integration"
	"github.com/opsguard/opsguard/pkg/steps"
	"github.com/opsguard/opsguard/pkg/steps/stepstest"
)

const restart = "restart-service"

// rig is an executor of real commands in a folder of its own.
type rig struct {
	t   *testing.T
	dir string
	env integration.Env
	set map[string]integration.Value
}

func newRig(t *testing.T) *rig {
	t.Helper()
	r := &rig{t: t, dir: t.TempDir(), env: stepstest.Env(nil), set: map[string]integration.Value{}}
	r.env.After = time.After
	r.set["dir"] = integration.Value{Text: r.dir}
	return r
}

// script writes a program and returns its path.
func (r *rig) script(name, text string) string {
	r.t.Helper()
	path := filepath.Join(r.dir, name)
	if err := os.WriteFile(path, []byte("#!/bin/sh\n"+text), 0o755); err != nil {
		r.t.Fatal(err)
	}
	return path
}

func (r *rig) gives(of, fix string, argv ...string) {
	all := r.set[of].Lists
	if all == nil {
		all = map[string][]string{}
	}
	all[fix] = argv
	r.set[of] = integration.Value{Lists: all}
}

func (r *rig) settings() (all []integration.Setting) {
	for name, value := range r.set {
		all = append(all, integration.Setting{Name: name, Value: value})
	}
	return all
}

func (r *rig) open() steps.Executor {
	r.t.Helper()
	return stepstest.Open(r.t, r.env, integration.Executors, command.Integration(), r.settings()...).It
}

func proposal(t *testing.T, fix string) incident.Proposal {
	t.Helper()
	p, err := catalog.Propose(catalog.IDs(), fix, nil)
	if err != nil {
		t.Fatal(err)
	}
	return p
}

func (r *rig) order(fix string) steps.Order {
	r.t.Helper()
	return r.orderOf(proposal(r.t, fix))
}

func (r *rig) orderOf(p incident.Proposal) steps.Order {
	r.t.Helper()
	present, err := r.open().Look(r.t.Context(), p)
	if err != nil {
		r.t.Fatal(err)
	}
	draft, err := r.open().Plan(present, p)
	if err != nil {
		r.t.Fatal(err)
	}
	plan, err := catalog.Build(stepstest.AboutFix(), catalog.IDs(), incident.Target{Service: "shop", Type: "command"}, p)
	if err != nil {
		r.t.Fatal(err)
	}
	plan = plan.With(draft, "digest").Freeze(stepstest.AboutFix())
	return steps.Order{Ref: stepstest.AboutFix(), Plan: plan, Key: plan.Key(stepstest.AboutFix(), false), StartedAt: r.env.Now()}
}

// told is all that the steps say, in one text.
func told(all []incident.FixStep) string {
	var b strings.Builder
	for _, s := range all {
		b.WriteString(s.Status + " " + s.Name + ": " + s.Detail + "\n")
	}
	return b.String()
}

// gate is a named pipe: reading it ends when the last process that holds it has ended,
// and every line says how far one has come.
func (r *rig) gate() (path string, read func() string, ended func()) {
	r.t.Helper()
	path = filepath.Join(r.dir, "gate")
	if err := syscall.Mkfifo(path, 0o600); err != nil {
		r.t.Fatal(err)
	}
	// Opened for both, so that opening waits for nobody; the end comes after holdOn is closed.
	holdOn, err := os.OpenFile(path, os.O_RDWR, 0)
	if err != nil {
		r.t.Fatal(err)
	}
	in, err := os.OpenFile(path, os.O_RDONLY, 0)
	if err != nil {
		r.t.Fatal(err)
	}
	r.t.Cleanup(func() { in.Close(); holdOn.Close() })
	lines := bufio.NewReader(in)
	read = func() string {
		if err := in.SetReadDeadline(time.Now().Add(20 * time.Second)); err != nil {
			r.t.Error(err)
		}
		line, err := lines.ReadString('\n')
		if err != nil {
			r.t.Error(err)
		}
		return strings.TrimSpace(line)
	}
	ended = func() {
		r.t.Helper()
		holdOn.Close()
		if err := in.SetReadDeadline(time.Now().Add(20 * time.Second)); err != nil {
			r.t.Fatal(err)
		}
		if _, err := io.Copy(io.Discard, lines); err != nil {
			r.t.Errorf("a process of the command still lives: %v", err)
		}
	}
	return path, read, ended
}

func lines(t *testing.T, path string) int {
	t.Helper()
	text, err := os.ReadFile(path)
	if err != nil && !os.IsNotExist(err) {
		t.Fatal(err)
	}
	return bytes.Count(text, []byte("\n"))
}
