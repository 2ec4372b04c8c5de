package web

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"flag"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/opsguard/opsguard/pkg/incident"
	"github.com/opsguard/opsguard/pkg/link"
	"github.com/opsguard/opsguard/pkg/source/api"
)

var update = flag.Bool("update", false, "write the golden files anew")

var (
	opened   = time.Date(2026, 11, 24, 10, 0, 0, 0, time.UTC)
	now      = opened.Add(10 * time.Minute)
	deadline = opened.Add(4 * time.Hour)
)

const (
	waitingID  = "INC-01JDEF0000000000000000WA1T"
	manualID   = "INC-01JDEF000000000000000MANVA"
	detectedID = "INC-01JDEF00000000000000DETECT"
	fixedID    = "INC-01JDEF000000000000000F1XED"
	ghostID    = "INC-01JDEF000000000000000GH0ST"
)

// front is the handler under test and all that it was given.
type front struct {
	http.Handler
	*fakeRecord
	log   *bytes.Buffer
	links link.Keys
	clock time.Time
}

const linkKey = "a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1"

// Keys of the harness: one a role.
const (
	ingestKey  = "ogk_ingest"
	readKey    = "ogk_read"
	operateKey = "ogk_operate"
)

func testRing(t testing.TB) Keyring {
	t.Helper()
	entry := func(name, role, key string) string {
		sum := sha256.Sum256([]byte(key))
		return name + ":" + role + ":" + hex.EncodeToString(sum[:])
	}
	ring, err := ParseKeys(entry("ci", "ingest", ingestKey) + "," + entry("dash", "read", readKey) + "\n" + entry("anna", "operate", operateKey))
	if err != nil {
		t.Fatal(err)
	}
	return ring
}

func newFront(t testing.TB, change ...func(*Config)) *front {
	t.Helper()
	return frontOf(t, table(), change...)
}

// frontOf serves other rows than the table's.
func frontOf(t testing.TB, rows []row, change ...func(*Config)) *front {
	t.Helper()
	f := &front{log: new(bytes.Buffer), clock: now}
	f.fakeRecord = newRecord(func() time.Time { return f.clock })
	var err error
	if f.links, err = link.ParseKeys(linkKey); err != nil {
		t.Fatal(err)
	}
	public, err := link.ParsePublicURL("http://localhost:3000")
	if err != nil {
		t.Fatal(err)
	}
	c := Config{Ingest: fakeIngest{f.fakeRecord}, Alerts: api.Source{}, Decide: fakeDecide{f.fakeRecord}, Read: f.fakeRecord, Health: f.fakeRecord, Tickets: f.fakeRecord, Brake: fakeBrake{f.fakeRecord},
		Keys: FixedKeys(testRing(t)), LinkKeys: FixedLinkKeys(f.links), PublicURL: public, Version: "1.2.3",
		Now: func() time.Time { return f.clock }, Log: slog.New(slog.NewJSONHandler(f.log, &slog.HandlerOptions{Level: slog.LevelDebug}))}
	for _, ch := range change {
		ch(&c)
	}
	if f.Handler, err = newHandler(c, rows); err != nil {
		t.Fatal(err)
	}
	return f
}

func keyless(c *Config) { c.Keys = nil }

func prefixed(t testing.TB) func(*Config) {
	public, err := link.ParsePublicURL("https://api.example.com/Prod")
	if err != nil {
		t.Fatal(err)
	}
	return func(c *Config) { c.PublicURL = public }
}

// call is one request; headers alternate names and values.
type call struct {
	method, target string
	key            string
	contentType    string
	body           string
	headers        []string
	remote, host   string
}

func (f *front) do(t testing.TB, c call) *http.Response {
	t.Helper()
	var content io.Reader
	if c.body != "" {
		content = strings.NewReader(c.body)
	}
	r := httptest.NewRequest(c.method, "http://localhost:3000"+c.target, content)
	r.RemoteAddr = "127.0.0.1:50000"
	if c.remote != "" {
		r.RemoteAddr = c.remote
	}
	if c.host != "" {
		r.Host = c.host
	}
	if c.key != "" {
		r.Header.Set("Authorization", "Bearer "+c.key)
	}
	if c.contentType != "" {
		r.Header.Set("Content-Type", c.contentType)
	} else if strings.HasPrefix(c.body, "{") {
		r.Header.Set("Content-Type", "application/json")
	} else if c.body != "" {
		r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	}
	for i := 0; i+1 < len(c.headers); i += 2 {
		r.Header.Add(c.headers[i], c.headers[i+1])
	}
	w := httptest.NewRecorder()
	f.ServeHTTP(w, r)
	return w.Result()
}

func text(t testing.TB, res *http.Response) string {
	t.Helper()
	b, err := io.ReadAll(res.Body)
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

// claims are those of a link to an incident of the record.
func (f *front) claims(id string, action incident.Action) link.Claims {
	c := link.Claims{Ref: incident.Ref{Tenant: "default", ID: id}, Action: action, Channel: "discord", Expires: deadline}
	if inc := f.incidents[id]; inc.Plan != nil {
		c.PlanHash = inc.Plan.Hash
	}
	return c
}

// linkTo is the path of a decision link.
func (f *front) linkTo(id string, action incident.Action) string {
	c := f.claims(id, action)
	return link.DecidePath(c, f.links.Mint(c))
}

func (f *front) token(id string, action incident.Action) string {
	return f.links.Mint(f.claims(id, action))
}

// golden compares with a file of testdata, or writes it with -update.
func golden(t *testing.T, name, got string) {
	t.Helper()
	path := filepath.Join("testdata", name)
	if *update {
		if err := os.WriteFile(path, []byte(got), 0o644); err != nil {
			t.Fatal(err)
		}
		return
	}
	want, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(string(want), got); diff != "" {
		t.Errorf("%s (-golden +got), go test -update writes it anew:\n%s", name, diff)
	}
}

// shownProblem is any problem+json, with the members of all types.
type shownProblem struct {
	Type, Title, Detail string
	Status              int
	Field               *string
	Decision, By, At    string
}

// problemIn fails unless the answer is problem+json of this status and type.
func problemIn(t testing.TB, res *http.Response, status int, slug string) shownProblem {
	t.Helper()
	content := text(t, res)
	var p shownProblem
	if err := json.Unmarshal([]byte(content), &p); err != nil || res.Header.Get("Content-Type") != "application/problem+json" {
		t.Errorf("not a problem: %v, %s:\n%s", err, res.Header.Get("Content-Type"), content)
		return p
	}
	if res.StatusCode != status || p.Status != status || p.Type != slug || p.Title == "" || p.Detail == "" {
		t.Errorf("answered %d; want %d %s:\n%s", res.StatusCode, status, slug, content)
	}
	return p
}
