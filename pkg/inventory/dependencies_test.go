package inventory_test

import (
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/opsguard/opsguard/pkg/inventory"
)

func loadWith(t *testing.T, fields string) (*inventory.Inventory, error) {
	t.Helper()
	return inventory.Load([]byte("services:\n  a:\n    owner: x\n    target: {type: simulated}\n    "+fields+"\n"), nil)
}

func TestDependenciesAndAcceptedVulnerabilitiesAreRead(t *testing.T) {
	inv, err := loadWith(t, `dependencies: [{path: web/package-lock.json}, {url: "https://a.example.com/x/poetry.lock?ref=main"}, {url: "https://a.example.com/raw", as: go.sum},
      {image: "registry.example.com:5000/shop/api:1.4"}, {image: "localhost/api@sha256:0a1b"}]
    acceptedVulnerabilities: [{id: CVE-2024-1, reason: never called, until: 2026-12-31}, {id: CVE-2024-1, reason: sooner, until: "2026-01-01"}]`)
	if err != nil {
		t.Fatal(err)
	}
	svc, _ := inv.Lookup("a")
	var files []string
	for _, d := range svc.Dependencies {
		files = append(files, d.File()+" of "+d.Where())
	}
	want := []string{"web/package-lock.json of web/package-lock.json", "poetry.lock of https://a.example.com/x/poetry.lock?ref=main", "go.sum of https://a.example.com/raw",
		" of registry.example.com:5000/shop/api:1.4", " of localhost/api@sha256:0a1b"}
	if diff := cmp.Diff(want, files); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	until := time.Date(2027, 1, 1, 0, 0, 0, 0, time.UTC)
	for name, tt := range map[string]struct {
		ids          []string
		at           time.Time
		found, holds bool
	}{
		"another":      {[]string{"CVE-2024-2"}, until, false, false},
		"the last day": {[]string{"GHSA-x", "CVE-2024-1"}, until.Add(-time.Second), true, true},
		"the next":     {[]string{"CVE-2024-1"}, until, true, false},
	} {
		by, found, holds := svc.AcceptedBy(tt.ids, tt.at)
		if found != tt.found || holds != tt.holds || found && (by.Reason != "never called" || !by.Until.Equal(until)) {
			t.Errorf("%s: %+v, %v, %v", name, by, found, holds)
		}
	}
	svc.Dependencies[0].Path, svc.Accepted[0].ID = "changed", "changed"
	if again, _ := inv.Lookup("a"); again.Dependencies[0].Path == "changed" || again.Accepted[0].ID == "changed" {
		t.Error("a caller's copy is the inventory's own")
	}
}

func TestBadDependenciesAreRefusedWithTheirPlace(t *testing.T) {
	for _, tt := range []struct{ name, fields, want string }{
		{"no list", "dependencies: go.mod", "services.a.dependencies: must be a list"},
		{"no mapping", "dependencies: [go.mod]", "services.a.dependencies[0]: must be a mapping"},
		{"none", "dependencies: [{as: go.mod}]", "services.a.dependencies[0]: must have one of path, url and image"},
		{"two", `dependencies: [{path: a, url: "https://a.example.com/"}]`, "services.a.dependencies[0]: must have one of path, url and image"},
		{"twice", "dependencies: [{path: a}, {path: a}]", "services.a.dependencies[1]: stands twice in the list"},
		{"unknown", "dependencies: [{file: a}]", "services.a.dependencies[0].file: is not a known field"},
		{"credentials", `dependencies: [{url: "https://u:pw@a.example.com/"}]`, "services.a.dependencies[0].url: holds credentials"},
		{"no registry", "dependencies: [{image: \"nginx:1.27\"}]", "services.a.dependencies[0].image: must be the whole name of an image"},
		{"no tag", "dependencies: [{image: registry.example.com/api}]", "services.a.dependencies[0].image: must be"},
		{"climbing image", "dependencies: [{image: \"registry.example.com/../x:1\"}]", "services.a.dependencies[0].image: must be"},
		{"as a path", "dependencies: [{path: a, as: x/go.mod}]", "services.a.dependencies[0].as: must be the name of a file"},
		{"many", "dependencies: [" + strings.Repeat("{path: a}, ", 51) + "]", "services.a.dependencies: has 51 entries; at most 50"},
		{"no reason", "acceptedVulnerabilities: [{id: CVE-2024-1, until: 2026-12-31}]", "services.a.acceptedVulnerabilities[0]: has no reason"},
		{"no expiry", "acceptedVulnerabilities: [{id: CVE-2024-1, reason: x}]", "services.a.acceptedVulnerabilities[0]: has no until"},
		{"empty reason", `acceptedVulnerabilities: [{id: CVE-2024-1, reason: " ", until: 2026-12-31}]`, "services.a.acceptedVulnerabilities[0].reason: must say"},
		{"no date", "acceptedVulnerabilities: [{id: CVE-2024-1, reason: x, until: never}]", `services.a.acceptedVulnerabilities[0].until: is "never"; give a date`},
		{"no id", "acceptedVulnerabilities: [{id: log4j, reason: x, until: 2026-12-31}]", `services.a.acceptedVulnerabilities[0].id: is "log4j"; give an id`},
	} {
		_, err := loadWith(t, tt.fields)
		if err == nil || !strings.Contains(err.Error(), tt.want) || !strings.HasPrefix(err.Error(), "services.yaml:5: ") || strings.Contains(err.Error(), "pw@") {
			t.Errorf("%s: %v\nwant %q", tt.name, err, tt.want)
		}
	}
	inv, err := loadWith(t, "dependencies: [{path: go.mod}]")
	if err != nil {
		t.Fatal(err)
	}
	if err := inv.FitsAWS(nil); err == nil || !strings.Contains(err.Error(), `services.a.dependencies: the file "go.mod" is on no machine`) {
		t.Errorf("on AWS: %v", err)
	}
}

func TestHealthMayBeOfTCPAndGRPCAndWaitForARow(t *testing.T) {
	for _, address := range []string{"tcp://db.example.com:5432", "grpc://api.example.com:50051", "grpcs://api.example.com:443/shop.v1.Orders"} {
		inv, err := loadWith(t, `health: {url: "`+address+`", failureThreshold: 3, successThreshold: 2}`)
		if err != nil {
			t.Errorf("%s: %v", address, err)
			continue
		}
		if svc, _ := inv.Lookup("a"); svc.Health.URL != address || svc.Health.FailureThreshold != 3 || svc.Health.SuccessThreshold != 2 {
			t.Errorf("%+v", svc.Health)
		}
	}
	for _, tt := range []struct{ name, fields, want string }{
		{"scheme", `{url: "udp://a.example.com:1"}`, "url: must begin with http:// or https://, or with tcp://, grpc:// or grpcs://"},
		{"no port", `{url: "tcp://a.example.com"}`, "url: must name a host and a port"},
		{"a path", `{url: "tcp://a.example.com:1/x"}`, "url: may have a path only for grpc"},
		{"another path", `{url: "grpc://a.example.com:1/x/y"}`, "url: may have a path only for grpc"},
		{"credentials", `{url: "grpc://u:pw@a.example.com:1"}`, "url: must be an address without credentials"},
		{"body of tcp", `{url: "tcp://a.example.com:1", body: x}`, "body: is only for a url that begins with http"},
		{"empty body", `{url: "https://a.example.com/", body: ""}`, "body: must be 1 to 256 bytes"},
		{"no failures", `{url: "https://a.example.com/", failureThreshold: 0}`, "failureThreshold: is \"0\"; give a whole number from 1 to 100"},
	} {
		_, err := loadWith(t, "health: "+tt.fields)
		if err == nil || !strings.Contains(err.Error(), "services.yaml:5: services.a.health."+tt.want) || strings.Contains(err.Error(), "pw@") {
			t.Errorf("%s: %v\nwant %q", tt.name, err, tt.want)
		}
	}
}
