package main

import (
	"context"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
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
	key, err := b.keys(ctx)
	if err != nil {
		return err
	}
	s, err := b.serve(ctx, "fixes")
	if err != nil {
		return err
	}
	took, err := r.approveEach(ctx, s, key)
	if err != nil {
		return err
	}
	b.add(figure{"real fix: approved to the first call on its target, p50", milliseconds(median(took)), "ms", 50, true})
	share, looks, err := r.settle(ctx, s, key)
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
func (r *runbooks) approveEach(ctx context.Context, s *server, keys [2]string) ([]time.Duration, error) {
	var took []time.Duration
	for n := range approved {
		id, err := open(ctx, s, keys, n)
		if err != nil {
			return nil, err
		}
		begun := time.Now()
		if err := approve(ctx, s, keys[0], id); err != nil {
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
func (r *runbooks) settle(ctx context.Context, s *server, keys [2]string) (share, looks float64, err error) {
	for n := range settling {
		id, err := open(ctx, s, keys, approved+n)
		if err != nil {
			return 0, 0, err
		}
		if err := approve(ctx, s, keys[0], id); err != nil {
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

// open sends an alert and returns its incident once people were asked.
func open(ctx context.Context, s *server, keys [2]string, n int) (string, error) {
	body := fmt.Sprintf(`{"serverName":"real-%d","errorLogs":"JavaScript heap out of memory"}`, n)
	var opened struct{ IncidentID, Status string }
	if err := call(ctx, s, keys[1], http.MethodPost, "/ingest-alert", "application/json", body, &opened); err != nil {
		return "", err
	}
	for opened.Status != "WAITING_FOR_APPROVAL" {
		if err := call(ctx, s, keys[0], http.MethodGet, "/incidents/"+opened.IncidentID, "", "", &opened); err != nil {
			return "", err
		}
		pause(ctx, time.Millisecond)
	}
	return opened.IncidentID, nil
}

func approve(ctx context.Context, s *server, key, id string) error {
	form := url.Values{"incidentId": {id}, "action": {"approve"}}.Encode()
	return call(ctx, s, key, http.MethodPost, "/approve-fix", "application/x-www-form-urlencoded", form, &struct{}{})
}

func call(ctx context.Context, s *server, key, method, path, kind, body string, into any) error {
	req, err := http.NewRequestWithContext(ctx, method, "http://"+s.addr+path, strings.NewReader(body))
	if err != nil {
		return err
	}
	req.Header.Set("Authorization", "Bearer "+key)
	if kind != "" {
		req.Header.Set("Content-Type", kind)
	}
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		return err
	}
	defer resp.Body.Close()
	answer, err := io.ReadAll(resp.Body)
	if err != nil || resp.StatusCode/100 != 2 {
		return fmt.Errorf("%s %s: %d %s %w", method, path, resp.StatusCode, answer, err)
	}
	return json.Unmarshal(answer, into)
}

// pause lets time go by: what is measured is what happens meanwhile.
func pause(ctx context.Context, d time.Duration) {
	select {
	case <-time.After(d):
	case <-ctx.Done():
	}
}
