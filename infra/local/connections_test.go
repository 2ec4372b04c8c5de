package local

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"syscall"
	"testing"
	"time"
)

// patience is how long a test waits for what must happen.
const patience = 20 * time.Second

// limitedServer serves with room for that many connections. A request for /hold is
// answered when the test sends to held.
func limitedServer(t *testing.T, limit int) (c *connections, begun chan struct{}, held chan struct{}) {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	c = limited(l, limit)
	begun, held = make(chan struct{}, 16), make(chan struct{})
	server := &http.Server{ConnState: c.state, Handler: c.handler(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/hold" {
			begun <- struct{}{}
			<-held
		}
		fmt.Fprint(w, "ok")
	}))}
	served := make(chan error, 1)
	go func() { served <- server.Serve(c) }()
	t.Cleanup(func() {
		close(held)
		server.Close()
		if err := <-served; !errors.Is(err, http.ErrServerClosed) {
			t.Errorf("Serve: %v", err)
		}
	})
	return c, begun, held
}

// caller is one connection.
type caller struct {
	t    *testing.T
	conn net.Conn
	in   *bufio.Reader
}

func dial(t *testing.T, l net.Listener) *caller {
	t.Helper()
	conn, err := net.Dial("tcp", l.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { conn.Close() })
	if err := conn.SetDeadline(time.Now().Add(patience)); err != nil {
		t.Fatal(err)
	}
	return &caller{t, conn, bufio.NewReader(conn)}
}

func (c *caller) send(path string) {
	c.t.Helper()
	if _, err := fmt.Fprintf(c.conn, "GET %s HTTP/1.1\r\nHost: x\r\n\r\n", path); err != nil {
		c.t.Fatal(err)
	}
}

// answer reads one answer; last reports whether it says that the connection ends.
func (c *caller) answer() (last bool) {
	c.t.Helper()
	resp, err := http.ReadResponse(c.in, nil)
	if err != nil {
		c.t.Fatal(err)
	}
	defer resp.Body.Close()
	if _, err := io.Copy(io.Discard, resp.Body); err != nil {
		c.t.Fatal(err)
	}
	return resp.Close
}

func (c *caller) wantClosed(which string) {
	c.t.Helper()
	_, err := c.in.ReadByte()
	var late net.Error
	if err == nil || errors.As(err, &late) && late.Timeout() {
		c.t.Errorf("%s is still open: %v", which, err)
	}
}

// until asks again and again, for as long as patience lasts.
func until(t *testing.T, what string, is func() bool) {
	t.Helper()
	again := time.NewTicker(time.Millisecond)
	defer again.Stop()
	for end := time.Now().Add(patience); !is(); <-again.C {
		if time.Now().After(end) {
			t.Fatalf("in vain: %s", what)
		}
	}
}

// idleOf waits until that many connections are idle.
func idleOf(t *testing.T, c *connections, want int) {
	t.Helper()
	until(t, fmt.Sprintf("%d idle connections", want), func() bool {
		idle := 0
		c.mu.Lock()
		defer c.mu.Unlock()
		for _, at := range c.open {
			if at.idleSince > 0 {
				idle++
			}
		}
		return idle == want
	})
}

func TestTheLongestIdleConnectionGivesWay(t *testing.T) {
	c, _, _ := limitedServer(t, 3)
	used, unused, fresh := dial(t, c), dial(t, c), dial(t, c)
	idleOf(t, c, 3)
	used.send("/") // it was the first to come, and is now the last to be used
	used.answer()
	idleOf(t, c, 3)
	for n, victim := range []*caller{unused, fresh, used} {
		newcomer := dial(t, c)
		newcomer.send("/")
		if newcomer.answer() {
			t.Error("an answer ends its connection though nobody waits")
		}
		victim.wantClosed(fmt.Sprintf("the connection that is %d in line", n+1))
		idleOf(t, c, 3)
	}
}

func TestAConnectionInTheMiddleOfARequestNeverGivesWay(t *testing.T) {
	c, begun, held := limitedServer(t, 2)
	a, b := dial(t, c), dial(t, c)
	a.send("/hold")
	b.send("/hold")
	<-begun
	<-begun
	newcomer := dial(t, c)
	newcomer.send("/")
	until(t, "a newcomer that waits for a place", c.waiting.Load)
	held <- struct{}{} // one of the two is done, and its place is the newcomer's
	newcomer.answer()
	held <- struct{}{}
	// Both got their answers whole, whichever was first.
	a.answer()
	b.answer()
}

func TestWhileSomebodyWaitsAnAnswerEndsItsConnection(t *testing.T) {
	c, _, _ := limitedServer(t, 2)
	known := dial(t, c)
	idleOf(t, c, 1)
	c.waiting.Store(true)
	known.send("/")
	if !known.answer() {
		t.Error("the caller is not told")
	}
	known.wantClosed("the connection that was told to end")
}

// starved is a listener whose process has no file left until one is closed.
type starved struct {
	net.Listener
	fails int
}

func (s *starved) Accept() (net.Conn, error) {
	if s.fails > 0 {
		s.fails--
		return nil, &net.OpError{Op: "accept", Err: syscall.EMFILE}
	}
	return s.Listener.Accept()
}

func TestRunningOutOfFilesClosesIdleConnectionsAndWaitsForNothing(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	s := &starved{Listener: l}
	c := limited(s, 10)
	idle := dial(t, l)
	if _, err := c.Accept(); err != nil {
		t.Fatal(err)
	}
	s.fails = 1
	dial(t, l)
	if _, err := c.Accept(); err != nil {
		t.Errorf("with an idle connection to close: %v", err)
	}
	idle.wantClosed("the idle connection")
	s.fails = 5
	if conn, err := c.Accept(); !errors.Is(err, syscall.EMFILE) {
		t.Errorf("with none left: %v, %v", conn, err)
	}
	if len(c.open) != 0 {
		t.Errorf("%d are still counted", len(c.open))
	}
}

func TestClosingEndsANewcomersWait(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	c := limited(l, 1)
	dial(t, l)
	conn, err := c.Accept()
	if err != nil {
		t.Fatal(err)
	}
	c.state(conn, http.StateActive)
	newcomer, failed := dial(t, l), make(chan error, 1)
	go func() { _, err := c.Accept(); failed <- err }()
	if err := c.Close(); err != nil {
		t.Fatal(err)
	}
	if err := <-failed; !errors.Is(err, net.ErrClosed) {
		t.Errorf("%v", err)
	}
	newcomer.wantClosed("the newcomer's connection")
}

func TestHalfOfFewFilesAndAllButSomeOfManyAreForConnections(t *testing.T) {
	for files, want := range map[uint64]int{0: 1, 1: 1, 2: 1, 64: 32, 256: 128, 1024: 896, 4224: 4096, 1 << 20: 4096, ^uint64(0): 4096} {
		if got := connectionLimit(files); got != want {
			t.Errorf("%d files: %d connections, want %d", files, got, want)
		}
	}
	if openFiles() == 0 {
		t.Error("this process may open no file")
	}
}

// BenchmarkConnectionStates is what a request costs more: its two changes of state
// and the look whether somebody waits.
func BenchmarkConnectionStates(b *testing.B) {
	c := limited(nil, 10)
	conn, _ := net.Pipe()
	if _, err := c.admit(conn); err != nil {
		b.Fatal(err)
	}
	h := c.handler(http.HandlerFunc(func(http.ResponseWriter, *http.Request) {}))
	b.ReportAllocs()
	for b.Loop() {
		c.state(conn, http.StateActive)
		h.ServeHTTP(nil, nil)
		c.state(conn, http.StateIdle)
	}
}
