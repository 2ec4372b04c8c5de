package secret

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	awssdk "github.com/aws/aws-sdk-go-v2/aws"
)

// parameters is an SSM that answers GetParameter in its wire format (AWS, "Systems
// Manager API reference", GetParameter): JSON 1.1, the error's code in __type.
type parameters struct {
	mu       sync.Mutex
	values   map[string]string // "" is not there
	refusals []refusing        // the first calls' answers
	calls    []http.Header
}

// refusing is a call that goes wrong; status 0 cuts the connection.
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
	err := json.NewDecoder(r.Body).Decode(&in)
	p.mu.Lock()
	defer p.mu.Unlock()
	p.calls = append(p.calls, r.Header.Clone())
	if len(p.refusals) > 0 {
		no := p.refusals[0]
		p.refusals = p.refusals[1:]
		if no.status == 0 {
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
