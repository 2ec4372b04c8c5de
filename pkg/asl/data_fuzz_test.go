package asl

import (
	"encoding/json"
	"testing"
	"time"
)

// Whatever the input is, and whatever the steps and the callback answer, an
// execution of the incident's definition ends, and runs the fix only after the
// callback said approve.
func FuzzExecutionData(f *testing.F) {
	input := `{"tenant":"default","incidentId":"INC-1","approvalTimeoutSeconds":60}`
	f.Add(input, `{"analyzedBy":"rules","fixId":null,"outcome":"simulated","verified":true,"tracker":null,"key":null,"url":null,"status":"RESOLVED"}`, `{"decision":"approve","planHash":"x"}`)
	f.Add(input, `{"outcome":"failed","verified":false}`, `{"decision":"escalate"}`)
	f.Add(input, `null`, `"approve"`)
	f.Add(`{"tenant":"default","incidentId":"INC-1","approvalTimeoutSeconds":1e9}`, `[]`, `{"decision":["approve"]}`)
	f.Add(`[]`, `{}`, `{}`)
	f.Add(`{"approvalTimeoutSeconds":"60"}`, `x`, `{"decision":"approve","decision":"resolve"}`)
	def, err := Load(incidentDefinition(f))
	if err != nil {
		f.Fatal(err)
	}
	f.Fuzz(func(t *testing.T, input, output, callback string) {
		h := &harness{t: t, def: def, now: time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)}
		if h.send(Start{Name: "run-1", Input: json.RawMessage(input)}) != nil {
			return
		}
		var said map[string]any
		approved := json.Unmarshal([]byte(callback), &said) == nil && said["decision"] == "approve"
		told := false
		for range 500 {
			if h.exec.Finished() {
				return
			}
			if h.exec.State == "ExecuteFix" && !(told && approved) {
				t.Fatalf("the fix runs after the callback %q", callback)
			}
			var err error
			switch h.exec.Phase {
			case Invoking:
				err = h.send(TaskSucceeded{h.exec.Attempt, json.RawMessage(output)})
				if err != nil {
					h.fail("Unavailable")
				}
			case Awaiting:
				err = h.send(CallbackSucceeded{h.exec.Token, json.RawMessage(callback)})
				if told = err == nil; !told {
					h.fire()
				}
			default:
				h.fire()
			}
		}
		t.Fatalf("it never ends: %s", asJSON(t, h.exec))
	})
}
