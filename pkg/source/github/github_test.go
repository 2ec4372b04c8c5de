package github_test

import (
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"net/http"
	"regexp"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/opsguard/opsguard/pkg/incident"
	"github.com/opsguard/opsguard/pkg/integration"
	"github.com/opsguard/opsguard/pkg/source/github"
	"github.com/opsguard/opsguard/pkg/steps"
	"github.com/opsguard/opsguard/pkg/steps/stepstest"
)

const secret = "gh-webhook-secret-0123456789"

func vendor(branches ...string) stepstest.Vendor {
	return stepstest.Vendor{Entry: func(string) ([]integration.Setting, stepstest.Secrets) {
		settings := []integration.Setting{integration.SecretSetting("secret", "GH")}
		if len(branches) > 0 {
			settings = append(settings, integration.Setting{Name: "branches", Value: integration.Value{List: branches}})
		}
		return settings, stepstest.Secrets{"GH": "gh-former-0123456789 " + secret}
	}}
}

func signed(event string, body []byte) steps.Request {
	mac := hmac.New(sha256.New, []byte(secret))
	mac.Write(body)
	return steps.Request{Body: body, Header: http.Header{
		"Content-Type": {"application/json"}, "User-Agent": {"GitHub-Hookshot/044aadd"}, "X-Github-Event": {event},
		"X-Github-Delivery": {"72d3162e-cc78-11e3-81ab-4c9367dc0958"}, "X-Hub-Signature-256": {"sha256=" + hex.EncodeToString(mac.Sum(nil))},
	}}
}

// events says which event each fixture is.
func events() map[string]string {
	return map[string]string{
		"workflow-run-failure": "workflow_run", "workflow-run-success": "workflow_run", "deployment-failure": "deployment_status",
		"deployment-success": "deployment_status", "dependabot-created": "dependabot_alert", "dependabot-fixed": "dependabot_alert",
		"dependabot-dismissed": "dependabot_alert", "repository-vulnerability": "repository_vulnerability_alert",
		"code-scanning": "code_scanning_alert", "secret-scanning": "secret_scanning_alert", "repository-advisory": "repository_advisory",
		"security-advisory": "security_advisory", "ping": "ping",
	}
}

// The fixtures follow "Webhook events and payloads" in GitHub's documentation and the
// schemas that GitHub publishes for it, read in November 2026.
func TestItIsASource(t *testing.T) {
	var all []stepstest.Sent
	for name, event := range events() {
		sent := stepstest.Sent{Name: name, Alerts: 1, Request: signed(event, stepstest.Fixture(t, name+".json"))}
		if name == "ping" || name == "dependabot-dismissed" {
			sent.Alerts = 0
		}
		all = append(all, sent)
	}
	stepstest.SourceContract(t, github.Integration(), vendor(), all...)
}

func TestItReadsWhatOthersPublished(t *testing.T) {
	stepstest.ReadsPayloads(t, github.Integration(), vendor(), "github")
}

func TestARecoveryHasTheIdentityOfItsTrouble(t *testing.T) {
	source, got := stepstest.OpenSource(t, github.Integration(), vendor()), map[string]string{}
	for name := range events() {
		batch, err := source.Parse(t.Context(), steps.Request{Body: stepstest.Fixture(t, name+".json")}) // without a header, by the body alone
		if err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		for _, a := range batch.Alerts {
			got[name] = fmt.Sprint(a.Identity, " ", a.Service, " ", a.Severity, " recovered=", a.Recovered)
		}
	}
	want := map[string]string{
		"workflow-run-failure":     "workflow_run/900100/55/main checkout high recovered=false",
		"workflow-run-success":     "workflow_run/900100/55/main checkout high recovered=true",
		"deployment-failure":       "deployment_status/900100/production checkout high recovered=false",
		"deployment-success":       "deployment_status/900100/production checkout high recovered=true",
		"dependabot-created":       "dependabot_alert/900100/20 checkout critical recovered=false",
		"dependabot-fixed":         "dependabot_alert/900100/20 checkout critical recovered=true",
		"repository-vulnerability": "repository_vulnerability_alert/900100/2 checkout medium recovered=false",
		"code-scanning":            "code_scanning_alert/900100/10 checkout high recovered=false",
		"secret-scanning":          "secret_scanning_alert/900100/191 checkout critical recovered=false",
		"repository-advisory":      "repository_advisory/900100/GHSA-gggg-hhhh-jjjj checkout high recovered=false",
		"security-advisory":        "security_advisory//GHSA-aaaa-bbbb-cccc left-trim critical recovered=true",
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

func state(t *testing.T, v stepstest.Vendor, event, body string) string {
	t.Helper()
	batch, err := stepstest.OpenSource(t, github.Integration(), v).Parse(t.Context(), signed(event, []byte(body)))
	switch {
	case err != nil:
		return err.Error()
	case len(batch.Alerts) == 0:
		return "nothing"
	case batch.Alerts[0].Recovered:
		return "recovered"
	}
	return "firing"
}

func TestWhatARunMeansGoesByItsConclusion(t *testing.T) {
	for conclusion, want := range map[string]string{
		"failure": "firing", "timed_out": "firing", "startup_failure": "firing", "success": "recovered", "cancelled": "nothing",
		"skipped": "nothing", "neutral": "nothing", "stale": "nothing", "action_required": "nothing",
	} {
		body := strings.Replace(string(stepstest.Fixture(t, "workflow-run-failure.json")), `"conclusion": "failure"`, `"conclusion": "`+conclusion+`"`, 1)
		if got := state(t, vendor(), "workflow_run", body); got != want {
			t.Errorf("%s: %s, want %s", conclusion, got, want)
		}
		if got := state(t, vendor(), "workflow_run", strings.Replace(body, `"completed"`, `"in_progress"`, 1)); got != "nothing" {
			t.Errorf("%s of a run that goes on: %s", conclusion, got)
		}
	}
}

// GitHub sends null for the repository of a fork that was deleted meanwhile. Its branch may
// be called main, and a run that succeeds would end the incident of ours.
func TestARunOfAForkThatIsGoneDoesNotCount(t *testing.T) {
	for _, name := range []string{"workflow-run-failure", "workflow-run-success"} {
		body := regexp.MustCompile(`(?s)"head_repository": \{.*?\n    \}`).ReplaceAllString(string(stepstest.Fixture(t, name+".json")), `"head_repository": null`)
		if !strings.Contains(body, `"head_repository": null`) {
			t.Fatal("the fixture names no head_repository")
		}
		if got := state(t, vendor(), "workflow_run", body); got != "nothing" {
			t.Errorf("%s: %s", name, got)
		}
	}
}

func TestOnlyRunsOnWatchedBranchesCount(t *testing.T) {
	body := func(branch, fork string) string {
		text := strings.Replace(string(stepstest.Fixture(t, "workflow-run-failure.json")), `"head_branch": "main"`, `"head_branch": "`+branch+`"`, 1)
		return strings.Replace(text, `"head_repository": {
      "id": 900100`, `"head_repository": {
      "id": `+fork, 1)
	}
	const own, fork = "900100", "666"
	for _, c := range []struct {
		branches     []string
		branch, from string
		want         string
	}{
		{nil, "main", own, "firing"},
		{nil, "feature", own, "nothing"},
		{nil, "main", fork, "nothing"},
		{[]string{"main", "release/*"}, "release/2", own, "firing"},
		{[]string{"main", "release/*"}, "release/2", fork, "nothing"},
		{[]string{"main", "release/*"}, "feature", own, "nothing"},
		{[]string{"release/*"}, "main", own, "nothing"},
		{[]string{"*"}, "feature/deep", own, "firing"},
		{[]string{"*"}, "main", fork, "nothing"},
	} {
		if got := state(t, vendor(c.branches...), "workflow_run", body(c.branch, c.from)); got != c.want {
			t.Errorf("branches %q, a run on %s of repository %s: %s, want %s", c.branches, c.branch, c.from, got, c.want)
		}
	}
}

func TestADismissedAlertIsNoRecovery(t *testing.T) {
	for event, actions := range map[string]map[string]string{
		"dependabot_alert": {"created": "firing", "reopened": "firing", "reintroduced": "firing", "auto_reopened": "firing", "fixed": "recovered",
			"dismissed": "nothing", "auto_dismissed": "nothing", "assignees_changed": "nothing"},
		"code_scanning_alert": {"created": "firing", "reopened": "firing", "reopened_by_user": "firing", "appeared_in_branch": "firing",
			"fixed": "recovered", "closed_by_user": "nothing"},
		"secret_scanning_alert": {"created": "firing", "reopened": "firing", "publicly_leaked": "firing", "resolved": "recovered",
			"validated": "nothing"},
		"repository_vulnerability_alert": {"create": "firing", "reopen": "firing", "resolve": "recovered", "dismiss": "nothing"},
	} {
		for action, want := range actions {
			body := `{"action":"` + action + `","alert":{"number":1,"security_vulnerability":{},"affected_package_name":"p",
				"rule":{},"secret_type":"t"}}`
			if got := state(t, vendor(), event, body); got != want {
				t.Errorf("%s %s: %s, want %s", event, action, got, want)
			}
		}
	}
}

func TestADeploymentMattersByItsEnvironment(t *testing.T) {
	for fields, want := range map[string]incident.Severity{
		`"production_environment":true`:                               incident.High,
		`"production_environment":false`:                              incident.Medium,
		`"transient_environment":true,"production_environment":false`: incident.Low,
		`"task":"deploy"`:                                             incident.High,
	} {
		body := `{"deployment_status":{"state":"error","environment":"e"},"deployment":{` + fields + `},"repository":{"id":1,"name":"r"}}`
		batch, err := stepstest.OpenSource(t, github.Integration(), vendor()).Parse(t.Context(), steps.Request{Body: []byte(body)})
		if err != nil {
			t.Fatal(err)
		}
		if got := batch.Alerts[0].Severity; got != want {
			t.Errorf("%s: %s, want %s", fields, got, want)
		}
	}
}

func TestTheSecretThatWasFoundIsNotShown(t *testing.T) {
	source := stepstest.OpenSource(t, github.Integration(), vendor())
	batch, err := source.Parse(t.Context(), signed("secret_scanning_alert", stepstest.Fixture(t, "secret-scanning.json")))
	if err != nil {
		t.Fatal(err)
	}
	if text := fmt.Sprintf("%+v", batch); strings.Contains(text, "not-to-be-shown") {
		t.Errorf("the alert holds the secret: %s", text)
	}
}

func TestAnotherBodyThanTheHeaderSaysIsRefused(t *testing.T) {
	want := "the body is not that of the event deployment_status, which X-GitHub-Event names"
	if got := state(t, vendor(), "deployment_status", string(stepstest.Fixture(t, "workflow-run-success.json"))); got != want {
		t.Errorf("%s, want %s", got, want)
	}
	if got, want := state(t, vendor(), "", `{"status":"firing"}`), "the body is not that of an event of GitHub"; got != want {
		t.Errorf("%s, want %s", got, want)
	}
	for _, event := range []string{"ping", "push", "issues", "an_event_of_next_year"} {
		if got := state(t, vendor(), event, `{"ref":"refs/heads/main","alert":7}`); got != "nothing" {
			t.Errorf("%s: %s", event, got)
		}
	}
}

func TestAFormIsRefusedWithWhatToDo(t *testing.T) {
	r := signed("workflow_run", []byte("payload=%7B%7D"))
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	_, err := stepstest.OpenSource(t, github.Integration(), vendor()).Parse(t.Context(), r)
	want := "Content-Type: is a form; choose application/json as the content type of the webhook in GitHub"
	if err == nil || err.Error() != want {
		t.Errorf("%v, want %s", err, want)
	}
}

func TestAPatternThatIsNoneIsRefusedByName(t *testing.T) {
	for _, pattern := range []string{"", "release/[", `\`} {
		err := github.Settings{Branches: []string{"main", pattern}}.Validate()
		if err == nil || !strings.HasPrefix(err.Error(), "branches: must list branches") {
			t.Errorf("%q: %v", pattern, err)
		}
	}
}

func TestACopyIsTheSameDelivery(t *testing.T) {
	source, ok := stepstest.OpenSource(t, github.Integration(), vendor()).(steps.Signer)
	if !ok {
		t.Fatal("the source names no deliveries")
	}
	first, second := signed("ping", []byte(`{"a":1}`)), signed("ping", []byte(`{"a":1}`))
	second.Header.Set("X-GitHub-Delivery", "another")
	if name := source.Delivery(first); name == "" || name != source.Delivery(second) {
		t.Error("a copy with another X-GitHub-Delivery, which nobody signed, counts as another delivery")
	}
}

func TestOnlyTheSignatureOverSHA256IsTaken(t *testing.T) {
	source, r := stepstest.OpenSource(t, github.Integration(), vendor()), signed("ping", []byte(`{}`))
	r.Header.Set("X-Hub-Signature", r.Header.Get("X-Hub-Signature-256"))
	r.Header.Del("X-Hub-Signature-256")
	if source.Authenticate(t.Context(), r) == nil {
		t.Error("X-Hub-Signature is taken")
	}
}

func FuzzParse(f *testing.F) {
	for name, event := range events() {
		f.Add(event, stepstest.Fixture(f, name+".json"))
		f.Add("", stepstest.Fixture(f, name+".json"))
	}
	f.Fuzz(func(t *testing.T, event string, body []byte) {
		r := steps.Request{Header: http.Header{"X-Github-Event": {event}}, Body: body}
		batch, err := (&github.Source{}).Parse(context.Background(), r)
		stepstest.ReadOrInvalid(t, body, batch, err)
	})
}
