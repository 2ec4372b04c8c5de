// Package intake is what the sources share: reading a sender's JSON with the path of
// every field that is wrong (ReadJSON), writing evidence that a person and the rules
// can read (Evidence), and checking who sent a request (Token, Authorization,
// Signature, StandardWebhook, Recent).
//
// Nothing here trusts the sender. Everything that it reads is bounded.
package intake
