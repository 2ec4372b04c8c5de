package secret

import (
	"context"
	"errors"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	awssdk "github.com/aws/aws-sdk-go-v2/aws"

	"github.com/opsguard/opsguard/infra/aws"
	"github.com/opsguard/opsguard/pkg/incident"
)

// opened is a function whose secrets p holds, with a clock that the test moves.
func opened(t *testing.T, p *parameters) (aws.Function, *time.Time) {
	t.Helper()
	server := httptest.NewServer(p)
	t.Cleanup(server.Close)
	now := time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)
	return aws.NewFunction(config(server), slog.New(slog.DiscardHandler), func() time.Time { return now }), &now
}

func config(server *httptest.Server) awssdk.Config {
	return awssdk.Config{Region: "eu-west-1", BaseEndpoint: &server.URL, HTTPClient: &http.Client{Transport: &http.Transport{DisableKeepAlives: true}},
		Credentials: awssdk.CredentialsProviderFunc(func(context.Context) (awssdk.Credentials, error) {
			return awssdk.Credentials{AccessKeyID: "AKID", SecretAccessKey: "key", SessionToken: "session"}, nil
		})}
}

func asItIs(text string) (string, error) { return text, nil }

func TestARotatedSecretReachesAWarmFunctionWithinFiveMinutes(t *testing.T) {
	p := &parameters{values: map[string]string{"/keys": "old\n"}}
	f, now := opened(t, p)
	s := Open(t.Context(), f, "KEYS_PARAM", "/keys", asItIs)
	if err := f.Checked(); err != nil {
		t.Fatal(err)
	}
	p.set("/keys", "new")
	for _, step := range []struct {
		after time.Duration
		want  string
		calls int
	}{{0, "old", 1}, {MaxAge - time.Millisecond, "old", 1}, {time.Millisecond, "new", 2}, {time.Minute, "new", 2}} {
		*now = now.Add(step.after)
		got, err := s.Get(t.Context())
		if err != nil || got != step.want || len(p.asked()) != step.calls {
			t.Errorf("after %s more: %q, %v, %d calls; want %q, %d calls", step.after, got, err, len(p.asked()), step.want, step.calls)
		}
	}
}

func TestASecretThatCanNoLongerBeReadIsNotUsed(t *testing.T) {
	p := &parameters{values: map[string]string{"/keys": "old"}}
	f, now := opened(t, p)
	s := Open(t.Context(), f, "KEYS_PARAM", "/keys", asItIs)
	if err := f.Checked(); err != nil {
		t.Fatal(err)
	}
	p.set("/keys", "")
	*now = now.Add(MaxAge)
	for range 2 { // a read that failed is not a read
		if got, err := s.Get(t.Context()); got != "" || incident.KindOf(err) != incident.Unavailable {
			t.Errorf("got %q, %v", got, err)
		}
	}
}

func TestWhatIsWrongAtTheStartIsNamedByItsSetting(t *testing.T) {
	for name, test := range map[string]struct {
		parameter string
		refuses   int
		says      string
	}{
		"missing":   {"/none", 0, "KEYS_PARAM: SSM has no parameter /none"},
		"malformed": {"/bad", 0, "KEYS_PARAM: is malformed"},
		"denied":    {"/keys", http.StatusForbidden, "KEYS_PARAM: the SSM parameter /keys cannot be read: "},
	} {
		p := &parameters{values: map[string]string{"/keys": "good", "/bad": "bad"}}
		if test.refuses != 0 {
			p.refusals = []refusing{{test.refuses, "AccessDeniedException"}}
		}
		f, _ := opened(t, p)
		Open(t.Context(), f, "KEYS_PARAM", test.parameter, func(text string) (string, error) {
			if text == "bad" {
				return "", errors.New("is malformed")
			}
			return text, nil
		})
		if err := f.Checked(); err == nil || !strings.HasPrefix(err.Error(), test.says) {
			t.Errorf("%s: %v; want it to begin with %q", name, err, test.says)
		}
	}
}

// A read takes time, in which the secret may have been changed already.
func TestASecretsAgeCountsFromBeforeItWasRead(t *testing.T) {
	p := &parameters{values: map[string]string{"/keys": "old"}}
	f, _ := opened(t, p)
	now := time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)
	f.Now = func() time.Time { now = now.Add(time.Second); return now }
	s := Open(t.Context(), f, "KEYS_PARAM", "/keys", asItIs)
	if err := f.Checked(); err != nil {
		t.Fatal(err)
	}
	p.set("/keys", "new")
	now = time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC).Add(MaxAge) // the call began a second after that
	if got, err := s.Get(t.Context()); got != "new" || err != nil {
		t.Errorf("got %q, %v", got, err)
	}
}

// refusingAll is a transport that answers with nothing but a status, and keeps where it
// was asked for.
type refusingAll struct {
	status int
	url    *string
}

func (r refusingAll) RoundTrip(req *http.Request) (*http.Response, error) {
	*r.url = req.URL.String()
	return &http.Response{StatusCode: r.status, Body: http.NoBody}, nil
}

func TestASecretIsAskedForInItsPartition(t *testing.T) {
	var url string
	cfg := config(&httptest.Server{})
	cfg.Region, cfg.BaseEndpoint, cfg.HTTPClient = "eusc-de-east-1", nil, &http.Client{Transport: refusingAll{http.StatusForbidden, &url}}
	f := aws.NewFunction(cfg, slog.New(slog.DiscardHandler), time.Now)
	f.Domain = "amazonaws.eu"
	Open(t.Context(), f, "KEYS_PARAM", "/keys", asItIs)
	if err := f.Checked(); err == nil || url != "https://ssm.eusc-de-east-1.amazonaws.eu/" {
		t.Errorf("asked %q: %v", url, err)
	}
}

func TestManyWhoNeedASecretAtOnceReadItOnce(t *testing.T) {
	p := &parameters{values: map[string]string{"/keys": "text"}}
	f, _ := opened(t, p)
	s := Open(t.Context(), f, "KEYS_PARAM", "/keys", asItIs)
	var all sync.WaitGroup
	for range 8 {
		all.Go(func() {
			if got, err := s.Get(t.Context()); got != "text" || err != nil {
				t.Errorf("got %q, %v", got, err)
			}
		})
	}
	all.Wait()
	if err := f.Checked(); err != nil || len(p.asked()) != 1 {
		t.Errorf("%v, %d calls", err, len(p.asked()))
	}
}

func TestASettingThatNamesNothingAsksForNothing(t *testing.T) {
	p := &parameters{}
	f, _ := opened(t, p)
	s := Open(t.Context(), f, "A_PARAM", "", asItIs)
	if err := f.Checked(); err != nil || len(p.asked()) != 0 {
		t.Errorf("%v, %d calls", err, len(p.asked()))
	}
	if got, err := s.Get(t.Context()); got != "" || err != nil {
		t.Errorf("got %q, %v", got, err)
	}
}

func TestAMalformedRotationLetsNobodyIn(t *testing.T) {
	p := &parameters{values: map[string]string{"/keys": "good"}}
	f, now := opened(t, p)
	made := 0
	s := Open(t.Context(), f, "KEYS_PARAM", "/keys", func(text string) (string, error) {
		made++
		if text == "bad" {
			return "", errors.New("is bad")
		}
		return "made of " + text, nil
	})
	if err := f.Checked(); err != nil {
		t.Fatal(err)
	}
	get := func() string {
		v, err := s.Get(t.Context())
		if err != nil {
			return v + string(incident.KindOf(err))
		}
		return v
	}
	if got := get(); got != "made of good" || made != 1 {
		t.Errorf("got %q, made %d times", got, made)
	}
	p.set("/keys", "bad")
	*now = now.Add(MaxAge)
	for range 2 { // read anew, and from the cache
		if got := get(); got != string(incident.Unavailable) {
			t.Errorf("malformed: %q", got)
		}
	}
	p.set("/keys", "better")
	*now = now.Add(MaxAge)
	if got := get(); got != "made of better" {
		t.Errorf("mended: %q", got)
	}
}
