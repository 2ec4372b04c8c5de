package main

import (
	"bytes"
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"os"
	"strings"
	"time"
)

// serving is how a command reaches an OpsGuard that serves. The key is a secret, so it
// comes by environment only.
type serving struct {
	URL string `help:"Where OpsGuard serves, stage prefix included; the key: OPSGUARD_KEY." env:"OPSGUARD_URL" default:"http://127.0.0.1:3000"`
}

type stopCommand struct {
	serving
	Reason string `required:"" help:"Why, for those who find fixes stopped."`
	All    bool   `help:"Stop undoing, too. Without it a fix that did not help is still undone."`
}

type goCommand struct {
	serving
	Reason string `help:"Why."`
}

type brakeCommand struct {
	serving
	JSON bool `help:"Print what GET /brake answers."`
}

// exitStopped is brake's exit status while fixes are stopped, for scripts.
const exitStopped = 3

func (c stopCommand) Run(ctx context.Context) error {
	stops := "fixes"
	if c.All {
		stops = "all"
	}
	return c.set(ctx, os.Stdout, stops, c.Reason)
}

func (c goCommand) Run(ctx context.Context) error { return c.set(ctx, os.Stdout, "none", c.Reason) }

// Run ends the process itself while fixes are stopped.
func (c brakeCommand) Run(ctx context.Context) error {
	stopped, err := c.show(ctx, os.Stdout)
	if err == nil && stopped {
		os.Exit(exitStopped)
	}
	return err
}

// brake is what GET and POST /brake answer.
type brake struct {
	Stops   string        `json:"stops"`
	Changes []brakeChange `json:"changes"` // the newest first
	Valid   bool          `json:"valid"`
}

type brakeChange struct {
	Stops  string `json:"stops"`
	By     string `json:"by"`
	At     string `json:"at"`
	Reason string `json:"reason"`
}

func (c brakeCommand) show(ctx context.Context, out io.Writer) (stopped bool, err error) {
	raw, err := c.call(ctx, http.MethodGet, nil)
	if err != nil {
		return false, err
	}
	b, err := readBrake(raw)
	if err != nil {
		return false, err
	}
	if c.JSON {
		_, err = out.Write(raw)
		return b.Stops != "none", err
	}
	return b.Stops != "none", b.print(out, len(b.Changes))
}

func (s serving) set(ctx context.Context, out io.Writer, stops, reason string) error {
	sent := map[string]string{"stops": stops}
	if reason != "" {
		sent["reason"] = reason
	}
	raw, err := s.call(ctx, http.MethodPost, sent)
	if err != nil {
		return err
	}
	b, err := readBrake(raw)
	if err != nil {
		return err
	}
	return b.print(out, 1)
}

// print says how the switch stands, and the last changes.
func (b brake) print(out io.Writer, changes int) error {
	words := map[string]string{
		"none":  "Fixes go.",
		"fixes": "Fixes are stopped: none begins. A fix that did not help is still undone.",
		"all":   "Fixes are stopped: none begins, and none is undone.",
	}
	fmt.Fprintln(out, cmp.Or(words[b.Stops], "Fixes: "+b.Stops))
	for _, c := range b.Changes[:min(changes, len(b.Changes))] {
		line := fmt.Sprintf("  %s  %-5s  %s", c.At, c.Stops, c.By)
		if c.Reason != "" {
			line += ": " + c.Reason
		}
		fmt.Fprintln(out, line)
	}
	if !b.Valid {
		fmt.Fprintln(out, "The list of changes is damaged or was altered.")
	}
	return nil
}

func readBrake(raw []byte) (b brake, err error) {
	if json.Unmarshal(raw, &b) != nil || b.Stops == "" {
		return b, fmt.Errorf("what answers at this URL is not OpsGuard's kill switch; check --url")
	}
	return b, nil
}

const (
	// callTime bounds one call: who stops fixes does not wait long to hear that it failed.
	callTime  = 15 * time.Second
	maxAnswer = 1 << 20 // bytes
)

// call asks for /brake, with what is sent, and returns the answer's body.
func (s serving) call(ctx context.Context, method string, send any) ([]byte, error) {
	ctx, cancel := context.WithTimeout(ctx, callTime)
	defer cancel()
	var body bytes.Buffer
	if send != nil {
		if err := json.NewEncoder(&body).Encode(send); err != nil {
			return nil, err
		}
	}
	r, err := http.NewRequestWithContext(ctx, method, strings.TrimSuffix(s.URL, "/")+"/brake", &body)
	if err != nil {
		return nil, fmt.Errorf("--url: %q is not a URL", s.URL)
	}
	if send != nil {
		r.Header.Set("Content-Type", "application/json")
	}
	if key := os.Getenv("OPSGUARD_KEY"); key != "" {
		r.Header.Set("Authorization", "Bearer "+key)
	}
	client := http.Client{CheckRedirect: func(*http.Request, []*http.Request) error {
		return http.ErrUseLastResponse // the key goes nowhere else
	}}
	res, err := client.Do(r)
	if err != nil {
		return nil, fmt.Errorf("OpsGuard does not answer at %s; is it serving there? See --url: %w", s.URL, err)
	}
	defer res.Body.Close()
	raw, err := io.ReadAll(io.LimitReader(res.Body, maxAnswer))
	switch {
	case err != nil:
		return nil, fmt.Errorf("the answer of %s broke off: %w", s.URL, err)
	case res.StatusCode != http.StatusOK:
		return nil, refusal(res.StatusCode, raw)
	}
	return raw, nil
}

// refusal words a problem+json, and says what to do about a key.
func refusal(status int, raw []byte) error {
	var p struct {
		Detail string `json:"detail"`
	}
	_ = json.Unmarshal(raw, &p)
	why := cmp.Or(p.Detail, http.StatusText(status))
	if status == http.StatusUnauthorized || status == http.StatusForbidden {
		why += "; put an operator's key into OPSGUARD_KEY"
	}
	return fmt.Errorf("refused (%d): %s", status, why)
}
