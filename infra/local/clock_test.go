package local

import (
	"encoding/json"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/opsguard/opsguard/infra/local/clock"
	"github.com/opsguard/opsguard/pkg/web"
)

// newRuntime is a runtime on its own directory, keyless.
func newRuntime(t *testing.T, d Deps) *Runtime {
	t.Helper()
	s := Settings{Addr: "127.0.0.1:3000", DataDir: t.TempDir(), ApprovalTimeout: time.Hour}
	s.HealthInterval, s.ReconcileInterval = time.Hour, time.Hour
	d.Version, d.Console = "test", io.Discard
	if d.Log == nil {
		d.Log = slog.New(slog.DiscardHandler)
	}
	rt, err := Open(t.Context(), s, d)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { rt.Close(t.Context()) })
	return rt
}

// ask calls the runtime's handler from this machine.
func ask(t *testing.T, rt *Runtime, method, target, body string) (status int, fields map[string]any) {
	t.Helper()
	r := httptest.NewRequest(method, "http://localhost:3000"+target, strings.NewReader(body))
	r.RemoteAddr = "127.0.0.1:50000"
	r.Header.Set("Content-Type", "application/json")
	w := httptest.NewRecorder()
	rt.handler.ServeHTTP(w, r)
	if strings.HasSuffix(w.Header().Get("Content-Type"), "json") {
		if err := json.Unmarshal(w.Body.Bytes(), &fields); err != nil {
			t.Fatalf("%s %s: %s", method, target, w.Body)
		}
	}
	return w.Code, fields
}

// waiting sends an alert and returns its incident's id once a person is asked.
func waiting(t *testing.T, rt *Runtime, alert string) string {
	t.Helper()
	_, taken := ask(t, rt, "POST", "/ingest-alert", alert)
	id, _ := taken["incidentId"].(string)
	until(t, "a person who is asked about "+id, func() bool {
		_, inc := ask(t, rt, "GET", "/incidents/"+id, "")
		return inc["status"] == "WAITING_FOR_APPROVAL"
	})
	return id
}

// A deadline is judged by the steps too: an approval after it must not count
// because somebody set the clock back.
func TestAnApprovalAfterTheDeadlineIsRefusedThoughTheClockWasSetBack(t *testing.T) {
	var wall, elapsed atomic.Int64
	began := time.Now().Round(0)
	wall.Store(int64(time.Second))
	c := clock.Of(func() (time.Time, time.Duration) {
		return began.Add(time.Duration(wall.Load())), time.Duration(elapsed.Load())
	})
	rt := newRuntime(t, Deps{Clock: c})
	const alert = `{"serverName":"prod-api-01","errorLogs":"JavaScript heap out of memory"}`
	id := waiting(t, rt, alert)
	elapsed.Add(int64(30 * time.Minute))
	wall.Add(int64(30*time.Minute - 24*time.Hour))
	if status, got := ask(t, rt, "GET", "/approve-fix?incidentId="+id, ""); status != http.StatusOK {
		t.Fatalf("half an hour before the deadline: %d %v", status, got)
	}
	id = waiting(t, rt, strings.Replace(alert, "out of memory", "out of memory again", 1))
	elapsed.Add(int64(time.Hour))
	wall.Add(int64(time.Hour))
	if status, got := ask(t, rt, "GET", "/approve-fix?incidentId="+id, ""); status != http.StatusGone {
		t.Errorf("after the deadline: %d %v", status, got)
	}
}

func TestAClockThatWasSetBackIsInTheLog(t *testing.T) {
	var by atomic.Int64
	began := time.Now().Round(0)
	c := clock.Of(func() (time.Time, time.Duration) { return began.Add(time.Duration(by.Load())), 0 })
	var log strings.Builder
	rt := &Runtime{clock: c, log: slog.New(slog.NewTextHandler(&log, nil))}
	for set, want := range map[time.Duration]bool{0: false, -time.Second: false, -time.Hour: true} {
		log.Reset()
		by.Store(int64(set))
		rt.warnOfClock()
		if got := strings.Contains(log.String(), "by=1h0m0s"); got != want {
			t.Errorf("set by %s: %q", set, log.String())
		}
	}
}

// Every route of the table is served by the one-machine runtime.
func TestEveryRouteIsServedHere(t *testing.T) {
	rt := newRuntime(t, Deps{})
	for _, r := range web.Routes() {
		_, got := ask(t, rt, r.Method, strings.NewReplacer("{", "x", "}", "x").Replace(r.Pattern), "")
		if detail, _ := got["detail"].(string); strings.Contains(detail, "nothing at this address") || got["type"] == "method-not-allowed" {
			t.Errorf("%s %s: %s", r.Method, r.Pattern, detail)
		}
	}
}
