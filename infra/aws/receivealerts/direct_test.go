package receivealerts

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-lambda-go/lambda"
	"github.com/aws/aws-lambda-go/lambda/messages"
	awssdk "github.com/aws/aws-sdk-go-v2/aws"
	"github.com/google/go-cmp/cmp"

	"github.com/opsguard/opsguard/infra/aws"
	"github.com/opsguard/opsguard/infra/aws/outside"
	"github.com/opsguard/opsguard/pkg/incident"
	"github.com/opsguard/opsguard/pkg/source/cloudwatchlogs"
	"github.com/opsguard/opsguard/pkg/steps"
)

// world is the function with its API and its store played.
type world struct {
	handler lambda.Handler
	log     bytes.Buffer
	alerts  []incident.Alert
	called  int   // the API
	fails   error // what the store answers
}

func (w *world) Handle(_ context.Context, in steps.IngestInput) (steps.Ingested, error) {
	if w.fails != nil {
		return steps.Ingested{}, w.fails
	}
	w.alerts = append(w.alerts, in.Alert)
	return steps.Ingested{IncidentID: "INC-1", Status: incident.Detected}, nil
}

// ServiceFor implements steps.ServiceFinder.
func (w *world) ServiceFor(string, map[string]string) (string, bool) { return "", false }

// Invoke plays the API.
func (w *world) Invoke(context.Context, []byte) ([]byte, error) {
	w.called++
	return []byte(`{"statusCode":200}`), nil
}

func newWorld(t *testing.T) *world {
	t.Helper()
	w := &world{}
	log := slog.New(slog.NewJSONHandler(&w.log, nil))
	now := func() time.Time { return time.Date(2026, 11, 24, 10, 0, 0, 0, time.UTC) }
	f := aws.NewFunction(awssdk.Config{}, log, now)
	env, err := outside.Env(f)
	if err != nil {
		t.Fatal(err)
	}
	w.handler, err = Direct(f, env, steps.ReceiveAlerts{Ingest: w, Services: w, Log: log}, w)
	if err != nil {
		t.Fatal(err)
	}
	return w
}

func (w *world) invoke(t *testing.T, event string) (string, error) {
	t.Helper()
	w.log.Reset()
	answer, err := w.handler.Invoke(t.Context(), []byte(event))
	return string(answer), err
}

func TestEachSampleOfAnEventIsTakenByItsSource(t *testing.T) {
	samples, err := filepath.Glob("../../events/direct/*.json")
	if err != nil || len(samples) < 7 {
		t.Fatal(samples, err)
	}
	taken := map[string]bool{}
	for _, sample := range samples {
		event, err := os.ReadFile(sample)
		if err != nil {
			t.Fatal(err)
		}
		w := newWorld(t)
		answer, err := w.invoke(t, string(event))
		if err != nil || answer != `{"taken":1,"refused":0}` || w.called > 0 || w.log.Len() > 0 {
			t.Fatalf("%s: %s, %v, %d calls of the API, log %s", sample, answer, err, w.called, &w.log)
		}
		source := w.alerts[0].Source
		if name := strings.TrimSuffix(filepath.Base(sample), ".json"); !strings.HasPrefix(name, source) {
			t.Errorf("%s is taken by %s", name, source)
		}
		taken[source] = true
	}
	want := map[string]bool{"cloudwatch": true, "cloudwatch-logs": true, "aws-health": true, "inspector2": true, "securityhub": true}
	if diff := cmp.Diff(want, taken); diff != "" {
		t.Error(diff)
	}
}

func TestACallOfTheAPIIsTheAPIsWhateverItsBodySays(t *testing.T) {
	body, err := os.ReadFile("../../events/direct/cloudwatch-event.json")
	if err != nil {
		t.Fatal(err)
	}
	for what, event := range map[string]map[string]any{
		"a call": {"httpMethod": "POST", "path": "/ingest-alert", "requestContext": map[string]any{}, "body": string(body)},
		"a body that is itself an event": {
			"requestContext": map[string]any{"apiId": "x"},
			"body":           `{"source":"aws.health","detail-type":"x"}`,
			"headers":        map[string]any{"source": "aws.health"},
		},
	} {
		text, err := json.Marshal(event)
		if err != nil {
			t.Fatal(err)
		}
		w := newWorld(t)
		if answer, err := w.invoke(t, string(text)); w.called != 1 || len(w.alerts) > 0 || err != nil || answer != `{"statusCode":200}` {
			t.Errorf("%s: %d calls, %v, %s, %v", what, w.called, w.alerts, answer, err)
		}
	}
}

// Lambda calls again where an error is returned, and what cannot be read never could be.
func TestWhatCannotBeReadIsLoggedByNameAndNotRetried(t *testing.T) {
	for event, logged := range map[string]string{
		`{}`: `no source reads it`,
		`7`:  `it has fields of other types`,
		`{"source":"aws.ec2"` +
			`,"detail-type":"EC2 Instance State-change Notification"}`: `"eventSource":"aws.ec2","detailType":"EC2 Instance State`,
		`{"source":"aws.cloudwatch"` +
			`,"detail-type":"CloudWatch Alarm State Change","detail":{}}`: `"source":"cloudwatch","error":"detail.alarmName: is missing"`,
		`{"source":"aws.health"` +
			`,"detail-type":"AWS Health Event","detail":{"eventArn":"a"}}`: `"source":"aws-health","error":"detail.service: is missing"`,
		`{"awslogs":{"data":"%"}}`: `"source":"cloudwatch-logs","error":"awslogs.data: is not base64 of what gzip packed"`,
		`{"source":7}`:             `it has fields of other types`,
		`{"Records":[{"Sns":{"Message":"Verification"}}]}`:                 `no message of SNS that is JSON`,
		`{"Records":[{"body":"of SQS"}]}`:                                  `no message of SNS that is JSON`,
		`{"Records":[{"Sns":{"Message":"{\"hello\":\"you\"}"}}]}`:          `no source reads it`,
		`{"source":"` + strings.Repeat("x", 5000) + `","detail-type":"y"}`: `xxxx`,
	} {
		w := newWorld(t)
		answer, err := w.invoke(t, event)
		if err != nil || answer != `{"taken":0,"refused":1}` || len(w.alerts) > 0 {
			t.Errorf("%s: %s, %v, %v", event, answer, err, w.alerts)
		}
		got, message := w.log.String(), `"level":"ERROR","msg":"an event of AWS could not be read"`
		if !strings.Contains(got, logged) || !strings.Contains(got, message) || len(got) > 1000 {
			t.Errorf("%s: logged %s", event, got)
		}
	}
}

func TestAnEventThatSaysNothingIsDoneWith(t *testing.T) {
	w := newWorld(t)
	answer, err := w.invoke(t, `{"source":"aws.inspector2","detail-type":"Inspector2 Scan","detail":{}}`)
	if err != nil || answer != `{"taken":0,"refused":0}` || w.log.Len() > 0 {
		t.Errorf("%s, %v, log %s", answer, err, &w.log)
	}
}

func TestAStoreThatFailsIsToBeCalledAgain(t *testing.T) {
	for _, sample := range []string{"cloudwatch-event", "cloudwatch-topic"} {
		event, err := os.ReadFile("../../events/direct/" + sample + ".json")
		if err != nil {
			t.Fatal(err)
		}
		w := newWorld(t)
		w.fails = incident.Unavail("the store does not answer", nil)
		_, err = w.invoke(t, string(event))
		var named messages.InvokeResponse_Error
		if !errors.As(err, &named) || named.Type != "Unavailable" {
			t.Errorf("%s: %v, want Unavailable", sample, err)
		}
		w.fails = nil
		if answer, err := w.invoke(t, string(event)); err != nil || answer != `{"taken":1,"refused":0}` {
			t.Errorf("%s again: %s, %v", sample, answer, err)
		}
	}
}

func TestEveryServiceThatCallsTheFunctionHasItsSource(t *testing.T) {
	opened := map[string]bool{}
	for _, one := range called() {
		opened[one.Name] = true
	}
	for service, name := range byService() {
		if !opened[name] {
			t.Errorf("the events of %s have no source: %s is not opened", service, name)
		}
	}
	if !opened[cloudwatchlogs.Name] {
		t.Error("what CloudWatch Logs sends has no source")
	}
}
