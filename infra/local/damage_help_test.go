package local

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"math/rand/v2"
	"net/http"
	"net/http/httptest"
	"strings"

	"github.com/opsguard/opsguard/infra/local/bolt"
	"github.com/opsguard/opsguard/pkg/steps"
	"github.com/opsguard/opsguard/pkg/web"
)

// harm damages a file in one of the ways that disks and people have.
func harm(file []byte, random *rand.Rand) (damaged []byte, what string) {
	page := func() []byte {
		at := random.IntN(len(file)/4096) * 4096
		return file[at : at+4096]
	}
	switch random.IntN(7) {
	case 0:
		for range 1 + random.IntN(30) {
			file[random.IntN(len(file))] ^= 1 << random.IntN(8)
		}
		return file, "flipped bits"
	case 1:
		for range 1 + random.IntN(3) {
			clear(page())
		}
		return file, "zeroed pages"
	case 2:
		return file[:random.IntN(len(file))], "cut off"
	case 3:
		copy(page(), page())
		return file, "a page in the place of another"
	case 4:
		b := page()
		binary.NativeEndian.PutUint64(b[24:], binary.NativeEndian.Uint64(b))
		return file, "a page that leads to itself"
	case 5:
		b := page()
		b[random.IntN(64)] ^= 1 << random.IntN(8)
		return file, "a flipped bit in a page's head"
	default:
		for b := page(); len(b) >= 8; b = b[8:] {
			binary.NativeEndian.PutUint64(b, random.Uint64())
		}
		return file, "a page of noise"
	}
}

// idsListed returns what the list has or names as damaged.
func idsListed(store *bolt.Store) (ids []string, err error) {
	q := steps.ListQuery{Tenant: tenant, Limit: 100}
	for {
		page, err := store.List(context.Background(), q)
		if err != nil {
			return ids, err
		}
		for _, inc := range page.Incidents {
			ids = append(ids, inc.ID)
		}
		ids = append(ids, page.Damaged...)
		if q.Cursor = page.NextCursor; q.Cursor == "" {
			return ids, nil
		}
	}
}

func post(handler http.Handler, body string) (int, string) {
	req := httptest.NewRequest(http.MethodPost, "http://localhost:3000/ingest-alert", strings.NewReader(body))
	req.Header.Set("Content-Type", "application/json")
	req.RemoteAddr = "127.0.0.1:40000" // without keys, only this machine is answered
	answer := httptest.NewRecorder()
	handler.ServeHTTP(answer, req)
	return answer.Code, answer.Body.String()
}

// healthy reports why a health check is neither well nor degraded.
func (rt *Runtime) healthy(ctx context.Context) error {
	err := rt.health.Ping(ctx)
	if err == nil || errors.As(err, new(web.Degraded)) {
		return nil
	}
	return fmt.Errorf("healthz: %w", err)
}
