package aws_test

import (
	"bytes"
	"context"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	awssdk "github.com/aws/aws-sdk-go-v2/aws"

	"github.com/opsguard/opsguard/infra/aws"
	"github.com/opsguard/opsguard/infra/aws/analyze"
	"github.com/opsguard/opsguard/infra/aws/createticket"
	"github.com/opsguard/opsguard/infra/aws/ingestalert"
	"github.com/opsguard/opsguard/infra/aws/logresolution"
	"github.com/opsguard/opsguard/infra/aws/reconcile"
	"github.com/opsguard/opsguard/infra/aws/records"
	secrets "github.com/opsguard/opsguard/infra/aws/secret"
	"github.com/opsguard/opsguard/infra/aws/waitforapproval"
	"github.com/opsguard/opsguard/infra/emulator/lambdastub"
	"github.com/opsguard/opsguard/pkg/brief"
	"github.com/opsguard/opsguard/pkg/incident"
	"github.com/opsguard/opsguard/pkg/steps"
)

// warm is a function in a stub's environment, long enough after its start for its
// secrets to be read anew.
type warm struct {
	aws.Function
	*lambdastub.Stub
	log *bytes.Buffer
	now time.Time
}

func started(t *testing.T) *warm {
	t.Helper()
	w := &warm{Stub: lambdastub.New(), log: new(bytes.Buffer), now: time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)}
	t.Cleanup(w.Close)
	for name, value := range w.Settings() {
		t.Setenv(name, value)
	}
	w.Function = aws.NewFunction(awssdk.Config{Region: "us-east-1", BaseEndpoint: &w.URL, HTTPClient: w.Client(),
		Credentials: awssdk.CredentialsProviderFunc(func(context.Context) (awssdk.Credentials, error) {
			return awssdk.Credentials{AccessKeyID: "x", SecretAccessKey: "x"}, nil
		})}, slog.New(slog.NewJSONHandler(w.log, nil)), func() time.Time { return w.now })
	return w
}

// loses takes a secret away and lets the time pass that it may be used for.
func (w *warm) loses(t *testing.T, name string) {
	t.Helper()
	if err := w.Checked(); err != nil {
		t.Fatal(err)
	}
	w.SetSecret(name, "")
	w.now = w.now.Add(secrets.MaxAge)
}

// asking opens the two steps that ask people.
func asking(t *testing.T, w *warm) map[string]func() (steps.People, error) {
	t.Helper()
	waiting, err := waitforapproval.Open(t.Context(), w.Function)
	if err != nil {
		t.Fatal(err)
	}
	repairing, err := reconcile.Open(t.Context(), w.Function)
	if err != nil {
		t.Fatal(err)
	}
	return map[string]func() (steps.People, error){
		"wait-for-approval": func() (steps.People, error) { s, err := waiting(t.Context()); return s.People, err },
		"reconcile":         func() (steps.People, error) { s, err := repairing(t.Context()); return s.People, err },
	}
}

var shown = incident.Incident{Ref: incident.Ref{Tenant: incident.DefaultTenant, ID: "INC-01ARZ3NDEKTSV4RRFFQ69G5FAV"}}

func TestLinksThatCannotDecideAreNotSent(t *testing.T) {
	for name, people := range asking(t, started(t)) {
		p, err := people()
		if err != nil {
			t.Fatal(err)
		}
		if links, ok := p.Links.(steps.DecidableLinks); !ok || links.Inventory == nil {
			t.Errorf("%s sends links as %T", name, p.Links)
		}
	}
}

func TestNobodyIsAskedWithoutLinks(t *testing.T) {
	w := started(t)
	asked := asking(t, w)
	w.loses(t, "/link-keys")
	for name, people := range asked {
		if _, err := people(); incident.KindOf(err) != incident.Unavailable {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestAWebhookThatCannotBeUsedIsAChannelToTellLater(t *testing.T) {
	w := started(t)
	asked := asking(t, w)
	w.loses(t, "/discord")
	for name, people := range asked {
		p, err := people()
		if err != nil || len(p.Channels) != 1 || p.Channels[0].Name() != "discord" {
			t.Errorf("%s: %v, %v", name, p.Channels, err)
			continue
		}
		_, post := p.Channels[0].Post(t.Context(), brief.Brief{})
		for what, err := range map[string]error{"post": post, "edit": p.Channels[0].Edit(t.Context(), "1", brief.Brief{})} {
			if incident.KindOf(err) != incident.Unavailable || !strings.Contains(err.Error(), "DISCORD_WEBHOOK_URL_PARAM: SSM has no parameter /discord") {
				t.Errorf("%s: %s: %v, want Unavailable that says why", name, what, err)
			}
		}
	}
}

func TestAModelWhoseKeyCannotBeUsedFails(t *testing.T) {
	w := started(t)
	model, err := analyze.Open(t.Context(), w.Function)
	if err != nil {
		t.Fatal(err)
	}
	w.loses(t, "/gemini")
	if model == nil {
		t.Fatal("nobody is told that there is a model")
	}
	if _, err := model.Analyze(t.Context(), steps.Question{}); model.Name() != incident.ByGemini || incident.KindOf(err) != incident.Unavailable {
		t.Errorf("%s: %v", model.Name(), err)
	}
}

// The client is made at the start, whose context ends before the first call.
func TestTheModelIsTheOneThatIsSet(t *testing.T) {
	var path string
	gemini := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { path = r.URL.Path; w.WriteHeader(http.StatusForbidden) }))
	defer gemini.Close()
	w := started(t)
	t.Setenv("GEMINI_ENDPOINT", gemini.URL)
	t.Setenv("GEMINI_MODEL", "gemini-of-choice")
	start, end := context.WithCancel(t.Context())
	model, err := analyze.Open(start, w.Function)
	if err == nil {
		err = w.Checked()
	}
	if err != nil {
		t.Fatal(err)
	}
	end()
	_, _ = model.Analyze(t.Context(), steps.Question{}) // it is refused
	if !strings.HasSuffix(path, "/gemini-of-choice:generateContent") {
		t.Errorf("asked for %q", path)
	}
}

func TestWhatIsShownLeadsToThePublicURL(t *testing.T) {
	w := started(t)
	store, err := records.Open(t.Context(), w.Function)
	if err != nil {
		t.Fatal(err)
	}
	resolution, err := logresolution.Open(t.Context(), w.Function, store)
	if err != nil {
		t.Fatal(err)
	}
	inv, err := aws.Inventory(createticket.Types())
	if err != nil {
		t.Fatal(err)
	}
	ticket, err := createticket.Open(t.Context(), w.Function, store, inv, w.Check)
	if err != nil {
		t.Fatal(err)
	}
	opened, err := ticket.Trackers[0].Open(t.Context(), shown.Ref, brief.Brief{})
	if err != nil {
		t.Fatal(err)
	}
	for name, url := range map[string]string{
		"the end": resolution.People.Links.Links(shown, "discord").View, "the ticket's text": ticket.Links.Links(shown, "").View, "the ticket": opened.URL,
	} {
		if !strings.HasPrefix(url, "https://example.com/live/") {
			t.Errorf("%s leads to %q", name, url)
		}
	}
}

// Step Functions tells of 15 executions a second: of every open incident's would take
// too long.
func TestReconcileVisitsWhatIsLateOfTheTenantThatAlertsAreOf(t *testing.T) {
	repairing, err := reconcile.Open(t.Context(), started(t).Function)
	if err != nil {
		t.Fatal(err)
	}
	if step, err := repairing(t.Context()); err != nil || step.Tenant != incident.DefaultTenant || step.Late == nil {
		t.Errorf("%q, late by %v, %v", step.Tenant, step.Late, err)
	}
}

func TestTheApprovalTimeoutIsTheOneThatIsSet(t *testing.T) {
	w := started(t)
	t.Setenv("OPSGUARD_APPROVAL_TIMEOUT", "90s")
	step, err := ingestalert.Open(t.Context(), w.Function)
	if err != nil || step.Timeout != 90*time.Second {
		t.Errorf("%s, %v", step.Timeout, err)
	}
}
