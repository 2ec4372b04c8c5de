// Package e2e is the black-box suite: it knows OpsGuard by its HTTP surface
// only. `make test` runs it against the built one-machine binary;
// OPSGUARD_URL=... make e2e runs it against any deployment.
package e2e
