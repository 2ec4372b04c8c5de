package asl

import (
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"os"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func incidentDefinition(t testing.TB) []byte {
	t.Helper()
	data, err := os.ReadFile("testdata/incident.asl.json")
	if err != nil {
		t.Fatal(err)
	}
	return data
}

func mustLoad(t testing.TB, text string) *Definition {
	t.Helper()
	def, err := Load([]byte(text))
	if err != nil {
		t.Fatalf("load: %v", err)
	}
	return def
}

// machine is a definition of one state S and those given.
func machine(state string, more ...string) string {
	return `{"StartAt":"S","States":{` + strings.Join(append([]string{`"S":` + state}, more...), ",") + `}}`
}

const end = `"End":{"Type":"Succeed"}`

// task is a Task state F with further fields, which begin with a comma.
func task(fields string) string {
	return `{"Type":"Task","Resource":"arn:aws:states:::lambda:invoke","Parameters":{"FunctionName":"F","Payload.$":"$"}` + fields + `}`
}

func waitingTask(fields string) string {
	return `{"Type":"Task","Resource":"arn:aws:states:::lambda:invoke.waitForTaskToken",` +
		`"Parameters":{"FunctionName":"F","Payload":{"token.$":"$$.Task.Token"}}` + fields + `}`
}

func choice(rule string) string {
	return machine(`{"Type":"Choice","Choices":[`+strings.TrimSuffix(rule, "}")+`,"Next":"End"}],"Default":"Other"}`, end, `"Other":{"Type":"Fail"}`)
}

func TestLoadShowsTheGraph(t *testing.T) {
	data := incidentDefinition(t)
	def, err := Load(data)
	if err != nil {
		t.Fatal(err)
	}
	sum := sha256.Sum256(data)
	if def.Digest() != hex.EncodeToString(sum[:]) {
		t.Errorf("digest %s is not the SHA-256 of the bytes", def.Digest())
	}
	edges := map[string][]Successor{}
	for _, state := range def.States() {
		edges[state.Name] = state.Successors()
	}
	want := map[string][]Successor{
		"Analyze":         {{"Next", "WaitForApproval"}, {"Catch 0", "WaitForApproval"}},
		"WaitForApproval": {{"Next", "Decided"}, {"Catch 0", "CreateTicket"}},
		"Decided":         {{"Choice 0", "ExecuteFix"}, {"Choice 1", "LogResolution"}, {"Default", "CreateTicket"}},
		"ExecuteFix":      {{"Next", "FixVerified"}, {"Catch 0", "CreateTicket"}},
		"FixVerified":     {{"Choice 0", "LogResolution"}, {"Default", "CreateTicket"}},
		"CreateTicket":    {{"Next", "LogResolution"}, {"Catch 0", "LogResolution"}},
		"LogResolution":   nil,
	}
	if diff := cmp.Diff(want, edges); diff != "" {
		t.Errorf("edges (-want +got):\n%s", diff)
	}
	wantFunctions := []string{"${AnalyzeFunctionArn}", "${CreateTicketFunctionArn}", "${ExecuteFixFunctionArn}", "${LogResolutionFunctionArn}", "${WaitForApprovalFunctionArn}"}
	if diff := cmp.Diff(wantFunctions, def.Functions()); diff != "" {
		t.Errorf("functions (-want +got):\n%s", diff)
	}
	wait, _ := def.State("WaitForApproval")
	if !wait.WaitsForToken || wait.TimeoutSecondsPath != "$.approvalTimeoutSeconds" || wait.Catch[0].ResultPath.String() != "$.approvalError" {
		t.Errorf("WaitForApproval read as %+v", wait)
	}
	decided, _ := def.State("Decided")
	if rule := decided.Choices[0].String(); !strings.Contains(rule, `"StringEquals":"approve"`) {
		t.Errorf("the first choice reads %s", rule)
	}
}

func TestLoadAcceptsWhatItImplements(t *testing.T) {
	cases := map[string]string{
		"version and query language": `{"Version":"1.0","QueryLanguage":"JSONPath","Comment":"c","StartAt":"S","States":{"S":{"Type":"Succeed","QueryLanguage":"JSONPath","Comment":"c"}}}`,
		"fail without a word":        machine(`{"Type":"Fail"}`),
		"payload by path":            machine(task(`,"End":true`)),
		"partition of China":         machine(strings.Replace(task(`,"End":true`), "arn:aws:", "arn:aws-cn:", 1)),
		"partition of GovCloud":      machine(strings.Replace(task(`,"End":true`), "arn:aws:", "arn:aws-us-gov:", 1)),
		"partition to be filled in":  machine(strings.Replace(task(`,"End":true`), "arn:aws:", "arn:${Partition}:", 1)),
		"whole seconds as 60.0":      machine(task(`,"TimeoutSeconds":60.0,"End":true`)),
		"context object":             machine(`{"Type":"Pass","Parameters":{"a.$":"$$.Execution.Name","b.$":"$$.Execution.Input.x","c.$":"$$.State.RetryCount"},"End":true}`),
		"quoted name in a path":      machine(`{"Type":"Pass","InputPath":"$['a b'].c[0]","End":true}`),
		"a loop":                     machine(`{"Type":"Wait","Seconds":1,"Next":"S"}`),
	}
	for name, text := range cases {
		t.Run(name, func(t *testing.T) { mustLoad(t, text) })
	}
}

func TestLoadRefusesByPath(t *testing.T) {
	cases := map[string]struct{ text, want string }{
		"no object":                 {`[]`, "$: must be an object, not an array"},
		"no StartAt":                {`{"States":{"S":{"Type":"Succeed"}}}`, "$.StartAt: is required"},
		"no States":                 {`{"StartAt":"S"}`, "$.States: is required"},
		"other version":             {`{"Version":"2.0","StartAt":"S","States":{"S":{"Type":"Succeed"}}}`, `$.Version: "2.0" is not implemented`},
		"JSONata":                   {`{"QueryLanguage":"JSONata","StartAt":"S","States":{"S":{"Type":"Succeed"}}}`, `$.QueryLanguage: "JSONata" is not implemented`},
		"JSONata in a state":        {machine(`{"Type":"Succeed","QueryLanguage":"JSONata"}`), `$.States.S.QueryLanguage: "JSONata" is not implemented`},
		"unknown top field":         {`{"Extra":1,"StartAt":"S","States":{"S":{"Type":"Succeed"}}}`, "$.Extra: not implemented by this engine; remove it"},
		"heartbeat":                 {machine(task(`,"HeartbeatSeconds":5,"End":true`)), "$.States.S.HeartbeatSeconds: not implemented by this engine; remove it"},
		"Assign":                    {machine(task(`,"Assign":{},"End":true`)), "$.States.S.Assign: not implemented by this engine; remove it"},
		"credentials":               {machine(task(`,"Credentials":{},"End":true`)), "$.States.S.Credentials: not implemented"},
		"Map":                       {machine(`{"Type":"Map","End":true}`), `$.States.S.Type: "Map" is not implemented by this engine`},
		"Parallel":                  {machine(`{"Type":"Parallel","Branches":[],"End":true}`), `$.States.S.Type: "Parallel" is not implemented by this engine`},
		"other resource":            {machine(`{"Type":"Task","Resource":"arn:aws:states:::sqs:sendMessage","Parameters":{"FunctionName":"F","Payload":1},"End":true}`), "$.States.S.Resource: "},
		"a partition that is none":  {machine(strings.Replace(task(`,"End":true`), "arn:aws:", "arn:Aws Cn:", 1)), "$.States.S.Resource: "},
		"an unknown placeholder":    {machine(strings.Replace(task(`,"End":true`), "arn:aws:", "arn:${Other}:", 1)), "$.States.S.Resource: "},
		"other invoke field":        {machine(`{"Type":"Task","Resource":"arn:aws:states:::lambda:invoke","Parameters":{"FunctionName":"F","Payload":1,"InvocationType":"Event"},"End":true}`), "$.States.S.Parameters.InvocationType: not implemented"},
		"dynamic function":          {machine(`{"Type":"Task","Resource":"arn:aws:states:::lambda:invoke","Parameters":{"FunctionName.$":"$.f","Payload":1},"End":true}`), "$.States.S.Parameters.FunctionName: is required"},
		"no payload":                {machine(`{"Type":"Task","Resource":"arn:aws:states:::lambda:invoke","Parameters":{"FunctionName":"F"},"End":true}`), "$.States.S.Parameters.Payload: is required"},
		"intrinsic function":        {machine(`{"Type":"Pass","Parameters":{"x.$":"States.Format('{}', $.a)"},"End":true}`), "$.States.S.Parameters[\"x.$\"]: \"States.Format('{}', $.a)\": intrinsic functions are not implemented"},
		"deep intrinsic function":   {machine(`{"Type":"Pass","Parameters":{"a":[{"x.$":"States.UUID()"}]},"End":true}`), "$.States.S.Parameters.a[0][\"x.$\"]: "},
		"no path":                   {machine(`{"Type":"Pass","Parameters":{"x.$":"plain"},"End":true}`), "$.States.S.Parameters[\"x.$\"]: "},
		"path twice":                {machine(`{"Type":"Pass","Parameters":{"x.$":"$.a","x":1},"End":true}`), `$.States.S.Parameters.x: "x" is given twice, with and without .$`},
		"wildcard":                  {machine(`{"Type":"Pass","InputPath":"$.a[*]","End":true}`), "$.States.S.InputPath: "},
		"filter":                    {machine(`{"Type":"Pass","OutputPath":"$.a[?(@.x>1)]","End":true}`), "$.States.S.OutputPath: "},
		"descent":                   {machine(`{"Type":"Pass","OutputPath":"$..a","End":true}`), "$.States.S.OutputPath: "},
		"trailing dollar":           {machine(`{"Type":"Pass","OutputPath":"$.a$","End":true}`), "$.States.S.OutputPath: "},
		"index from the end":        {machine(`{"Type":"Pass","OutputPath":"$.a[-1]","End":true}`), "$.States.S.OutputPath: "},
		"overflowing index":         {machine(`{"Type":"Pass","OutputPath":"$.a[99999999999999999999]","End":true}`), "$.States.S.OutputPath: "},
		"token without waiting":     {machine(`{"Type":"Task","Resource":"arn:aws:states:::lambda:invoke","Parameters":{"FunctionName":"F","Payload":{"t.$":"$$.Task.Token"}},"End":true}`), "only a .waitForTaskToken task has a task token"},
		"unknown context":           {machine(`{"Type":"Pass","Parameters":{"x.$":"$$.Map.Item.Index"},"End":true}`), "$.States.S.Parameters[\"x.$\"]: \"$$.Map.Item.Index\": not implemented"},
		"execution ARN":             {machine(`{"Type":"Pass","Parameters":{"x.$":"$$.Execution.Id"},"End":true}`), "$.States.S.Parameters[\"x.$\"]: "},
		"result into context":       {machine(`{"Type":"Pass","ResultPath":"$$.State.Name","End":true}`), "the context object cannot be written"},
		"result at an index":        {machine(`{"Type":"Pass","ResultPath":"$.a[0]","End":true}`), "$.States.S.ResultPath: "},
		"missing target":            {machine(`{"Type":"Pass","Next":"Nowhere"}`), `$.States.S.Next: there is no state "Nowhere"`},
		"missing catch target":      {machine(task(`,"Catch":[{"ErrorEquals":["A"],"Next":"Nowhere"}],"End":true`)), `$.States.S.Catch[0].Next: there is no state "Nowhere"`},
		"missing default":           {machine(`{"Type":"Choice","Choices":[{"Variable":"$.a","IsPresent":true,"Next":"S"}],"Default":"Nowhere"}`), `$.States.S.Default: there is no state "Nowhere"`},
		"missing start":             {`{"StartAt":"X","States":{"S":{"Type":"Succeed"}}}`, `$.StartAt: there is no state "X"`},
		"unreachable":               {machine(`{"Type":"Succeed"}`, `"Lost":{"Type":"Succeed"}`), "$.States.Lost: cannot be reached from StartAt"},
		"unreachable, quoted":       {machine(`{"Type":"Succeed"}`, `"a b.c":{"Type":"Succeed"}`), `$.States["a b.c"]: cannot be reached`},
		"neither next nor end":      {machine(`{"Type":"Pass"}`), "$.States.S: needs Next, or End: true"},
		"end false alone":           {machine(`{"Type":"Pass","End":false}`), "$.States.S: needs Next, or End: true"},
		"next and end":              {machine(`{"Type":"Pass","Next":"End","End":true}`, end), "$.States.S: has both Next and End"},
		"next of a choice":          {machine(`{"Type":"Choice","Next":"End","Choices":[{"Variable":"$.a","IsNull":true,"Next":"End"}]}`, end), "$.States.S.Next: not implemented"},
		"end of a succeed":          {machine(`{"Type":"Succeed","End":true}`), "$.States.S.End: not implemented"},
		"no type":                   {machine(`{"End":true}`), "$.States.S.Type: is required"},
		"empty type":                {machine(`{"Type":"","End":true}`), "$.States.S.Type: must not be empty"},
		"wrong type of field":       {machine(task(`,"TimeoutSeconds":"60","End":true`)), "$.States.S.TimeoutSeconds: must be a whole number, not a string"},
		"zero timeout":              {machine(task(`,"TimeoutSeconds":0,"End":true`)), "$.States.S.TimeoutSeconds: must be a whole number from 1"},
		"broken timeout":            {machine(task(`,"TimeoutSeconds":1.5,"End":true`)), "$.States.S.TimeoutSeconds: "},
		"two timeouts":              {machine(task(`,"TimeoutSeconds":1,"TimeoutSecondsPath":"$.t","End":true`)), "cannot stand beside TimeoutSeconds"},
		"comment no string":         {machine(`{"Type":"Succeed","Comment":1}`), "$.States.S.Comment: must be a string, not a number"},
		"state no object":           {machine(`1`), "$.States.S: must be an object, not a number"},
		"result and parameters":     {machine(`{"Type":"Pass","Result":1,"Parameters":{},"End":true}`), "cannot stand beside Result"},
		"two waits":                 {machine(`{"Type":"Wait","Seconds":1,"SecondsPath":"$.s","End":true}`), "$.States.S: needs exactly one of Seconds"},
		"no wait":                   {machine(`{"Type":"Wait","End":true}`), "$.States.S: needs exactly one of Seconds"},
		"bad timestamp":             {machine(`{"Type":"Wait","Timestamp":"tomorrow","End":true}`), "$.States.S.Timestamp: must be an RFC 3339 time"},
		"retry without errors":      {machine(task(`,"Retry":[{}],"End":true`)), "$.States.S.Retry[0].ErrorEquals: is required"},
		"retry of nothing":          {machine(task(`,"Retry":[{"ErrorEquals":[]}],"End":true`)), "$.States.S.Retry[0].ErrorEquals: must not be empty"},
		"all beside another":        {machine(task(`,"Retry":[{"ErrorEquals":["A","States.ALL"]}],"End":true`)), "$.States.S.Retry[0].ErrorEquals[1]: States.ALL must stand alone"},
		"all not last":              {machine(task(`,"Retry":[{"ErrorEquals":["States.ALL"]},{"ErrorEquals":["A"]}],"End":true`)), "$.States.S.Retry[0].ErrorEquals[0]: States.ALL must be in the last entry"},
		"catch of the uncatchable":  {machine(task(`,"Catch":[{"ErrorEquals":["States.Runtime"],"Next":"End"}],"Next":"End"`), end), "States.Runtime always fails the execution"},
		"unknown reserved error":    {machine(task(`,"Retry":[{"ErrorEquals":["States.HeartbeatTimeout"]}],"End":true`)), `$.States.S.Retry[0].ErrorEquals[0]: "States.HeartbeatTimeout" is not implemented`},
		"negative attempts":         {machine(task(`,"Retry":[{"ErrorEquals":["A"],"MaxAttempts":-1}],"End":true`)), "$.States.S.Retry[0].MaxAttempts: "},
		"zero interval":             {machine(task(`,"Retry":[{"ErrorEquals":["A"],"IntervalSeconds":0}],"End":true`)), "$.States.S.Retry[0].IntervalSeconds: "},
		"shrinking backoff":         {machine(task(`,"Retry":[{"ErrorEquals":["A"],"BackoffRate":0.5}],"End":true`)), "$.States.S.Retry[0].BackoffRate: must be a number of at least 1"},
		"other jitter":              {machine(task(`,"Retry":[{"ErrorEquals":["A"],"JitterStrategy":"SOME"}],"End":true`)), `$.States.S.Retry[0].JitterStrategy: "SOME" is not implemented`},
		"delay below interval":      {machine(task(`,"Retry":[{"ErrorEquals":["A"],"IntervalSeconds":5,"MaxDelaySeconds":5}],"End":true`)), "$.States.S.Retry[0].MaxDelaySeconds: must be greater than IntervalSeconds"},
		"retry of a pass":           {machine(`{"Type":"Pass","Retry":[],"End":true}`), "$.States.S.Retry: not implemented"},
		"unknown operator":          {choice(`{"Variable":"$.a","StringStartsWith":"x"}`), "$.States.S.Choices[0].StringStartsWith: not implemented"},
		"path of a pattern":         {choice(`{"Variable":"$.a","StringMatchesPath":"$.b"}`), "$.States.S.Choices[0].StringMatchesPath: not implemented"},
		"path of an is":             {choice(`{"Variable":"$.a","IsNullPath":"$.b"}`), "$.States.S.Choices[0].IsNullPath: not implemented"},
		"two operators":             {choice(`{"Variable":"$.a","IsNull":true,"IsString":true}`), "$.States.S.Choices[0]: needs exactly one comparison operator, not 2"},
		"no operator":               {choice(`{"Variable":"$.a"}`), "$.States.S.Choices[0]: needs exactly one comparison operator, not 0"},
		"operand of another kind":   {choice(`{"Variable":"$.a","NumericEquals":"1"}`), "$.States.S.Choices[0].NumericEquals: must be a number, not a string"},
		"operand no time":           {choice(`{"Variable":"$.a","TimestampEquals":"now"}`), "$.States.S.Choices[0].TimestampEquals: must be an RFC 3339 time"},
		"operand out of range":      {choice(`{"Variable":"$.a","NumericEquals":1e999}`), "$.States.S.Choices[0].NumericEquals: 1e999 is out of range"},
		"and beside variable":       {choice(`{"Variable":"$.a","IsNull":true,"And":[{"Variable":"$.a","IsNull":true}]}`), "$.States.S.Choices[0]: needs exactly one of And, Or, Not and Variable"},
		"next inside a rule":        {choice(`{"Not":{"Variable":"$.a","IsNull":true,"Next":"End"}}`), "$.States.S.Choices[0].Not.Next: not implemented"},
		"assign inside a rule":      {choice(`{"Variable":"$.a","IsNull":true,"Assign":{}}`), "$.States.S.Choices[0].Assign: not implemented"},
		"empty and":                 {choice(`{"And":[]}`), "$.States.S.Choices[0].And: must not be empty"},
		"no choices":                {machine(`{"Type":"Choice","Default":"End"}`, end), "$.States.S.Choices: is required"},
		"empty choices":             {machine(`{"Type":"Choice","Choices":[],"Default":"End"}`, end), "$.States.S.Choices: must not be empty"},
		"key twice":                 {`{"StartAt":"S","StartAt":"S","States":{"S":{"Type":"Succeed"}}}`, "$.StartAt: given twice"},
		"key twice in a template":   {machine(`{"Type":"Pass","Parameters":{"a":{"b":1,"b":2}},"End":true}`), "$.States.S.Parameters.a.b: given twice"},
		"state twice":               {machine(`{"Type":"Succeed"}`, `"S":{"Type":"Succeed"}`), "$.States.S: given twice"},
		"key in another case":       {machine(`{"type":"Succeed"}`), "$.States.S.Type: is required"},
		"name too long":             {`{"StartAt":"` + strings.Repeat("n", 81) + `","States":{"` + strings.Repeat("n", 81) + `":{"Type":"Succeed"}}}`, "1 to 80 characters, not 81"},
		"trailing data":             {machine(`{"Type":"Succeed"}`) + `{}`, "data after the end"},
		"trailing rubbish":          {machine(`{"Type":"Succeed"}`) + `x`, "data after the end"},
		"cut off":                   {`{"StartAt":"S"`, "definition: offset"},
		"empty":                     {``, "definition: offset"},
		"not UTF-8":                 {"{\"StartAt\":\"\xff\"}", "not valid UTF-8"},
		"not the bytes but a bomb":  {strings.Repeat("[", 100_000), "definition: offset"},
		"too large":                 {strings.Repeat(" ", maxDefinition+1), "at most 1048576"},
		"ErrorPath":                 {machine(`{"Type":"Fail","ErrorPath":"$.e"}`), "$.States.S.ErrorPath: not implemented"},
		"context in a wrong form":   {machine(`{"Type":"Pass","Parameters":{"x.$":"$$"},"End":true}`), "$.States.S.Parameters[\"x.$\"]: "},
		"selector no object":        {machine(task(`,"ResultSelector":1,"End":true`)), "$.States.S.ResultSelector: must be an object, not a number"},
		"parameters by path":        {machine(`{"Type":"Task","Resource":"arn:aws:states:::lambda:invoke","Parameters":"$","End":true}`), "$.States.S.Parameters: must be an object, not a string"},
		"timeout of the whole zero": {`{"TimeoutSeconds":0,"StartAt":"S","States":{"S":{"Type":"Succeed"}}}`, "$.TimeoutSeconds: "},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			def, err := Load([]byte(c.text))
			if err == nil || def != nil {
				t.Fatalf("loaded: want %q", c.want)
			}
			if !strings.Contains(err.Error(), c.want) {
				t.Errorf("got %q\nwant %q in it", err, c.want)
			}
		})
	}
}

func TestLoadReportsEveryProblemAtOnce(t *testing.T) {
	_, err := Load([]byte(`{"Extra":1,"StartAt":"S","States":{
		"S":{"Type":"Task","Resource":"arn:aws:states:::lambda:invoke","HeartbeatSeconds":1,"Parameters":{"FunctionName":"F","Payload":1},"Next":"X"},
		"Lost":{"Type":"Map","ItemProcessor":{},"Next":"AlsoLost"}}}`))
	var all *LoadError
	if !errors.As(err, &all) {
		t.Fatalf("got %v, want a LoadError", err)
	}
	got := map[string]bool{}
	for _, p := range all.Problems {
		got[p.Path] = true
	}
	want := map[string]bool{"$.Extra": true, "$.States.S.HeartbeatSeconds": true, "$.States.S.Next": true, "$.States.Lost.Type": true}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("problems (-want +got):\n%s", diff)
	}
	var one Problem
	if !errors.As(err, &one) || one.Path != "$.States.S.HeartbeatSeconds" && one.Path != "$.Extra" {
		t.Errorf("errors.As found %v", one)
	}
}
