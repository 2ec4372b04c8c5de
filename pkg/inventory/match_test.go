package inventory_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/opsguard/opsguard/pkg/inventory"
)

// matching loads services whose match lists are given, each as YAML.
func matching(t *testing.T, services ...[2]string) *inventory.Inventory {
	t.Helper()
	var b strings.Builder
	b.WriteString("services:\n")
	for _, s := range services {
		fmt.Fprintf(&b, "  %s: {owner: o, target: {type: simulated}, match: %s}\n", s[0], s[1])
	}
	inv, err := inventory.Load([]byte(b.String()), nil)
	if err != nil {
		t.Fatal(err)
	}
	return inv
}

func TestTheMostSpecificMatchCounts(t *testing.T) {
	inv := matching(t,
		[2]string{"any-shop", `[{namespace: shop}]`},
		[2]string{"shop-stars", `[{namespace: shop, deployment: "*"}]`},
		[2]string{"shop-a-stars", `[{namespace: shop, deployment: "a*i"}]`},
		[2]string{"shop-api", `[{namespace: shop, deployment: api}, {job: api}]`},
		[2]string{"first-twin", `[{team: storage}]`},
		[2]string{"second-twin", `[{tier: db}]`},
		[2]string{"of-sentry", `[{source: team-sentry}, {source: "team-*", project: web}]`},
		[2]string{"all-three", `[{namespace: shop, deployment: "*", zone: "*"}]`})
	for _, test := range []struct {
		source string
		labels map[string]string
		want   string
	}{
		{"x", map[string]string{"namespace": "shop"}, "any-shop"},
		{"x", map[string]string{"namespace": "shop", "deployment": "web"}, "shop-stars"},
		{"x", map[string]string{"namespace": "shop", "deployment": "axi"}, "shop-stars"}, // as specific as the other, and first
		{"x", map[string]string{"namespace": "shop", "deployment": "api"}, "shop-api"},
		{"x", map[string]string{"namespace": "shop", "deployment": "api", "zone": "z"}, "all-three"},
		{"x", map[string]string{"job": "api", "extra": "label"}, "shop-api"},
		{"x", map[string]string{"team": "storage", "tier": "db"}, "first-twin"},
		{"team-sentry", nil, "of-sentry"},
		{"team-other", map[string]string{"project": "web"}, "of-sentry"},
		{"x", map[string]string{"source": "team-sentry"}, ""}, // a sender cannot say which source it is
		{"x", map[string]string{"namespace": "Shop"}, ""},
		{"x", map[string]string{"deployment": "api"}, ""},
		{"x", nil, ""},
	} {
		got, found := inv.ServiceFor(test.source, test.labels)
		if got != test.want || found != (test.want != "") {
			t.Errorf("%s %v: %q, %v; want %q", test.source, test.labels, got, found, test.want)
		}
	}
}

func TestAStarStandsForAnyText(t *testing.T) {
	for pattern, texts := range map[string]map[string]bool{
		"*":       {"": true, "x": true, "a b\n": true},
		"a*":      {"a": true, "ab": true, "ba": false, "": false},
		"*a":      {"a": true, "ba": true, "ab": false},
		"a*a":     {"aa": true, "aba": true, "a": false},
		"a**b":    {"ab": true, "axb": true, "a": false},
		"*b*":     {"abc": true, "b": true, "ac": false},
		"a*b*c":   {"abc": true, "axbxbxc": true, "acb": false, "abcb": false},
		"*ab*ab*": {"abab": true, "aab": false, "xabxabx": true},
		"a.c":     {"a.c": true, "abc": false},
		"[a-z]*?": {"[a-z]x?": true, "b": false},
		"é*":      {"éa": true, "e": false},
	} {
		inv := matching(t, [2]string{"s", fmt.Sprintf("[{l: %q}]", pattern)})
		for text, want := range texts {
			if _, found := inv.ServiceFor("x", map[string]string{"l": text}); found != want {
				t.Errorf("%s fits %q: %v, want %v", pattern, text, found, want)
			}
		}
	}
}

// With backtracking the first would take longer than the universe has existed. Comparing
// every entry with every other would take a quarter of a minute for the second.
func TestHostilePatternsAndLongListsCostLittle(t *testing.T) {
	inv := matching(t, [2]string{"s", fmt.Sprintf("[{l: %q}]", strings.Repeat("a*", 250)+"b")})
	if _, found := inv.ServiceFor("x", map[string]string{"l": strings.Repeat("a", 512)}); found {
		t.Error("it fits without its last letter")
	}
	var services [][2]string
	for s := range 1000 {
		var list []string
		for i := range 20 {
			list = append(list, fmt.Sprintf("{a: s%d, b: i%d}", s, i))
		}
		services = append(services, [2]string{fmt.Sprintf("s%d", s), "[" + strings.Join(list, ", ") + "]"})
	}
	many := matching(t, services...)
	if got, _ := many.ServiceFor("x", map[string]string{"a": "s999", "b": "i19"}); got != "s999" {
		t.Errorf("the last of 20,000 is not found: %q", got)
	}
}

func TestEveryMistakeInAMatchIsTold(t *testing.T) {
	_, err := inventory.Load([]byte(`
services:
  a: {owner: o, target: {type: simulated}, match: {namespace: shop}}
  b: {owner: o, target: {type: simulated}, match: []}
  c:
    owner: o
    target: {type: simulated}
    match:
      - {namespace: shop, deployment: "api-*"}
      - {}
      - namespace
      - {namespace: ""}
      - {namespace: [x]}
      - {namespace: }
      - {"": x, `+strings.Repeat("n", 129)+`: x}
      - {l: "`+strings.Repeat("é", 512)+`"}
      - {l: "`+strings.Repeat("x", 513)+`"}
  d:
    owner: o
    target: {type: simulated}
    match:
      - {deployment: "api-*", namespace: shop}
      - {deployment: "api-*"}
  e: {owner: o, target: {type: simulated}, match: [`+strings.Repeat("{a: b},", 21)+`]}
`), nil)
	if err == nil {
		t.Fatal("Load took it")
	}
	long := strings.Repeat("n", 128)
	want := strings.Join([]string{
		`services.yaml:3: services.a.match: must be a list of mappings of labels to values`,
		`services.yaml:4: services.b.match: has 0 entries; give 1 to 20, or leave it out`,
		`services.yaml:10: services.c.match[1]: is empty; it would take every alert`,
		`services.yaml:11: services.c.match[2]: must be a mapping`,
		`services.yaml:12: services.c.match[3].namespace: is empty; give the label's value, or * for any`,
		`services.yaml:13: services.c.match[4].namespace: must be one value`,
		`services.yaml:14: services.c.match[5].namespace: is empty; give a value`,
		`services.yaml:15: services.c.match[6][""]: has a name that no label has; use 1 to 128 characters`,
		`services.yaml:15: services.c.match[6]["` + long + `"]: has a name that no label has; use 1 to 128 characters`,
		`services.yaml:17: services.c.match[8].l: is longer than any label's value, which has at most 512 characters`,
		`services.yaml:22: services.d.match[0]: says the same as the one of "c" in line 9`,
		`services.yaml:24: services.e.match: has 21 entries; give 1 to 20, or leave it out`,
	}, "\n")
	if diff := cmp.Diff(want, err.Error()); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

func TestAMatchIsTheCallersOwnCopy(t *testing.T) {
	inv := matching(t, [2]string{"s", `[{a: b}]`})
	s, _ := inv.Lookup("s")
	s.Match[0]["a"] = "c"
	if _, found := inv.ServiceFor("x", map[string]string{"a": "b"}); !found {
		t.Error("a caller changed which alerts are the service's")
	}
	if again, _ := inv.Lookup("s"); again.Match[0]["a"] != "b" {
		t.Error("a caller changed what others read")
	}
}
