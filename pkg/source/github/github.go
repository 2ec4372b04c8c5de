// Package github reads the webhooks of GitHub: failed workflow runs and deployments, and
// the alerts of Dependabot, code scanning, secret scanning and security advisories, as
// "Webhook events and payloads" and "Validating webhook deliveries" in GitHub's
// documentation describe them. Start at Integration.
package github

import (
	"context"
	"crypto/sha256"
	"path"
	"strings"

	"github.com/opsguard/opsguard/pkg/incident"
	"github.com/opsguard/opsguard/pkg/intake"
	"github.com/opsguard/opsguard/pkg/integration"
	"github.com/opsguard/opsguard/pkg/steps"
)

// Settings are what services.yaml says of a source.
type Settings struct {
	Secret   integration.Secret `setting:"secret" help:"the secret of the webhook in GitHub"`
	Branches []string           `setting:"branches" default:"" help:"branches whose runs count, like release/*; if none, the default branch"`
}

// Validate implements the check of settings.
func (s Settings) Validate() error {
	for _, pattern := range s.Branches {
		if _, err := path.Match(pattern, ""); err != nil || pattern == "" {
			return incident.BadField("branches", "must list branches or patterns such as release/*, not %q", pattern)
		}
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
	return integration.New("github", "reads the webhooks of GitHub: failed workflow runs and deployments, and security alerts", Open)
}

// Open opens the source. It calls nobody.
func Open(env integration.Env, s Settings) (steps.Source, error) { return &Source{env, s}, nil }

// Authenticate checks X-Hub-Signature-256, which covers the body and nothing else.
// X-Hub-Signature, over SHA-1, is not taken.
func (s *Source) Authenticate(ctx context.Context, r steps.Request) error {
	text, _ := strings.CutPrefix(r.Header.Get("X-Hub-Signature-256"), "sha256=")
	return intake.Signature(ctx, s.env, s.settings.Secret, sha256.New, r.Body, intake.Hex(text))
}

// Delivery implements steps.Signer. X-GitHub-Delivery would name the request too, but it
// is not signed.
func (s *Source) Delivery(r steps.Request) string { return intake.BodyName(r.Body) }

// Parse reads one event. Events that are never an alert, such as ping and push, are taken
// and do nothing.
func (s *Source) Parse(_ context.Context, r steps.Request) (steps.Batch, error) {
	if kind, _, _ := strings.Cut(r.Header.Get("Content-Type"), ";"); strings.TrimSpace(kind) == "application/x-www-form-urlencoded" {
		return steps.Batch{}, incident.BadField("Content-Type", "is a form; choose application/json as the content type of the webhook in GitHub")
	}
	doc, err := intake.ReadJSON(r.Body)
	if err != nil {
		return steps.Batch{}, err
	}
	read, err := s.readerOf(r.Header.Get("X-GitHub-Event"), doc)
	if err != nil || read == nil {
		return steps.Batch{}, err
	}
	report, err := read(doc)
	if err != nil || report.is == nothing {
		return steps.Batch{}, err
	}
	return steps.One(report.alert(doc))
}

// reader reads one kind of event. An error names the field that is wrong.
type reader func(doc intake.Value) (report, error)

// event is a kind of event that can be an alert, and how its body is told apart.
type event struct {
	name  string
	looks func(doc intake.Value) bool
	read  reader
}

func (s *Source) events() []event {
	has := func(names ...string) func(intake.Value) bool {
		return func(doc intake.Value) bool { return doc.At(names...).Has() }
	}
	return []event{
		{"deployment_status", has("deployment_status"), deploymentStatus}, // holds a workflow_run too
		{"workflow_run", has("workflow_run"), s.workflowRun},
		{"repository_advisory", has("repository_advisory"), repositoryAdvisory},
		{"security_advisory", has("security_advisory"), securityAdvisory},
		{"dependabot_alert", has("alert", "security_vulnerability"), dependabotAlert},
		{"repository_vulnerability_alert", has("alert", "affected_package_name"), repositoryVulnerabilityAlert},
		{"code_scanning_alert", has("alert", "rule"), codeScanningAlert},
		{"secret_scanning_alert", has("alert", "secret_type"), secretScanningAlert},
	}
}

// readerOf finds what an event is by the header, and by its body where there is none. The
// header is not signed: the reader refuses a body that is of another kind. There is no
// reader for what is never an alert.
func (s *Source) readerOf(name string, doc intake.Value) (reader, error) {
	for _, e := range s.events() {
		if name != "" && name != e.name || name == "" && !e.looks(doc) {
			continue
		}
		if !e.looks(doc) {
			doc.Refuse("the body is not that of the event %s, which X-GitHub-Event names", e.name)
		}
		return e.read, doc.Err()
	}
	if name == "" && !doc.At("repository").Has() && !doc.At("hook").Has() && !doc.At("sender").Has() {
		doc.Refuse("the body is not that of an event of GitHub")
	}
	return nil, doc.Err()
}
