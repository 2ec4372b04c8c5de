package main

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"slices"
	"sync"
	"sync/atomic"
	"time"
)

// conn is one kept-alive connection without the goroutines and pools of an
// http.Client: the less the load generator takes, the more is measured.
type conn struct {
	net.Conn
	in   *bufio.Reader
	addr string
	out  []byte
}

func dial(addr string) (*conn, error) {
	c, err := net.Dial("tcp", addr)
	if err != nil {
		return nil, err
	}
	return &conn{Conn: c, in: bufio.NewReader(c), addr: addr}, nil
}

func (c *conn) close() { c.Conn.Close() }

// patience bounds one call.
const patience = 30 * time.Second

func (c *conn) get(path string) (int, []byte, error) {
	c.out = fmt.Appendf(c.out[:0], "GET %s HTTP/1.1\r\nHost: %s\r\n\r\n", path, c.addr)
	return c.call()
}

func (c *conn) post(path string, body []byte) (int, []byte, error) {
	c.out = fmt.Appendf(c.out[:0], "POST %s HTTP/1.1\r\nHost: %s\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n", path, c.addr, len(body))
	c.out = append(c.out, body...)
	return c.call()
}

func (c *conn) call() (int, []byte, error) {
	if err := c.SetDeadline(time.Now().Add(patience)); err != nil {
		return 0, nil, err
	}
	if _, err := c.Write(c.out); err != nil {
		return 0, nil, err
	}
	resp, err := http.ReadResponse(c.in, nil)
	if err != nil {
		return 0, nil, err
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	return resp.StatusCode, body, err
}

// logs is what an alert carries: the README's failure with the lines around it,
// about 1 KiB.
const logs = `2026-11-24T10:15:02.113Z api[7]: GET /v1/orders 200 31ms
2026-11-24T10:15:02.480Z api[7]: GET /v1/orders/export 200 2911ms rss=1489MB
<--- Last few GCs --->
[7:0x5f3e0c0]  1812437 ms: Mark-sweep 1391.2 (1425.6) -> 1390.8 (1425.6) MB, 1203.4 / 0.0 ms  (average mu = 0.082) allocation failure
[7:0x5f3e0c0]  1813689 ms: Mark-sweep 1391.9 (1425.9) -> 1391.5 (1426.1) MB, 1240.9 / 0.0 ms  (average mu = 0.044) allocation failure
<--- JS stacktrace --->
FATAL ERROR: Reached heap limit Allocation failed - JavaScript heap out of memory
 1: 0xb7c500 node::Abort() [node]
 2: 0xa8eaac  [node]
 3: 0xd67a50 v8::Utils::ReportOOMFailure(v8::internal::Isolate*, char const*, bool) [node]
 4: 0xd67df7 v8::internal::V8::FatalProcessOutOfMemory(v8::internal::Isolate*, char const*, bool) [node]
 5: 0xf65775  [node]
2026-11-24T10:15:04.020Z systemd[1]: api.service: Main process exited, code=dumped, status=6/ABRT
`

// alert is the body of a POST /ingest-alert; each key is an incident of its own.
func alert(service, key string) []byte {
	body, err := json.Marshal(map[string]string{"serverName": service, "errorLogs": logs, "dedupKey": key})
	if err != nil {
		return nil // cannot be: these are strings
	}
	return body
}

// accepted is what an accepted alert answers.
type accepted struct {
	IncidentID string `json:"incidentId"`
	Duplicate  bool   `json:"duplicate"`
}

// send posts one alert, and fails unless it opened, or joined, an incident.
func (c *conn) send(body []byte, joins bool) (string, error) {
	status, answer, err := c.post("/ingest-alert", body)
	if err != nil {
		return "", err
	}
	var a accepted
	if err := json.Unmarshal(answer, &a); err != nil || status != http.StatusAccepted || a.Duplicate != joins {
		return "", fmt.Errorf("POST /ingest-alert: %d %s", status, answer)
	}
	return a.IncidentID, nil
}

// rate is what a load saw.
type rate struct {
	took      time.Duration
	latencies []time.Duration // sorted
}

func (r rate) perSecond() float64 { return float64(len(r.latencies)) / r.took.Seconds() }

func (r rate) percentile(p float64) time.Duration {
	if len(r.latencies) == 0 {
		return 0
	}
	return r.latencies[min(int(p*float64(len(r.latencies))), len(r.latencies)-1)]
}

// load has each of n callers, one after another, do calls until there have been
// most of them or the time is up. The first error ends it.
func load(ctx context.Context, n, most int, atMost time.Duration, caller func() (do func(i int) error, done func(), err error)) (rate, error) {
	ctx, cancel := context.WithTimeout(ctx, atMost)
	defer cancel()
	var next atomic.Int64
	var group sync.WaitGroup
	latencies, errs := make([][]time.Duration, n), make([]error, n)
	begun := time.Now()
	for k := range n {
		do, done, err := caller()
		if err != nil {
			errs[k] = err
			cancel()
			break
		}
		group.Go(func() {
			defer done()
			for i := int(next.Add(1)); i <= most && ctx.Err() == nil; i = int(next.Add(1)) {
				at := time.Now()
				if errs[k] = do(i); errs[k] != nil {
					cancel()
					return
				}
				latencies[k] = append(latencies[k], time.Since(at))
			}
		})
	}
	group.Wait()
	r := rate{time.Since(begun), slices.Concat(latencies...)}
	slices.Sort(r.latencies)
	return r, errors.Join(errs...)
}
