package stepfn

import (
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	awshttp "github.com/aws/aws-sdk-go-v2/aws/transport/http"

	"github.com/opsguard/opsguard/infra/emulator/faults"
	"github.com/opsguard/opsguard/pkg/incident"
	"github.com/opsguard/opsguard/pkg/steps"
)

func TestWorkflowContractHoldsWhileCallsFail(t *testing.T) {
	cfg := testConfig(t)
	target, err := url.Parse(*cfg.BaseEndpoint)
	if err != nil {
		t.Fatal(err)
	}
	var calls atomic.Int64
	ways := []faults.Fault{faults.Throttled, faults.Broken, faults.Cut, faults.Lost, faults.Silent}
	proxy := httptest.NewServer(faults.Proxy(target, func(operation string) faults.Fault {
		n := calls.Add(1)
		if n%4 != 0 {
			return faults.None
		}
		way := ways[n/4%int64(len(ways))]
		if (way == faults.Lost || way == faults.Silent) && operation == "SendTaskSuccess" {
			return faults.Cut // the repetition is told that nothing waits any more, which is right
		}
		return way
	}))
	t.Cleanup(proxy.Close)
	through := cfg
	through.BaseEndpoint = &proxy.URL
	through.HTTPClient = awshttp.NewBuildableClient().WithTransportOptions(func(t *http.Transport) { t.ResponseHeaderTimeout = time.Second })
	contract(t, cfg, through)
}

// answering is a workflow whose service answers every call the same.
func answering(t *testing.T, status int, body func(request string) string) *Workflow {
	t.Helper()
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		var in map[string]string
		json.NewDecoder(r.Body).Decode(&in)
		w.WriteHeader(status)
		fmt.Fprint(w, body(in["taskToken"]))
	}))
	t.Cleanup(server.Close)
	w, err := Open(aws.Config{Region: "us-east-1", BaseEndpoint: &server.URL, Credentials: aws.AnonymousCredentials{}},
		Settings{StateMachineARN: "arn:aws:states:us-east-1:123456789012:stateMachine:x"})
	if err != nil {
		t.Fatal(err)
	}
	return w
}

func TestNoErrorHoldsTheTaskToken(t *testing.T) {
	const secret = "AAAAKgAAAAIAAAAA-secret"
	for _, code := range []string{"ValidationException", "InvalidToken", "TaskTimedOut", "AccessDeniedException", "InvalidOutput", "Odd"} {
		w := answering(t, http.StatusBadRequest, func(token string) string {
			return fmt.Sprintf(`{"__type":%q,"message":"the value '%s' at 'taskToken' is wrong"}`, code, token)
		})
		err := w.Deliver(t.Context(), incident.NewTaskToken(secret), json.RawMessage(`{}`))
		if err == nil || strings.Contains(err.Error(), secret) {
			t.Errorf("%s: %v", code, err)
		}
	}
}

// cut is a client whose every connection ends with an error that repeats what was sent.
type cut struct{}

func (cut) Do(r *http.Request) (*http.Response, error) {
	sent, _ := io.ReadAll(r.Body)
	return nil, fmt.Errorf("cut after %s", sent)
}

func TestNoErrorOfTheConnectionHoldsTheTaskToken(t *testing.T) {
	const secret = "AAAAKgAAAAIAAAAA-secret"
	w := openTasks(aws.Config{Region: "us-east-1", HTTPClient: cut{}, Credentials: aws.AnonymousCredentials{}}, time.Millisecond)
	err := w.Deliver(t.Context(), incident.NewTaskToken(secret), json.RawMessage(`{}`))
	if incident.KindOf(err) != incident.Unavailable || strings.Contains(err.Error(), secret) || !strings.Contains(err.Error(), "cut after") {
		t.Errorf("%v", err)
	}
}

// Those that AWS, "Step Functions API reference", SendTaskSuccess, knows.
func TestATaskThatNobodyWaitsOnIsTold(t *testing.T) {
	for code, want := range map[string]incident.Code{
		"TaskTimedOut": incident.CodeTaskClosed, "TaskDoesNotExist": incident.CodeTaskClosed, "InvalidToken": incident.CodeTaskClosed,
		"InvalidOutput": incident.CodeUnavailable, "AccessDeniedException": incident.CodeUnavailable,
	} {
		w := answering(t, http.StatusBadRequest, func(string) string { return fmt.Sprintf(`{"__type":%q,"message":"no"}`, code) })
		if err := w.Deliver(t.Context(), incident.NewTaskToken("t"), json.RawMessage(`{}`)); incident.CodeOf(err) != want {
			t.Errorf("%s: %v, want %s", code, err, want)
		}
	}
}

func TestATokenThatIsNoneIsNotSent(t *testing.T) {
	w := answering(t, http.StatusOK, func(token string) string { t.Errorf("sent %d characters", len(token)); return "{}" })
	for _, n := range []int{0, maxToken + 1} {
		if err := w.Deliver(t.Context(), incident.NewTaskToken(strings.Repeat("x", n)), json.RawMessage(`{}`)); incident.CodeOf(err) != incident.CodeTaskClosed {
			t.Errorf("%d characters: %v", n, err)
		}
	}
}

// Those that AWS, "Step Functions API reference", DescribeExecution, knows.
func TestAnExecutionRunsUntilItHasEnded(t *testing.T) {
	for status, want := range map[string]steps.ExecutionStatus{
		"RUNNING": steps.ExecutionRunning, "PENDING_REDRIVE": steps.ExecutionRunning,
		"SUCCEEDED": steps.ExecutionEnded, "FAILED": steps.ExecutionEnded, "TIMED_OUT": steps.ExecutionEnded, "ABORTED": steps.ExecutionEnded,
	} {
		w := answering(t, http.StatusOK, func(string) string { return fmt.Sprintf(`{"status":%q}`, status) })
		if got, err := w.Describe(t.Context(), incident.Ref{Tenant: incident.DefaultTenant, ID: "INC-1"}); got != want || err != nil {
			t.Errorf("%s: %q, %v; want %q", status, got, err, want)
		}
	}
}

func TestAWorkflowThatFailsIsUnavailable(t *testing.T) {
	w := answering(t, http.StatusBadRequest, func(string) string { return `{"__type":"AccessDeniedException","message":"no"}` })
	ref := incident.Ref{Tenant: incident.DefaultTenant, ID: "INC-01ARZ3NDEKTSV4RRFFQ69G5FAV"}
	_, describe := w.Describe(t.Context(), ref)
	for name, err := range map[string]error{
		"start": w.Start(t.Context(), ref, json.RawMessage(`{}`)), "describe": describe,
		"deliver": w.Deliver(t.Context(), incident.NewTaskToken("t"), json.RawMessage(`{}`)),
	} {
		if incident.KindOf(err) != incident.Unavailable {
			t.Errorf("%s: %v", name, err)
		}
	}
	if err := w.Check(t.Context()); err == nil || !strings.HasPrefix(err.Error(), settingARN+": ") {
		t.Errorf("check: %v", err)
	}
}

func TestAStateMachineThatIsNotThereIsNamed(t *testing.T) {
	for _, code := range []string{"StateMachineDoesNotExist", "InvalidArn"} {
		w := answering(t, http.StatusBadRequest, func(string) string { return fmt.Sprintf(`{"__type":%q,"message":"no"}`, code) })
		if err := w.Check(t.Context()); err == nil || !strings.HasPrefix(err.Error(), settingARN+": there is no state machine") {
			t.Errorf("%s: %v", code, err)
		}
	}
}
