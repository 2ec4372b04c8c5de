// Package statemachine holds the definition of an incident's workflow, the same
// file for Step Functions and for the local engine, and the tests that prove
// things about its graph.
package statemachine

import _ "embed"

// Definition is incident.asl.json. Its FunctionName values are the placeholders
// that the template substitutes; the local engine binds a step to each.
//
//go:embed incident.asl.json
var Definition []byte
