package local

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"

	"github.com/opsguard/opsguard/infra/local/bolt"
)

// serveAudit answers `opsguard audit verify` while this process has the store.
func (rt *Runtime) serveAudit(w http.ResponseWriter, r *http.Request) {
	var q AuditQuery
	if err := json.NewDecoder(r.Body).Decode(&q); err != nil {
		http.Error(w, "the question cannot be read", http.StatusBadRequest)
		return
	}
	report, err := rt.verify(r.Context(), q)
	if err != nil {
		http.Error(w, err.Error(), http.StatusServiceUnavailable)
		return
	}
	if err := json.NewEncoder(w).Encode(report); err != nil {
		rt.log.Warn("the audit report was not sent", "error", err.Error())
	}
}

func (rt *Runtime) verify(ctx context.Context, q AuditQuery) (AuditReport, error) {
	var found []bolt.Finding
	if q.All {
		check, err := rt.db.Check()
		if err != nil {
			return AuditReport{}, err
		}
		found = check.Findings
	}
	return auditor{rt.store}.verify(ctx, q, found)
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
	answered, err = askServing(ctx, dir, "/audit-verify", q, &report)
	return report, answered, err
}

// auditHere opens the store for reading only, so that a copy on a read-only disk
// can be checked too and checking changes nothing.
func auditHere(ctx context.Context, dir string, q AuditQuery) (report AuditReport, err error) {
	db, check, err := bolt.OpenRead(dir)
	if err != nil {
		return report, err
	}
	defer db.Close()
	store := bolt.New(db, nil) // there is nothing to write
	if err := store.Ping(ctx); err != nil {
		return report, fmt.Errorf("%s is damaged, or no store that this opsguard knows: %w", db.Path(), err)
	}
	return auditor{store}.verify(ctx, q, check.Findings)
}
