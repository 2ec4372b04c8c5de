package aws

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-lambda-go/lambda"
	"github.com/aws/aws-lambda-go/lambda/messages"
	awshttp "github.com/aws/aws-sdk-go-v2/aws/transport/http"

	"github.com/opsguard/opsguard/pkg/incident"
)

func TestAStepsErrorHasTheNameThatRetryKnows(t *testing.T) {
	secret := errors.New("inner text")
	for _, test := range []struct {
		err           error
		name, message string
	}{
		{incident.Unavail("the store failed", secret), "Unavailable", "the store failed"},
		{fmt.Errorf("load: %w", incident.Fail(incident.Conflict, incident.CodeVersion, "look again")), "Conflict", "look again"},
		{incident.Fail(incident.Expired, incident.CodeApprovalStale, "too old"), "ApprovalStale", "too old"},
		{secret, "Unexpected", "the step failed; its log says why"},
		{context.DeadlineExceeded, "Unavailable", "the step failed; its log says why"},
	} {
		var logged bytes.Buffer
		h := Task(slog.New(slog.NewJSONHandler(&logged, nil)), func(context.Context, incident.Ref) (int, error) { return 0, test.err })
		_, err := h.Invoke(t.Context(), []byte(`{"tenant":"default","incidentId":"INC-7"}`))
		var got messages.InvokeResponse_Error
		if !errors.As(err, &got) || got.Type != test.name || got.Message != test.message {
			t.Errorf("%v: got %+v, want %s, %q", test.err, err, test.name, test.message)
		}
		if strings.Contains(got.Message, "inner text") {
			t.Errorf("%v: the inner text is let out: %q", test.err, got.Message)
		}
		if !strings.Contains(logged.String(), `"incidentId":"INC-7"`) {
			t.Errorf("%v: the log does not name the incident: %s", test.err, &logged)
		}
		if !strings.Contains(logged.String(), test.err.Error()) {
			t.Errorf("%v: is not in the log: %s", test.err, &logged)
		}
	}
}

// A fix that waits for its turn asks every few seconds: that is no failure to warn of.
func TestAFixThatWaitsForItsTurnDoesNotFillTheLog(t *testing.T) {
	var logged bytes.Buffer
	h := Task(slog.New(slog.NewJSONHandler(&logged, nil)), func(context.Context, incident.Ref) (int, error) {
		return 0, incident.Busy(incident.Ref{ID: "INC-1"})
	})
	_, err := h.Invoke(t.Context(), []byte(`{"incidentId":"INC-7"}`))
	var got messages.InvokeResponse_Error
	if !errors.As(err, &got) || got.Type != "TargetBusy" || logged.Len() > 0 {
		t.Errorf("got %+v, logged %q", got, &logged)
	}
}

func TestAStepTakesAndGivesJSON(t *testing.T) {
	h := Task(slog.New(slog.DiscardHandler), func(_ context.Context, ref incident.Ref) (map[string]string, error) {
		return map[string]string{"id": ref.ID}, nil
	})
	got, err := h.Invoke(t.Context(), []byte(`{"tenant":"default","incidentId":"X","more":1}`))
	if err != nil || string(got) != `{"id":"X"}` {
		t.Errorf("got %s, %v", got, err)
	}
	_, err = h.Invoke(t.Context(), []byte(`{"incidentId":1}`))
	var failed messages.InvokeResponse_Error
	if !errors.As(err, &failed) || failed.Type != "Invalid" {
		t.Errorf("wrong input: %v", err)
	}
}

func TestAScheduledStepTakesWhateverComes(t *testing.T) {
	h := Scheduled(slog.New(slog.DiscardHandler), func(context.Context) (int, error) { return 7, nil })
	for _, payload := range []string{"", "null", `{"detail-type":"Scheduled Event"}`, `"text"`} {
		if got, err := h.Invoke(t.Context(), []byte(payload)); err != nil || string(got) != "7" {
			t.Errorf("%q: %s, %v", payload, got, err)
		}
	}
}

func TestTheClientsSettingsAreNamed(t *testing.T) {
	for _, test := range []struct {
		environment map[string]string
		names       string
	}{
		{map[string]string{}, "AWS_REGION"},
		{map[string]string{"AWS_REGION": "us-east-1", "AWS_ENDPOINT_URL": "127.0.0.1:4566"}, "AWS_ENDPOINT_URL"},
		{map[string]string{"AWS_REGION": "us-east-1", "AWS_ENDPOINT_URL": "ftp://x"}, "AWS_ENDPOINT_URL"},
		{map[string]string{"AWS_REGION": "us-east-1"}, ""},
	} {
		_, err := clientConfig(func(name string) string { return test.environment[name] })
		if test.names == "" && err != nil || test.names != "" && (err == nil || !strings.HasPrefix(err.Error(), test.names+": ")) {
			t.Errorf("%v: %v, want it to name %q", test.environment, err, test.names)
		}
	}
}

// What Lambda gives a function are keys for a while, which AWS takes with their token only.
func TestTheClientsHaveWhatLambdaGives(t *testing.T) {
	given := map[string]string{"AWS_DEFAULT_REGION": "eu-west-1", "AWS_ACCESS_KEY_ID": "id", "AWS_SECRET_ACCESS_KEY": "key", "AWS_SESSION_TOKEN": "token"}
	cfg, err := clientConfig(func(name string) string { return given[name] })
	if err != nil {
		t.Fatal(err)
	}
	c, err := cfg.Credentials.Retrieve(t.Context())
	if err != nil || cfg.Region != "eu-west-1" || c.AccessKeyID != "id" || c.SecretAccessKey != "key" || c.SessionToken != "token" {
		t.Errorf("%s, %+v, %v", cfg.Region, c, err)
	}
	client := cfg.HTTPClient.(*awshttp.BuildableClient)
	if client.GetDialer().Timeout != dialTime || client.GetTransport().ResponseHeaderTimeout != answerTime {
		t.Errorf("an attempt is not bounded: %s, %s", client.GetDialer().Timeout, client.GetTransport().ResponseHeaderTimeout)
	}
}

func TestAStartHasWhatTheEnvironmentSays(t *testing.T) {
	for name, value := range map[string]string{"AWS_REGION": "eusc-de-east-1", "OPSGUARD_AWS_DOMAIN": "amazonaws.eu", "OPSGUARD_LOG_LEVEL": "warn"} {
		t.Setenv(name, value)
	}
	_, err := start(func(ctx context.Context, f Function) (lambda.Handler, error) {
		ends, bounded := ctx.Deadline()
		if !bounded || time.Until(ends) > startTime {
			t.Errorf("it may take until %v, %v", ends, bounded)
		}
		if f.Domain != "amazonaws.eu" || f.Log.Enabled(ctx, slog.LevelInfo) || !f.Log.Enabled(ctx, slog.LevelWarn) {
			t.Errorf("domain %q, logs info: %v", f.Domain, f.Log.Enabled(ctx, slog.LevelInfo))
		}
		return nil, nil
	})
	if err != nil {
		t.Error(err)
	}
}
