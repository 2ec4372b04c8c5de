package browser

import (
	"bufio"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"sync"
	"time"
)

// patience bounds every wait on Chromium. It is long because a wait only takes it
// whole when something is broken.
const patience = 60 * time.Second

// Browser is a running Chromium with a profile of its own. It is safe for
// concurrent use.
type Browser struct {
	cmd     *exec.Cmd
	profile string
	to      *os.File // what Chromium reads
	from    *os.File // what it writes
	gone    chan struct{}

	mu    sync.Mutex
	last  int
	calls map[int]chan message
	pages map[string]*Page // by session
}

// message is one of the protocol's, of either direction.
type message struct {
	ID        int             `json:"id,omitempty"`
	SessionID string          `json:"sessionId,omitempty"`
	Method    string          `json:"method,omitempty"`
	Params    json.RawMessage `json:"params,omitempty"`
	Result    json.RawMessage `json:"result,omitempty"`
	Error     *struct {
		Message string `json:"message"`
	} `json:"error,omitempty"`
}

// Start starts Chromium with an empty profile. The caller closes the Browser.
func Start(c Chromium) (*Browser, error) {
	profile, err := os.MkdirTemp("", "opsguard-browser-")
	if err != nil {
		return nil, err
	}
	b := &Browser{profile: profile, gone: make(chan struct{}), calls: map[int]chan message{}, pages: map[string]*Page{}}
	if err := b.start(c); err != nil {
		os.RemoveAll(profile)
		return nil, fmt.Errorf("start %s: %w", c.Program, err)
	}
	if err := b.call("", "Browser.getVersion", nil, nil); err != nil {
		b.Close()
		return nil, fmt.Errorf("start %s: %w", c.Program, err)
	}
	return b, nil
}

func (b *Browser) start(c Chromium) error {
	theirIn, ourOut, err := os.Pipe()
	if err != nil {
		return err
	}
	defer theirIn.Close()
	ourIn, theirOut, err := os.Pipe()
	if err != nil {
		ourOut.Close()
		return err
	}
	defer theirOut.Close()
	b.to, b.from = ourOut, ourIn
	b.cmd = exec.Command(c.Program, "--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking",
		"--disable-component-update", "--disable-sync", "--disable-dev-shm-usage", "--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE 127.0.0.1, EXCLUDE localhost",
		"--user-data-dir="+b.profile, "--remote-debugging-pipe", "about:blank")
	b.cmd.Env = append(os.Environ(), c.Env...)
	b.cmd.ExtraFiles = []*os.File{theirIn, theirOut} // 3 and 4, by the protocol
	if err := b.cmd.Start(); err != nil {
		ourIn.Close()
		ourOut.Close()
		return err
	}
	go b.read()
	return nil
}

// Close ends Chromium and removes its profile.
func (b *Browser) Close() {
	_ = b.cmd.Process.Kill()
	_ = b.cmd.Wait()
	<-b.gone
	b.to.Close()
	b.from.Close()
	os.RemoveAll(b.profile)
}

// read passes on what Chromium says until it ends.
func (b *Browser) read() {
	defer close(b.gone)
	in := bufio.NewReader(b.from)
	for {
		text, err := in.ReadBytes(0)
		if err != nil {
			return
		}
		var m message
		if json.Unmarshal(text[:len(text)-1], &m) != nil {
			continue
		}
		b.mu.Lock()
		answer, page := b.calls[m.ID], b.pages[m.SessionID]
		delete(b.calls, m.ID)
		b.mu.Unlock()
		switch {
		case m.ID != 0 && answer != nil:
			answer <- m
		case m.Method != "" && page != nil:
			page.happened(m.Method, m.Params)
		}
	}
}

// call asks Chromium for something and decodes its answer into result unless that
// is nil. Session "" is the browser itself.
func (b *Browser) call(session, method string, params map[string]any, result any) error {
	answer := make(chan message, 1)
	b.mu.Lock()
	b.last++
	id := b.last
	b.calls[id] = answer
	err := b.write(id, session, method, params)
	b.mu.Unlock()
	if err != nil {
		return fmt.Errorf("%s: %w", method, err)
	}
	timeout := time.NewTimer(patience)
	defer timeout.Stop()
	select {
	case m := <-answer:
		if m.Error != nil {
			return fmt.Errorf("%s: %s", method, m.Error.Message)
		}
		if result == nil {
			return nil
		}
		return json.Unmarshal(m.Result, result)
	case <-b.gone:
		return fmt.Errorf("%s: Chromium ended: %w", method, io.ErrUnexpectedEOF)
	case <-timeout.C:
		return fmt.Errorf("%s: Chromium did not answer: %w", method, os.ErrDeadlineExceeded)
	}
}

func (b *Browser) write(id int, session, method string, params map[string]any) error {
	m := map[string]any{"id": id, "method": method}
	if session != "" {
		m["sessionId"] = session
	}
	if params != nil {
		m["params"] = params
	}
	text, err := json.Marshal(m)
	if err != nil {
		return err
	}
	if _, err := b.to.Write(append(text, 0)); err != nil {
		return errors.Join(err, io.ErrClosedPipe)
	}
	return nil
}
