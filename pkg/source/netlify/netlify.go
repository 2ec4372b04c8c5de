// Package netlify reads the deploy notifications of Netlify, as "Deploy notifications" in
// Netlify's documentation describes them. Start at Integration.
package netlify

import (
	"cmp"
	"context"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/base64"
	"strings"

	"github.com/opsguard/opsguard/pkg/incident"
	"github.com/opsguard/opsguard/pkg/intake"
	"github.com/opsguard/opsguard/pkg/integration"
	"github.com/opsguard/opsguard/pkg/steps"
)

// Settings are what services.yaml says of a source.
type Settings struct {
	Secret integration.Secret `setting:"secret" help:"the JWS secret token of the notification in Netlify"`
}

// Source is safe for concurrent use.
type Source struct {
	env      integration.Env
	settings Settings
}

// Integration describes the source.
func Integration() integration.Descriptor[steps.Source] {
	return integration.New("netlify", "reads the deploy notifications of Netlify", Open)
}

// Open opens the source. It calls nobody.
func Open(env integration.Env, s Settings) (steps.Source, error) { return &Source{env, s}, nil }

// Authenticate checks X-Webhook-Signature: a JWS under the secret, whose claims are
// Netlify as the issuer and the SHA-256 of the body. The algorithm is always HMAC with
// SHA-256, whatever the JWS says that it is.
func (s *Source) Authenticate(ctx context.Context, r steps.Request) error {
	signed, signature, _ := cutLast(strings.TrimSpace(r.Header.Get("X-Webhook-Signature")), ".")
	_, payload, _ := strings.Cut(signed, ".")
	if err := intake.Signature(ctx, s.env, s.settings.Secret, sha256.New, []byte(signed), decode(signature)); err != nil {
		return err
	}
	claims, err := intake.ReadJSON(decode(payload))
	if err != nil {
		return intake.ErrNotTheSender
	}
	claimed, body := intake.Hex(claims.At("sha256").Written()), sha256.Sum256(r.Body)
	if claims.At("iss").Written() != "netlify" || subtle.ConstantTimeCompare(claimed, body[:]) != 1 {
		return intake.ErrNotTheSender
	}
	return nil
}

func cutLast(text, separator string) (before, after string, found bool) {
	if i := strings.LastIndex(text, separator); i >= 0 {
		return text[:i], text[i+len(separator):], true
	}
	return "", "", false
}

// decode reads base64url without padding; nil if it is none, which fits nothing.
func decode(text string) []byte {
	raw, err := base64.RawURLEncoding.DecodeString(text)
	if err != nil {
		return nil
	}
	return raw
}

// Delivery implements steps.Signer.
func (s *Source) Delivery(r steps.Request) string { return intake.BodyName(r.Body) }

// Parse reads one deploy. One that failed is an alert; the next one of the same site,
// context and branch that is ready is its recovery. A preview is no alert: anybody who
// opens a pull request makes one.
func (s *Source) Parse(_ context.Context, r steps.Request) (steps.Batch, error) {
	doc, err := intake.ReadJSON(r.Body)
	if err != nil {
		return steps.Batch{}, err
	}
	site, state := doc.At("site_id").Text(), doc.At("state").Text()
	if err := doc.Err(); err != nil || state != "error" && state != "ready" {
		return steps.Batch{}, err
	}
	it := doc.Apart()
	if it.At("context").Written() == "deploy-preview" {
		return steps.Batch{}, nil
	}
	deploy, branch := it.At("context").Written(), it.At("branch").Written()
	a := incident.Alert{
		Tenant: incident.DefaultTenant, Source: "netlify", Service: intake.FirstName(it.At("name").Written(), "netlify"),
		Severity: severity(deploy), Timestamp: it.At("updated_at").Time(), Recovered: state == "ready",
		Identity: intake.Identity("deploy", site, deploy, branch), Link: link(it),
		Labels: intake.Labels(map[string]string{
			"site": it.At("name").Written(), "site_id": site, "context": deploy, "branch": branch, "url": it.At("ssl_url").Written(),
		}),
	}
	a.ErrorLogs = evidence(a, it)
	return steps.One(a, a.Validate())
}

// severity goes by who sees the deploy: everybody, or people who look at a branch.
func severity(deploy string) incident.Severity {
	if deploy == "" || deploy == "production" {
		return incident.High
	}
	return incident.Low
}

func link(it intake.Value) string {
	admin, id := it.At("admin_url").Written(), it.At("id").Written()
	if admin == "" || id == "" || strings.ContainsAny(id, "/?#") {
		return intake.Link(admin)
	}
	return intake.FirstLink(strings.TrimSuffix(admin, "/")+"/deploys/"+id, admin)
}

const maxMessages = 10

func evidence(a incident.Alert, it intake.Value) string {
	var e intake.Evidence
	headline := "NETLIFY deploy of " + a.Service
	if a.Recovered {
		e.Line(headline + " is ready")
	} else {
		e.Line(headline + " failed (" + string(a.Severity) + ")")
	}
	e.Add("error", it.At("error_message").Written())
	e.AddAll(a.Labels)
	e.Add("commit", it.At("commit_ref").Written())
	e.Add("title", it.At("title").Written())
	e.Add("by", it.At("committer").Written())
	e.Add("started at", it.At("created_at").Written())
	e.Add("published at", it.At("published_at").Written())
	for _, message := range it.At("summary", "messages").List(maxMessages) {
		message = message.Apart()
		e.Add(cmp.Or(message.At("title").Written(), "message"), message.At("description").Written())
	}
	return e.String()
}
