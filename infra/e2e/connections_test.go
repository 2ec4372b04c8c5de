package e2e

import (
	"bufio"
	"fmt"
	"io"
	"net"
	"net/http"
	"os/exec"
	"testing"
	"time"
)

// few starts the binary with room for that many open files.
func few(t *testing.T, files int) *proc {
	t.Helper()
	path, err := binary()
	if err != nil {
		t.Fatal(err)
	}
	addr := freeAddr(t)
	cmd := exec.Command("sh", "-c", fmt.Sprintf(`ulimit -n %d && exec "$0" serve --data-dir "$1" --addr "$2"`, files), path, t.TempDir(), addr)
	return startProc(t, cmd, addr, []string{"OPSGUARD_PUBLIC_URL=http://" + addr})
}

// dialled is a connection that a test holds open.
func dialled(t *testing.T, addr string) net.Conn {
	t.Helper()
	conn, err := net.DialTimeout("tcp", addr, 20*time.Second)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { conn.Close() })
	return conn
}

// keptAlive sends one request that keeps the connection and reads its status.
func keptAlive(conn net.Conn, method, target, body string) (int, error) {
	if err := conn.SetDeadline(time.Now().Add(20 * time.Second)); err != nil {
		return 0, err
	}
	const form = "%s %s HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n%s"
	if _, err := fmt.Fprintf(conn, form, method, target, len(body), body); err != nil {
		return 0, err
	}
	resp, err := http.ReadResponse(bufio.NewReader(conn), nil)
	if err != nil {
		return 0, err
	}
	defer resp.Body.Close()
	_, err = io.Copy(io.Discard, resp.Body)
	return resp.StatusCode, err
}

// TestIdleConnectionsGiveWay holds more connections than the process may have files:
// kept alive after a request, and never used. Who comes then is answered, and the
// store and what else needs files goes on working.
func TestIdleConnectionsGiveWay(t *testing.T) {
	p := few(t, 64)
	var held []net.Conn
	for n := range 80 {
		conn := dialled(t, p.addr)
		if status, err := keptAlive(conn, "GET", "/healthz", ""); err != nil || status != http.StatusOK {
			t.Fatalf("connection %d: %d, %v", n+1, status, err)
		}
		held = append(held, conn)
	}
	if status, err := keptAlive(held[79], "GET", "/healthz", ""); err != nil || status != http.StatusOK {
		t.Errorf("the connection used last was closed: %d, %v", status, err)
	}
	if status, err := keptAlive(held[0], "GET", "/healthz", ""); err == nil {
		t.Errorf("80 connections are open with 64 files: %d", status)
	}
	for range 80 {
		dialled(t, p.addr) // says nothing
	}
	status, err := keptAlive(dialled(t, p.addr), "POST", "/ingest-alert", `{"serverName":"prod-api-01","errorLogs":"x"}`)
	if err != nil || status != http.StatusAccepted {
		t.Errorf("an alert among 160 idle connections: %d, %v", status, err)
	}
	c := newClient(t, p.target())
	c.end(c.waiting(oom))
}
