package e2e

import (
	"context"
	"fmt"
	"log/slog"
	"net/http"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"testing"
	"time"

	"github.com/caarlos0/env/v11"

	"github.com/opsguard/opsguard/infra/local"
	"github.com/opsguard/opsguard/pkg/incident"
	"github.com/opsguard/opsguard/pkg/steps"
)

// childVariable makes the test binary a server whose executor writes a line to a
// file when it acts and then asks an HTTP server for leave to finish: so a test
// can kill a process in the middle of a fix and count how often one was applied.
const childVariable = "OPSGUARD_E2E_CHILD"

type heldExecutor struct{ file, gate, seen string }

// For implements steps.Executors.
func (e heldExecutor) For(incident.Target) (steps.Executor, error) { return e, nil }

// Digest implements steps.Executors.
func (heldExecutor) Digest(_ incident.Target, fixID string) (string, error) { return fixID, nil }

// Look implements steps.Executor.
func (heldExecutor) Look(context.Context, incident.Proposal) (incident.State, error) { return nil, nil }

// Plan implements steps.Executor.
func (heldExecutor) Plan(_ incident.State, p incident.Proposal) (incident.Draft, error) {
	return incident.Draft{Actions: []string{"write a line for " + p.FixID}}, nil
}

// Act implements steps.Executor.
func (e heldExecutor) Act(ctx context.Context, o steps.Order) steps.Acted {
	f, err := os.OpenFile(e.file, os.O_APPEND|os.O_CREATE|os.O_WRONLY, 0o600)
	if err != nil {
		return steps.Acted{Outcome: incident.Failed}
	}
	fmt.Fprintln(f, o.Ref.ID)
	f.Close()
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, e.gate, nil)
	if err == nil {
		var resp *http.Response
		if resp, err = http.DefaultClient.Do(req); err == nil {
			resp.Body.Close()
		}
	}
	if err != nil {
		return steps.Acted{Outcome: incident.Unknown}
	}
	return steps.Acted{Outcome: incident.Simulated}
}

// Verify sees what the test says; by itself nothing: whether the fix was applied
// cannot be read from a target that does not exist.
func (e heldExecutor) Verify(context.Context, steps.Order) (steps.Sight, error) {
	if e.seen != "" {
		return steps.Sight{Phase: steps.Verified, Steps: []incident.FixStep{{Name: "verify", Status: "ok", Detail: e.seen, At: time.Now()}}}, nil
	}
	return steps.Sight{Phase: steps.NotVerified, Steps: []incident.FixStep{{Name: "verify", Status: "failed", Detail: "the state cannot be read", At: time.Now()}}}, nil
}

// Undo implements steps.Executor.
func (heldExecutor) Undo(context.Context, steps.Order) steps.Acted {
	return steps.Acted{Outcome: incident.Failed}
}

func child() {
	var s local.Settings
	err := env.Parse(&s)
	var rt *local.Runtime
	if err == nil {
		rt, err = local.Open(context.Background(), s, local.Deps{Version: "e2e", Console: os.Stdout,
			Log:       slog.New(slog.NewTextHandler(os.Stderr, nil)),
			Executors: heldExecutor{os.Getenv("E2E_APPLIED"), os.Getenv("E2E_GATE"), os.Getenv("E2E_SEEN")}})
	}
	if err == nil {
		ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
		defer stop()
		err = rt.Serve(ctx, func(string) {})
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

// serveHeld starts this test binary as a server; gate holds its fixes back.
func serveHeld(t *testing.T, dir, addr, gate string, extra ...string) *proc {
	t.Helper()
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	return startProc(t, exec.Command(self), addr, append(extra, childVariable+"=1", "E2E_APPLIED="+applied(dir), "E2E_GATE="+gate,
		"OPSGUARD_DATA_DIR="+dir, "OPSGUARD_ADDR="+addr, "OPSGUARD_PUBLIC_URL=http://"+addr))
}

func applied(dir string) string { return filepath.Join(dir, "applied") }
