package intake

import (
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/base64"
	"errors"
	"hash"
	"net/http"
	"strings"
	"time"

	"github.com/opsguard/opsguard/pkg/integration"
)

// Request is what a sender sent: its headers and the body's raw bytes, over which
// signatures are made.
type Request struct {
	Header http.Header
	Body   []byte
}

// ErrNotTheSender is the refusal of every proof. It does not say what was wrong with
// it.
var ErrNotTheSender = errors.New("the request does not prove its sender")

// ErrTooOld refuses a proof that is right but was made too long ago, or in the future.
var ErrTooOld = errors.New("the request was signed outside of the time that is allowed")

// Values returns the values that are accepted now: several, separated by white space,
// while a secret is rotated. None is empty, so a secret that is empty accepts nothing.
func Values(ctx context.Context, env integration.Env, s integration.Secret) ([]string, error) {
	text, err := env.Secret(ctx, s)
	if err != nil {
		return nil, err
	}
	return strings.Fields(text), nil
}

// Token checks what a sender presents, such as a bearer token, against each accepted
// value, in constant time.
func Token(ctx context.Context, env integration.Env, s integration.Secret, presented string) error {
	accepted, err := Values(ctx, env, s)
	if err != nil {
		return err
	}
	got, right := sha256.Sum256([]byte(presented)), 0
	for _, value := range accepted {
		want := sha256.Sum256([]byte(value))
		right |= subtle.ConstantTimeCompare(got[:], want[:])
	}
	if right != 1 || presented == "" {
		return ErrNotTheSender
	}
	return nil
}

// Authorization checks the header of that name: a bearer token that is the secret's
// value, or basic authentication whose "user:password" is. It is for senders that
// sign nothing.
func Authorization(ctx context.Context, env integration.Env, s integration.Secret, h http.Header) error {
	scheme, rest, _ := strings.Cut(h.Get("Authorization"), " ")
	presented := strings.TrimSpace(rest)
	switch {
	case strings.EqualFold(scheme, "Bearer"):
	case strings.EqualFold(scheme, "Basic"):
		plain, err := base64.StdEncoding.DecodeString(presented)
		if err != nil {
			return ErrNotTheSender
		}
		presented = string(plain)
	default:
		return ErrNotTheSender
	}
	return Token(ctx, env, s, presented)
}

// ByHeader is a sender that signs nothing and proves itself by its Authorization header.
// The sources of such senders embed it.
type ByHeader struct {
	Env    integration.Env
	Secret integration.Secret
}

// Authenticate checks the header as Authorization does.
func (b ByHeader) Authenticate(ctx context.Context, r Request) error {
	return Authorization(ctx, b.Env, b.Secret, r.Header)
}

// Signature checks that one of the signatures is the HMAC of the message under one of
// the accepted values, in constant time. Signatures are raw bytes: decode hex or
// base64 first; one that cannot be decoded is nil.
func Signature(ctx context.Context, env integration.Env, s integration.Secret, h func() hash.Hash, message []byte,
	signatures ...[]byte) error {
	accepted, err := Values(ctx, env, s)
	if err != nil {
		return err
	}
	keys := make([][]byte, len(accepted))
	for i, value := range accepted {
		keys[i] = []byte(value)
	}
	return signedUnder(keys, h, message, signatures)
}

// signedUnder compares every signature under every key, so that the time tells nothing.
func signedUnder(keys [][]byte, h func() hash.Hash, message []byte, signatures [][]byte) error {
	right := 0
	for _, key := range keys {
		mac := hmac.New(h, key)
		mac.Write(message)
		want := mac.Sum(nil)
		for _, got := range signatures {
			right |= subtle.ConstantTimeCompare(got, want)
		}
	}
	if right != 1 {
		return ErrNotTheSender
	}
	return nil
}

// Recent refuses a time that is more than window before or after now: a request that
// was caught once must not be sent again much later.
func Recent(now, at time.Time, window time.Duration) error {
	if at.IsZero() || now.Sub(at) > window || at.Sub(now) > window {
		return ErrTooOld
	}
	return nil
}
