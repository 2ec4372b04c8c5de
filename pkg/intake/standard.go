package intake

import (
	"context"
	"crypto/sha256"
	"encoding/base64"
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/opsguard/opsguard/pkg/integration"
)

const (
	// standardWindow is how old a Standard Webhooks signature may be. Each attempt to
	// deliver is signed with its own time, so a retry days later is not refused.
	standardWindow = 5 * time.Minute
	// standardKey begins a symmetric key as it is shown to people.
	standardKey = "whsec_"
)

// StandardWebhook checks a signature by the Standard Webhooks specification 1.0.0: an
// HMAC-SHA256 over "webhook-id.webhook-timestamp.body" under a key that is kept as
// whsec_ and base64. Asymmetric signatures (v1a) are not taken.
func StandardWebhook(ctx context.Context, env integration.Env, s integration.Secret, h http.Header, body []byte, now time.Time) error {
	accepted, err := Values(ctx, env, s)
	if err != nil {
		return err
	}
	id, stamp := h.Get("Webhook-Id"), h.Get("Webhook-Timestamp")
	seconds, err := strconv.ParseUint(stamp, 10, 62) // without a sign
	if err != nil || id == "" {
		return ErrNotTheSender
	}
	var keys, signatures [][]byte
	for _, value := range accepted {
		if key, err := base64.StdEncoding.DecodeString(strings.TrimPrefix(value, standardKey)); err == nil && len(key) > 0 {
			keys = append(keys, key)
		}
	}
	for _, one := range strings.Fields(h.Get("Webhook-Signature")) {
		if encoded, ok := strings.CutPrefix(one, "v1,"); ok {
			raw, _ := base64.StdEncoding.DecodeString(encoded)
			signatures = append(signatures, raw)
		}
	}
	message := append([]byte(id+"."+stamp+"."), body...)
	if err := signedUnder(keys, sha256.New, message, signatures); err != nil {
		return err
	}
	return Recent(now, time.Unix(int64(seconds), 0), standardWindow)
}

// StandardWebhookID names the message that was signed, the same for each attempt to
// deliver it.
func StandardWebhookID(h http.Header) string { return h.Get("Webhook-Id") }
