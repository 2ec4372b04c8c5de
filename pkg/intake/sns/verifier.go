package sns

import (
	"context"
	"crypto"
	"crypto/rsa"
	_ "crypto/sha1" // what topics sign with by default
	_ "crypto/sha256"
	"errors"
	"slices"
	"time"

	"github.com/opsguard/opsguard/pkg/intake"
	"github.com/opsguard/opsguard/pkg/integration"
)

// Window is how old a message may be: SNS sends one again for an hour at most.
const Window = time.Hour

// Why a message is not taken. None says more of the signature than that it is wrong.
var (
	ErrTopic       = errors.New("the message is of a topic that the setting topic does not list")
	ErrCertificate = errors.New("the message names a signing certificate that is not SNS's")
	ErrSubscribe   = errors.New("the message names an address to confirm the subscription that is not SNS's")
)

// Verifier checks messages. It is safe for concurrent use.
type Verifier struct {
	env    integration.Env
	topics []string
	certs  certificates
}

// NewVerifier makes a Verifier that takes messages of these topics only. It calls nobody.
func NewVerifier(env integration.Env, topics []string) *Verifier {
	return &Verifier{env: env, topics: slices.Clone(topics), certs: certificates{env: env}}
}

// Verify checks that SNS signed the message for one of the topics and not long ago. It
// may fetch the signing certificate. incident.Unavailable says that this failed.
func (v *Verifier) Verify(ctx context.Context, m Message) error {
	home, ok := homeOf(m.Topic)
	if !ok || !slices.Contains(v.topics, m.Topic) {
		return ErrTopic
	}
	at, err := time.Parse(time.RFC3339, m.text("Timestamp"))
	if err != nil {
		return intake.ErrTooOld
	}
	if err := intake.Recent(v.env.Now(), at, Window); err != nil {
		return err
	}
	hash, known := hashes()[m.text("SignatureVersion")]
	signature, signed := m.signature(), m.signed()
	if !known || signature == nil || signed == nil {
		return intake.ErrNotTheSender
	}
	address, ok := home.certificate(m.text("SigningCertURL"))
	if !ok {
		return ErrCertificate
	}
	key, err := v.certs.key(ctx, address, home)
	if err != nil {
		return err
	}
	sum := hash.New()
	sum.Write(signed)
	if rsa.VerifyPKCS1v15(key, hash, sum.Sum(nil), signature) != nil {
		return intake.ErrNotTheSender
	}
	return nil
}

// hashes are what each version of the signature signs.
func hashes() map[string]crypto.Hash {
	return map[string]crypto.Hash{"1": crypto.SHA1, "2": crypto.SHA256}
}

// Confirm answers a message that was verified and asks whether its topic may send here.
// It reports false for a notification. A subscription that was ended is not taken up
// again, though the message offers it.
func (v *Verifier) Confirm(ctx context.Context, m Message) (answered bool, err error) {
	home, ok := homeOf(m.Topic)
	if !ok || !slices.Contains(v.topics, m.Topic) {
		return true, ErrTopic
	}
	switch m.Type {
	case UnsubscribeConfirmation:
		v.env.Log.WarnContext(ctx, "SNS ended a subscription: alerts of this topic no longer come", "topic", m.Topic)
		return true, nil
	case SubscriptionConfirmation:
		address, ok := home.confirmation(m.text("SubscribeURL"), m.Topic)
		if !ok {
			return true, ErrSubscribe
		}
		if _, err := fetch(ctx, v.env, "SNS, to confirm the subscription,", address); err != nil {
			return true, err
		}
		v.env.Log.InfoContext(ctx, "confirmed the subscription to an SNS topic", "topic", m.Topic)
		return true, nil
	}
	return false, nil
}
