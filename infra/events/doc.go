// Package events holds one sample event per function, for `sam local invoke` and for
// the tests that keep them valid.
package events
