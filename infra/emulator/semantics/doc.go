// Package semantics holds the local engine and the emulator's interpreter to one
// meaning of the states language: cases.json has small definitions and inputs over
// the constructs that statemachine/incident.asl.json uses, and what must come of
// them. semantics_test.go runs them on the engine, semantics.py on the emulator.
// Where the two differ, the case says so and which of them AWS is like.
package semantics
