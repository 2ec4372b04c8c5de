package webhook

import (
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"net/http"
	"strconv"
	"strings"

	"github.com/opsguard/opsguard/pkg/incident"
	"github.com/opsguard/opsguard/pkg/integration"
)

// signingKey reads the secret and holds it to the form of Standard Webhooks.
func (e *Executor) signingKey(ctx context.Context) ([]byte, error) {
	text, err := e.env.Secret(ctx, e.settings.Secret)
	if err != nil {
		return nil, err
	}
	key, err := base64.StdEncoding.DecodeString(strings.TrimPrefix(text, "whsec_"))
	if !strings.HasPrefix(text, "whsec_") || err != nil || len(key) < 24 || len(key) > 64 {
		return nil, incident.Bad("%s: must be whsec_ and the base64 of 24 to 64 bytes", e.env.Place(e.settings.Secret))
	}
	return key, nil
}

// header signs a request. id must hold no dot: dots part what is signed.
func (e *Executor) header(ctx context.Context, id string, body []byte) (http.Header, error) {
	key, err := e.signingKey(ctx)
	if err != nil {
		return nil, err
	}
	at := strconv.FormatInt(e.env.Now().Unix(), 10)
	mac := hmac.New(sha256.New, key)
	fmt.Fprintf(mac, "%s.%s.%s", id, at, body)
	h := http.Header{"Webhook-Id": {id}, "Webhook-Timestamp": {at},
		"Webhook-Signature": {"v1," + base64.StdEncoding.EncodeToString(mac.Sum(nil))}}
	if !e.settings.Authorization.IsZero() {
		authorization, err := e.env.Secret(ctx, e.settings.Authorization)
		if err != nil {
			return nil, err
		}
		h.Set("Authorization", authorization)
	}
	return h, nil
}

func (e *Executor) get(ctx context.Context, address, id string) (integration.Answer, error) {
	h, err := e.header(ctx, id, nil)
	if err != nil {
		return integration.Answer{}, err
	}
	return e.env.Exchange(ctx, integration.Call{Vendor: "the webhook", Method: http.MethodGet, URL: address, Header: h, Judge: e.judge})
}

func (e *Executor) post(ctx context.Context, id string, message any) (integration.Answer, error) {
	body, err := json.Marshal(message)
	if err != nil {
		return integration.Answer{}, incident.Bad("the message for the webhook could not be written")
	}
	h, err := e.header(ctx, id, body)
	if err != nil {
		return integration.Answer{}, err
	}
	to := e.settings.URL
	if !e.settings.SecretPath.IsZero() {
		path, err := e.env.Secret(ctx, e.settings.SecretPath)
		if err != nil {
			return integration.Answer{}, err
		}
		if strings.ContainsAny(path, "#\\ ") {
			return integration.Answer{}, incident.Bad("%s: must be a path or a query", e.env.Place(e.settings.SecretPath))
		}
		if !strings.HasPrefix(path, "?") { // after a slash nothing can lead to another host
			to, path = strings.TrimRight(to, "/")+"/", strings.TrimLeft(path, "/")
		}
		to += path
	}
	return e.env.Exchange(ctx, integration.Call{Vendor: "the webhook", Method: http.MethodPost, URL: to, Header: h,
		Body: json.RawMessage(body), Judge: e.judge})
}

func (e *Executor) judge(status int, _ []byte) string {
	switch status {
	case http.StatusUnauthorized, http.StatusForbidden:
		return fmt.Sprintf("the webhook does not accept the signature or the credential (%d); check %s, and the clocks", status,
			e.env.Place(e.settings.Secret))
	case http.StatusNotFound, http.StatusGone:
		return fmt.Sprintf("the webhook's address leads nowhere (%d); check the target in services.yaml", status)
	case http.StatusConflict, http.StatusPreconditionFailed:
		return fmt.Sprintf("the webhook's receiver refused (%d): the target has changed, or is changing already", status)
	}
	return ""
}
