package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os/exec"
	"strings"
	"time"
)

// stub is Lambda's Runtime API and the AWS services that a function asks at its
// start, all of which answer at once.
type stub struct {
	*httptest.Server
	asked chan time.Time // when /next was asked for
}

func newStub() *stub {
	s := &stub{asked: make(chan time.Time, 1)}
	s.Server = httptest.NewServer(s)
	return s
}

func (s *stub) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if strings.HasSuffix(r.URL.Path, "/runtime/invocation/next") {
		s.asked <- time.Now()
		<-r.Context().Done() // no event comes: the function is ended first
		return
	}
	w.Header().Set("Content-Type", "application/x-amz-json-1.0")
	var answer any = map[string]any{}
	if strings.HasSuffix(r.Header.Get("X-Amz-Target"), ".GetParameter") {
		var in struct{ Name string }
		_ = json.NewDecoder(r.Body).Decode(&in) // a name that cannot be read has no secret
		answer = map[string]any{"Parameter": map[string]string{"Name": in.Name, "Value": secrets()[in.Name]}}
	}
	_ = json.NewEncoder(w).Encode(answer) // it fails when the function is gone, which start reports
}

// secrets are well-formed and open nothing.
func secrets() map[string]string {
	return map[string]string{
		"/api-keys": "bench:operate:" + strings.Repeat("0", 64), "/link-keys": strings.Repeat("0", 64),
		"/gemini": "bench", "/discord": "https://discord.com/api/webhooks/1/bench",
	}
}

// patience bounds one start.
const patience = 20 * time.Second

// start runs a function until it asks for its first event.
func (s *stub) start(path string) (time.Duration, error) {
	address := strings.TrimPrefix(s.URL, "http://")
	var said bytes.Buffer
	cmd := exec.Command(path)
	cmd.Stdout, cmd.Stderr = &said, &said
	cmd.Env = []string{
		"AWS_LAMBDA_RUNTIME_API=" + address, "AWS_ENDPOINT_URL=" + s.URL, "AWS_REGION=us-east-1", "AWS_ACCESS_KEY_ID=x", "AWS_SECRET_ACCESS_KEY=x",
		"OPSGUARD_TABLE=bench", "OPSGUARD_STATE_MACHINE_ARN=arn:aws:states:us-east-1:123456789012:stateMachine:bench",
		"OPSGUARD_PUBLIC_URL=https://example.com/live", "OPSGUARD_API_KEYS_PARAM=/api-keys", "OPSGUARD_LINK_KEYS_PARAM=/link-keys",
		"GEMINI_API_KEY_PARAM=/gemini", "DISCORD_WEBHOOK_URL_PARAM=/discord",
	}
	began := time.Now()
	if err := cmd.Start(); err != nil {
		return 0, err
	}
	ended := make(chan error, 1)
	go func() { ended <- cmd.Wait() }()
	select {
	case at := <-s.asked:
		if err := cmd.Process.Kill(); err != nil {
			return 0, err
		}
		<-ended
		return at.Sub(began), nil
	case err := <-ended:
		return 0, fmt.Errorf("ended before it asked for an event: %v: %s", err, said.String())
	case <-time.After(patience):
		_ = cmd.Process.Kill() // it may have ended meanwhile
		<-ended
		return 0, fmt.Errorf("asked for no event within %s: %s", patience, said.String())
	}
}
