// Package local is OpsGuard on one machine: it binds the steps to the bbolt
// store, the workflow engine that interprets the same state machine as Step
// Functions, an in-process schedule and an HTTP server. It only binds; what
// happens is in pkg/steps, what may happen in pkg/incident. Start at Open.
package local
