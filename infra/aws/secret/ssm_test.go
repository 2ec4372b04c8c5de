package secret

import (
	"context"
	"crypto/sha256"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	awssdk "github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/aws/signer/v4"
	"github.com/aws/smithy-go"
)

// parameters is an SSM that answers GetParameter in its wire format (AWS, "Systems
// Manager API reference", GetParameter): JSON 1.1, the error's code in __type.
type parameters struct {
	mu       sync.Mutex
	values   map[string]string // "" is not there
	refusals []refusing        // the first calls' answers
	calls    []http.Header
	bodies   []string
}

// refusing is a call that goes wrong; status 0 cuts the connection, status 200 in the
// middle of the answer.
type refusing struct {
	status int
	code   string
}

func (p *parameters) set(name, value string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.values[name] = value
}

func (p *parameters) asked() []http.Header {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.calls
}

func (p *parameters) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	var in struct {
		Name           string
		WithDecryption bool
	}
	body, _ := io.ReadAll(r.Body) // what was cut is not JSON
	err := json.Unmarshal(body, &in)
	p.mu.Lock()
	defer p.mu.Unlock()
	p.calls, p.bodies = append(p.calls, r.Header.Clone()), append(p.bodies, string(body))
	if len(p.refusals) > 0 {
		no := p.refusals[0]
		p.refusals = p.refusals[1:]
		if no.status == 0 {
			panic(http.ErrAbortHandler)
		}
		if no.status == http.StatusOK {
			w.Header().Set("Content-Length", "100")
			fmt.Fprint(w, `{"Parameter":`)
			w.(http.Flusher).Flush()
			panic(http.ErrAbortHandler)
		}
		w.WriteHeader(no.status)
		fmt.Fprintf(w, `{"__type":"com.amazonaws.ssm#%s","message":"no"}`, no.code)
		return
	}
	if err != nil || r.Method != http.MethodPost || r.URL.Path != "/" || r.Header.Get("X-Amz-Target") != "AmazonSSM.GetParameter" ||
		r.Header.Get("Content-Type") != "application/x-amz-json-1.1" || !in.WithDecryption {
		w.WriteHeader(http.StatusBadRequest)
		fmt.Fprint(w, `{"__type":"UnknownOperationException"}`)
		return
	}
	if p.values[in.Name] == "" {
		w.WriteHeader(http.StatusBadRequest)
		fmt.Fprint(w, `{"__type":"ParameterNotFound"}`)
		return
	}
	json.NewEncoder(w).Encode(map[string]any{"Parameter": map[string]any{"Name": in.Name, "Type": "SecureString", "Value": p.values[in.Name], "Version": 1}})
}

// atOnce is a clock's After that does not wait and counts.
func atOnce(waits *int) func(time.Duration) <-chan time.Time {
	return func(time.Duration) <-chan time.Time {
		*waits++
		c := make(chan time.Time, 1)
		c <- time.Time{}
		return c
	}
}

func TestWhatPassesIsAskedAgain(t *testing.T) {
	for name, test := range map[string]struct {
		refusals []refusing
		calls    int
		says     string // "": the value is read
	}{
		"throttled twice":       {[]refusing{{400, "ThrottlingException"}, {400, "ThrottlingException"}}, 3, ""},
		"a fault of AWS":        {[]refusing{{500, "InternalServerError"}, {503, ""}}, 3, ""},
		"a cut connection":      {[]refusing{{0, ""}}, 2, ""},
		"a cut answer":          {[]refusing{{200, ""}}, 2, ""},
		"throttled for good":    {slices.Repeat([]refusing{{400, "ThrottlingException"}}, 9), maxAttempts, "ThrottlingException"},
		"not allowed":           {[]refusing{{400, "AccessDeniedException"}}, 1, "AccessDeniedException"},
		"a key not to be used":  {[]refusing{{400, "InvalidKeyId"}}, 1, "InvalidKeyId"},
		"an unknown credential": {[]refusing{{403, "UnrecognizedClientException"}}, 1, "UnrecognizedClientException"},
	} {
		p := &parameters{values: map[string]string{"/a": " value\n"}, refusals: test.refusals}
		server := httptest.NewServer(p)
		waits := 0
		got, err := ssm{config(server), "amazonaws.com", time.Now, atOnce(&waits)}.parameter(t.Context(), "/a")
		server.Close()
		if len(p.asked()) != test.calls || waits != test.calls-1 {
			t.Errorf("%s: %d calls, %d waits; want %d calls", name, len(p.asked()), waits, test.calls)
		}
		if test.says == "" && (got != "value" || err != nil) || test.says != "" && (err == nil || !strings.Contains(err.Error(), test.says)) {
			t.Errorf("%s: %q, %v; want %q", name, got, err, test.says)
		}
	}
}

func TestWhoeverCannotBeReachedIsNamed(t *testing.T) {
	server := httptest.NewServer(nil)
	server.Close()
	waits := 0
	_, err := ssm{config(server), "amazonaws.com", time.Now, atOnce(&waits)}.parameter(t.Context(), "/a")
	if err == nil || !strings.HasPrefix(err.Error(), "the SSM parameter /a cannot be read: ") || waits != maxAttempts-1 {
		t.Errorf("%v after %d waits", err, waits)
	}
}

func TestACallIsSignedForItsRegion(t *testing.T) {
	p := &parameters{values: map[string]string{"/a": "v"}}
	server := httptest.NewServer(p)
	defer server.Close()
	now := func() time.Time { return time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC) }
	if _, err := (ssm{config(server), "amazonaws.com", now, time.After}).parameter(t.Context(), "/a"); err != nil {
		t.Fatal(err)
	}
	call := p.asked()[0]
	auth := call.Get("Authorization")
	if !strings.HasPrefix(auth, "AWS4-HMAC-SHA256 Credential=AKID/20260102/eu-west-1/ssm/aws4_request, SignedHeaders=") || !strings.Contains(auth, "x-amz-target") {
		t.Errorf("Authorization: %s", auth)
	}
	if call.Get("X-Amz-Security-Token") != "session" || call.Get("X-Amz-Date") != "20260102T030405Z" {
		t.Errorf("headers: %v", call)
	}
	again, err := http.NewRequest(http.MethodPost, server.URL, strings.NewReader(p.bodies[0]))
	if err != nil {
		t.Fatal(err)
	}
	again.Header.Set("Content-Type", call.Get("Content-Type"))
	again.Header.Set("X-Amz-Target", call.Get("X-Amz-Target"))
	credentials, _ := config(server).Credentials.Retrieve(t.Context())
	if err := v4.NewSigner().SignHTTP(t.Context(), credentials, again, fmt.Sprintf("%x", sha256.Sum256([]byte(p.bodies[0]))), "ssm", "eu-west-1", now()); err != nil {
		t.Fatal(err)
	}
	if want := again.Header.Get("Authorization"); auth != want {
		t.Errorf("Authorization: %s; for what was sent it is %s", auth, want)
	}
}

// The start goes on without what AWS itself could not answer (see aws.Function.Check).
func TestAFaultIsWhoseItIs(t *testing.T) {
	for status, want := range map[int]smithy.ErrorFault{400: smithy.FaultClient, 403: smithy.FaultClient, 500: smithy.FaultServer, 503: smithy.FaultServer} {
		p := &parameters{refusals: slices.Repeat([]refusing{{status, "Odd"}}, maxAttempts)}
		server := httptest.NewServer(p)
		waits := 0
		_, err := ssm{config(server), "amazonaws.com", time.Now, atOnce(&waits)}.parameter(t.Context(), "/a")
		server.Close()
		var answer smithy.APIError
		if !errors.As(err, &answer) || answer.ErrorFault() != want {
			t.Errorf("%d: %v", status, err)
		}
	}
}

func TestNoAnswerFillsTheMemory(t *testing.T) {
	server := httptest.NewServer(&parameters{values: map[string]string{"/a": strings.Repeat("x", maxAnswer)}})
	defer server.Close()
	if got, err := (ssm{config(server), "amazonaws.com", time.Now, time.After}).parameter(t.Context(), "/a"); err == nil {
		t.Errorf("read %d bytes", len(got))
	}
}

func TestWhoeverHasNoTimeLeftDoesNotWait(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		cfg := config(&httptest.Server{})
		cfg.HTTPClient = &http.Client{Transport: refusingAll{http.StatusInternalServerError, new(string)}}
		ctx, end := context.WithTimeout(t.Context(), time.Second)
		defer end()
		began := time.Now()
		_, err := ssm{cfg, "amazonaws.com", time.Now, func(time.Duration) <-chan time.Time { return time.After(time.Hour) }}.parameter(ctx, "/a")
		if took := time.Since(began); !errors.Is(err, context.DeadlineExceeded) || took != time.Second {
			t.Errorf("%v after %s", err, took)
		}
	})
}

func TestTheEndpointIsTheRegions(t *testing.T) {
	other := "http://127.0.0.1:4566"
	for want, in := range map[string]ssm{
		"https://ssm.eu-west-1.amazonaws.com/":     {cfg: awssdk.Config{Region: "eu-west-1"}, domain: "amazonaws.com"},
		"https://ssm.eusc-de-east-1.amazonaws.eu/": {cfg: awssdk.Config{Region: "eusc-de-east-1"}, domain: "amazonaws.eu"},
		other: {cfg: awssdk.Config{Region: "eu-west-1", BaseEndpoint: &other}, domain: "amazonaws.com"},
	} {
		if got := in.endpoint(); got != want {
			t.Errorf("%s: %s; want %s", in.cfg.Region, got, want)
		}
	}
}
