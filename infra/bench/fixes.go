package main

import (
	"context"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path"
	"path/filepath"
	"strings"
	"sync"
	"time"
)

const (
	// settling is how many fixes are looked at at once.
	settling = 100
	// approved is how many fixes are approved one after another.
	approved = 50
	// watched is over which time the looks are counted, from 20 s after the last fix began:
	// then each is looked at every 5 s.
	watched, warmUp = 20 * time.Second, 20 * time.Second
)

// runbooks plays the systems that fixes are handed to. It says that a fix runs, or that it
// succeeded if it was one of those that are only approved.
type runbooks struct {
	*httptest.Server
	mu      sync.Mutex
	arrived map[string]time.Time // by incident
	ended   map[string]bool      // by key
	looks   int
	heard   chan struct{}
}

func newRunbooks() *runbooks {
	r := &runbooks{arrived: map[string]time.Time{}, ended: map[string]bool{}, heard: make(chan struct{}, settling+approved)}
	r.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, q *http.Request) {
		at := time.Now()
		r.mu.Lock()
		defer r.mu.Unlock()
		if q.Method == http.MethodGet {
			r.looks++
			status := "running"
			if r.ended[path.Base(q.URL.Path)] {
				status = "succeeded"
			}
			fmt.Fprintf(w, `{"status":%q}`, status)
			return
		}
		var sent struct {
			Data struct{ Incident, Key string }
		}
		if json.NewDecoder(q.Body).Decode(&sent) == nil {
			r.arrived[sent.Data.Incident] = at
			r.ended[sent.Data.Key] = len(r.arrived) <= approved
			r.heard <- struct{}{}
		}
	}))
	return r
}

// fixes measures a real fix: how soon it is begun once it was approved, and what it costs
// to wait for a hundred of them.
func (b *bench) fixes(ctx context.Context) error {
	r := newRunbooks()
	defer r.Close()
	yaml := "services:\n"
	for n := range settling + approved {
		yaml += fmt.Sprintf("  real-%d: {owner: bench, fixes: [restart-service], "+
			"target: {type: webhook, url: %q, statusUrl: %q, secret: {secret: HOOK}, limit: 1h}}\n",
			n, fmt.Sprintf("%s/%d", r.URL, n), r.URL+"/status/{key}")
	}
	usual := b.services
	defer func() { b.services, b.env = usual, nil }()
	b.services = filepath.Join(b.dir, "real.yaml")
	if err := os.WriteFile(b.services, []byte(yaml), 0o600); err != nil {
		return err
	}
	keys, err := b.keys(ctx)
	if err != nil {
		return err
	}
	said := newListener()
	s, err := b.serveTo(ctx, "fixes", said)
	if err != nil {
		return err
	}
	c, err := dial(s.addr)
	if err != nil {
		return err
	}
	defer c.close()
	p := &people{c, keys[0], keys[1], said}
	took, err := r.approveEach(ctx, p)
	if err != nil {
		return err
	}
	b.add(figure{"real fix: approved to the first call on its target, p50", milliseconds(median(took)), "ms", 50, true})
	share, looks, err := r.settle(ctx, s, p)
	if err != nil {
		return err
	}
	b.add(figure{fmt.Sprintf("%d fixes settling: CPU of one core", settling), share, "%", 5, true})
	b.add(figure{name: "  looks at their targets", value: looks, unit: "1/s"})
	return b.stop()
}

// keys makes an operator's and a sender's key, and has the next server take both.
func (b *bench) keys(ctx context.Context) (keys [2]string, err error) {
	var entries []string
	for i, role := range []string{"operate", "ingest"} {
		out, err := exec.CommandContext(ctx, filepath.Join(b.dir, "opsguard"), "keys", "new", "--name", role, "--role", role).Output()
		if err != nil {
			return keys, err
		}
		var entry string
		if _, err := fmt.Sscanf(string(out), "key=%s\nentry=%s\n", &keys[i], &entry); err != nil {
			return keys, err
		}
		entries = append(entries, entry)
	}
	b.env = []string{"OPSGUARD_API_KEYS=" + strings.Join(entries, ","),
		"OPSGUARD_SECRET_HOOK=whsec_" + base64.StdEncoding.EncodeToString([]byte(strings.Repeat("k", 32)))}
	return keys, nil
}

// approveEach opens an incident, approves its fix and waits for it to arrive.
func (r *runbooks) approveEach(ctx context.Context, p *people) ([]time.Duration, error) {
	var took []time.Duration
	for n := range approved {
		id, err := p.open(ctx, n)
		if err != nil {
			return nil, err
		}
		begun := time.Now()
		if err := p.approve(id); err != nil {
			return nil, err
		}
		select {
		case <-r.heard:
		case <-ctx.Done():
			return nil, ctx.Err()
		}
		r.mu.Lock()
		took = append(took, r.arrived[id].Sub(begun))
		r.mu.Unlock()
	}
	return took, nil
}

// settle has more fixes begin, and measures while all of them settle.
func (r *runbooks) settle(ctx context.Context, s *server, p *people) (share, looks float64, err error) {
	for n := range settling {
		id, err := p.open(ctx, approved+n)
		if err != nil {
			return 0, 0, err
		}
		if err := p.approve(id); err != nil {
			return 0, 0, err
		}
	}
	for range settling {
		select {
		case <-r.heard:
		case <-ctx.Done():
			return 0, 0, ctx.Err()
		}
	}
	pause(ctx, warmUp)
	before, err := s.cpu()
	r.mu.Lock()
	counted := r.looks
	r.mu.Unlock()
	begun := time.Now()
	pause(ctx, watched)
	after, err2 := s.cpu()
	r.mu.Lock()
	defer r.mu.Unlock()
	if err == nil {
		err = err2
	}
	over := time.Since(begun)
	return 100 * float64(after-before) / float64(over), float64(r.looks-counted) / over.Seconds(), err
}

// people send alerts and approve, each with their own key, and hear what the server prints.
type people struct {
	*conn
	operator, sender string
	said             *listener
}

// open sends an alert and returns its incident once people were asked.
func (p *people) open(ctx context.Context, n int) (string, error) {
	p.token = p.sender
	id, err := p.send(alert(fmt.Sprintf("real-%d", n), fmt.Sprintf("fix-%d", n)), false)
	if err != nil {
		return "", err
	}
	return id, p.said.await(ctx, id, "WAITING_FOR_APPROVAL")
}

func (p *people) approve(id string) error {
	p.token = p.operator
	status, answer, err := p.post("/approve-fix", []byte(`{"incidentId":"`+id+`","action":"approve"}`))
	if err != nil || status != http.StatusOK {
		return fmt.Errorf("POST /approve-fix: %d %s: %w", status, answer, err)
	}
	return nil
}

// pause lets time go by: what is measured is what happens meanwhile.
func pause(ctx context.Context, d time.Duration) {
	select {
	case <-time.After(d):
	case <-ctx.Done():
	}
}
