package local

import (
	"errors"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
)

// smallDisk mounts a file system of its own, of that many bytes. Who may not mount
// has no small disk, and root always may, as on CI.
func smallDisk(t *testing.T, size int) (dir string) {
	t.Helper()
	dir = t.TempDir()
	err := syscall.Mount("opsguard-test", dir, "tmpfs", 0, fmt.Sprintf("size=%d", size))
	if errors.Is(err, syscall.EPERM) && os.Getuid() != 0 {
		t.Skip("only root can mount a small disk to fill")
	}
	if err != nil {
		t.Fatalf("mount a small disk: %v", err)
	}
	t.Cleanup(func() {
		if err := syscall.Unmount(dir, 0); err != nil {
			t.Error(err)
		}
	})
	return dir
}

func TestAFullDiskIsToldAndNothingIsLost(t *testing.T) {
	t.Parallel() // it waits for room on the disk to be seen
	dir := smallDisk(t, 24<<20)
	s := serveOn(t, dir)
	if status, answer := s.health(); status != 200 {
		t.Fatalf("before: %d %v", status, answer)
	}
	filler := filepath.Join(dir, "filler")
	fill := func() {
		f, err := os.OpenFile(filler, os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600)
		if err != nil {
			t.Fatal(err)
		}
		defer f.Close()
		for {
			if _, err := f.Write(make([]byte, 4096)); err != nil {
				return
			}
		}
	}
	fill()
	var accepted []string
	refused := false
	for n := 0; n < 100 && !refused; n++ {
		status, kind, answer := s.ingest(fmt.Sprint(n), 100_000)
		switch status {
		case http.StatusAccepted:
			accepted = append(accepted, answer["incidentId"].(string))
			fill()
		case http.StatusServiceUnavailable:
			refused = true
			if kind != "application/problem+json" || answer["type"] != "unavailable" {
				t.Errorf("the refusal: %s %v", kind, answer)
			}
		default:
			t.Fatalf("an alert on a full disk: %d %v", status, answer)
		}
	}
	if !refused {
		t.Fatal("a full disk took 100 alerts of 100 KB")
	}
	until(t, "healthz to say so", func() bool { status, _ := s.health(); return status == 503 })
	if _, answer := s.health(); answer["status"] != "unavailable" || !strings.Contains(answer["store"].(string), "store") {
		t.Errorf("healthz: %v", answer)
	}
	if status, _, _ := s.call("GET", "/incidents", ""); status != 200 {
		t.Errorf("lists answer %d", status)
	}
	if err := os.Remove(filler); err != nil {
		t.Fatal(err)
	}
	until(t, "healthz to be well again", func() bool { status, _ := s.health(); return status == 200 })
	status, _, answer := s.ingest("after", 100_000)
	if status != http.StatusAccepted {
		t.Fatalf("with room again: %d %v", status, answer)
	}
	accepted = append(accepted, answer["incidentId"].(string))
	s.close()
	s = serveOn(t, dir)
	for _, id := range accepted {
		if status, _, _ := s.call("GET", "/incidents/"+id, ""); status != 200 {
			t.Errorf("%s was accepted, and is %d", id, status)
		}
	}
}
