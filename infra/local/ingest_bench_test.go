package local

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"sync/atomic"
	"testing"
	"time"
)

// BenchmarkIngest is for profiles: the whole one-machine runtime, 32 clients over
// loopback in the same process, each alert a new incident. make bench measures
// the real process.
func BenchmarkIngest(b *testing.B) {
	s := Settings{Addr: "127.0.0.1:3000", DataDir: b.TempDir(), ApprovalTimeout: time.Hour, HealthInterval: time.Hour, ReconcileInterval: time.Hour}
	rt, err := Open(context.Background(), s, Deps{Version: "bench", Console: io.Discard, Log: slog.New(slog.DiscardHandler)})
	if err != nil {
		b.Fatal(err)
	}
	server := httptest.NewServer(rt.handler)
	defer func() { server.Close(); rt.Close(context.Background()) }()
	transport := &http.Transport{MaxIdleConnsPerHost: 64}
	client := &http.Client{Transport: transport}
	var n atomic.Int64
	b.SetParallelism(16) // times GOMAXPROCS: 32 clients on two cores
	b.ResetTimer()
	b.RunParallel(func(pb *testing.PB) {
		for pb.Next() {
			body := fmt.Sprintf(`{"serverName":"prod-api-01","errorLogs":"JavaScript heap out of memory","dedupKey":"%d"}`, n.Add(1))
			resp, err := client.Post(server.URL+"/ingest-alert", "application/json", bytes.NewBufferString(body))
			if err != nil {
				b.Error(err)
				return
			}
			io.Copy(io.Discard, resp.Body)
			resp.Body.Close()
		}
	})
}
