// Package engine runs a state machine on one machine, durably, as Step Functions does on AWS.
//
// [asl.Next] decides every step; the engine stores what it decided, on disk, and only then acts on it: runs
// a task, sets a timer, or is done. Killed at any moment and opened again on the same file, it carries every execution on:
// timers keep their absolute times, a task that was running runs again as the same attempt with the same task token, and each
// execution stays on the definition it began with. So a task runs at least once, and must bear running twice.
//
// One goroutine writes. It gathers what has arrived, from any number of executions, into one write, so a thousand
// steps share a few syncs. In memory are only names, timers and the queue of tasks; executions stay in the file. The file
// may be shared: all buckets here begin with "engine/".
//
// Ended executions leave a small record for 90 days, as long as Step Functions holds their names; then a name is free again.
package engine
