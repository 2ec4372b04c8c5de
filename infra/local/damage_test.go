package local

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"math/rand/v2"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/opsguard/opsguard/infra/local/bolt"
	"github.com/opsguard/opsguard/infra/local/commit"
	"github.com/opsguard/opsguard/pkg/incident"
)

// childVariable makes the test binary damage and use copies of a store, so that a
// crash ends a process that a test looks at.
const childVariable = "OPSGUARD_DAMAGE_CHILD"

func TestMain(m *testing.M) {
	if source := os.Getenv(childVariable); source != "" {
		trials(source, os.Args[len(os.Args)-2], os.Args[len(os.Args)-1])
		return
	}
	os.Exit(m.Run())
}

// TestNoDamageEndsTheProcess damages a store in many ways and uses it: it opens or says
// why not, and then lists, takes alerts, reconciles and verifies. No trial ends the
// process, and all incidents that were not hit can be read, or are named.
func TestNoDamageEndsTheProcess(t *testing.T) {
	t.Parallel() // it waits for its child
	trials := 64
	if testing.Short() {
		trials = 8
	}
	source := t.TempDir()
	fill(t, source, 120, 300)
	opened := damaged(t, source, 0, trials)
	if opened < trials*3/8 {
		t.Errorf("%d of %d damaged stores were opened: this shows little", opened, trials)
	}
}

// TestNoDamageToALargeStoreEndsTheProcess: stores over 256 MiB were once used unread.
func TestNoDamageToALargeStoreEndsTheProcess(t *testing.T) {
	if testing.Short() {
		t.Skip("it writes 300 MB; make test runs it")
	}
	source := t.TempDir()
	fill(t, source, 1500, 190_000)
	info, err := os.Stat(filepath.Join(source, bolt.FileName))
	if err != nil || info.Size() < 256<<20 {
		t.Fatalf("%v %v", info, err)
	}
	damaged(t, source, 1000, 2)
}

// fill makes a store of incidents whose logs have that many bytes.
func fill(t *testing.T, dir string, incidents, size int) {
	t.Helper()
	db, err := bolt.OpenFile(dir)
	if err != nil {
		t.Fatal(err)
	}
	w := commit.New(db)
	store := bolt.New(db, w)
	logs := strings.Repeat("out of memory at line 7\n", size/24+1)
	var filling sync.WaitGroup
	for n := range incidents {
		filling.Go(func() {
			c := incident.Open(incident.New{Ref: incident.Ref{Tenant: tenant, ID: newID()}, By: incident.Local, ApprovalTimeout: time.Hour, Now: time.Now(),
				Alert: incident.Alert{Tenant: tenant, Source: "api", Service: "prod-api-01", ErrorLogs: logs, Severity: incident.High, DedupKey: strconv.Itoa(n)}})
			if err := store.Commit(context.Background(), c); err != nil {
				t.Error(err)
			}
		})
	}
	filling.Wait()
	w.Close()
	if err := db.Close(); err != nil {
		t.Fatal(err)
	}
}

// damaged runs trials in a child process and returns how many stores were opened.
func damaged(t *testing.T, source string, seed, count int) (opened int) {
	t.Helper()
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	child := exec.Command(self, strconv.Itoa(seed), strconv.Itoa(count))
	child.Env = append(os.Environ(), childVariable+"="+source)
	var out, failed bytes.Buffer
	child.Stdout, child.Stderr = &out, &failed
	err = child.Run()
	for line := range strings.Lines(out.String()) {
		if strings.Contains(line, "opened") {
			opened++
		}
		if strings.Contains(line, "WRONG") {
			t.Error(line)
		}
	}
	if err != nil || strings.Count(out.String(), "\n") < count {
		t.Errorf("the process ended: %v\n%s\n%.4000s", err, out.String(), failed.String())
	}
	return opened
}

// trials is the child.
func trials(source, seed, count string) {
	first, err1 := strconv.Atoi(seed)
	n, err2 := strconv.Atoi(count)
	ids, err3 := idsOf(source)
	if err := errors.Join(err1, err2, err3); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	for i := first; i < first+n; i++ {
		dir, err := os.MkdirTemp(filepath.Dir(source), "trial-")
		if err == nil {
			err = trial(source, dir, uint64(i), ids)
		}
		if err != nil {
			fmt.Printf("seed %d: WRONG: %v\n", i, err)
		}
		os.RemoveAll(dir)
	}
}

func idsOf(dir string) (ids []string, err error) {
	db, report, err := bolt.OpenRead(dir)
	if err != nil {
		return nil, err
	}
	defer db.Close()
	if !report.Whole() {
		return nil, fmt.Errorf("the store is not whole to begin with: %v", report.Findings)
	}
	return idsListed(bolt.New(db, nil))
}

// audited asks for all trails of a small store, and for some of a large one, whose logs
// take long to hash.
func audited(ids []string) AuditQuery {
	if len(ids) > 1000 {
		return AuditQuery{IDs: ids[:20]}
	}
	return AuditQuery{All: true}
}

// trial damages a copy and uses it.
func trial(source, dir string, seed uint64, ids []string) error {
	file, err := os.ReadFile(filepath.Join(source, bolt.FileName))
	if err != nil {
		return err
	}
	file, what := harm(file, rand.New(rand.NewPCG(seed, 3)))
	if err := os.WriteFile(filepath.Join(dir, bolt.FileName), file, 0o600); err != nil {
		return err
	}
	s := settingsOn(dir)
	if _, err := AuditVerify(context.Background(), s, audited(ids)); err != nil && !strings.Contains(err.Error(), "damaged") {
		return fmt.Errorf("%s: audit verify: %w", what, err)
	}
	rt, err := Open(context.Background(), s, Deps{Version: "test", Console: io.Discard, Log: slog.New(slog.DiscardHandler)})
	if err != nil {
		if !strings.Contains(err.Error(), "damaged") && !strings.Contains(err.Error(), "layout") {
			return fmt.Errorf("%s: refused without a reason: %w", what, err)
		}
		fmt.Printf("seed %d: %s: refused: %.200v\n", seed, what, err)
		return nil
	}
	defer func() {
		patience, cancel := context.WithTimeout(context.Background(), 5*time.Second)
		defer cancel()
		rt.Close(patience)
	}()
	if err := use(rt, ids); err != nil {
		return fmt.Errorf("%s: %w", what, err)
	}
	fmt.Printf("seed %d: %s: opened\n", seed, what)
	return nil
}

// use does all that a day brings.
func use(rt *Runtime, ids []string) error {
	ctx := context.Background()
	listed, err := idsListed(rt.store.Store)
	if err != nil {
		return fmt.Errorf("lists: %w", err)
	}
	known := map[string]bool{}
	for _, id := range listed {
		known[id] = true
	}
	findings, count := rt.db.Damage.Known()
	for _, f := range findings {
		known[f.IncidentID] = true
	}
	missing := 0
	for _, id := range ids {
		if !known[id] {
			missing++
		}
	}
	if missing > 0 && (count == 0 || missing > len(ids)/2) {
		return fmt.Errorf("%d of %d incidents are gone, and %d findings do not say which", missing, len(ids), count)
	}
	for n := range 3 {
		status, answer := post(rt.handler, fmt.Sprintf(`{"serverName":"prod-api-01","errorLogs":"out of memory","dedupKey":"%d"}`, n))
		if status != http.StatusAccepted {
			return fmt.Errorf("an alert is answered %d %s", status, answer)
		}
	}
	if _, err := rt.reconcile.Handle(ctx); err != nil && incident.KindOf(err) == "" {
		return fmt.Errorf("reconcile: %w", err)
	}
	if _, err := rt.verify(ctx, audited(ids)); err != nil {
		return fmt.Errorf("audit verify: %w", err)
	}
	return rt.healthy(ctx)
}
