package e2e

import (
	"fmt"
	"io"
	"net/http"
	"os"
	"os/exec"
	"strings"
	"sync"
	"testing"
	"time"
)

// printingTo starts the built binary with these files for stdout and stderr.
func printingTo(t *testing.T, dir string, stdout, stderr *os.File) (*exec.Cmd, *client) {
	t.Helper()
	path, err := binary()
	if err != nil {
		t.Fatal(err)
	}
	addr := freeAddr(t)
	cmd := exec.Command(path, "serve", "--data-dir", dir, "--addr", addr)
	cmd.Env = cleanEnv("OPSGUARD_PUBLIC_URL=http://" + addr)
	cmd.Stdout, cmd.Stderr = stdout, stderr
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { cmd.Process.Kill(); cmd.Wait() })
	c := newClient(t, Target{URL: "http://" + addr})
	c.Patience = time.Minute
	c.eventually("the process to be healthy", func() bool {
		a, err := c.try("GET", "/healthz", "", nil)
		return err == nil && a.status == http.StatusOK
	}, func() string { return cmd.String() })
	return cmd, c
}

// full makes a pipe that takes nothing more until somebody reads from it.
func full(t *testing.T) (reader, writer *os.File) {
	t.Helper()
	reader, writer, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { reader.Close(); writer.Close() })
	writer.SetWriteDeadline(time.Now().Add(time.Second))
	for err = nil; err == nil; {
		_, err = writer.Write([]byte(strings.Repeat(".", 4096)))
	}
	if !os.IsTimeout(err) {
		t.Fatal(err)
	}
	return reader, writer
}

// allAsk sends that many alerts and wants a person asked about each.
func allAsk(c *client, alerts int) {
	c.Helper()
	const senders = 8
	var all sync.WaitGroup
	for first := range senders {
		all.Go(func() {
			for n := first; n < alerts; n += senders {
				body := fmt.Sprintf(`{"serverName":%q,"errorLogs":%q,"dedupKey":"%d"}`, oom.Service, oom.ErrorLogs, n)
				if a, err := c.try("POST", "/ingest-alert", body, asJSON); err != nil || a.status != http.StatusAccepted {
					c.Errorf("alert %d: %s %v", n, a, err)
					return
				}
			}
		})
	}
	all.Wait()
	count := func(status string) (n int) {
		for cursor := ""; ; {
			page := c.call("GET", "/incidents?limit=100&status="+status+"&cursor="+cursor, "", nil)
			incidents, _ := page.get("incidents").([]any)
			n += len(incidents)
			if cursor = page.text("nextCursor"); cursor == "" {
				return n
			}
		}
	}
	c.eventually("all incidents to wait for a person", func() bool { return count("WAITING_FOR_APPROVAL") >= alerts },
		func() string { return fmt.Sprintf("%d are DETECTED", count("DETECTED")) })
}

// TestPrintingHoldsUpNoIncident has a stdout or a stderr, or both, that nobody
// reads: a stopped terminal, or a pipe into a program that hangs.
func TestPrintingHoldsUpNoIncident(t *testing.T) {
	for _, stuck := range []string{"stdout", "stderr", "both"} {
		t.Run(stuck, func(t *testing.T) {
			devNull, err := os.OpenFile(os.DevNull, os.O_WRONLY, 0)
			if err != nil {
				t.Fatal(err)
			}
			defer devNull.Close()
			_, pipe := full(t)
			files := map[string][2]*os.File{"stdout": {pipe, devNull}, "stderr": {devNull, pipe}, "both": {pipe, pipe}}[stuck]
			cmd, c := printingTo(t, t.TempDir(), files[0], files[1])
			allAsk(c, 400)
			ended := make(chan error, 1)
			cmd.Process.Signal(os.Interrupt)
			go func() { _, err := cmd.Process.Wait(); ended <- err }()
			select {
			case err := <-ended:
				if err != nil {
					t.Errorf("Ctrl-C: %v", err)
				}
			case <-time.After(10 * time.Second):
				t.Error("Ctrl-C does not end it within 10 s")
			}
		})
	}
}

// TestAReaderThatLeavesDoesNotEndTheProcess is `opsguard serve | head`.
func TestAReaderThatLeavesDoesNotEndTheProcess(t *testing.T) {
	for _, left := range []string{"stdout", "stderr", "both"} {
		t.Run(left, func(t *testing.T) {
			out := &output{}
			stays, reads, err := os.Pipe()
			if err != nil {
				t.Fatal(err)
			}
			defer reads.Close()
			go io.Copy(out, stays)
			leaves, pipe, err := os.Pipe()
			if err != nil {
				t.Fatal(err)
			}
			defer pipe.Close()
			files := map[string][2]*os.File{"stdout": {pipe, reads}, "stderr": {reads, pipe}, "both": {pipe, pipe}}[left]
			_, c := printingTo(t, t.TempDir(), files[0], files[1])
			leaves.Close()
			allAsk(c, 20)
			id := c.waiting(oom)
			c.decide(id, "approve")
			c.until(id, "RESOLVED")
			if left == "stdout" {
				said := func() bool { return strings.Contains(out.String(), "nobody reads the console any more") }
				c.eventually("the log to say it", said, out.String)
			}
		})
	}
}

// TestWhatIsPrintedKeepsItsOrder reads a stopped terminal after all: everything is
// there, and log and console stand in the order in which they were written.
func TestWhatIsPrintedKeepsItsOrder(t *testing.T) {
	reader, writer := full(t)
	cmd, c := printingTo(t, t.TempDir(), writer, writer)
	var ids []string
	for range 30 {
		ids = append(ids, c.waiting(oom)) // one after another, so that there is one order
	}
	writer.Close()
	read := make(chan string, 1)
	go func() { all, _ := io.ReadAll(reader); read <- string(all) }()
	cmd.Process.Signal(os.Interrupt)
	cmd.Wait()
	text, at := <-read, 0
	for n, id := range ids {
		for _, want := range []string{"\n" + id + ", seen", `"people asked","incidentId":"` + id} {
			found := strings.Index(text[at:], want)
			if found < 0 {
				t.Fatalf("incident %d: %q is missing or out of its place", n, want)
			}
			at += found
		}
	}
	if !strings.Contains(text[at:], "OpsGuard has stopped") {
		t.Error("the last line is missing")
	}
}
