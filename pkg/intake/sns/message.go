// Package sns reads the envelope in which Amazon SNS posts to an HTTPS endpoint, and
// checks its signature. Start at Read and at Verifier.
//
// It follows "HTTP/HTTPS notification JSON format" and "Verifying the signatures of
// Amazon SNS messages" in the developer guide of Amazon SNS. The signature covers the
// values of an envelope's fields, not the body's bytes.
package sns

import (
	"encoding/base64"
	"slices"
	"strings"

	"github.com/opsguard/opsguard/pkg/intake"
)

// The types of messages.
const (
	Notification             = "Notification"
	SubscriptionConfirmation = "SubscriptionConfirmation"
	UnsubscribeConfirmation  = "UnsubscribeConfirmation"
)

// Message is an envelope. Nothing of it is true before Verifier.Verify says so.
type Message struct {
	Type  string
	ID    string // the same for each time that SNS sends a message
	Topic string // the ARN

	doc intake.Value
}

// Bounds of an envelope. It is read before anybody knows who sent it, so that another
// large document must cost little. Only MessageAttributes has levels: its names, and of
// each Type and Value.
const (
	maxLevels = 3
	maxValues = 1000
)

// Read returns the message that a body is, or false for another body.
func Read(body []byte) (Message, bool) {
	doc, err := intake.ReadWithin(body, maxLevels, maxValues)
	if err != nil || !slices.Contains(doc.Names(), "Type") { // also what is no object, of which nothing must be asked
		return Message{}, false
	}
	m := Message{Type: doc.At("Type").Written(), ID: doc.At("MessageId").Written(), Topic: doc.At("TopicArn").Written(), doc: doc}
	switch m.Type {
	case Notification, SubscriptionConfirmation, UnsubscribeConfirmation:
		return m, m.ID != "" && m.Topic != ""
	}
	return Message{}, false
}

// Err is the first mistake that Document met.
func (m Message) Err() error { return m.doc.Err() }

// Document is the JSON document that a notification carries. What is wrong with it is a
// mistake of the envelope's document.
func (m Message) Document() intake.Value { return m.doc.At("Message").Document() }

// Delivery names the message for good: SNS gives it the same id each time it sends it.
func (m Message) Delivery() string { return m.Topic + "/" + m.ID }

func (m Message) text(name string) string { return m.doc.At(name).Written() }

// signed is the text that SNS signs: a line with the name and one with the value of each
// field, in the order of the names. Subject is left out where the message has none. It is
// nil where a field but Message has several lines: then the same text could be split into
// other fields.
func (m Message) signed() []byte {
	names := []string{"Message", "MessageId", "Subject", "Timestamp", "TopicArn", "Type"}
	if m.Type != Notification {
		names = []string{"Message", "MessageId", "SubscribeURL", "Timestamp", "Token", "TopicArn", "Type"}
	}
	var b strings.Builder
	for _, name := range names {
		value := m.doc.At(name)
		if !value.Has() {
			continue
		}
		if name != "Message" && strings.Contains(value.Written(), "\n") {
			return nil
		}
		b.WriteString(name + "\n" + value.Written() + "\n")
	}
	return []byte(b.String())
}

func (m Message) signature() []byte {
	signature, err := base64.StdEncoding.DecodeString(m.text("Signature"))
	if err != nil {
		return nil
	}
	return signature
}
