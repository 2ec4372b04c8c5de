// Package lambdastub plays what a function meets at its start: Lambda's Runtime API,
// and the AWS services that it asks before it takes its first event. All of them answer
// at once, and as they are told to.
package lambdastub

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os/exec"
	"strings"
	"sync"
	"time"
)

// Stub is one environment. One function is started in it at a time.
type Stub struct {
	*httptest.Server
	asked chan time.Time // when /next was asked for

	mu      sync.Mutex
	secrets map[string]string // SSM parameters
	refused map[string]string // operation, such as GetItem -> the error's code
}

// New has the secrets that Settings names, and refuses nothing.
func New() *Stub {
	s := &Stub{asked: make(chan time.Time, 1), secrets: secrets(), refused: map[string]string{}}
	s.Server = httptest.NewServer(s)
	return s
}

// secrets are well-formed and open nothing.
func secrets() map[string]string {
	return map[string]string{
		"/api-keys": "stub:operate:" + strings.Repeat("0", 64), "/link-keys": strings.Repeat("0", 64),
		"/gemini": "stub", "/discord": "https://discord.com/api/webhooks/1/stub",
	}
}

// SetSecret replaces a parameter; "" takes it away.
func (s *Stub) SetSecret(name, value string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.secrets[name] = value
}

// Refuse has an operation answered with an error of this code.
func (s *Stub) Refuse(operation, code string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.refused[operation] = code
}

// Settings are all that functions have.
func (s *Stub) Settings() map[string]string {
	return map[string]string{
		"AWS_ENDPOINT_URL": s.URL, "AWS_REGION": "us-east-1", "AWS_ACCESS_KEY_ID": "x", "AWS_SECRET_ACCESS_KEY": "x",
		"OPSGUARD_TABLE": "stub", "OPSGUARD_STATE_MACHINE_ARN": "arn:aws:states:us-east-1:123456789012:stateMachine:stub",
		"OPSGUARD_PUBLIC_URL": "https://example.com/live", "OPSGUARD_APPROVAL_TIMEOUT": "4h", "OPSGUARD_INCIDENTS_PER_HOUR": "20", "OPSGUARD_GROUP_WINDOW": "5m", "OPSGUARD_LOG_LEVEL": "info",
		"OPSGUARD_ARCHITECTURE": "", "OPSGUARD_AWS_DOMAIN": "amazonaws.com", "OPSGUARD_SECRETS_PREFIX": "/secrets",
		"OPSGUARD_API_KEYS_PARAM": "/api-keys", "OPSGUARD_LINK_KEYS_PARAM": "/link-keys",
		"GEMINI_API_KEY_PARAM": "/gemini", "GEMINI_MODEL": "gemini-3.8-flash", "GEMINI_ENDPOINT": "", "DISCORD_WEBHOOK_URL_PARAM": "/discord",
	}
}

// ServeHTTP implements http.Handler.
func (s *Stub) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if strings.HasSuffix(r.URL.Path, "/runtime/invocation/next") {
		s.asked <- time.Now()
		<-r.Context().Done() // no event comes: the function is ended first
		return
	}
	_, operation, _ := strings.Cut(r.Header.Get("X-Amz-Target"), ".")
	var in struct{ Name string }
	_ = json.NewDecoder(r.Body).Decode(&in) // what cannot be read names no parameter
	s.mu.Lock()
	code, secret := s.refused[operation], s.secrets[in.Name]
	s.mu.Unlock()
	if operation == "GetParameter" && secret == "" {
		code = "ParameterNotFound"
	}
	w.Header().Set("Content-Type", "application/x-amz-json-1.0")
	var answer any = map[string]any{"Parameter": map[string]string{"Name": in.Name, "Value": secret}}
	if code != "" {
		w.WriteHeader(http.StatusBadRequest)
		answer = map[string]string{"__type": "com.amazonaws#" + code, "message": "refused by the stub"}
	}
	_ = json.NewEncoder(w).Encode(answer) // it fails when the function is gone, which Start reports
}

// patience bounds one start.
const patience = 20 * time.Second

// ErrEnded is a function that ended before it asked for its first event.
var ErrEnded = errors.New("ended before it asked for an event")

// Start runs a function until it asks for its first event, and returns how long that
// took and what it said.
func (s *Stub) Start(path string, settings map[string]string) (took time.Duration, said string, err error) {
	var out bytes.Buffer
	cmd := exec.Command(path)
	cmd.Stdout, cmd.Stderr = &out, &out
	cmd.Env = []string{"AWS_LAMBDA_RUNTIME_API=" + strings.TrimPrefix(s.URL, "http://")}
	for name, value := range settings {
		cmd.Env = append(cmd.Env, name+"="+value)
	}
	began := time.Now()
	if err := cmd.Start(); err != nil {
		return 0, "", err
	}
	ended := make(chan error, 1)
	go func() { ended <- cmd.Wait() }()
	select {
	case at := <-s.asked:
		took, err = at.Sub(began), cmd.Process.Kill()
		<-ended
	case exit := <-ended:
		err = fmt.Errorf("%w: %v", ErrEnded, exit)
	case <-time.After(patience):
		_ = cmd.Process.Kill() // it may have ended meanwhile
		<-ended
		err = fmt.Errorf("asked for no event within %s", patience)
	}
	return took, out.String(), err
}
