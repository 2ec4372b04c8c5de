package asl_test

import (
	"encoding/json"
	"fmt"
	"time"

	"github.com/opsguard/opsguard/pkg/asl"
)

// An execution goes from event to event. What Next returns is stored first, then
// its commands are carried out, and what comes of them is the next event.
func ExampleNext() {
	def, err := asl.Load([]byte(`{"StartAt": "Greet", "States": {"Greet": {"Type": "Task", "End": true, "TimeoutSeconds": 5,
		"Resource": "arn:aws:states:::lambda:invoke", "Parameters": {"FunctionName": "greet", "Payload.$": "$"},
		"ResultSelector": {"said.$": "$.Payload"}}}}`))
	if err != nil {
		panic(err)
	}
	env := asl.Env{
		Now:      time.Date(2026, 11, 24, 10, 0, 0, 0, time.UTC),
		Rand:     func() float64 { return 0 },
		NewToken: func(string, int) asl.Token { return "" },
	}
	exec, commands, err := asl.Next(def, asl.Execution{}, asl.Start{Name: "run-1", Input: json.RawMessage(`{"to":"you"}`)}, env)
	if err != nil {
		panic(err)
	}
	run, _ := commands[0].(asl.RunTask)
	fmt.Println(exec.State, exec.Status, "calls", run.Function, "with", string(run.Payload))

	exec, _, err = asl.Next(def, exec, asl.TaskSucceeded{Attempt: run.Attempt, Output: json.RawMessage(`"hello"`)}, env)
	if err != nil {
		panic(err)
	}
	fmt.Println(exec.Status, string(exec.Output))
	// Output:
	// Greet RUNNING calls greet with {"to":"you"}
	// SUCCEEDED {"said":"hello"}
}

// Load refuses what it does not implement, by its path. Nothing is ignored.
func ExampleLoad() {
	_, err := asl.Load([]byte(`{"StartAt": "All", "States": {"All": {"Type": "Parallel", "End": true}}}`))
	fmt.Println(err)
	// Output:
	// state machine definition refused:
	// $.States.All.Type: "Parallel" is not implemented by this engine
}
