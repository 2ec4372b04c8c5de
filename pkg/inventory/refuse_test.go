package inventory_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/opsguard/opsguard/pkg/inventory"
)

const knownFixes = "cordon-node, disable-flag, fail-over, flush-dns-cache, free-disk-space, recycle-connections, reduce-concurrency, renew-certificate, " +
	"replace-instance, rerun-workflow, restart-service, revert-change, rollback-deployment, run-runbook, scale-out, sync-deployment"

func TestLoadNamesEveryProblemWithItsLine(t *testing.T) {
	_, err := inventory.Load([]byte(`services:
  prod-api-01:
    ownr: platform
    target: {type: Simulated, bad key: x, empty: , list: [[1]]}
    fixes:
      - restart-service
      - resart-service
      - 7
      - restart-service
    health:
      url: https://anna:hunter2@example.com/
      maxLatency: 2
    approval:
      quorum: two
      timeout: 1500ms
      approvers: [anna, "b:c"]
      twoPersonFixes: [scale-out]
  " x": 5
version: 1
`), nil)
	want := strings.Join([]string{
		`services.yaml:2: services.prod-api-01: has no owner; name the team that looks after it`,
		`services.yaml:3: services.prod-api-01.ownr: is not a known field; known: owner, target, fixes, health, approval, notify, tracker, dependsOn, match, breaker, dependencies, acceptedVulnerabilities`,
		`services.yaml:4: services.prod-api-01.target.type: is "Simulated"; give the name of an executor, for instance simulated`,
		`services.yaml:4: services.prod-api-01.target["bad key"]: is not a good attribute name; use letters and digits, a small letter first`,
		`services.yaml:4: services.prod-api-01.target.empty: is empty; give a value`,
		`services.yaml:4: services.prod-api-01.target.list[0]: must be one value`,
		`services.yaml:7: services.prod-api-01.fixes[1]: "resart-service" is not in the catalogue; known: ` + knownFixes,
		`services.yaml:8: services.prod-api-01.fixes[2]: must be text; write "7" in quotes`,
		`services.yaml:9: services.prod-api-01.fixes[3]: "restart-service" stands twice in the list`,
		`services.yaml:11: services.prod-api-01.health.url: holds credentials; a health check must work without any`,
		`services.yaml:12: services.prod-api-01.health.maxLatency: is "2"; give a number with its unit, such as 2s or 4h`,
		`services.yaml:14: services.prod-api-01.approval.quorum: is "two"; give a whole number from 1 to 10`,
		`services.yaml:15: services.prod-api-01.approval.timeout: is 1500ms; give 2s to 8736h`,
		`services.yaml:16: services.prod-api-01.approval.approvers[1]: "b:c" cannot be the name of an operator's key: use 1 to 64 letters, digits, or . _ @ -`,
		`services.yaml:17: services.prod-api-01.approval.twoPersonFixes[0]: "scale-out" is not among this service's fixes`,
		`services.yaml:18: services[" x"]: the service's name starts or ends with white space; remove it`,
		`services.yaml:18: services[" x"]: must be a mapping`,
		`services.yaml:19: version: is not a known field; known: services, sources, channels, trackers, freezes, breaker, groups, rules`,
	}, "\n")
	if err == nil {
		t.Fatal("Load took it")
	}
	if diff := cmp.Diff(want, err.Error()); diff != "" {
		t.Errorf("problems differ (-want +got):\n%s", diff)
	}
}

func TestLoadRefusesWhatIsNotOnePlainDocument(t *testing.T) {
	const ok = "services: {}\n"
	tests := []struct{ name, data, want string }{
		{"empty", "", "services.yaml: is empty"},
		{"comment only", "# nothing\n", "services.yaml: is empty"},
		{"null", "~\n", "services.yaml:1: must be a mapping"},
		{"list", "- services\n", "services.yaml:1: must be a mapping"},
		{"no services", "{}\n", "services.yaml:1: services: is missing"},
		{"null services", "services:\n", "services.yaml:1: services: must be a mapping"},
		{"two documents", ok + "---\n" + ok, "begins a second document"},
		{"broken second document", ok + "---\n\t[", "is not YAML"},
		{"unclosed", "services: {a: \n", "is not YAML"},
		{"tab", "services:\n\ta: 1\n", "services.yaml:2: is not YAML"},
		{"bad UTF-8", "services: {\xff: 1}\n", "is not YAML"},
		{"anchor", "services: &a {}\n", "services.yaml:1: services: has an anchor (&a)"},
		{"alias", "services:\n  a: &a {owner: x, target: {type: simulated}}\n  b: *a\n", "services.yaml:3: services.b: is an alias (*a)"},
		{"alias bomb", bomb(), "is an alias"},
		{"merge key", "services:\n  a:\n    <<: {owner: x}\n", "services.yaml:3: services.a: has the key \"<<\", which YAML does not read as text"},
		{"tag", "services: !!map {}\n", "services.yaml:1: services: has the explicit tag"},
		{"duplicate service", "services:\n  a: {owner: x, target: {type: simulated}}\n  a: {owner: y, target: {type: simulated}}\n", "services.yaml:3: services.a: stands twice; the first is in line 2"},
		{"duplicate field", "services:\n  a:\n    owner: x\n    owner: y\n", "services.yaml:4: services.a.owner: stands twice"},
		{"number as name", "services:\n  1: {}\n", "services.yaml:2: services: has the key \"1\", which YAML does not read as text"},
		{"list as key", "services:\n  [a]: {}\n", "services.yaml:2: services: has the key"},
		{"too large", "#" + strings.Repeat("x", inventory.MaxFile), "services.yaml: is 1048577 bytes"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			_, err := inventory.Load([]byte(tt.data), nil)
			if err == nil || !strings.Contains(err.Error(), tt.want) {
				t.Errorf("Load: %v\nwant an error with %q", err, tt.want)
			}
		})
	}
	if _, err := inventory.Load([]byte(ok), nil); err != nil {
		t.Errorf("an inventory without services is refused: %v", err)
	}
}

// bomb would be 10^9 scalars if aliases were followed.
func bomb() string {
	var b strings.Builder
	b.WriteString("services:\n  a0: &a0 [x]\n")
	for i := 1; i < 10; i++ {
		fmt.Fprintf(&b, "  a%d: &a%d [%s]\n", i, i, strings.TrimSuffix(strings.Repeat(fmt.Sprintf("*a%d, ", i-1), 10), ", "))
	}
	return b.String()
}

func TestLoadRefusesBadValues(t *testing.T) {
	tests := []struct{ name, field, want string }{
		{"no type", "target: {region: x}", "target: has no type"},
		{"target is text", "target: simulated", "target: must be a mapping"},
		{"long name of owner", "owner: " + strings.Repeat("x", 129), "owner: has 129 characters"},
		{"owner empty", `owner: ""`, "owner: is empty"},
		{"owner a number", "owner: 7", "owner: must be text"},
		{"invisible character", `owner: "plat\u200bform"`, "owner: holds the control or invisible character"},
		{"fixes text", "fixes: restart-service", "fixes: must be a list"},
		{"long list", "approval: {approvers: [" + strings.Repeat("x,", 101) + "]}", "approval.approvers: has 101 entries; at most 100"},
		{"health without url", "health: {maxLatency: 2s}", "health: has no url"},
		{"file url", "health: {url: file:///etc/passwd}", "health.url: must begin with http:// or https://"},
		{"no host", "health: {url: http:///x}", "health.url: names no host"},
		{"fragment", "health: {url: http://a/#b}", "health.url: has a fragment"},
		{"unparsable url", `health: {url: "http://a b"}`, "health.url: is not a URL"},
		{"long url", "health: {url: http://a/" + strings.Repeat("x", 2048) + "}", "health.url: has 2057 bytes"},
		{"slow latency", "health: {url: http://a, maxLatency: 11s}", "health.maxLatency: is 11s; give 1ms to 10s"},
		{"quorum 0", "approval: {quorum: 0}", `approval.quorum: is "0"`},
		{"quorum hexadecimal", "approval: {quorum: 0x2}", `approval.quorum: is "0x2"`},
		{"quorum text", `approval: {quorum: "2"}`, `approval.quorum: is "2"`},
		{"timeout short", "approval: {timeout: 1s}", "approval.timeout: is 1s; give 2s to 8736h"},
		{"timeout long", "approval: {timeout: 8737h}", "approval.timeout: is 8737h; give 2s to 8736h"},
		{"timeout fraction", "approval: {timeout: 2500ms}", "approval.timeout: is 2500ms; give whole multiples of 1s"},
		{"timeout negative", "approval: {timeout: -4h}", "approval.timeout: is -4h"},
		{"approvers empty", "approval: {approvers: []}", "approval.approvers: is empty"},
		{"too few approvers", "approval: {quorum: 2, approvers: [anna]}", "approval: needs 2 different people, but names 1"},
		{"too few for two-person fix", "fixes: [scale-out]\n    approval: {approvers: [anna], twoPersonFixes: [scale-out]}", "approval: needs 2 different people, but names 1"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			data := "services:\n  a:\n    " + tt.field + "\n"
			for _, rest := range []string{"owner: x", "target: {type: simulated}"} {
				if name, _, _ := strings.Cut(rest, ":"); !strings.HasPrefix(tt.field, name) {
					data += "    " + rest + "\n"
				}
			}
			_, err := inventory.Load([]byte(data), nil)
			if err == nil || !strings.Contains(err.Error(), "services.a."+tt.want) {
				t.Errorf("Load: %v\nwant an error with services.a.%s", err, tt.want)
			}
		})
	}
}

func TestLoadHoldsNamesToTheirLimits(t *testing.T) {
	x := func(n int) string { return strings.Repeat("x", n) }
	for field, names := range map[string]struct{ good, bad []string }{
		"target: {type: %q}":                                         {[]string{x(32), "a-1"}, []string{x(33), "", "-a", "1a", "sImulated", "a.b"}},
		"target: {type: simulated, %q: v}":                           {[]string{x(64), "aB1"}, []string{x(65), "", "1a", "Aa", "a-b"}},
		"target: {type: simulated}\n    approval: {approvers: [%q]}": {[]string{x(64), "A.b_c@d-1"}, []string{x(65), "", "a b", "é"}},
	} {
		for _, name := range append(names.good, names.bad...) {
			_, err := inventory.Load([]byte("services:\n  a:\n    owner: x\n    "+fmt.Sprintf(field, name)+"\n"), nil)
			if good := slices.Contains(names.good, name); (err == nil) != good {
				t.Errorf("%s: %q: %v, good %v", field, name, err, good)
			}
		}
	}
}

func TestLoadNeverRepeatsAnAddressWithCredentials(t *testing.T) {
	for _, u := range []string{"https://anna:hunter2@example.com/", "ftp://anna:hunter2@example.com/", `"https://anna:hunter2@exa mple"`} {
		_, err := inventory.Load([]byte("services: {a: {owner: x, target: {type: simulated}, health: {url: "+u+"}}}"), nil)
		if err == nil || strings.Contains(err.Error(), "hunter2") {
			t.Errorf("Load of %s: %v", u, err)
		}
	}
}

func TestLoadBoundsWhatItSays(t *testing.T) {
	_, err := inventory.Load([]byte("services:\n"+strings.Repeat("  a: 1\n", 5000)), nil)
	if err == nil {
		t.Fatal("Load took it")
	}
	if n := strings.Count(err.Error(), "\n") + 1; n != 101 || !strings.HasSuffix(err.Error(), "more") {
		t.Errorf("%d lines, ending %q; want 100 and a count of the rest", n, err.Error()[len(err.Error())-40:])
	}
}

// FuzzLoad holds that whatever the bytes are, Load answers, and that what it
// takes obeys the limits.
func FuzzLoad(f *testing.F) {
	f.Add([]byte(everything))
	f.Add([]byte(bomb()))
	f.Add([]byte("services: {a: {<<: *x}}"))
	f.Fuzz(func(t *testing.T, data []byte) {
		inv, err := inventory.Load(data, nil)
		if err != nil {
			return
		}
		for _, s := range inv.Services() {
			if s.Name == "" || s.Owner == "" || s.Target.Type == "" || s.Target.Service != s.Name || s.Approval.Quorum < 1 {
				t.Errorf("took %+v", s)
			}
		}
	})
}
