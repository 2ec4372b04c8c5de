// Package events holds one sample event a function, for `sam local invoke` and for
// the tests that keep them from rotting.
package events
