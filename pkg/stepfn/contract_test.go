package stepfn

import (
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"os"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/sfn"
	"github.com/aws/aws-sdk-go-v2/service/sqs"
	"github.com/oklog/ulid/v2"

	"github.com/opsguard/opsguard/pkg/incident"
	"github.com/opsguard/opsguard/pkg/steps/stepstest"
)

const (
	// endpointVariable names a Step Functions: the emulator, or AWS's.
	endpointVariable = "OPSGUARD_TEST_STATES"
	// roleVariable names the role that the test's state machines run as.
	roleVariable = "OPSGUARD_TEST_STATES_ROLE"
)

func testConfig(t *testing.T) aws.Config {
	endpoint := os.Getenv(endpointVariable)
	if endpoint == "" {
		t.Skip("set " + endpointVariable + " to a Step Functions endpoint, for instance http://127.0.0.1:4566 after make emulator-up")
	}
	return aws.Config{
		Region: cmp.Or(os.Getenv("AWS_REGION"), "us-east-1"), BaseEndpoint: &endpoint,
		Credentials: aws.CredentialsProviderFunc(func(context.Context) (aws.Credentials, error) {
			return aws.Credentials{AccessKeyID: cmp.Or(os.Getenv("AWS_ACCESS_KEY_ID"), "test"), SecretAccessKey: cmp.Or(os.Getenv("AWS_SECRET_ACCESS_KEY"), "test"),
				SessionToken: os.Getenv("AWS_SESSION_TOKEN")}, nil
		}),
	}
}

// waitTimeout is how long the machine under test waits for its token: real time,
// which a test against something outside has to let pass.
const waitTimeout = 2 * time.Second

// TestWorkflowContract takes a queue for the function: the token that the machine
// sends it is what a function would be called with.
func TestWorkflowContract(t *testing.T) {
	cfg := testConfig(t)
	contract(t, cfg, cfg)
}

// contract runs the contract with one client for the workflow and one for what
// the test makes around it.
func contract(t *testing.T, cfg, through aws.Config) {
	stepstest.WorkflowContract(t, func(t *testing.T, test func(t *testing.T, s stepstest.Subject)) {
		name := aws.String("opsguard-test-" + ulid.Make().String())
		queue := newQueue(t, cfg, name)
		// Waiting as long as Open does would use up the little time that the machine waits.
		workflow, err := open(through, Settings{StateMachineARN: newMachine(t, cfg, name, queue)}, 100*time.Millisecond)
		if err != nil {
			t.Fatal(err)
		}
		if err := workflow.Check(t.Context()); err != nil {
			t.Fatal(err)
		}
		test(t, stepstest.Subject{Workflow: workflow, SeveralMayWin: true, Tokens: tokens(t, cfg, queue), Timeout: waitTimeout,
			Pass: func(d time.Duration) { <-time.After(d) }})
	})
}

func newQueue(t *testing.T, cfg aws.Config, name *string) (url string) {
	t.Helper()
	client := sqs.NewFromConfig(cfg)
	queue, err := client.CreateQueue(t.Context(), &sqs.CreateQueueInput{QueueName: name})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if _, err := client.DeleteQueue(context.WithoutCancel(t.Context()), &sqs.DeleteQueueInput{QueueUrl: queue.QueueUrl}); err != nil {
			t.Log(err)
		}
	})
	return *queue.QueueUrl
}

func newMachine(t *testing.T, cfg aws.Config, name *string, queue string) (arn string) {
	t.Helper()
	client := sfn.NewFromConfig(cfg)
	machine, err := client.CreateStateMachine(t.Context(), &sfn.CreateStateMachineInput{
		Name: name, RoleArn: aws.String(cmp.Or(os.Getenv(roleVariable), "arn:aws:iam::000000000000:role/opsguard-test")),
		Definition: aws.String(fmt.Sprintf(`{"StartAt":"Wait","States":{"Wait":{"Type":"Task","Resource":"arn:aws:states:::sqs:sendMessage.waitForTaskToken",
			"Parameters":{"QueueUrl":%q,"MessageBody":{"token.$":"$$.Task.Token"}},"TimeoutSeconds":%d,"End":true}}}`, queue, waitTimeout/time.Second)),
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if _, err := client.DeleteStateMachine(context.WithoutCancel(t.Context()), &sfn.DeleteStateMachineInput{StateMachineArn: machine.StateMachineArn}); err != nil {
			t.Log(err)
		}
	})
	return *machine.StateMachineArn
}

// tokens reads the queue until the test ends.
func tokens(t *testing.T, cfg aws.Config, queue string) <-chan incident.TaskToken {
	client := sqs.NewFromConfig(cfg)
	found := make(chan incident.TaskToken, 10)
	ctx, stop := context.WithCancel(t.Context())
	t.Cleanup(stop)
	go func() {
		for ctx.Err() == nil {
			out, err := client.ReceiveMessage(ctx, &sqs.ReceiveMessageInput{QueueUrl: &queue, WaitTimeSeconds: 1, VisibilityTimeout: 60})
			if err != nil {
				continue
			}
			for _, m := range out.Messages {
				var body struct{ Token incident.TaskToken }
				if json.Unmarshal([]byte(aws.ToString(m.Body)), &body) == nil {
					found <- body.Token
				}
			}
		}
	}()
	return found
}

func TestASettingThatIsWrongIsNamed(t *testing.T) {
	for _, arn := range []string{"", "opsguard", "arn:aws:lambda:us-east-1:123456789012:function:x", "arn:aws:states:us-east-1:123456789012:stateMachine:a b",
		"arn:aws:sns:us-east-1:123456789012:stateMachine:x", "arn:aws:states:us-east-1:123456789012:stateMachine:x:1"} {
		if _, err := Open(aws.Config{}, Settings{StateMachineARN: arn}); err == nil || err.Error()[:len(settingARN)] != settingARN {
			t.Errorf("%q: %v", arn, err)
		}
	}
}
