package reconcile

import (
	"context"
	"log/slog"

	"github.com/aws/aws-lambda-go/lambda"

	"github.com/opsguard/opsguard/infra/aws"
	"github.com/opsguard/opsguard/infra/setting"
	"github.com/opsguard/opsguard/pkg/incident"
	"github.com/opsguard/opsguard/pkg/stepfn"
	"github.com/opsguard/opsguard/pkg/steps"
)

// Serve binds reconcile to what calls it: the schedule, which has it visit what is
// late, and the queue that EventBridge tells of executions that ended.
func Serve(ctx context.Context, f aws.Function) (lambda.Handler, error) {
	var s stepfn.Settings
	if err := setting.Load(&s); err != nil {
		return nil, err
	}
	open, err := Open(ctx, f)
	if err != nil {
		return nil, err
	}
	return handler(f.Log, s.Ended, func(ctx context.Context) (step, error) { return open(ctx) }), nil
}

// step is steps.Reconcile.
type step interface {
	Handle(ctx context.Context) (steps.ReconcileReport, error)
	Ended(ctx context.Context, ref incident.Ref) error
}

// call is what is read of an event. A schedule's has no records.
type call struct {
	Records []message `json:"Records"`
}

// message is one of the queue's; its body is EventBridge's event.
type message struct {
	ID   string `json:"messageId"`
	Body string `json:"body"`
}

// batchAnswer tells SQS which messages to keep: it hands them out again, and gives
// them to the dead letters after a few times. The rest is deleted.
type batchAnswer struct {
	Failures []failure `json:"batchItemFailures"`
}

type failure struct {
	ID string `json:"itemIdentifier"`
}

func handler(log *slog.Logger, ended func(event []byte) (string, error), open func(context.Context) (step, error)) lambda.Handler {
	return aws.Task(log, func(ctx context.Context, in call) (any, error) {
		s, err := open(ctx)
		if err != nil {
			return nil, err
		}
		if len(in.Records) == 0 {
			return s.Handle(ctx)
		}
		answer := batchAnswer{Failures: []failure{}}
		for _, m := range in.Records {
			id, err := ended([]byte(m.Body))
			if err == nil {
				err = s.Ended(ctx, incident.Ref{Tenant: incident.DefaultTenant, ID: id})
			}
			if err != nil {
				log.WarnContext(ctx, "what an ended execution left open could not be finished", "incidentId", id, "messageId", m.ID, "error", err.Error())
				answer.Failures = append(answer.Failures, failure{m.ID})
			}
		}
		return answer, nil
	})
}
