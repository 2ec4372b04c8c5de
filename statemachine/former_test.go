package statemachine_test

import (
	"encoding/json"
	"os"
	"testing"

	"github.com/opsguard/opsguard/pkg/asl"
	"github.com/opsguard/opsguard/pkg/incident"
	"github.com/opsguard/opsguard/pkg/steps"
)

// An execution stays on the definition that it began with. One of before fixes settled,
// which may have waited for a person since, must come to its end with the steps of now:
// testdata has that definition.
func TestExecutionsOfTheDefinitionBeforeSettlingStillEnd(t *testing.T) {
	text, err := os.ReadFile("testdata/before-settling.asl.json")
	if err != nil {
		t.Fatal(err)
	}
	def, err := asl.Load(text)
	if err != nil {
		t.Fatal(err)
	}
	answers := map[string]string{
		analyze: `{"analyzedBy":"rules","fixId":"restart-service"}`, waitState: `{}`,
		createTicket: `{"tracker":"simulated","key":"OPS-1","url":"http://x"}`, logResolution: `{"status":"RESOLVED"}`,
	}
	for _, fix := range []steps.FixProgress{
		{Outcome: incident.Simulated, Verified: true, Settled: true, WaitSeconds: 1}, {Outcome: incident.Fixed, Verified: true, Settled: true},
		{Outcome: incident.Failed, Settled: true}, {Outcome: incident.Unknown, Settled: true}, {Outcome: incident.Stale, Settled: true},
		{Outcome: incident.Applied, Settled: true, Undo: true}, {WaitSeconds: 2},
	} {
		progress, err := json.Marshal(fix)
		if err != nil {
			t.Fatal(err)
		}
		answers[executeFix] = string(progress)
		n, _, err := step(def, node{now: epoch()}, asl.Start{Name: "INC-1", Input: json.RawMessage(`{"tenant":"default","incidentId":"INC-1","approvalTimeoutSeconds":14400}`)})
		var visited []string
		for err == nil && !n.exec.Finished() && len(visited) < 20 {
			visited = append(visited, n.exec.State)
			var event asl.Event = asl.TaskSucceeded{Attempt: n.exec.Attempt, Output: json.RawMessage(answers[n.exec.State])}
			if n.exec.Token != "" {
				event = asl.CallbackSucceeded{Token: n.exec.Token, Output: json.RawMessage(approval)}
			}
			n, _, err = step(def, n, event)
		}
		helped := fix.Verified
		ticketed := false
		for _, state := range visited {
			ticketed = ticketed || state == createTicket
		}
		if err != nil || n.exec.Status != asl.Succeeded || ticketed == helped {
			t.Errorf("%s: it ended %s after %v, %v", progress, n.exec.Status, visited, err)
		}
	}
}
