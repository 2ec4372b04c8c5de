package scan

import (
	"bytes"
	"cmp"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"time"

	"github.com/opsguard/opsguard/pkg/incident"
	"github.com/opsguard/opsguard/pkg/integration"
)

// fetcher reads addresses, and asks again only for what may have changed.
type fetcher struct {
	env   integration.Env
	cache cache
}

// page is one address.
type page struct {
	vendor string // how errors name it
	url    string
	max    int64         // bytes
	fresh  time.Duration // for which a copy is used without asking
}

// get returns what stands at an address. If it cannot be asked and there is a copy, the copy
// is returned beside the error.
func (f fetcher) get(ctx context.Context, p page) ([]byte, error) {
	had, have := f.cache.load(p.url)
	if have && f.env.Now().Sub(had.At) < p.fresh {
		return had.Body, nil
	}
	header := http.Header{"Accept": {"application/json, */*;q=0.5"}}
	if have && had.ETag != "" {
		header.Set("If-None-Match", had.ETag)
	}
	if have && had.Modified != "" {
		header.Set("If-Modified-Since", had.Modified)
	}
	a, err := f.env.Exchange(ctx, integration.Call{Vendor: p.vendor, Method: http.MethodGet, URL: p.url, Header: header, Max: p.max + 1})
	switch {
	case have && a.Status == http.StatusNotModified:
		had.At = f.env.Now()
		f.cache.save(p.url, had)
		return had.Body, nil
	case err != nil:
		return had.Body, err
	case int64(len(a.Body)) > p.max:
		return nil, incident.Bad("%s is larger than %d MiB, which is the most that is read", p.vendor, p.max>>20)
	}
	f.cache.save(p.url, copied{At: f.env.Now(), ETag: a.Header.Get("ETag"), Modified: a.Header.Get("Last-Modified"), Body: a.Body})
	return a.Body, nil
}

// cache keeps answers in a folder, a file each. It is a help only: what cannot be kept or
// read is asked for again.
type cache struct{ dir string }

// copied is an answer that was kept.
type copied struct {
	At       time.Time `json:"at"`
	ETag     string    `json:"etag,omitempty"`
	Modified string    `json:"modified,omitempty"` // of HTTP, or of an OSV record
	Body     []byte    `json:"body"`
}

// maxAge is how long a copy may lie that is not used.
const maxAge = 30 * 24 * time.Hour

func (c cache) file(key string) string {
	sum := sha256.Sum256([]byte(key))
	return filepath.Join(c.dir, hex.EncodeToString(sum[:16])+".json")
}

func (c cache) load(key string) (it copied, ok bool) {
	if c.dir == "" {
		return it, false
	}
	data, err := os.ReadFile(c.file(key))
	if err != nil || json.Unmarshal(data, &it) != nil {
		return copied{}, false
	}
	return it, true
}

// save puts a whole file in place of the old one, so that a reader never sees half of it.
func (c cache) save(key string, it copied) {
	data, err := json.Marshal(it)
	if c.dir == "" || err != nil || os.MkdirAll(c.dir, 0o700) != nil {
		return
	}
	draft, err := os.CreateTemp(c.dir, "draft-*")
	if err != nil {
		return
	}
	_, err = draft.Write(data)
	if err = cmp.Or(err, draft.Close()); err == nil {
		err = os.Rename(draft.Name(), c.file(key))
	}
	if err != nil {
		os.Remove(draft.Name())
	}
}

// prune takes away what is old.
func (c cache) prune(now time.Time) {
	if c.dir == "" {
		return
	}
	files, err := os.ReadDir(c.dir)
	if err != nil {
		return
	}
	for _, f := range files {
		if info, err := f.Info(); err == nil && now.Sub(info.ModTime()) > maxAge && filepath.Ext(f.Name()) == ".json" {
			os.Remove(filepath.Join(c.dir, f.Name()))
		}
	}
}

// decode reads JSON that a vendor answered. The error repeats nothing of it.
func decode(vendor string, body []byte, into any) error {
	if err := json.Unmarshal(body, into); err != nil {
		what := "something that is not the JSON that was asked for"
		if head := bytes.ToLower(bytes.TrimSpace(body[:min(len(body), 512)])); bytes.HasPrefix(head, []byte("<")) {
			what = "a page in place of JSON; is a proxy or a login in between?"
		}
		return fmt.Errorf("%s answered %s", vendor, what)
	}
	return nil
}
