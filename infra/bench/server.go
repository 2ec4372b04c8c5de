package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"time"
)

// bench is what the measurements share.
type bench struct {
	dir      string // everything temporary, the binary included
	services string // services.yaml
	began    time.Time
	figures  []figure
	running  *server  // nil between measurements
	bound    string   // OPSGUARD_INCIDENTS_PER_HOUR; "" for its default
	env      []string // settings of one part's own

	ingestPerSecond float64 // new incidents; 0 if it was not measured
}

// targets is how many services the temporary services.yaml lists: one fix at a
// time runs on a target, so lifecycles need many.
const targets = 64

func serviceName(i int) string { return fmt.Sprintf("bench-%02d", i) }

// newBench builds the binary the way a release is built.
func newBench(ctx context.Context) (*bench, error) {
	b := &bench{began: time.Now(), bound: "0"}
	var err error
	if b.dir, err = os.MkdirTemp("", "opsguard-bench-"); err != nil {
		return nil, err
	}
	var yaml strings.Builder
	yaml.WriteString("sources:\n  storm: {type: alertmanager, authorization: {secret: STORM}}\nservices:\n")
	for i := range targets {
		fmt.Fprintf(&yaml, "  %s: {owner: bench, target: {type: simulated}, fixes: [restart-service], approval: {quorum: 1}}\n", serviceName(i))
	}
	b.services = filepath.Join(b.dir, "services.yaml")
	if err := os.WriteFile(b.services, []byte(yaml.String()), 0o600); err != nil {
		return nil, errors.Join(err, b.close())
	}
	out, err := exec.CommandContext(ctx, "go", "build", "-trimpath", "-ldflags", "-s -w", "-o", filepath.Join(b.dir, "opsguard"), "github.com/opsguard/opsguard/cmd/opsguard").CombinedOutput()
	if err != nil {
		return nil, errors.Join(fmt.Errorf("build: %w: %s", err, out), b.close())
	}
	return b, nil
}

// close ends a server that a failed measurement left, and removes everything.
func (b *bench) close() error {
	var err error
	if b.running != nil {
		err = b.running.kill()
	}
	return errors.Join(err, os.RemoveAll(b.dir))
}

// server is one running opsguard.
type server struct {
	cmd     *exec.Cmd
	addr    string
	exited  chan error
	healthy time.Duration // from its start to the first good answer
}

// serve starts the binary on a data directory below the bench's own and waits
// until it answers that it is healthy. What it shows to people is thrown away.
func (b *bench) serve(ctx context.Context, data string) (*server, error) {
	return b.serveTo(ctx, data, nil)
}

// serveTo serves, and lets said read what the server prints.
func (b *bench) serveTo(ctx context.Context, data string, said *listener) (*server, error) {
	addr, err := freeAddr()
	if err != nil {
		return nil, err
	}
	s := &server{addr: addr, exited: make(chan error, 1)}
	s.cmd = exec.CommandContext(ctx, filepath.Join(b.dir, "opsguard"), "serve", "--addr", addr,
		"--data-dir", filepath.Join(b.dir, data), "--services", b.services)
	for _, e := range os.Environ() {
		if !strings.HasPrefix(e, "OPSGUARD_") && !strings.HasPrefix(e, "GEMINI_") && !strings.HasPrefix(e, "DISCORD_") {
			s.cmd.Env = append(s.cmd.Env, e)
		}
	}
	s.cmd.Env = append(s.cmd.Env, "OPSGUARD_PUBLIC_URL=http://"+addr, "OPSGUARD_SECRET_STORM="+stormToken)
	s.cmd.Env = append(s.cmd.Env, b.env...)
	if b.bound != "" {
		s.cmd.Env = append(s.cmd.Env, "OPSGUARD_INCIDENTS_PER_HOUR="+b.bound)
	}
	var printed io.Reader
	if said != nil {
		if printed, err = s.cmd.StdoutPipe(); err != nil {
			return nil, err
		}
	}
	log, err := os.Create(b.logFile()) // one server at a time; a file costs the server less than a pipe
	if err != nil {
		return nil, err
	}
	defer log.Close() // the server has its own
	s.cmd.Stderr = log
	begun := time.Now()
	if err := s.cmd.Start(); err != nil {
		return nil, err
	}
	if said != nil {
		go said.read(printed)
	}
	go func() { s.exited <- s.cmd.Wait() }()
	b.running = s
	if err := s.untilHealthy(ctx); err != nil {
		return nil, fmt.Errorf("the server did not get healthy: %w", err)
	}
	s.healthy = time.Since(begun)
	return s, nil
}

func freeAddr() (string, error) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return "", err
	}
	defer l.Close()
	return l.Addr().String(), nil
}

// untilHealthy asks every millisecond.
func (s *server) untilHealthy(ctx context.Context) error {
	tick := time.NewTicker(time.Millisecond)
	defer tick.Stop()
	for {
		select {
		case err := <-s.exited:
			s.exited <- err
			return fmt.Errorf("it ended: %w", err)
		case <-ctx.Done():
			return ctx.Err()
		case <-tick.C:
		}
		c, err := dial(s.addr)
		if err != nil {
			continue
		}
		status, _, err := c.get("/healthz")
		c.close()
		if err == nil && status == 200 {
			return nil
		}
	}
}

// stop is Ctrl-C, and waits.
func (b *bench) stop() error {
	s := b.running
	b.running = nil
	if err := s.cmd.Process.Signal(syscall.SIGINT); err != nil {
		return errors.Join(err, s.kill())
	}
	return <-s.exited
}

// kill ends a server that may have ended already.
func (s *server) kill() error {
	if err := s.cmd.Process.Kill(); err != nil && !errors.Is(err, os.ErrProcessDone) {
		return err
	}
	<-s.exited
	return nil
}

// memory is the resident set in MiB, from /proc, and how much of it is the
// process's own: the rest is pages of files, the data file's above all, which the
// kernel takes back when it needs them.
func (s *server) memory() (all, own float64, err error) {
	text, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", s.cmd.Process.Pid))
	if err != nil {
		return 0, 0, fmt.Errorf("resident memory is read from Linux's /proc: %w", err)
	}
	if all, err = mebibytes(string(text), "VmRSS:"); err != nil {
		return 0, 0, err
	}
	own, err = mebibytes(string(text), "RssAnon:")
	return all, own, err
}

func mebibytes(status, name string) (float64, error) {
	for line := range strings.Lines(status) {
		if rest, ok := strings.CutPrefix(line, name); ok {
			kib, err := strconv.ParseFloat(strings.TrimSpace(strings.TrimSuffix(strings.TrimSpace(rest), "kB")), 64)
			return kib / 1024, err
		}
	}
	return 0, errors.New("/proc tells no " + name)
}

// clockTick is the unit of /proc/PID/stat, which is 100 a second on every Linux
// that Go runs on.
const clockTick = time.Second / 100

// cpu is the time that the server has had of the processors so far, the kernel's
// work for it included.
func (s *server) cpu() (time.Duration, error) {
	text, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", s.cmd.Process.Pid))
	if err != nil {
		return 0, fmt.Errorf("CPU time is read from Linux's /proc: %w", err)
	}
	// The name of the program, in brackets, may hold spaces; the fields follow it.
	fields := strings.Fields(string(text[strings.LastIndexByte(string(text), ')')+1:]))
	if len(fields) < 13 {
		return 0, errors.New("/proc tells no CPU time")
	}
	user, err1 := strconv.ParseInt(fields[11], 10, 64)
	system, err2 := strconv.ParseInt(fields[12], 10, 64)
	return time.Duration(user+system) * clockTick, errors.Join(err1, err2)
}
