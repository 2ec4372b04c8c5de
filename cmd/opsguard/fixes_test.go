package main

import (
	"bytes"
	"encoding/json"
	"strings"
	"testing"

	"github.com/opsguard/opsguard/pkg/catalog"
	"github.com/opsguard/opsguard/pkg/executor"
	"github.com/opsguard/opsguard/pkg/integration"
)

// twoTypes are executors that differ in all that they say.
func twoTypes() []integration.Type {
	restart := integration.Ability{Fix: "restart-service", Does: "rolls every pod", Undo: "rolls them back", Verifies: "the pods are ready", Rights: "patch deployments"}
	final := integration.Ability{Fix: "restart-service", Does: "reboots it", Verifies: "it answers", Rights: "reboot"}
	return []integration.Type{{Name: "vm", Abilities: []integration.Ability{final}}, {Name: "kubernetes", Abilities: []integration.Ability{restart}}}
}

func listed(t *testing.T, c fixesCommand, types []integration.Type) string {
	t.Helper()
	var out bytes.Buffer
	if err := c.list(executor.Table(types), &out); err != nil {
		t.Fatal(err)
	}
	return out.String()
}

func TestFixesTellsWhatEachTargetTypeDoes(t *testing.T) {
	want := `restart-service: Restart the service, risk medium
  on kubernetes  rolls every pod
    undo         rolls them back
    verifies     the pods are ready
    rights       patch deployments
  on vm          reboots it
    undo         cannot be undone
    verifies     it answers
    rights       reboot
`
	if got := listed(t, fixesCommand{Fix: "restart-service"}, twoTypes()); got != want {
		t.Errorf("got:\n%s\nwant:\n%s", got, want)
	}
	if got := listed(t, fixesCommand{Fix: "scale-out"}, twoTypes()); !strings.Contains(got, "with instances  1 to 5, 1 if not said: how many") ||
		!strings.Contains(got, "nothing here can apply it") {
		t.Errorf("a fix with a parameter, which nothing can apply:\n%s", got)
	}
}

func TestFixesListsTheWholeCatalogueOnEveryTargetType(t *testing.T) {
	built := integration.TypesOf(executor.List())
	text := listed(t, fixesCommand{}, built)
	var read fixesView
	if err := json.Unmarshal([]byte(listed(t, fixesCommand{JSON: true}, built)), &read); err != nil {
		t.Fatal(err)
	}
	if len(read.Fixes) != len(catalog.IDs()) {
		t.Errorf("%d fixes; the catalogue has %d", len(read.Fixes), len(catalog.IDs()))
	}
	told := 0
	for _, fix := range read.Fixes {
		if !strings.Contains(text, fix.FixID+": "+fix.Title) {
			t.Errorf("%s is not printed", fix.FixID)
		}
		told += len(fix.Targets)
	}
	abilities := 0
	for _, one := range built {
		abilities += len(one.Abilities)
	}
	if told != abilities || told == 0 {
		t.Errorf("%d abilities are told of %d", told, abilities)
	}
}

func TestFixesInJSONHasNullWhereThereIsNoUndoing(t *testing.T) {
	text := listed(t, fixesCommand{Fix: "restart-service", JSON: true}, twoTypes())
	for _, want := range []string{`"undo": null`, `"undo": "rolls them back"`, `"parameters": []`, `"risk": "medium"`} {
		if !strings.Contains(text, want) {
			t.Errorf("no %s in\n%s", want, text)
		}
	}
}

func TestFixesRefusesAFixThatThereIsNot(t *testing.T) {
	err := fixesCommand{Fix: "reboot-the-world"}.list(executor.Table(twoTypes()), &bytes.Buffer{})
	if err == nil || !strings.Contains(err.Error(), "reboot-the-world") {
		t.Errorf("%v", err)
	}
}
