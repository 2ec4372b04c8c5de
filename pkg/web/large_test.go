package web

import (
	"context"
	"io"
	"net/http"
	"net/http/httptest"
	"runtime"
	"strings"
	"testing"
	"testing/synctest"

	"github.com/opsguard/opsguard/pkg/steps"
)

// upload is a body of which a part comes, and the rest when it is let go.
type upload struct {
	came io.Reader
	rest <-chan struct{}
}

func (u upload) Read(b []byte) (int, error) {
	if n, _ := u.came.Read(b); n > 0 {
		return n, nil
	}
	<-u.rest
	return 0, io.EOF
}

func (u upload) request(ctx context.Context) *http.Request {
	r := httptest.NewRequestWithContext(ctx, http.MethodPost, "/ingest/pager", u)
	r.Header.Set("X-Signature", "forged")
	r.ContentLength = steps.MaxRequest
	return r
}

func TestAnAnnouncedLengthTakesNoMemory(t *testing.T) {
	f := newFront(t, func(c *Config) { c.Receive = pagers{} })
	const callers = 100
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	for range callers {
		rest := make(chan struct{})
		close(rest)
		f.ServeHTTP(httptest.NewRecorder(), upload{strings.NewReader("x"), rest}.request(t.Context()))
	}
	runtime.ReadMemStats(&after)
	if each := (after.TotalAlloc - before.TotalAlloc) / callers; each > steps.MaxRequest/8 {
		t.Errorf("a body of one byte that is announced as %d costs %d bytes", steps.MaxRequest, each)
	}
}

func TestAFewLargeBodiesAreHeldAtATimeAndSmallOnesAlways(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := newFront(t, func(c *Config) { c.Receive = pagers{} })
		rest := make(chan struct{})
		statuses := make(chan int, largeBodies)
		send := func(size int, rest <-chan struct{}) int {
			w := httptest.NewRecorder()
			f.ServeHTTP(w, upload{strings.NewReader(strings.Repeat("x", size)), rest}.request(t.Context()))
			return w.Code
		}
		for range largeBodies {
			go func() { statuses <- send(smallBody+1, rest) }()
		}
		synctest.Wait()
		ended := make(chan struct{})
		close(ended)
		if got := send(smallBody+1, ended); got != http.StatusServiceUnavailable {
			t.Errorf("one more large body: %d", got)
		}
		if got := send(smallBody-1, ended); got != http.StatusUnauthorized {
			t.Errorf("a small body: %d", got)
		}
		close(rest)
		for range largeBodies {
			if got := <-statuses; got != http.StatusUnauthorized {
				t.Errorf("a large body that had its turn: %d", got)
			}
		}
		if got := send(smallBody+1, ended); got != http.StatusUnauthorized {
			t.Errorf("a large body after them: %d", got)
		}
	})
}
