// Package asl is the part of the Amazon States Language that OpsGuard's workflow uses, as values and pure functions.
//
// [Load] reads a definition and refuses, by JSON path, whatever this package does not implement: a field that AWS would
// obey and this package ignored would make one definition mean two things. [Next] takes an execution and one event to
// the next execution and the commands that somebody else must carry out. It reads no clock, draws no randomness and
// starts nothing, so a test can put a run through every order of events, and an engine can write each step to disk
// before it acts on it. [Pending] tells what an execution read back from disk was waiting for.
//
// Implemented: Task (lambda:invoke, also with .waitForTaskToken), Choice, Pass, Wait, Succeed, Fail; InputPath,
// Parameters, ResultSelector, ResultPath, OutputPath; Retry and Catch; the context object's Execution.Name, .Input and
// .StartTime, State.Name, .EnteredTime and .RetryCount, Task.Token. Paths are reference paths: names and indices, one
// result. The query language is JSONPath. Semantics follow AWS where the specification and AWS differ; the places say so.
package asl
