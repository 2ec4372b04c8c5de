package inventory_test

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/opsguard/opsguard/pkg/incident"
	"github.com/opsguard/opsguard/pkg/inventory"
)

const grouped = `
services:
  a: {owner: o, target: {type: ecs, name: a}, fixes: [restart-service], approval: {quorum: 2, approvers: [ben, anna]}}
  b: {owner: o, target: {type: ecs, name: b}, fixes: [restart-service, scale-out], approval: {twoPersonFixes: [scale-out]}}
  c: {owner: o, target: {type: ecs, name: c}, health: {url: "https://c.example.com/healthz", maxLatency: 1s, body: ok}}
  c2: {owner: o, target: {type: ecs, name: c}}
  out: {owner: o, target: {type: simulated}}
groups:
  web: {services: [a, b, c, c2], atOnce: 2}
`

func TestTermsAreWhatTheFileSaysAroundAFix(t *testing.T) {
	inv := loaded(t, grouped)
	web := incident.AtOnce{Group: "web", Max: 2, Of: 3} // two services name one target
	for _, c := range []struct {
		service, fix string
		want         incident.Terms
	}{
		{"a", "restart-service", incident.Terms{Approval: "2 of anna, ben", AtOnce: web}},
		{"b", "restart-service", incident.Terms{Approval: "1 of any operator", AtOnce: web}},
		{"b", "scale-out", incident.Terms{Approval: "2 of any operator", AtOnce: web}},
		{"c", "restart-service", incident.Terms{Approval: "1 of any operator", Health: "https://c.example.com/healthz within 1s with \"ok\"", AtOnce: web}},
		{"out", "restart-service", incident.Terms{Approval: "1 of any operator"}},
	} {
		svc, _ := inv.Lookup(c.service)
		if d := cmp.Diff(&c.want, inv.TermsOf(svc, c.fix)); d != "" {
			t.Errorf("%s, %s (-want +got):\n%s", c.service, c.fix, d)
		}
	}
}

func TestEachMistakeOfAGroupIsToldWithItsPlace(t *testing.T) {
	for section, want := range map[string]string{
		"groups: [web]": "services.yaml:8: groups: must be a mapping",
		"groups:\n  web: {services: [a, b], atOnce: 2}":                                        "services.yaml:9: groups.web.atOnce: is 2, and the group has 2 targets: it limits nothing; give less",
		"groups:\n  web: {services: [c, c2], atOnce: 1}":                                       "services.yaml:9: groups.web.atOnce: is 1, and the group has 1 targets: it limits nothing; give less",
		"groups:\n  web: {services: [a, b], atOnce: 0}":                                        "services.yaml:9: groups.web.atOnce: is \"0\"; give a whole number from 1 to 100",
		"groups:\n  web: {services: [a, b]}":                                                   "services.yaml:9: groups.web: has no atOnce; say how many of its services may be fixed at once",
		"groups:\n  web: {atOnce: 1}":                                                          "services.yaml:9: groups.web: has no services; list those of which only so many may be fixed at once",
		"groups:\n  web: {services: [a, b], atOnce: 1, most: 2}":                               "services.yaml:9: groups.web.most: is not a known field; known: services, atOnce",
		"groups:\n  web: {services: [a, b, d], atOnce: 1}":                                     `services.yaml:9: groups.web.services[2]: "d" is not listed under services`,
		"groups:\n  web: {services: [a, b, c], atOnce: 1}":                                     `services.yaml:9: groups.web: leaves out "c2", which names the same target as "c" and would not be counted`,
		"groups:\n  web: {services: [a, b], atOnce: 1}\n  db: {services: [b, out], atOnce: 1}": `services.yaml:10: groups.db.services[0]: "b" is in the group "web" already; a service is in one group`,
	} {
		text := strings.TrimSpace(grouped[:strings.Index(grouped, "groups:")]) + "\n\n" + section + "\n"
		if _, err := inventory.Load([]byte(text), nil); err == nil || err.Error() != want {
			t.Errorf("%s\n got %v\nwant %s", section, err, want)
		}
	}
}
