// Package link mints and verifies the decision links that people get by chat
// and mail. A link is a capability: its holder may take one action on one
// incident's one plan, until its deadline, recorded under the channel that it
// was sent to. It names the incident but holds no task token.
//
// It is pure: no clock, no I/O. Keys come from OPSGUARD_LINK_KEYS; the first
// signs and all verify, so a key is rotated by putting a new one in front and
// taking the old one away once its last link has expired.
package link
