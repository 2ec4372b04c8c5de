package receivealerts

import (
	"context"
	"encoding/json"
	"log/slog"
	"net/http"

	"github.com/aws/aws-lambda-go/lambda"

	"github.com/opsguard/opsguard/infra/aws"
	"github.com/opsguard/opsguard/pkg/incident"
	"github.com/opsguard/opsguard/pkg/integration"
	"github.com/opsguard/opsguard/pkg/source/awshealth"
	"github.com/opsguard/opsguard/pkg/source/cloudwatch"
	"github.com/opsguard/opsguard/pkg/source/cloudwatchlogs"
	"github.com/opsguard/opsguard/pkg/source/inspector2"
	"github.com/opsguard/opsguard/pkg/source/securityhub"
	"github.com/opsguard/opsguard/pkg/steps"
)

// Direct serves what services of AWS hand to the function themselves, beside the calls
// that API Gateway passes on to api. IAM is the proof: only who the function's policy
// names can call it, and a caller of the API chooses the body of API Gateway's event but
// not its shape. services.yaml need not list these sources; each is named as its type.
func Direct(f aws.Function, env integration.Env, receive steps.ReceiveAlerts, api lambda.Handler) (lambda.Handler, error) {
	d := direct{log: f.Log, receive: receive, sources: map[string]steps.Source{}}
	for _, one := range called() {
		var err error
		if d.sources[one.Name], err = one.Bare(env); err != nil {
			return nil, err
		}
	}
	return byShape{api: api, direct: aws.Task(f.Log, d.handle)}, nil
}

// called are the sources whose senders call the function. They are not looked up in
// source.List, which describes all sources and would do so at every start.
func called() []integration.Descriptor[steps.Source] {
	return []integration.Descriptor[steps.Source]{
		cloudwatchlogs.Integration(), cloudwatch.Integration(), awshealth.Integration(), inspector2.Integration(), securityhub.Integration(),
	}
}

// byService names the source for each service whose events EventBridge delivers.
func byService() map[string]string {
	return map[string]string{
		"aws.cloudwatch": cloudwatch.Name, "aws.health": awshealth.Name, "aws.inspector2": inspector2.Name, "aws.securityhub": securityhub.Name,
	}
}

// shape is what tells one event from another. Its fields are those of API Gateway, of
// EventBridge, of an alarm's Lambda action, of what it sends to a topic, of a
// subscription filter of CloudWatch Logs, and of SNS.
type shape struct {
	RequestContext json.RawMessage `json:"requestContext"`
	Source         string          `json:"source"`
	DetailType     string          `json:"detail-type"`
	AlarmData      json.RawMessage `json:"alarmData"`
	AlarmName      string          `json:"AlarmName"`
	Logs           json.RawMessage `json:"awslogs"`
	Records        []record        `json:"Records"`
}

// record is one message of SNS.
type record struct {
	SNS *struct {
		Message string `json:"Message"`
	} `json:"Sns"`
}

// byShape is a Lambda handler.
type byShape struct{ api, direct lambda.Handler }

// Invoke implements lambda.Handler.
func (b byShape) Invoke(ctx context.Context, payload []byte) ([]byte, error) {
	var s shape
	// Lambda's payloads are JSON; one of other types than these is direct's to refuse.
	if _ = json.Unmarshal(payload, &s); s.RequestContext != nil {
		return b.api.Invoke(ctx, payload)
	}
	return b.direct.Invoke(ctx, payload)
}

type direct struct {
	log     *slog.Logger
	receive steps.ReceiveAlerts
	sources map[string]steps.Source // by their types
}

// report is what the function answers to nobody but its own log and tests.
type report struct {
	Taken   int `json:"taken"`
	Refused int `json:"refused"`
}

// handle fails only if an alert could not be stored: then Lambda calls again, twice, and
// gives the event to the dead letters. What cannot be read could never be read, so it is
// logged and done with.
func (d direct) handle(ctx context.Context, event json.RawMessage) (report, error) {
	var s shape
	if err := json.Unmarshal(event, &s); err != nil {
		d.unread(ctx, shape{}, "", "it has fields of other types than those of AWS")
		return report{Refused: 1}, nil
	}
	if len(s.Records) == 0 {
		return d.take(ctx, s, event)
	}
	total, failed := report{}, error(nil)
	for _, r := range s.Records {
		got, err := d.message(ctx, r)
		if total.Taken, total.Refused = total.Taken+got.Taken, total.Refused+got.Refused; err != nil {
			failed = err // the others are tried all the same
		}
	}
	return total, failed
}

// message takes what SNS delivered, which is the document itself, not its envelope.
func (d direct) message(ctx context.Context, r record) (report, error) {
	var s shape
	if r.SNS == nil || json.Unmarshal([]byte(r.SNS.Message), &s) != nil {
		d.unread(ctx, shape{}, "", "a record holds no message of SNS that is JSON")
		return report{Refused: 1}, nil
	}
	return d.take(ctx, s, json.RawMessage(r.SNS.Message))
}

func (d direct) take(ctx context.Context, s shape, body json.RawMessage) (report, error) {
	name := s.of()
	if name == "" {
		d.unread(ctx, s, "", "no source reads it")
		return report{Refused: 1}, nil
	}
	r := steps.Request{Header: http.Header{"Content-Type": {"application/json"}}, Body: body}
	got, err := d.receive.Event(ctx, name, d.sources[name], r)
	if err != nil && incident.KindOf(err) != incident.Invalid {
		return report{}, err
	}
	if err != nil && len(got.Refused) == 0 {
		got.Refused = []error{err}
	}
	for _, refused := range got.Refused {
		d.unread(ctx, s, name, refused.Error())
	}
	return report{len(got.Taken), len(got.Refused)}, nil
}

// unread logs what is done with, by what AWS calls it and by the source that refused it.
func (d direct) unread(ctx context.Context, s shape, name, why string) {
	d.log.ErrorContext(ctx, "an event of AWS could not be read", "source", name, "error", why,
		"eventSource", short(s.Source), "detailType", short(s.DetailType))
}

// of names the source that reads such an event, "" if none does.
func (s shape) of() string {
	switch {
	case s.Logs != nil:
		return cloudwatchlogs.Name
	case s.AlarmData != nil, s.AlarmName != "":
		return cloudwatch.Name
	case s.DetailType != "":
		return byService()[s.Source]
	}
	return ""
}

// short bounds what of an event gets into the log.
func short(text string) string { return incident.Cut(text, 128) }
