package e2e

import (
	"bytes"
	"errors"
	"fmt"
	"math/rand/v2"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"
)

// binary builds cmd/opsguard once for all tests.
var binary = sync.OnceValues(func() (string, error) {
	dir, err := os.MkdirTemp("", "opsguard-e2e-")
	if err != nil {
		return "", err
	}
	path := filepath.Join(dir, "opsguard")
	args := []string{"build", "-o", path}
	if raceEnabled {
		args = append(args, "-race")
	}
	out, err := exec.Command("go", append(args, "../../cmd/opsguard")...).CombinedOutput()
	if err != nil {
		return "", errors.New(string(out))
	}
	return path, nil
})

func TestMain(m *testing.M) {
	if os.Getenv(childVariable) != "" {
		child() // this process is a server with an executor that a test holds back
		return
	}
	code := m.Run()
	if path, err := binary(); err == nil {
		os.RemoveAll(filepath.Dir(path))
	}
	os.Exit(code)
}

// output collects what a process prints; tests look for what must not be there.
type output struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (o *output) Write(p []byte) (int, error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.b.Write(p)
}

func (o *output) String() string {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.b.String()
}

// proc is a serving process.
type proc struct {
	t    *testing.T
	cmd  *exec.Cmd
	addr string
	out  *output
	done chan error
}

// ports are handed out below the range from which the kernel takes the ports of
// connections and of listeners that ask for any, so that nothing takes one
// between its choice and the server's start, or while the server is down.
var ports = func() *atomic.Uint32 {
	p := &atomic.Uint32{}
	p.Store(rand.Uint32())
	return p
}()

const firstPort, portCount = 12_000, 20_000

// freeAddr returns a loopback address that nobody listens on and no other test of
// this process is given.
func freeAddr(t *testing.T) string {
	t.Helper()
	for range 1000 {
		addr := fmt.Sprintf("127.0.0.1:%d", firstPort+ports.Add(1)%portCount)
		if l, err := net.Listen("tcp", addr); err == nil {
			l.Close()
			return addr
		}
	}
	t.Fatal("no port is free")
	return ""
}

// cleanEnv is the environment without OpsGuard's own settings.
func cleanEnv(extra ...string) []string {
	var env []string
	for _, e := range os.Environ() {
		if !strings.HasPrefix(e, "OPSGUARD_") && !strings.HasPrefix(e, "GEMINI_") && !strings.HasPrefix(e, "DISCORD_") {
			env = append(env, e)
		}
	}
	// The tests open many incidents of one service. What bounds them has a test of its own.
	return append(append(env, "OPSGUARD_INCIDENTS_PER_HOUR=0", "OPSGUARD_GROUP_WINDOW=0"), extra...)
}

// serve starts the built binary on dir and waits until it is healthy.
func serve(t *testing.T, dir, addr string, env ...string) *proc {
	t.Helper()
	path, err := binary()
	if err != nil {
		t.Fatal(err)
	}
	return startProc(t, exec.Command(path, "serve", "--data-dir", dir, "--addr", addr), addr, append(env, "OPSGUARD_PUBLIC_URL=http://"+addr))
}

func startProc(t *testing.T, cmd *exec.Cmd, addr string, env []string) *proc {
	t.Helper()
	p := &proc{t: t, cmd: cmd, addr: addr, out: &output{}, done: make(chan error, 1)}
	cmd.Env, cmd.Stdout, cmd.Stderr = cleanEnv(env...), p.out, p.out
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	exited := make(chan struct{})
	go func() { p.done <- cmd.Wait(); close(exited) }()
	t.Cleanup(func() {
		cmd.Process.Kill()
		<-exited
		if t.Failed() {
			t.Logf("what %s printed:\n%s", cmd.Args[0], tail(p.out.String(), 6000))
		}
	})
	c := newClient(t, Target{URL: "http://" + addr})
	c.eventually("the process to be healthy", func() bool {
		select {
		case <-exited:
			t.Fatalf("it ended: %s", p.out)
		default:
		}
		a, err := c.try("GET", "/healthz", "", nil)
		return err == nil && a.status == http.StatusOK
	}, p.out.String)
	return p
}

func tail(s string, n int) string { return s[max(0, len(s)-n):] }

func (p *proc) target() Target { return Target{URL: "http://" + p.addr} }

// kill is kill -9.
func (p *proc) kill() {
	p.t.Helper()
	if err := p.cmd.Process.Kill(); err != nil {
		p.t.Fatal(err)
	}
	<-p.done
}

// interrupt is Ctrl-C; it returns how long the process took to end.
func (p *proc) interrupt() time.Duration {
	p.t.Helper()
	begun := time.Now()
	if err := p.cmd.Process.Signal(syscall.SIGINT); err != nil {
		p.t.Fatal(err)
	}
	select {
	case err := <-p.done:
		if err != nil {
			p.t.Errorf("Ctrl-C: %v: %s", err, tail(p.out.String(), 2000))
		}
	case <-time.After(10 * time.Second):
		p.t.Fatal("Ctrl-C did not end it within 10 s")
	}
	return time.Since(begun)
}
