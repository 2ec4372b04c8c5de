package stepfn

import (
	"os"
	"strings"
	"testing"

	"github.com/opsguard/opsguard/pkg/incident"
)

func TestAnExecutionsEndIsReadFromItsEventAndNothingElseIs(t *testing.T) {
	recorded, err := os.ReadFile("../../infra/events/execution-ended.json")
	if err != nil {
		t.Fatal(err)
	}
	s := Settings{StateMachineARN: "arn:aws:states:us-east-1:123456789012:stateMachine:opsguard-incident"}
	const id = "INC-01KAS6Y5Q0Y1E2R3T4Y5V6W7X8"
	for _, status := range []string{"FAILED", "ABORTED", "TIMED_OUT"} {
		event := strings.Replace(string(recorded), `"FAILED"`, `"`+status+`"`, 1)
		if got, err := s.Ended([]byte(event)); err != nil || got != id {
			t.Errorf("%s: %q, %v", status, got, err)
		}
	}
	for name, change := range map[string][2]string{
		"it runs":           {`"FAILED"`, `"RUNNING"`},
		"it succeeded":      {`"FAILED"`, `"SUCCEEDED"`},
		"a new status":      {`"FAILED"`, `"PENDING_REDRIVE"`},
		"another machine":   {":stateMachine:opsguard-incident", ":stateMachine:other-incident"},
		"another source":    {"aws.states", "aws.ec2"},
		"another kind":      {"Execution Status Change", "Map Run"},
		"another execution": {`"name": "INC-`, `"name": "by-hand-`},
		"no JSON":           {"{", ""},
	} {
		event := strings.Replace(string(recorded), change[0], change[1], 1)
		if got, err := s.Ended([]byte(event)); incident.KindOf(err) != incident.Invalid || got != "" {
			t.Errorf("%s: %q, %v", name, got, err)
		}
	}
}
