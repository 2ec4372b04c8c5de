package local

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"time"

	"github.com/opsguard/opsguard/pkg/steps"
)

// controlSocket lets the operator's commands reach the process that has the data
// directory. Only its owner can connect: the directory and the socket are private.
const controlSocket = "control.sock"

// serveControl answers the operator's commands until the listener closes. A
// socket that cannot be made (a path that is too long, say) costs only those
// commands.
func (rt *Runtime) serveControl() *http.Server {
	path := filepath.Join(rt.settings.DataDir, controlSocket)
	os.Remove(path) // left by a process that was killed; the store's lock says that it is gone
	listener, err := net.Listen("unix", path)
	if err == nil {
		err = os.Chmod(path, 0o600)
	}
	if err != nil {
		rt.log.Warn("the operator's commands cannot reach this process while it serves", "error", err.Error())
		return nil
	}
	mux := http.NewServeMux()
	mux.HandleFunc("POST /health-check", func(w http.ResponseWriter, r *http.Request) {
		report, err := rt.healthCheck.Handle(r.Context())
		if err != nil {
			w.WriteHeader(http.StatusServiceUnavailable)
		}
		if err := json.NewEncoder(w).Encode(report); err != nil {
			rt.log.Warn("the health report was not sent", "error", err.Error())
		}
	})
	mux.HandleFunc("POST /audit-verify", rt.serveAudit)
	mux.HandleFunc("POST /store-check", rt.serveCheck)
	server := &http.Server{Handler: mux, ReadHeaderTimeout: time.Second}
	go func() {
		if err := server.Serve(listener); !errors.Is(err, http.ErrServerClosed) {
			rt.log.Warn("the control socket failed", "error", err.Error())
		}
	}()
	return server
}

// HealthCheck runs the health check once: in the process that serves this data
// directory if there is one, else in this one.
func HealthCheck(ctx context.Context, s Settings, d Deps) (report steps.HealthReport, err error) {
	path := filepath.Join(s.DataDir, controlSocket)
	client := &http.Client{Transport: &http.Transport{DialContext: func(ctx context.Context, _, _ string) (net.Conn, error) {
		return (&net.Dialer{}).DialContext(ctx, "unix", path)
	}}}
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, "http://opsguard/health-check", nil)
	if err != nil {
		return report, err
	}
	resp, err := client.Do(req)
	if err != nil {
		return healthCheckHere(ctx, s, d)
	}
	defer resp.Body.Close()
	if err := json.NewDecoder(resp.Body).Decode(&report); err != nil {
		return report, fmt.Errorf("the serving opsguard gave no report: %w", err)
	}
	if resp.StatusCode != http.StatusOK {
		return report, errors.New("not everything was looked at or recorded; see the log of the serving opsguard")
	}
	return report, nil
}

// healthCheckHere opens the store itself. What it finds is analysed and told when
// opsguard serves next, or before this ends if that is quick.
func healthCheckHere(ctx context.Context, s Settings, d Deps) (steps.HealthReport, error) {
	rt, err := Open(ctx, s, d)
	if err != nil {
		return steps.HealthReport{}, err
	}
	report, err := rt.healthCheck.Handle(ctx)
	patience, cancel := context.WithTimeout(context.WithoutCancel(ctx), stopPatience)
	defer cancel()
	return report, errors.Join(err, rt.Close(patience))
}
