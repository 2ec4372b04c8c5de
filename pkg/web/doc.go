// Package web is OpsGuard's HTTP surface: the one http.Handler that both
// runtimes serve. It knows who calls (an operator's key, a decision link, or
// somebody on this very machine), reads what they send strictly, asks the
// steps, and words the answer: JSON, RFC 9457 problems, and one HTML page, on
// which a link's holder decides. It decides nothing itself.
//
// Start at table in routes.go: every route is one row of it, and says there who may
// call it. Every refusal is an error returned by a handler; problem.go alone turns
// errors into statuses.
package web
