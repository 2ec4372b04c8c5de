// Package grafana reads what Grafana Alerting posts to a contact point of the type
// webhook: the document of version 1, as "Configure webhook notifications" in Grafana's
// documentation describes it. Start at Integration.
package grafana

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"strings"
	"time"

	"github.com/opsguard/opsguard/pkg/incident"
	"github.com/opsguard/opsguard/pkg/intake"
	"github.com/opsguard/opsguard/pkg/integration"
	"github.com/opsguard/opsguard/pkg/steps"
)

// version is what Grafana's default payload says since unified alerting (Grafana 8).
const version = "1"

// The headers of a signed request. Grafana lets people choose the names; these are its
// default, and the one that the guide says to enter.
const (
	signatureHeader = "X-Grafana-Alerting-Signature"
	timestampHeader = "X-Grafana-Alerting-Timestamp"
)

// window is how old a signature may be. Grafana signs every attempt again.
const window = 5 * time.Minute

// Settings are what services.yaml says of a source.
type Settings struct {
	Signature     integration.Secret `setting:"signature" default:"" help:"the secret of the contact point's HMAC signature (Grafana 11.6 on)"`
	Authorization integration.Secret `setting:"authorization" default:"" help:"the contact point's token, or user:password of basic auth"`
}

// Validate requires a proof. Both may be set; then both are checked.
func (s Settings) Validate() error {
	if s.Signature.IsZero() && s.Authorization.IsZero() {
		return incident.BadField("signature", "is missing, and so is authorization; set one of them")
	}
	return nil
}

// Source is safe for concurrent use.
type Source struct {
	env      integration.Env
	settings Settings
}

// Integration describes the source.
func Integration() integration.Descriptor[steps.Source] {
	return integration.New("grafana", "reads what Grafana Alerting posts to a webhook contact point", Open)
}

// Open opens the source. It calls nobody.
func Open(env integration.Env, s Settings) (steps.Source, error) { return &Source{env, s}, nil }

// errNoTimestamp refuses a signature over the body alone: a request that somebody caught
// could be sent again for ever.
var errNoTimestamp = errors.New("the request is not signed with its time; enter " + timestampHeader +
	" as the timestamp header of the contact point's HMAC signature")

// Authenticate checks every proof that is configured.
func (s *Source) Authenticate(ctx context.Context, r steps.Request) error {
	if s.settings.Validate() != nil {
		return intake.ErrNotTheSender
	}
	if !s.settings.Authorization.IsZero() {
		if err := intake.Authorization(ctx, s.env, s.settings.Authorization, r.Header); err != nil {
			return err
		}
	}
	if s.settings.Signature.IsZero() {
		return nil
	}
	stamp := r.Header.Get(timestampHeader)
	if stamp == "" {
		return errNoTimestamp
	}
	signature, err := hex.DecodeString(r.Header.Get(signatureHeader))
	if err != nil {
		return intake.ErrNotTheSender
	}
	if err := intake.Signature(ctx, s.env, s.settings.Signature, sha256.New, append([]byte(stamp+":"), r.Body...), signature); err != nil {
		return err
	}
	return intake.Recent(s.env.Now(), intake.Seconds(stamp), window)
}

// Delivery names a signed request by its signature, which covers time and body. The
// same signature can be written in capital and in small letters.
func (s *Source) Delivery(r steps.Request) string {
	if s.settings.Signature.IsZero() {
		return ""
	}
	return strings.ToLower(r.Header.Get(signatureHeader))
}

// Parse reads a group of alerts. Each alert of it is one of ours.
func (s *Source) Parse(_ context.Context, r steps.Request) (steps.Batch, error) {
	doc, err := intake.ReadJSON(r.Body)
	if err != nil {
		return steps.Batch{}, err
	}
	if v := doc.At("version").Written(); v != version {
		doc.At("version").Refuse("must be %s, the default payload of Grafana Alerting; legacy alerting and custom payloads are not read", version)
	}
	if !doc.At("alerts").Has() {
		doc.At("alerts").Refuse("is missing; this is not what Grafana Alerting posts")
	}
	if err := doc.Err(); err != nil {
		return steps.Batch{}, err
	}
	items := doc.At("alerts").List(intake.MaxAlerts)
	if err := doc.Err(); err != nil && len(items) == 0 {
		return steps.Batch{}, err
	}
	batch := steps.Batch{}
	for _, item := range items {
		alert, err := read(doc, item)
		if err != nil || !isTest(item) {
			batch.Add(alert, err)
		}
	}
	batch.Refuse(doc.Err())
	return batch, nil
}

// isTest reports what the button Test of a contact point sends, if nobody changed it.
func isTest(item intake.Value) bool {
	labels := item.At("labels")
	return labels.At("alertname").Written() == "TestAlert" && labels.At("instance").Written() == "Grafana" &&
		item.At("annotations", "summary").Written() == "Notification test"
}
