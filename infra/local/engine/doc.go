// Package engine runs a state machine on one machine, durably, as Step Functions does on AWS.
//
// [asl.Next] decides every step. The engine hands what it decided to the store's journal, and acts on it without waiting for
// the disk: it runs a task, sets a timer, or is done. The journal keeps its order. Whatever a task writes is behind the step
// that began it, and is on disk only if that step is. So a crash can lose the last steps, never one that something on disk
// came from, and then it is as if their tasks had not run yet. A task runs at least once, several in a row may run again,
// and each must bear it. What must not happen twice, or before it was allowed, waits for the disk itself: a fix acts only
// once its claim is on disk, and an alert or a decision is answered only once it is. Start and SendTaskSuccess wait for the
// disk; StartSoon and SendTaskSuccessSoon do not. While the disk takes nothing, the engine takes no further steps.
//
// Killed at any moment and opened again on the same file, it carries every execution on: timers keep their absolute times, a
// task that was running runs again, with the same attempt and task token if the step is on disk, and each execution stays on
// the definition it began with.
//
// One goroutine writes. It gathers what has arrived, from any number of executions, into one write, so a thousand
// steps share a few syncs. In memory are only names, timers and the queue of tasks; executions stay in the file. The file
// may be shared: all buckets here begin with "engine/".
//
// Ended executions leave a small record for 90 days, as long as Step Functions holds their names; then a name is free again.
package engine
