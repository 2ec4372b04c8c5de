// Package stepstest holds the contract tests of the ports in pkg/steps. Every
// adapter of a port runs the same tests: the bbolt store and the local engine,
// and the DynamoDB and Step Functions ones against an emulator or the real thing.
package stepstest
