// Package amazon is what the sources of AWS share. An alert of AWS comes in the envelope
// of SNS, which signs it, or as an event of EventBridge, whose API destinations send a
// token. Sender proves both; Open takes the alert out of the envelope; ReadEvent reads
// the fields that every event has; ARN, Console and Labels say where something is.
package amazon
