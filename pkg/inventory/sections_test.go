package inventory_test

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/opsguard/opsguard/pkg/integration"
	"github.com/opsguard/opsguard/pkg/inventory"
)

// pager is a channel with every kind of setting.
type pager struct {
	Key    integration.Secret `setting:"key" help:"its key"`
	Region string             `setting:"region" default:"eu" help:"where it is"`
	Urgent bool               `setting:"urgent" default:"false" help:"wakes people"`
	Teams  []string           `setting:"teams" default:"" help:"who is called"`
}

// cluster are a target's attributes.
type cluster struct {
	Name string `setting:"name" help:"the cluster's name"`
}

func types() integration.Types {
	none := func(integration.Env, pager) (int, error) { return 0, nil }
	target := func(integration.Env, cluster) (int, error) { return 0, nil }
	any := func(integration.Env, map[string]string) (int, error) { return 0, nil }
	return integration.Types{
		integration.Channels: integration.TypesOf([]integration.Descriptor[int]{integration.New("pager", "calls people", none)}),
		integration.Executors: integration.TypesOf([]integration.Descriptor[int]{
			integration.New("cluster", "acts on a cluster", target), integration.New("simulated", "acts on nothing", any)}),
	}
}

func TestSectionsAreReadAsWritten(t *testing.T) {
	inv, err := inventory.Load([]byte(`
channels:
  night: {type: pager, key: {secret: NIGHT_KEY}, urgent: true, teams: [shop, "7"]}
trackers:
  board: {type: of-another-program, size: 3}
services:
  a: {owner: o, target: {type: cluster, name: c1}, notify: [night, console], tracker: board}
`), types())
	if err != nil {
		t.Fatal(err)
	}
	want := []integration.Entry{{Name: "night", Type: "pager", Line: 3, Settings: []integration.Setting{
		{Name: "key", Line: 3, Value: integration.Value{Map: map[string]string{"secret": "NIGHT_KEY"}}},
		{Name: "urgent", Line: 3, Value: integration.Value{Text: "true"}},
		{Name: "teams", Line: 3, Value: integration.Value{List: []string{"shop", "7"}}},
	}}}
	if diff := cmp.Diff(want, inv.Entries(integration.Channels)); diff != "" {
		t.Errorf("channels (-want +got):\n%s", diff)
	}
	if all := inv.Entries(integration.Trackers); len(all) != 1 || all[0].Type != "of-another-program" {
		t.Errorf("what this program does not open is %v; want it kept as written", all)
	}
	if s, _ := inv.Lookup("a"); len(s.Notify) != 2 || s.Tracker != "board" {
		t.Errorf("the service is %+v", s)
	}
}

func TestASourceMayNotTakeTheNameOfOneOfOurs(t *testing.T) {
	for _, name := range []string{"api", "health-check", "flood"} {
		_, err := inventory.Load([]byte("sources: {"+name+": {type: bell}}\nservices: {}\n"), nil)
		if err == nil || !strings.Contains(err.Error(), "sources."+name+": the name is OpsGuard's own") {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestEveryMistakeInEverySectionIsTold(t *testing.T) {
	_, err := inventory.Load([]byte(`
channels:
  Night: {type: pager, key: {secret: K}}
  a1: {key: {secret: K}}
  a2: {type: beeper}
  a3: {type: pager, key: hunter2hunter2, urgent: maybe, teams: shop, colour: red}
  a4: {type: pager, key: {secret: lower}}
  a5: {type: pager}
  a5: {type: pager, key: {secret: K}}
  a6: 7
  a7: {type: pager, key: {secret: K}, region: [x], teams: [[y]]}
sources: none
services:
  s1: {owner: o, target: {type: clutser}}
  s2: {owner: o, target: {type: cluster}, notify: [nobody], tracker: nowhere}
  s3: {owner: o, target: {type: cluster, name: c, nmae: d}, notify: []}
`), types())
	if err == nil {
		t.Fatal("Load took it")
	}
	want := strings.Join([]string{
		`services.yaml:3: channels.Night: the name must be 2 to 64 small letters, digits and hyphens, a letter first`,
		`services.yaml:4: channels.a1: has no type; say which integration it is, as in docs/integrations`,
		`services.yaml:5: channels.a2.type: type "beeper" is not built in; known: pager`,
		`services.yaml:6: channels.a3.key: is a secret and must not be written here; write {secret: NAME} and store the value under that name`,
		`services.yaml:6: channels.a3.urgent: must be true or false`,
		`services.yaml:6: channels.a3.teams: must be a list`,
		`services.yaml:6: channels.a3.colour: is not a setting here; known: key, region, urgent, teams`,
		`services.yaml:7: channels.a4.key: names its secret in a form that cannot be looked up; use 1 to 64 capital letters, digits and _, a letter first`,
		`services.yaml:8: channels.a5.key: is missing; its key`,
		`services.yaml:9: channels.a5: stands twice; the first is in line 8`,
		`services.yaml:10: channels.a6: must be a mapping`,
		`services.yaml:11: channels.a7.teams[0]: must be one value`,
		`services.yaml:11: channels.a7.region: must be one value`,
		`services.yaml:12: sources: must be a mapping`,
		`services.yaml:14: services.s1.target.type: type "clutser" is not built in; known: cluster, simulated`,
		`services.yaml:15: services.s2.target.name: is missing; the cluster's name`,
		`services.yaml:15: services.s2.notify[0]: "nobody" is not listed under channels`,
		`services.yaml:15: services.s2.tracker: "nowhere" is not listed under trackers`,
		`services.yaml:16: services.s3.target.nmae: is not a setting here; known: name`,
		`services.yaml:16: services.s3.notify: is empty; leave it out to tell every channel`,
	}, "\n")
	if diff := cmp.Diff(want, err.Error()); diff != "" {
		t.Errorf("problems (-want +got):\n%s", diff)
	}
}
