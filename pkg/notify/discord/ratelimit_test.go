package discord_test

import (
	"context"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/opsguard/opsguard/pkg/incident"
	"github.com/opsguard/opsguard/pkg/notify/internal/sample"
)

func TestRateLimits(t *testing.T) {
	short := answer{status: 429, header: map[string]string{"Retry-After": "2"}, body: `{"message":"You are being rate limited.","retry_after":1.337,"global":false}`}
	long := answer{status: 429, header: map[string]string{"Retry-After": "65"}, body: `{"message":"You are being rate limited.","retry_after":64.57,"global":false}`}
	global := answer{status: 429, header: map[string]string{"X-RateLimit-Global": "true"}, body: `{"retry_after":64.57,"global":true}`}
	cloudflare := answer{status: 429, header: map[string]string{"Retry-After": "3"}, body: "<html>error code: 1015</html>"}
	for _, tc := range []struct {
		name  string
		next  []answer
		waits []time.Duration
		says  string // "": taken in the end
	}{
		{"a short wait is waited for", []answer{short}, []time.Duration{1337 * time.Millisecond}, ""},
		{"once only", []answer{short, short}, []time.Duration{1337 * time.Millisecond}, "repeat after 1.337s"},
		{"a long wait is the caller's", []answer{long}, nil, "repeat after 1m4.57s"},
		{"global", []answer{global}, nil, "repeat after 1m4.57s"},
		{"Cloudflare says it in the header", []answer{cloudflare}, []time.Duration{3 * time.Second}, ""},
		{"says nothing", []answer{{status: 429}}, nil, "repeat after 1m0s"},
		{"negative", []answer{{status: 429, body: `{"retry_after":-1}`}}, nil, "repeat after 1m0s"},
		{"absurd", []answer{{status: 429, body: `{"retry_after":1e300}`}}, nil, "repeat after 1m0s"},
		{"not a number", []answer{{status: 429, header: map[string]string{"Retry-After": "NaN"}}}, nil, "repeat after 1m0s"},
		{"then refused", []answer{short, {status: 500}}, []time.Duration{1337 * time.Millisecond}, "500"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			c := &clock{}
			_, err := open(t, newFake(t, tc.next...), c, "").Post(context.Background(), word(sample.Waiting()))
			if tc.says == "" && err != nil || tc.says != "" && (incident.KindOf(err) != incident.Unavailable || !strings.Contains(err.Error(), tc.says)) {
				t.Errorf("got %v, want Unavailable saying %q", err, tc.says)
			}
			if diff := cmp.Diff(tc.waits, c.waits); diff != "" {
				t.Errorf("waits (-want +got):\n%s", diff)
			}
		})
	}
}

func TestNoWaitOutlastsTheCaller(t *testing.T) {
	c := &clock{}
	f := newFake(t, answer{status: 429, body: `{"retry_after":4.5}`})
	ctx, cancel := context.WithTimeout(context.Background(), 4*time.Second)
	defer cancel()
	_, err := open(t, f, c, "").Post(ctx, word(sample.Waiting()))
	if incident.KindOf(err) != incident.Unavailable || len(c.waits) != 0 {
		t.Errorf("got %v after waits %v, want Unavailable at once", err, c.waits)
	}
}

func TestACallerWhoGivesUpDuringAWaitIsAnswered(t *testing.T) {
	f := newFake(t, answer{status: 429, body: `{"retry_after":4.5}`})
	ctx, cancel := context.WithCancel(context.Background())
	never := func(time.Duration) <-chan time.Time { cancel(); return nil }
	if _, err := opened(t, f.URL+path, never).It.Post(ctx, word(sample.Waiting())); incident.KindOf(err) != incident.Unavailable {
		t.Errorf("got %v, want Unavailable", err)
	}
}
