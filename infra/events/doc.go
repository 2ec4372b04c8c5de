// Package events holds one sample event per function, for `sam local invoke` and for
// the tests that keep them valid. In direct are those that services of AWS hand to
// ingest-alert themselves.
package events
