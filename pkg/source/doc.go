// Package source turns what senders send into alerts, one file a sender: it
// checks who sent it where the sender's protocol says how, and reads it into
// incident.Alert, the only form that the rest of OpsGuard knows. Our own POST
// body (api.go) is one of them.
package source
