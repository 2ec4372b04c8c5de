package scan_test

import (
	"archive/zip"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/opsguard/opsguard/pkg/integration"
	"github.com/opsguard/opsguard/pkg/inventory"
	"github.com/opsguard/opsguard/pkg/scan"
	"github.com/opsguard/opsguard/pkg/steps"
	"github.com/opsguard/opsguard/pkg/steps/stepstest"
)

// world plays OSV, CISA, EPSS and whoever keeps files, in their documented formats.
type world struct {
	*httptest.Server
	t     *testing.T
	dir   string
	now   time.Time
	serve map[string]http.HandlerFunc // by path, in place of what is usual
	mu    sync.Mutex
	asked map[string]int
}

const ghsa = `{"id": "GHSA-aaaa-bbbb-cccc", "modified": "2026-01-01T00:00:00Z", "aliases": ["CVE-2026-1"], "summary": "left-pad pads right",
  "severity": [{"type": "CVSS_V3", "score": "CVSS:3.1/AV:N/AC:L/PR:N/UI:N/S:U/C:H/I:H/A:H"}],
  "affected": [{"package": {"ecosystem": "npm", "name": "left-pad"}, "ranges": [{"type": "SEMVER", "events": [{"introduced": "0"}, {"fixed": "1.3.1"}]}], "versions": ["1.3.0"]}]}`

const osvOwn = `{"id": "OSV-2026-7", "modified": "2026-01-02T00:00:00Z", "details": "second page",
  "affected": [{"package": {"ecosystem": "npm", "name": "left-pad"}, "ranges": [{"type": "SEMVER", "events": [{"introduced": "0"}]}]}]}`

const kev = `{"title": "CISA Catalog of Known Exploited Vulnerabilities", "catalogVersion": "2026.11.20", "dateReleased": "2026-11-20T15:00:00.0000Z", "count": 1,
  "vulnerabilities": [{"cveID": "CVE-2026-1", "vendorProject": "left", "product": "pad", "vulnerabilityName": "x", "dateAdded": "2026-02-01", "shortDescription": "x",
  "requiredAction": "x", "dueDate": "2026-03-01", "knownRansomwareCampaignUse": "Known", "notes": ""}]}`

const epss = `{"status": "OK", "status-code": 200, "version": "1.0", "access": "public", "total": 1, "offset": 0, "limit": 100,
  "data": [{"cve": "CVE-2026-1", "epss": "0.972240000", "percentile": "1.000000000", "date": "2026-11-24"}]}`

const lock = `{"lockfileVersion": 3, "packages": {"": {}, "node_modules/left-pad": {"version": "1.3.0"}, "node_modules/good": {"version": "2.0.0"}}}`

func newWorld(t *testing.T) *world {
	t.Helper()
	w := &world{t: t, dir: t.TempDir(), now: time.Date(2026, 11, 24, 10, 0, 0, 0, time.UTC), serve: map[string]http.HandlerFunc{}, asked: map[string]int{}}
	w.Server = httptest.NewServer(w)
	t.Cleanup(w.Close)
	if err := os.WriteFile(filepath.Join(w.dir, "package-lock.json"), []byte(lock), 0o600); err != nil {
		t.Fatal(err)
	}
	return w
}

func (w *world) ServeHTTP(rw http.ResponseWriter, r *http.Request) {
	w.mu.Lock()
	w.asked[r.URL.Path]++
	other := w.serve[r.URL.Path]
	w.mu.Unlock()
	switch {
	case other != nil:
		other(rw, r)
	case r.URL.Path == "/v1/querybatch":
		w.querybatch(rw, r)
	case r.URL.Path == "/v1/vulns/GHSA-aaaa-bbbb-cccc":
		io.WriteString(rw, ghsa)
	case r.URL.Path == "/v1/vulns/OSV-2026-7":
		io.WriteString(rw, osvOwn)
	case r.URL.Path == "/kev.json":
		rw.Header().Set("ETag", `"1"`)
		if r.Header.Get("If-None-Match") == `"1"` {
			rw.WriteHeader(http.StatusNotModified)
			return
		}
		io.WriteString(rw, kev)
	case r.URL.Path == "/epss" && r.URL.Query().Get("cve") == "CVE-2026-1":
		io.WriteString(rw, epss)
	default:
		http.NotFound(rw, r)
	}
}

// querybatch answers for left-pad 1.3.0 one record, and one more on a second page.
func (w *world) querybatch(rw http.ResponseWriter, r *http.Request) {
	var in struct {
		Queries []struct {
			Package struct{ Name, Ecosystem string }
			Version string
			Token   string `json:"page_token"`
		}
	}
	if err := json.NewDecoder(r.Body).Decode(&in); err != nil || r.Method != http.MethodPost || len(in.Queries) > 1000 {
		http.Error(rw, `{"code": 3, "message": "invalid"}`, http.StatusBadRequest)
		return
	}
	var results []string
	for _, q := range in.Queries {
		switch {
		case q.Package.Ecosystem != "npm" || q.Package.Name != "left-pad" || q.Version != "1.3.0":
			results = append(results, `{}`)
		case q.Token == "":
			results = append(results, `{"vulns": [{"id": "GHSA-aaaa-bbbb-cccc", "modified": "2026-01-01T00:00:00Z"}], "next_page_token": "more"}`)
		case q.Token == "more":
			results = append(results, `{"vulns": [{"id": "OSV-2026-7", "modified": "2026-01-02T00:00:00Z"}]}`)
		}
	}
	fmt.Fprintf(rw, `{"results": [%s]}`, strings.Join(results, ","))
}

func (w *world) count(path string) int {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.asked[path]
}

// scan makes a new scanner each time, as a new process would.
func (w *world) scan(settings scan.Settings, of ...inventory.Dependency) steps.Scan {
	w.t.Helper()
	env := stepstest.Env(nil)
	env.Outside = integration.NewHTTP(http.DefaultTransport)
	env.Now = func() time.Time { return w.now }
	settings.OSV, settings.KEV, settings.EPSS = w.URL, w.URL+"/kev.json", w.URL+"/epss"
	settings.Cache = filepath.Join(w.dir, "cache")
	s, err := scan.New(env, settings)
	if err != nil {
		w.t.Fatal(err)
	}
	got := s.Scan(w.t.Context(), []inventory.Service{{Name: "shop", Dependencies: of}})
	if len(got) != 1 {
		w.t.Fatalf("%+v", got)
	}
	return got[0]
}

func (w *world) file() inventory.Dependency {
	return inventory.Dependency{Path: filepath.Join(w.dir, "package-lock.json")}
}

func (w *world) want() steps.Scan {
	in := []steps.Vulnerable{{Ecosystem: "npm", Name: "left-pad", Version: "1.3.0", FixedIn: "1.3.1", File: w.file().Path}}
	open := []steps.Vulnerable{{Ecosystem: "npm", Name: "left-pad", Version: "1.3.0", File: w.file().Path}}
	return steps.Scan{Service: "shop", Packages: 2, Vulnerabilities: []steps.Vulnerability{
		{ID: "CVE-2026-1", Aliases: []string{"GHSA-aaaa-bbbb-cccc"}, Packages: in, Summary: "left-pad pads right", Rating: "critical", Score: 9.8, KnownExploited: true, Ransomware: true, EPSS: 0.97224},
		{ID: "OSV-2026-7", Packages: open, Summary: "second page"},
	}}
}

func TestAScanSaysWhatIsVulnerableAndWhatMendsIt(t *testing.T) {
	w := newWorld(t)
	if diff := cmp.Diff(w.want(), w.scan(scan.Settings{}, w.file())); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	if got := w.scan(scan.Settings{}); got.Packages != 0 || len(got.Vulnerabilities) != 0 || len(got.Problems) != 0 {
		t.Errorf("a service without dependencies: %+v", got)
	}
}

func TestTheNextRoundAsksOnlyForWhatIsNew(t *testing.T) {
	w := newWorld(t)
	w.scan(scan.Settings{}, w.file())
	w.now = w.now.Add(time.Hour)
	if diff := cmp.Diff(w.want(), w.scan(scan.Settings{}, w.file())); diff != "" {
		t.Errorf("the second round (-want +got):\n%s", diff)
	}
	for path, want := range map[string]int{"/v1/querybatch": 4, "/v1/vulns/GHSA-aaaa-bbbb-cccc": 1, "/v1/vulns/OSV-2026-7": 1, "/kev.json": 1, "/epss": 1} {
		if got := w.count(path); got != want {
			t.Errorf("%s was asked %d times in two rounds, want %d", path, got, want)
		}
	}
	w.now = w.now.Add(24 * time.Hour) // the catalogue is asked, and has not changed
	if diff := cmp.Diff(w.want(), w.scan(scan.Settings{}, w.file())); diff != "" || w.count("/kev.json") != 2 || w.count("/epss") != 2 {
		t.Errorf("the next day: %d, %d (-want +got):\n%s", w.count("/kev.json"), w.count("/epss"), diff)
	}
}

func answer(status int, body string) http.HandlerFunc {
	return func(rw http.ResponseWriter, _ *http.Request) { rw.WriteHeader(status); io.WriteString(rw, body) }
}

func cut(rw http.ResponseWriter, _ *http.Request) {
	rw.Header().Set("Content-Length", "1000")
	io.WriteString(rw, `{"results": [`)
}

func limited(rw http.ResponseWriter, _ *http.Request) {
	rw.Header().Set("Retry-After", "120")
	rw.WriteHeader(http.StatusTooManyRequests)
}

// What is down must not look like a service without vulnerabilities.
func TestWhatCannotBeAskedIsSaid(t *testing.T) {
	for name, tt := range map[string]struct {
		path    string
		serve   http.HandlerFunc
		problem string // the scan is not complete
		note    string // it is, and less is known
	}{
		"OSV is down":            {"/v1/querybatch", answer(503, "upstream"), "OSV answered 503", ""},
		"OSV limits":             {"/v1/querybatch", limited, "OSV answered 429: over its limit; repeat after 2m0s", ""},
		"OSV refuses":            {"/v1/querybatch", answer(400, `{"code": 3, "message": "Invalid"}`), "OSV refused the call (400)", ""},
		"a page in place of OSV": {"/v1/querybatch", answer(200, "<!DOCTYPE html><p>log in"), "OSV answered a page in place of JSON", ""},
		"OSV breaks off":         {"/v1/querybatch", cut, "OSV's answer broke off", ""},
		"OSV answers too few":    {"/v1/querybatch", answer(200, `{"results": [{}]}`), "OSV answered 1 of 2 queries", ""},
		"OSV pages without end":  {"/v1/querybatch", answer(200, `{"results": [{"next_page_token": "a"}, {"next_page_token": "b"}]}`), "OSV goes on after 20 pages", ""},
		"a record is missing":    {"/v1/vulns/OSV-2026-7", answer(404, ""), "OSV-2026-7 is listed and could not be read", ""},
		"another record":         {"/v1/vulns/OSV-2026-7", answer(200, ghsa), "OSV answered another record for OSV-2026-7", ""},
		"CISA is down":           {"/kev.json", answer(500, ""), "", "CISA's catalogue answered 500"},
		"CISA has a page":        {"/kev.json", answer(200, "<html>"), "", "CISA's catalogue answered a page in place of JSON"},
		"CISA lists nothing":     {"/kev.json", answer(200, "{}"), "", "a list without vulnerabilities"},
		"EPSS is down":           {"/epss", answer(502, ""), "", "EPSS answered 502"},
		"EPSS says other things": {"/epss", answer(200, `{"status": "error"}`), "", "EPSS answered without data"},
	} {
		w := newWorld(t)
		w.serve[tt.path] = tt.serve
		got := w.scan(scan.Settings{}, w.file())
		if said := strings.Join(got.Problems, "; "); !strings.Contains(said, tt.problem) || (tt.problem == "") != (said == "") {
			t.Errorf("%s: problems %q, want %q", name, said, tt.problem)
		}
		if said := strings.Join(got.Notes, "; "); !strings.Contains(said, tt.note) || (tt.note == "") != (said == "") {
			t.Errorf("%s: notes %q, want %q", name, said, tt.note)
		}
		if tt.problem == "" && len(got.Vulnerabilities) != 2 {
			t.Errorf("%s: %d vulnerabilities are left", name, len(got.Vulnerabilities))
		}
	}
}

func TestAnOlderCopyOfTheCatalogueIsBetterThanNone(t *testing.T) {
	w := newWorld(t)
	w.scan(scan.Settings{}, w.file())
	w.now = w.now.Add(7 * time.Hour)
	w.serve["/kev.json"] = answer(503, "")
	got := w.scan(scan.Settings{}, w.file())
	if len(got.Notes) != 1 || !strings.Contains(got.Notes[0], "an older copy is used") || !got.Vulnerabilities[0].KnownExploited {
		t.Errorf("%+v", got)
	}
}

func TestAFileThatCannotBeReadIsNamed(t *testing.T) {
	w := newWorld(t)
	write := func(name, text string) inventory.Dependency {
		path := filepath.Join(w.dir, name)
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		return inventory.Dependency{Path: path}
	}
	w.serve["/sbom.json"] = answer(200, lock)
	w.serve["/lock"] = answer(200, "Jinja2==2.4.1\n")
	w.serve["/away"] = answer(500, "")
	w.serve["/moved"] = func(rw http.ResponseWriter, r *http.Request) {
		http.Redirect(rw, r, "http://169.254.169.254/", http.StatusFound)
	}
	for name, tt := range map[string]struct {
		of       inventory.Dependency
		packages int
		want     string
	}{
		"url":          {inventory.Dependency{URL: w.URL + "/sbom.json?token=secret"}, 2, ""},
		"url named":    {inventory.Dependency{URL: w.URL + "/lock", As: "requirements.txt"}, 1, ""},
		"url down":     {inventory.Dependency{URL: w.URL + "/away?token=secret"}, 0, w.URL + "/away answered 500"},
		"url moved":    {inventory.Dependency{URL: w.URL + "/moved"}, 0, "answered a redirect (302), which is not followed"},
		"url not JSON": {inventory.Dependency{URL: w.URL + "/lock", As: "package-lock.json"}, 0, "package-lock.json:1: is not JSON"},
		"missing":      {inventory.Dependency{Path: w.dir + "/none/go.sum"}, 0, w.dir + "/none/go.sum: open"},
		"a folder":     {inventory.Dependency{Path: w.dir}, 0, w.dir + ": is no file"},
		"broken":       {write("yarn.lock", "# yarn lockfile v1\nbroken\n"), 0, "yarn.lock:2:"},
		"large":        {write("go.sum", strings.Repeat("x", 17<<20)), 0, "go.sum: is larger than 16 MiB"},
	} {
		got := w.scan(scan.Settings{}, tt.of)
		said := strings.Join(got.Problems, "; ")
		if got.Packages != tt.packages || !strings.Contains(said, tt.want) || (tt.want == "") != (said == "") || strings.Contains(said, "secret") {
			t.Errorf("%s: %d packages, %q, want %q", name, got.Packages, said, tt.want)
		}
	}
}

func TestRecordsAreReadFromFilesWhereNobodyCanBeAsked(t *testing.T) {
	w := newWorld(t)
	put := func(name string, data []byte) string {
		path := filepath.Join(w.dir, name)
		if err := os.WriteFile(path, data, 0o600); err != nil {
			t.Fatal(err)
		}
		return path
	}
	var packed strings.Builder
	archive := zip.NewWriter(&packed)
	for name, text := range map[string]string{"GHSA-aaaa-bbbb-cccc.json": ghsa, "OSV-2026-7.json": osvOwn, "README.md": "x",
		"other.json": `{"id": "X-1", "affected": [{"package": {"ecosystem": "npm", "name": "good"}, "ranges": [{"type": "SEMVER", "events": [{"introduced": "3.0.0"}]}]}]}`} {
		entry, err := archive.Create(name)
		if err != nil {
			t.Fatal(err)
		}
		io.WriteString(entry, text)
	}
	if err := archive.Close(); err != nil {
		t.Fatal(err)
	}
	folder := filepath.Join(w.dir, "records")
	if err := os.Mkdir(folder, 0o700); err != nil {
		t.Fatal(err)
	}
	put("records/all.zip", []byte(packed.String()))
	for name, file := range map[string]string{"zip": put("all.zip", []byte(packed.String())), "list": put("all.json", []byte("["+ghsa+","+osvOwn+"]")), "folder": folder} {
		if diff := cmp.Diff(w.want(), w.scan(scan.Settings{OSVFile: file}, w.file())); diff != "" {
			t.Errorf("%s (-want +got):\n%s", name, diff)
		}
	}
	if w.count("/v1/querybatch") != 0 {
		t.Error("the API was asked")
	}
	for name, tt := range map[string]struct{ file, want string }{
		"missing":   {w.dir + "/none.zip", "no such file"},
		"no zip":    {put("bad.zip", []byte("x")), "is no zip that can be read"},
		"no record": {put("bad.json", []byte(`{"a": 1}`)), "is no OSV record: it has no id"},
		"no JSON":   {put("bad2.json", []byte(`<html>`)), "is no OSV record"},
		"nothing":   {put("empty.json", []byte(`[]`)), "holds no record"},
	} {
		got := w.scan(scan.Settings{OSVFile: tt.file}, w.file())
		if len(got.Problems) != 1 || !strings.HasPrefix(got.Problems[0], "OSV_FILE: ") || !strings.Contains(got.Problems[0], tt.want) {
			t.Errorf("%s: %q, want %q", name, got.Problems, tt.want)
		}
	}
}

func TestAnAddressThatIsNoneIsRefusedByItsSetting(t *testing.T) {
	for _, s := range []scan.Settings{{OSV: "api.osv.dev"}, {KEV: "http://kev.example.com/list"}, {EPSS: "https://user:pw@example.com"}, {OSV: scan.Off}} {
		if _, err := scan.New(stepstest.Env(nil), s); err == nil {
			t.Errorf("%+v is taken", s)
		}
	}
	if _, err := scan.New(stepstest.Env(nil), scan.Settings{KEV: scan.Off, EPSS: scan.Off}); err != nil {
		t.Error(err)
	}
}
