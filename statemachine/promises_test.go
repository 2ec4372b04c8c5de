package statemachine_test

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/opsguard/opsguard/pkg/asl"
	"github.com/opsguard/opsguard/pkg/incident"
	"github.com/opsguard/opsguard/pkg/steps"
)

// The state machine's states that something is promised about.
const (
	investigate   = "Investigate"
	analyze       = "Analyze"
	planFix       = "PlanFix"
	waitState     = "WaitForApproval"
	decided       = "Decided"
	executeFix    = "ExecuteFix"
	settled       = "Settled"
	pause         = "Wait"
	verifyFix     = "VerifyFix"
	undoFix       = "UndoFix"
	fixVerified   = "FixVerified"
	createTicket  = "CreateTicket"
	logResolution = "LogResolution"
)

// fixing are the states whose function works on a fix that was approved.
func fixing() []string { return []string{executeFix, verifyFix, undoFix} }

// changing are those whose function may change the target.
func changing() []string { return []string{executeFix, undoFix} }

// functionOf is the placeholder that names a state's function: names follow
// through from folder to state.
func functionOf(state string) string { return "${" + state + "FunctionArn}" }

// violation is a broken promise and where it is broken. Two of them are the same
// when both parts are.
type violation struct {
	promise string
	state   string // "" for the definition as a whole
}

func (v violation) String() string { return strings.TrimSpace(v.promise + " " + v.state) }

// findings collects violations, with a sentence each for whoever has to mend it.
type findings struct {
	said map[violation]string
}

func (f *findings) add(promise, state, format string, args ...any) {
	v := violation{promise, state}
	if _, ok := f.said[v]; !ok {
		f.said[v] = fmt.Sprintf(format, args...)
	}
}

// names lists the violations, sorted.
func (f *findings) names() []string {
	names := []string{}
	for v := range f.said {
		names = append(names, v.String())
	}
	slices.Sort(names)
	return names
}

func (f *findings) String() string {
	var b strings.Builder
	for v, why := range f.said {
		fmt.Fprintf(&b, "\n  %s: %s", v, why)
	}
	return b.String()
}

// promises is every check. A definition that the engine's strict loader refuses
// breaks "loads"; nothing else can be said about it.
func promises(text []byte) *findings {
	f := &findings{said: map[violation]string{}}
	def, err := asl.Load(text)
	if err != nil {
		_, where, _ := strings.Cut(err.Error(), "\n")
		f.add("loads", strings.ReplaceAll(where, "\n", "; "), "%v", err)
		return f
	}
	wholeDefinition(f, def)
	for _, s := range def.States() {
		everyState(f, s)
		if s.Type == asl.Task {
			everyTask(f, s)
		}
	}
	graph(f, def)
	dataFlow(f, def)
	contracts(f, def)
	return f
}

func wholeDefinition(f *findings, def *asl.Definition) {
	if def.Comment() == "" {
		f.add("is explained", "", "the definition has no Comment")
	}
	if def.TimeoutSeconds() != 0 {
		f.add("only steps time out", "", "an execution's own timeout cannot be caught: the incident would hang until reconcile")
	}
	if def.StartAt() != investigate {
		f.add("starts with the investigation", "", "it starts at %s", def.StartAt())
	}
	waits := 0
	for _, s := range def.States() {
		if s.WaitsForToken {
			waits++
		}
	}
	wait, _ := def.State(waitState)
	if !wait.WaitsForToken || waits != 1 {
		f.add("waits once", "", "%d states wait for a person; %s alone must", waits, waitState)
	}
}

func everyState(f *findings, s asl.State) {
	if len(strings.Fields(s.Comment)) < 5 {
		f.add("is explained", s.Name, "its Comment says nothing")
	}
	if s.InputPath.String() != "$" || s.OutputPath.String() != "$" {
		f.add("keeps the data whole", s.Name, "InputPath and OutputPath hide the incident's ref from what follows")
	}
	switch {
	case s.Type == asl.Succeed, s.Type == asl.Fail, s.End && s.Name != logResolution:
		f.add("ends in LogResolution", s.Name, "an execution can end here with the incident open")
	case s.Name == logResolution && !s.End:
		f.add("ends in LogResolution", s.Name, "something follows it")
	}
}

// Lambda lets a function run for 15 minutes; what a state allows beyond that can
// never be used.
const longestCall = 900 // seconds

func everyTask(f *findings, s asl.State) {
	if s.FunctionName != functionOf(s.Name) {
		f.add("calls its own function", s.Name, "it calls %s", s.FunctionName)
	}
	switch {
	case s.WaitsForToken && s.TimeoutSecondsPath != "$.approvalTimeoutSeconds":
		f.add("times out", s.Name, "people have as long as the execution's input says; TimeoutSecondsPath is %q", s.TimeoutSecondsPath)
	case !s.WaitsForToken && (s.TimeoutSecondsPath != "" || s.TimeoutSeconds > longestCall):
		f.add("times out", s.Name, "TimeoutSeconds is missing or above %d", longestCall)
	case slices.Contains(changing(), s.Name) && time.Duration(s.TimeoutSeconds)*time.Second < incident.MaxFixTime+time.Minute:
		f.add("times out", s.Name, "%d s is less than a fix may take and a minute to record it", s.TimeoutSeconds)
	}
	everyCatch(f, s)
	everyRetry(f, s)
}

// everyCatch: whatever fails leads on, with its reason beside the data; only the
// last step fails loudly.
func everyCatch(f *findings, s asl.State) {
	if s.Name == logResolution {
		if len(s.Catch) > 0 {
			f.add("fails loudly", s.Name, "a Catch would hide that the incident is still open")
		}
		return
	}
	last := len(s.Catch) - 1
	if last < 0 || !slices.Equal(s.Catch[last].ErrorEquals, []string{"States.ALL"}) {
		f.add("catches everything", s.Name, "an error would end the execution with the incident open")
	}
	for _, c := range s.Catch {
		if want := errorOf(s.Name); c.ResultPath.String() != want {
			f.add("keeps why it failed", s.Name, "Catch puts the error at %s; the steps read %s", c.ResultPath, want)
		}
		if slices.Contains(fixing(), s.Name) && c.Next != createTicket {
			f.add("hands failures to people", s.Name, "a fix about which nothing is known leads to %s", c.Next)
		}
	}
}

// errorOf is where a state's Catch puts the error.
func errorOf(state string) string {
	return map[string]string{investigate: "$.investigateError", analyze: "$.analyzeError", planFix: "$.planError", waitState: "$.waitError",
		executeFix: "$.fixError", verifyFix: "$.fixError", undoFix: "$.fixError", createTicket: "$.ticketError"}[state]
}

// retryable are the errors after which asking again can help: our own kinds that
// say so, and Lambda's own failures, a process that ended and one that took too
// long among them. Naming a States.* error would also repeat
// what took its whole time, or what can never work.
func retryable() []string {
	return []string{string(incident.Unavailable), string(incident.Conflict), "Lambda.ClientExecutionTimeoutException", "Lambda.ServiceException",
		"Lambda.AWSLambdaException", "Lambda.SdkClientException", "Lambda.TooManyRequestsException", "Lambda.Unknown", "Runtime.ExitError", "Sandbox.Timedout"}
}

// beforeTheClaim are the answers of a call that may change the target after which
// nothing can have been done, by retrier: Lambda refused to run it; or it ran and
// claimed nothing, because another fix held the target or the store failed. After every
// other answer it may have acted, so the state machine must not call again. A fix that is
// to be undone still holds its target, so undo-fix never waits for it.
func beforeTheClaim(state string) [][]string {
	if state == undoFix {
		return [][]string{{throttled}, {steps.NameNotStarted}}
	}
	return [][]string{{throttled}, {steps.NameNotStarted, steps.NameTargetBusy}}
}

func everyRetry(f *findings, s asl.State) {
	want, least := [][]string{retryable()}, 2
	switch s.Name {
	case executeFix, undoFix:
		want, least = beforeTheClaim(s.Name), 1
	case logResolution, verifyFix:
		least = 8 // long: nothing follows the end; and a fix that is looked at no more is not undone
	}
	got := make([][]string, len(s.Retry))
	for n, r := range s.Retry {
		got[n] = slices.Sorted(slices.Values(r.ErrorEquals))
		if !r.FullJitter || r.MaxDelay == 0 || r.BackoffRate < 1.5 || r.MaxAttempts < least {
			f.add("backs off", s.Name, "needs full jitter, MaxDelaySeconds, a growing delay and %d attempts: %+v", least, r)
		}
		if slices.Contains(r.ErrorEquals, steps.NameTargetBusy) {
			waitsForItsTurn(f, s, r)
		}
	}
	for n := range want {
		slices.Sort(want[n])
	}
	if !slices.EqualFunc(got, want, slices.Equal[[]string]) {
		f.add("retries what is safe", s.Name, "it retries %v, right is %v", got, want)
	}
}

// soon is how long a target that was given back may stay idle while a fix waits.
const soon = 5 * time.Second

// waitsForItsTurn: an approved fix asks for its target until the approval is too
// old, which the step tells, and not only until the state machine loses patience. A
// delay is half of the longest on average, with full jitter.
func waitsForItsTurn(f *findings, s asl.State, r asl.Retrier) {
	const enough = 2 * incident.MaxApprovalAge
	if patience := time.Duration(r.MaxAttempts) * r.MaxDelay / 2; patience < enough || r.MaxDelay > soon {
		f.add("waits for its turn", s.Name, "it asks for some %s, up to %s apart; right is %s at least, %s at most",
			patience, r.MaxDelay, enough, soon)
	}
}

// contract is a step's input and output, whose JSON names the definition uses.
type contract struct{ input, output any }

func contractOf(state string) contract {
	return map[string]contract{
		investigate:   {incident.Ref{}, steps.InvestigateOutput{}},
		analyze:       {incident.Ref{}, steps.AnalyzeOutput{}},
		planFix:       {incident.Ref{}, steps.PlanFixOutput{}},
		waitState:     {steps.WaitInput{}, nil}, // the callback's output is checked by running it
		executeFix:    {incident.Ref{}, steps.FixProgress{}},
		verifyFix:     {incident.Ref{}, steps.FixProgress{}},
		undoFix:       {incident.Ref{}, steps.FixProgress{}},
		createTicket:  {steps.CreateTicketInput{}, steps.CreateTicketOutput{}},
		logResolution: {steps.LogResolutionInput{}, steps.LogResolutionOutput{}},
	}[state]
}

// members gives the names of an object's members; nil for what is no object.
func members(text []byte) []string {
	var object map[string]json.RawMessage
	if json.Unmarshal(text, &object) != nil {
		return nil
	}
	names := make([]string, 0, len(object))
	for name := range object {
		names = append(names, name)
	}
	slices.Sort(names)
	return names
}

func membersOf(value any) []string {
	text, err := json.Marshal(value)
	if err != nil {
		return nil
	}
	return members(text)
}
