package amazon

import (
	"context"
	"errors"

	"github.com/opsguard/opsguard/pkg/incident"
	"github.com/opsguard/opsguard/pkg/intake"
	"github.com/opsguard/opsguard/pkg/intake/sns"
	"github.com/opsguard/opsguard/pkg/integration"
)

// Settings are what services.yaml says of a source of AWS.
type Settings struct {
	Topic []string           `setting:"topic" help:"ARNs of the SNS topics that may send here; [] if only EventBridge sends"`
	Token integration.Secret `setting:"token" default:"" help:"what EventBridge sends in X-Api-Key or Authorization; without, only SNS sends"`
}

// Validate implements what integration.Open asks of settings.
func (s Settings) Validate() error {
	for i, topic := range s.Topic {
		if !sns.ValidTopic(topic) {
			return incident.BadField("topic", "number %d is not the ARN of an SNS topic, like arn:aws:sns:eu-central-1:123456789012:alarms", i+1)
		}
	}
	if len(s.Topic) == 0 && s.Token.IsZero() {
		return incident.BadField("token", "is missing, and topic lists no topic, so nobody could send; give one of the two")
	}
	return nil
}

// ErrRaw refuses what SNS sends without its envelope.
var ErrRaw = errors.New("SNS signs nothing with raw message delivery; switch it off for this subscription")

// Sender is AWS as the sender of requests: what every source of AWS has in common, which
// embeds it. It is safe for concurrent use.
type Sender struct {
	env      integration.Env
	settings Settings
	verifier *sns.Verifier
}

// NewSender calls nobody.
func NewSender(env integration.Env, s Settings) *Sender {
	return &Sender{env: env, settings: s, verifier: sns.NewVerifier(env, s.Topic)}
}

// Authenticate checks the signature of what is in an SNS envelope, and the token of
// everything else. A token never stands in for a signature.
func (s *Sender) Authenticate(ctx context.Context, r intake.Request) error {
	if r.Header.Get("X-Amz-Sns-Rawdelivery") != "" {
		return ErrRaw
	}
	if m, enveloped := sns.Read(r.Body); enveloped {
		return s.verifier.Verify(ctx, m)
	}
	if s.settings.Token.IsZero() {
		return intake.ErrNotTheSender
	}
	if key := r.Header.Get("X-Api-Key"); key != "" {
		return intake.Token(ctx, s.env, s.settings.Token, key)
	}
	return intake.Authorization(ctx, s.env, s.settings.Token, r.Header)
}

// Delivery names a signed message, "" for what SNS did not sign.
func (s *Sender) Delivery(r intake.Request) string {
	if m, enveloped := sns.Read(r.Body); enveloped {
		return m.Delivery()
	}
	return ""
}

// Greet confirms the subscription to a topic.
func (s *Sender) Greet(ctx context.Context, r intake.Request) (greeted bool, err error) {
	m, enveloped := sns.Read(r.Body)
	if !enveloped {
		return false, nil
	}
	return s.verifier.Confirm(ctx, m)
}

// Open returns the document that a request is about: what its SNS envelope holds, or
// the body itself. It is false for a message that only tells of a subscription.
func Open(body []byte) (doc intake.Value, says bool, err error) {
	m, enveloped := sns.Read(body) // as Authenticate asks: what it took for no envelope never becomes one
	switch {
	case !enveloped:
		doc, err = intake.ReadJSON(body)
		return doc, err == nil, err
	case m.Type != sns.Notification:
		return doc, false, nil
	}
	doc = m.Document()
	return doc, true, m.Err()
}
