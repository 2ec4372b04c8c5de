package osv_test

import (
	"encoding/json"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/opsguard/opsguard/pkg/lockfile"
	"github.com/opsguard/opsguard/pkg/osv"
)

func record(t *testing.T, text string) osv.Record {
	t.Helper()
	var r osv.Record
	if err := json.Unmarshal([]byte(text), &r); err != nil {
		t.Fatal(err)
	}
	return r
}

// in is a record about a package with one range.
func in(t *testing.T, id, ecosystem, name, kind, events, rest string) osv.Record {
	return record(t, `{"id": "`+id+`", "affected": [{"package": {"ecosystem": "`+ecosystem+`", "name": "`+name+`"}, "ranges": [{"type": "`+kind+`", "events": [`+events+`]}]}]`+rest+`}`)
}

func TestARecordAffectsByTheFormatsOwnRules(t *testing.T) {
	const twice = `{"introduced": "1.0.0"}, {"fixed": "1.0.2"}, {"introduced": "3.0.0"}, {"fixed": "3.2.5"}`
	for _, tt := range []struct {
		name                    string
		ecosystem, kind, events string
		version                 string
		want                    bool
	}{
		{"before", "npm", "SEMVER", twice, "0.9.0", false},
		{"first", "npm", "SEMVER", twice, "1.0.1", true},
		{"a prerelease of the fix", "npm", "SEMVER", twice, "1.0.2-rc.1", true},
		{"fixed", "npm", "SEMVER", twice, "1.0.2", false},
		{"between", "npm", "SEMVER", twice, "2.0.0", false},
		{"second", "npm", "SEMVER", twice, "3.2.4", true},
		{"in no order", "npm", "SEMVER", `{"fixed": "1.0.2"}, {"introduced": "0"}`, "1.0.1", true},
		{"last affected", "npm", "SEMVER", `{"introduced": "0"}, {"last_affected": "2.0.0"}`, "2.0.0", true},
		{"after the last", "npm", "SEMVER", `{"introduced": "0"}, {"last_affected": "2.0.0"}`, "2.0.1", false},
		{"beyond the limit", "npm", "SEMVER", `{"introduced": "0"}, {"limit": "2.0.0"}`, "2.0.0", false},
		{"Go", "Go", "SEMVER", `{"introduced": "0"}, {"fixed": "0.38.0"}`, "0.9.0", true},
		{"Python's order", "PyPI", "ECOSYSTEM", `{"introduced": "0"}, {"fixed": "2.0"}`, "2.0rc1", true},
		{"Maven's order", "Maven", "ECOSYSTEM", `{"introduced": "0"}, {"fixed": "2.0"}`, "2.0-alpha-1", true},
		{"Maven's other", "Maven", "ECOSYSTEM", `{"introduced": "0"}, {"fixed": "2.0"}`, "2.0-sp1", false},
		{"commits", "npm", "GIT", `{"introduced": "0"}`, "1.0.0", false},
		{"an unknown order", "Debian:12", "ECOSYSTEM", `{"introduced": "0"}, {"fixed": "3.0.11-1~deb12u2"}`, "3.0.11-1~deb12u1", false},
	} {
		r := in(t, "X-1", tt.ecosystem, "p", tt.kind, tt.events, "")
		if got := r.Affects(lockfile.Package{Ecosystem: tt.ecosystem, Name: "p", Version: tt.version}); got != tt.want {
			t.Errorf("%s: %v", tt.name, got)
		}
		if r.Affects(lockfile.Package{Ecosystem: tt.ecosystem, Name: "other", Version: tt.version}) {
			t.Errorf("%s affects another package", tt.name)
		}
	}
	list := record(t, `{"id": "D-1", "affected": [{"package": {"ecosystem": "Debian:12", "name": "openssl"}, "versions": ["3.0.9-1"]}]}`)
	if !list.Affects(lockfile.Package{Ecosystem: "Debian:12", Name: "openssl", Version: "3.0.9-1"}) {
		t.Error("a listed version is not affected")
	}
}

func TestRecordsOfOneVulnerabilityAreMerged(t *testing.T) {
	p := lockfile.Package{Ecosystem: "Go", Name: "golang.org/x/net", Version: "1.5.0"}
	events := `{"introduced": "0"}, {"fixed": "1.2.0"}, {"introduced": "1.4.0"}, {"fixed": "1.6.0"}, {"introduced": "2.0.0"}, {"fixed": "2.1.0"}`
	found := []osv.Found{
		{Package: p, Record: in(t, "GO-2024-1", "Go", p.Name, "SEMVER", events, `, "aliases": ["CVE-2024-1"], "summary": "by Go"`)},
		{Package: p, Record: in(t, "GHSA-aaaa", "Go", p.Name, "SEMVER", `{"introduced": "0"}, {"fixed": "1.6.1"}`,
			`, "aliases": ["CVE-2024-1"], "summary": "by GitHub", "severity": [{"type": "CVSS_V3", "score": "CVSS:3.1/AV:N/AC:L/PR:N/UI:N/S:U/C:H/I:H/A:H"}], "database_specific": {"severity": "LOW"}`)},
		{Package: p, Record: in(t, "GHSA-bbbb", "Go", p.Name, "SEMVER", `{"introduced": "0"}`, `, "details": "\n# Title\nmore", "database_specific": {"severity": "MODERATE"}`)},
		{Package: p, Record: in(t, "GHSA-gone", "Go", p.Name, "SEMVER", `{"introduced": "0"}`, `, "withdrawn": "2024-01-01T00:00:00Z"`)},
		{Package: p, Record: in(t, "DEBIAN-CVE-2024-9", "Go", p.Name, "SEMVER", `{"introduced": "0"}`, `, "upstream": ["CVE-2024-9"]`)},
		{Package: p, Record: in(t, "DSA-1", "Go", p.Name, "SEMVER", `{"introduced": "0"}`, `, "upstream": ["CVE-2024-1", "CVE-2024-9"]`)},
	}
	got := osv.Merge(found)
	want := []osv.Vulnerability{
		{ID: "CVE-2024-1", Aliases: []string{"GHSA-aaaa", "GO-2024-1"}, Rating: osv.Rating{Word: "critical", Score: 9.8}, Summary: "by GitHub", Hits: []osv.Hit{{Package: p, FixedIn: "1.6.1"}}},
		{ID: "GHSA-bbbb", Rating: osv.Rating{Word: "medium"}, Summary: "Title", Hits: []osv.Hit{{Package: p}}},
		{ID: "CVE-2024-9", Aliases: []string{"DEBIAN-CVE-2024-9"}, Hits: []osv.Hit{{Package: p}}},
		{ID: "DSA-1", Hits: []osv.Hit{{Package: p}}},
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	if got[0].CVE() != "CVE-2024-1" || got[1].CVE() != "" {
		t.Errorf("CVEs: %q, %q", got[0].CVE(), got[1].CVE())
	}
}

// The scores are those of FIRST's own examples and calculators.
func TestSeverityIsComputedFromTheVector(t *testing.T) {
	p := lockfile.Package{Ecosystem: "npm", Name: "p", Version: "1.0.0"}
	for _, tt := range []struct {
		name, kind, score string
		want              osv.Rating
	}{
		{"3.1", "CVSS_V3", "CVSS:3.1/AV:N/AC:L/PR:N/UI:N/S:C/C:H/I:H/A:H", osv.Rating{Word: "critical", Score: 10}},
		{"3.0", "CVSS_V3", "CVSS:3.0/AV:N/AC:L/PR:N/UI:R/S:C/C:L/I:L/A:N", osv.Rating{Word: "medium", Score: 6.1}},
		{"3.1 low", "CVSS_V3", "CVSS:3.1/AV:L/AC:H/PR:H/UI:R/S:U/C:L/I:N/A:N", osv.Rating{Word: "low", Score: 1.8}},
		{"4.0", "CVSS_V4", "CVSS:4.0/AV:N/AC:L/AT:N/PR:N/UI:N/VC:H/VI:H/VA:H/SC:N/SI:N/SA:N", osv.Rating{Word: "critical", Score: 9.3}},
		{"a word", "Ubuntu", "medium", osv.Rating{Word: "medium"}},
		{"broken", "CVSS_V3", "CVSS:3.1/AV:N", osv.Rating{}},
		{"2", "CVSS_V2", "AV:L/AC:M/Au:N/C:N/I:P/A:C", osv.Rating{}},
	} {
		r := in(t, "X-1", "npm", "p", "SEMVER", `{"introduced": "0"}`, `, "severity": [{"type": "`+tt.kind+`", "score": "`+tt.score+`"}], "database_specific": {"severity": 7}`)
		if got := osv.Merge([]osv.Found{{Package: p, Record: r}}); len(got) != 1 || got[0].Rating != tt.want {
			t.Errorf("%s: %+v, want %+v", tt.name, got, tt.want)
		}
	}
}
