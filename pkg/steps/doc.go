// Package steps is what OpsGuard does, in one file per step: ingest-alert, analyze,
// wait-for-approval, approve-fix, execute-fix, hourly-health-check,
// create-ticket, log-resolution, the reading side (query-incidents), and
// reconcile, which repairs what a crash or a lost call left half done.
//
// A step is a struct of its ports and one Handle method. Its input and output
// are JSON structs: the contract with statemachine/incident.asl.json. A step
// decides nothing about an incident itself; it loads, asks the rules of
// pkg/incident, and commits. Each is safe to run again.
package steps
