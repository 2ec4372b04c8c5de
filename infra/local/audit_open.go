package local

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"runtime/debug"
	"time"

	"go.etcd.io/bbolt"
	bolterrors "go.etcd.io/bbolt/errors"

	"github.com/opsguard/opsguard/infra/local/bolt"
)

// serveAudit answers `opsguard audit verify` while this process has the store.
func (rt *Runtime) serveAudit(w http.ResponseWriter, r *http.Request) {
	var q AuditQuery
	if err := json.NewDecoder(r.Body).Decode(&q); err != nil {
		http.Error(w, "the question cannot be read", http.StatusBadRequest)
		return
	}
	report, err := auditor{rt.store}.verify(r.Context(), q)
	if err != nil {
		http.Error(w, err.Error(), http.StatusServiceUnavailable)
		return
	}
	if err := json.NewEncoder(w).Encode(report); err != nil {
		rt.log.Warn("the audit report was not sent", "error", err.Error())
	}
}

// AuditVerify checks audit trails: in the process that serves this data
// directory if there is one, else by reading the store, which it never writes.
// An error means that nothing was checked.
func AuditVerify(ctx context.Context, s Settings, q AuditQuery) (AuditReport, error) {
	report, answered, err := auditThere(ctx, s.DataDir, q)
	if !answered {
		report, err = auditHere(ctx, s.DataDir, q)
	}
	return report, err
}

// auditThere asks the serving process; answered is false if there is none.
func auditThere(ctx context.Context, dir string, q AuditQuery) (report AuditReport, answered bool, err error) {
	path := filepath.Join(dir, controlSocket)
	client := &http.Client{Transport: &http.Transport{DisableKeepAlives: true, DialContext: func(ctx context.Context, _, _ string) (net.Conn, error) {
		return (&net.Dialer{}).DialContext(ctx, "unix", path)
	}}}
	body, err := json.Marshal(q)
	if err != nil {
		return report, true, err
	}
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, "http://opsguard/audit-verify", bytes.NewReader(body))
	if err != nil {
		return report, true, err
	}
	resp, err := client.Do(req)
	if err != nil {
		return report, false, nil
	}
	defer resp.Body.Close()
	if resp.StatusCode != http.StatusOK {
		return report, true, fmt.Errorf("the serving opsguard could not check (%s); see its log", resp.Status)
	}
	if err := json.NewDecoder(resp.Body).Decode(&report); err != nil {
		return report, true, fmt.Errorf("the serving opsguard gave no report: %w", err)
	}
	return report, true, nil
}

// auditHere opens the store for reading only, so that a copy on a read-only disk
// can be checked too and checking changes nothing.
func auditHere(ctx context.Context, dir string, q AuditQuery) (report AuditReport, err error) {
	path := filepath.Join(dir, bolt.FileName)
	file, err := os.Stat(path)
	if err != nil {
		return report, fmt.Errorf("there is no store to check: %w", err)
	}
	// A damaged file makes bbolt panic or fault while it is read.
	defer debug.SetPanicOnFault(debug.SetPanicOnFault(true))
	defer func() {
		if p := recover(); p != nil {
			err = fmt.Errorf("%s is damaged or not an OpsGuard store: %v", path, p)
		}
	}()
	db, err := bbolt.Open(path, 0, &bbolt.Options{ReadOnly: true, Timeout: time.Second})
	switch {
	case errors.Is(err, bolterrors.ErrTimeout):
		return report, fmt.Errorf("%s is in use by an opsguard that cannot be asked; stop it, or check a copy of the directory", dir)
	case err != nil:
		return report, fmt.Errorf("%s cannot be opened: %w", path, err)
	}
	defer db.Close()
	if err := db.View(func(tx *bbolt.Tx) error {
		if tx.Size() > file.Size() {
			return fmt.Errorf("%s is damaged: it is %d bytes long and should be %d", path, file.Size(), tx.Size())
		}
		return nil
	}); err != nil {
		return report, err
	}
	store := bolt.New(db, nil) // there is nothing to write
	if err := store.Ping(ctx); err != nil {
		return report, fmt.Errorf("%s is not a store that this opsguard knows: %w", path, err)
	}
	return auditor{store}.verify(ctx, q)
}
