package local

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"net"
	"net/http"
	"path/filepath"

	"github.com/opsguard/opsguard/infra/local/bolt"
)

// askServing asks the process that serves a data directory, and decodes its answer.
// It is false if there is no such process.
func askServing(ctx context.Context, dir, call string, question, answer any) (answered bool, err error) {
	path := filepath.Join(dir, controlSocket)
	client := &http.Client{Transport: &http.Transport{DisableKeepAlives: true, DialContext: func(ctx context.Context, _, _ string) (net.Conn, error) {
		return (&net.Dialer{}).DialContext(ctx, "unix", path)
	}}}
	body, err := json.Marshal(question)
	if err != nil {
		return true, err
	}
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, "http://opsguard"+call, bytes.NewReader(body))
	if err != nil {
		return true, err
	}
	resp, err := client.Do(req)
	if err != nil {
		return false, nil
	}
	defer resp.Body.Close()
	if resp.StatusCode != http.StatusOK {
		return true, fmt.Errorf("the serving opsguard could not check (%s); see its log", resp.Status)
	}
	if err := json.NewDecoder(resp.Body).Decode(answer); err != nil {
		return true, fmt.Errorf("the serving opsguard gave no report: %w", err)
	}
	return true, nil
}

// serveCheck answers `opsguard store check` while this process has the store.
func (rt *Runtime) serveCheck(w http.ResponseWriter, _ *http.Request) {
	report, err := rt.db.Check()
	if err != nil {
		rt.log.Error("the store could not be checked", "error", err.Error())
		http.Error(w, "the store could not be checked", http.StatusServiceUnavailable)
		return
	}
	if err := json.NewEncoder(w).Encode(report); err != nil {
		rt.log.Warn("the report on the store was not sent", "error", err.Error())
	}
}

// StoreCheck reads a store through, in the process that serves it if there is one. An
// error means that it could not be checked.
func StoreCheck(ctx context.Context, s Settings) (*bolt.Report, error) {
	report := &bolt.Report{}
	answered, err := askServing(ctx, s.DataDir, "/store-check", struct{}{}, report)
	if !answered {
		return bolt.Check(s.DataDir)
	}
	return report, err
}

// StoreInit makes an empty store in a data directory whose store is gone.
func StoreInit(s Settings) error { return bolt.Init(s.DataDir) }

// StoreSalvage makes a store that cannot be opened again of what can be read of it,
// and returns where the damaged file is kept.
func StoreSalvage(s Settings) (kept string, err error) { return bolt.Salvage(s.DataDir) }
