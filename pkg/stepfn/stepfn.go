// Package stepfn runs incidents' executions on Step Functions: it starts one by
// its incident's id, resumes the one that waits on a task token, and tells
// whether one still runs. It is what infra/local/engine is on one machine.
package stepfn

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/aws/retry"
	"github.com/aws/aws-sdk-go-v2/service/sfn"
	"github.com/aws/aws-sdk-go-v2/service/sfn/types"
	"github.com/aws/smithy-go"

	"github.com/opsguard/opsguard/pkg/incident"
	"github.com/opsguard/opsguard/pkg/steps"
)

// Settings is what the workflow is told by a function's environment.
type Settings struct {
	StateMachineARN string `env:"OPSGUARD_STATE_MACHINE_ARN" help:"the state machine of incidents"`
}

const settingARN = "OPSGUARD_STATE_MACHINE_ARN"

// executionPrefix takes apart arn:PARTITION:states:REGION:ACCOUNT:stateMachine:NAME
// and returns what the ARNs of its executions begin with.
func executionPrefix(arn string) (string, bool) {
	p := strings.Split(arn, ":")
	if len(p) != 7 || p[0] != "arn" || p[2] != "states" || p[5] != "stateMachine" {
		return "", false
	}
	for _, part := range p {
		if part == "" || strings.ContainsAny(part, " \t\n/*?") {
			return "", false
		}
	}
	p[5] = "execution"
	return strings.Join(p, ":") + ":", true
}

// Tasks implements steps.Deliverer: it resumes what waits, of whichever state machine
// a task token is. It may be used concurrently.
type Tasks struct{ client *sfn.Client }

// Workflow implements steps.Starter and steps.Describer too, for one state machine.
type Workflow struct {
	Tasks
	machine    string
	executions string // what an execution's ARN begins with
	describes  pace
}

// What the SDK's standard retryer may do about throttling, 5xx and broken
// connections: its random waits come to 4 s at most. Past that the state machine, or
// reconcile, tries again.
const (
	maxAttempts = 5
	maxBackoff  = time.Second
)

// OpenTasks is for a function that only delivers; it makes no call.
func OpenTasks(cfg aws.Config) Tasks { return openTasks(cfg, maxBackoff) }

func openTasks(cfg aws.Config, backoff time.Duration) Tasks {
	return Tasks{sfn.NewFromConfig(cfg, func(o *sfn.Options) {
		o.Retryer = retry.NewStandard(func(r *retry.StandardOptions) { r.MaxAttempts, r.MaxBackoff = maxAttempts, backoff })
	})}
}

// Open binds to a state machine; it makes no call.
func Open(cfg aws.Config, s Settings) (*Workflow, error) { return open(cfg, s, maxBackoff) }

func open(cfg aws.Config, s Settings, backoff time.Duration) (*Workflow, error) {
	executions, ok := executionPrefix(s.StateMachineARN)
	if !ok {
		return nil, fmt.Errorf("%s: %q is not the ARN of a state machine", settingARN, s.StateMachineARN)
	}
	w := &Workflow{Tasks: openTasks(cfg, backoff), machine: s.StateMachineARN, executions: executions}
	w.describes.every = describeEvery
	return w, nil
}

// Start implements steps.Starter.
func (w *Workflow) Start(ctx context.Context, ref incident.Ref, input json.RawMessage) error {
	_, err := w.client.StartExecution(ctx, &sfn.StartExecutionInput{StateMachineArn: &w.machine, Name: &ref.ID, Input: aws.String(string(input))})
	var exists *types.ExecutionAlreadyExists
	if errors.As(err, &exists) {
		return nil
	}
	return unavailable("start the execution", err)
}

// maxToken is the longest task token, in characters.
const maxToken = 2048

// Deliver implements steps.Deliverer. No error of it holds the service's words:
// they may repeat the token.
func (w Tasks) Deliver(ctx context.Context, token incident.TaskToken, output json.RawMessage) error {
	text := token.Reveal()
	if text == "" || len(text) > maxToken {
		return taskClosed()
	}
	_, err := w.client.SendTaskSuccess(ctx, &sfn.SendTaskSuccessInput{TaskToken: &text, Output: aws.String(string(output))})
	switch code := codeOf(err); {
	case err == nil:
		return nil
	case code == "TaskTimedOut", code == "TaskDoesNotExist", code == "InvalidToken":
		return taskClosed()
	case code != "":
		return unavailable("resume the execution", errors.New(code))
	}
	return unavailable("resume the execution", errors.New(strings.ReplaceAll(err.Error(), text, "[task token]")))
}

func taskClosed() error {
	return incident.Fail(incident.Conflict, incident.CodeTaskClosed, "the workflow does not wait on this task token")
}

// Describe implements steps.Describer. Questions that come faster than AWS's quota
// allows wait for their turn.
func (w *Workflow) Describe(ctx context.Context, ref incident.Ref) (steps.ExecutionStatus, error) {
	if err := w.describes.wait(ctx); err != nil {
		return "", unavailable("wait to describe the execution", err)
	}
	out, err := w.client.DescribeExecution(ctx, &sfn.DescribeExecutionInput{ExecutionArn: aws.String(w.executions + ref.ID)})
	var missing *types.ExecutionDoesNotExist
	switch {
	case errors.As(err, &missing):
		return steps.ExecutionMissing, nil
	case err != nil:
		return "", unavailable("describe the execution", err)
	case out.Status == types.ExecutionStatusRunning || out.Status == types.ExecutionStatusPendingRedrive:
		return steps.ExecutionRunning, nil
	}
	return steps.ExecutionEnded, nil
}

// Check says in one line what is wrong with the setting if there is no such state
// machine.
func (w *Workflow) Check(ctx context.Context) error {
	_, err := w.client.DescribeStateMachine(ctx, &sfn.DescribeStateMachineInput{StateMachineArn: &w.machine})
	var missing *types.StateMachineDoesNotExist
	if errors.As(err, &missing) || codeOf(err) == "InvalidArn" {
		return fmt.Errorf("%s: there is no state machine %s", settingARN, w.machine)
	}
	if err != nil {
		return fmt.Errorf("%s: the state machine %s cannot be reached: %w", settingARN, w.machine, unavailable("describe it", err))
	}
	return nil
}

// codeOf is the service's name of an error; "" if the service did not answer.
func codeOf(err error) string {
	var api smithy.APIError
	if errors.As(err, &api) {
		return api.ErrorCode()
	}
	return ""
}

func unavailable(doing string, err error) error {
	if err == nil {
		return nil
	}
	return incident.Unavail("the workflow failed: "+doing, err)
}
