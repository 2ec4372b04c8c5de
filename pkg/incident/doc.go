// Package incident holds OpsGuard's words and rules: what an alert, an incident,
// a plan, a vote and a decision are, which transitions exist, and what each
// leaves in the audit trail. Start reading at Incident and Change.
//
// It imports the standard library only and does no I/O. Every rule is a method
// on an Incident value that takes the time and returns a Change: the incident
// as it is to be, the one audit event that says so, and the other items that
// must be written with it. A store commits a Change whole or answers Conflict;
// that version check is the only lock an incident has, so most promises of the
// product are decided here and nowhere else.
//
// Asking for what already happened is not an error: the method then returns an
// empty Change (Change.Empty) whose Incident is the record.
package incident
