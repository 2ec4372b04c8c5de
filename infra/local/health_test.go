package local

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"go.etcd.io/bbolt"
)

// served is a runtime with its HTTP server, in this process.
type served struct {
	t      *testing.T
	rt     *Runtime
	server *httptest.Server
}

func settingsOn(dir string) Settings {
	return Settings{Addr: "127.0.0.1:3000", DataDir: dir, ApprovalTimeout: time.Hour, HealthInterval: time.Hour, ReconcileInterval: time.Hour}
}

func serveOn(t *testing.T, dir string) *served {
	t.Helper()
	rt, err := Open(context.Background(), settingsOn(dir), Deps{Version: "test", Console: io.Discard, Log: slog.New(slog.DiscardHandler)})
	if err != nil {
		t.Fatal(err)
	}
	s := &served{t, rt, httptest.NewServer(rt.handler)}
	t.Cleanup(s.close)
	return s
}

func (s *served) close() {
	s.server.Close()
	patience, cancel := context.WithTimeout(context.Background(), 5*time.Second)
	defer cancel()
	s.rt.Close(patience)
}

// call returns the status, the content type and the body.
func (s *served) call(method, path, body string) (int, string, map[string]any) {
	s.t.Helper()
	req, err := http.NewRequest(method, s.server.URL+path, strings.NewReader(body))
	if err != nil {
		s.t.Fatal(err)
	}
	req.Header.Set("Content-Type", "application/json")
	resp, err := s.server.Client().Do(req)
	if err != nil {
		s.t.Fatal(err)
	}
	defer resp.Body.Close()
	var answer map[string]any
	if err := json.NewDecoder(resp.Body).Decode(&answer); err != nil {
		s.t.Fatal(err)
	}
	return resp.StatusCode, resp.Header.Get("Content-Type"), answer
}

func (s *served) ingest(key string, size int) (int, string, map[string]any) {
	return s.call("POST", "/ingest-alert", fmt.Sprintf(`{"serverName":"prod-api-01","errorLogs":"out of memory %s","dedupKey":%q}`, strings.Repeat("x", size), key))
}

func (s *served) health() (int, map[string]any) {
	status, _, answer := s.call("GET", "/healthz", "")
	return status, answer
}

func TestWhatIsAcceptedIsNeverInAFileThatIsGone(t *testing.T) {
	for _, c := range []struct {
		name string
		away func(dir string) error
	}{
		{"the file is deleted", func(dir string) error { return os.Remove(filepath.Join(dir, "opsguard.db")) }},
		{"the directory is deleted", os.RemoveAll},
		{"the file is replaced", func(dir string) error {
			return errors.Join(os.Remove(filepath.Join(dir, "opsguard.db")), os.WriteFile(filepath.Join(dir, "opsguard.db"), nil, 0o600))
		}},
		{"the file is emptied", func(dir string) error { return os.Truncate(filepath.Join(dir, "opsguard.db"), 0) }},
		{"the journal is deleted", func(dir string) error { return os.Remove(filepath.Join(dir, "opsguard.journal")) }},
		{"the journal is replaced", func(dir string) error {
			return errors.Join(os.Remove(filepath.Join(dir, "opsguard.journal")), os.WriteFile(filepath.Join(dir, "opsguard.journal"), nil, 0o600))
		}},
		{"the journal is emptied", func(dir string) error { return os.Truncate(filepath.Join(dir, "opsguard.journal"), 0) }},
	} {
		t.Run(c.name, func(t *testing.T) {
			file := "file"
			if strings.Contains(c.name, "journal") {
				file = "journal"
			}
			dir := filepath.Join(t.TempDir(), "data")
			s := serveOn(t, dir)
			if status, _, answer := s.ingest("before", 10); status != 202 {
				t.Fatalf("before: %d %v", status, answer)
			}
			if err := c.away(dir); err != nil {
				t.Fatal(err)
			}
			for n := range 15 {
				if status, kind, answer := s.ingest(fmt.Sprint(n), 10); status != 503 || kind != "application/problem+json" {
					t.Fatalf("an alert: %d %s %v", status, kind, answer)
				}
			}
			if status, answer := s.health(); status != 503 || !strings.Contains(answer["store"].(string), "the store's "+file) {
				t.Errorf("healthz: %d %v", status, answer)
			}
		})
	}
}

func TestTheWatchSaysThatTheFileIsGoneAndBack(t *testing.T) {
	t.Parallel() // it waits for the watch
	dir := t.TempDir()
	s := serveOn(t, dir)
	var log lockedText
	ctx, cancel := context.WithCancel(context.Background())
	var watching sync.WaitGroup
	watching.Go(func() { watchStore(ctx, s.rt.db, slog.New(slog.NewTextHandler(&log, nil))) })
	defer func() { cancel(); watching.Wait() }()
	path := filepath.Join(dir, "opsguard.db")
	if err := os.Rename(path, path+".away"); err != nil {
		t.Fatal(err)
	}
	until(t, "the log to say that it is gone", func() bool {
		return strings.Contains(log.String(), "the store's file is gone") && strings.Contains(log.String(), "/fd/")
	})
	if err := os.Rename(path+".away", path); err != nil {
		t.Fatal(err)
	}
	until(t, "the log to say that it is back", func() bool { return strings.Contains(log.String(), "in its place again") })
	if status, _, answer := s.ingest("after", 10); status != 202 {
		t.Errorf("back in its place: %d %v", status, answer)
	}
}

type lockedText struct {
	mu   sync.Mutex
	text strings.Builder
}

func (l *lockedText) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.text.Write(p)
}

func (l *lockedText) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.text.String()
}

// TestManyWhoAskForHealthShareOneWrite: a monitor that asks all the time costs nothing.
func TestManyWhoAskForHealthShareOneWrite(t *testing.T) {
	s := serveOn(t, t.TempDir())
	writes := func() int { return int(s.rt.db.Journal().Seq()) }
	h := newHealth(s.rt.db, s.rt.store.Store)
	later := time.Now().Add(time.Hour) // the opening's own writes are long past
	h.now = func() time.Time { return later }
	before := writes()
	var asking sync.WaitGroup
	for range 16 {
		asking.Go(func() {
			for range 10 {
				if err := h.Ping(context.Background()); err != nil {
					t.Error(err)
				}
			}
		})
	}
	asking.Wait()
	if wrote := writes() - before; wrote != 1 {
		t.Errorf("160 questions wrote %d times", wrote)
	}
}

func TestHealthNamesADamagedRecord(t *testing.T) {
	dir := t.TempDir()
	s := serveOn(t, dir)
	_, _, answer := s.ingest("one", 10)
	id := answer["incidentId"].(string)
	_, _, answer = s.ingest("two", 10)
	other := answer["incidentId"].(string)
	key := []byte("default\x00" + id)
	if err := s.rt.writer.Update(func(tx *bbolt.Tx) error {
		return tx.Bucket([]byte("incidents")).Put(key, []byte("noise"))
	}); err != nil {
		t.Fatal(err)
	}
	if status, _, answer := s.call("GET", "/incidents/"+id, ""); status != 503 || !strings.Contains(fmt.Sprint(answer["detail"]), "is damaged") {
		t.Errorf("the incident: %d %v", status, answer)
	}
	if status, _, answer := s.call("GET", "/incidents", ""); status != 200 || fmt.Sprint(answer["damaged"]) != "["+id+"]" {
		t.Errorf("the list: %d, damaged %v", status, answer["damaged"])
	}
	if status, answer := s.health(); status != 200 || answer["status"] != "degraded" || !strings.Contains(answer["store"].(string), id) {
		t.Errorf("healthz: %d %v", status, answer)
	}
	if _, _, answer := s.ingest("one", 10); answer["success"] != true || answer["duplicate"] != false || answer["incidentId"] == id {
		t.Errorf("a repeat of it: %v", answer)
	}
	if _, _, answer := s.ingest("two", 10); answer["duplicate"] != true || answer["incidentId"] != other {
		t.Errorf("a repeat of another: %v", answer)
	}
	if _, err := s.rt.reconcile.Handle(context.Background()); err != nil {
		t.Errorf("reconcile: %v", err)
	}
	s.close()
	report, err := AuditVerify(context.Background(), settingsOn(dir), AuditQuery{All: true})
	if err != nil || len(report.Bad) != 1 || report.Bad[0].IncidentID != id {
		t.Errorf("audit verify: %v %+v", err, report)
	}
}
