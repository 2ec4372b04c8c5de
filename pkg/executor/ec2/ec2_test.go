package ec2

import (
	"testing"
	"time"

	"github.com/opsguard/opsguard/pkg/incident"
	"github.com/opsguard/opsguard/pkg/integration"
	"github.com/opsguard/opsguard/pkg/steps"
	"github.com/opsguard/opsguard/pkg/steps/stepstest"
	"github.com/opsguard/opsguard/pkg/steps/stepstest/awsfake"
)

const id = "i-0123456789abcdef0"

// fake plays one instance. Like EC2 it shows nothing of a reboot but its status checks.
type fake struct {
	*awsfake.Cloud
	state, system, instance string
	launched                string
	now                     time.Time
}

func newFake(t *testing.T) *fake {
	f := &fake{Cloud: awsfake.Make(t), now: stepstest.Env(nil).Now()}
	f.Cloud.Resource = func(op string, _ map[string]any) []string {
		if op == "RebootInstances" {
			return []string{awsfake.ARN("ec2", "instance/"+id)}
		}
		return []string{"*"}
	}
	f.Cloud.Handle = f.handle
	f.reset(t)
	return f
}

func (f *fake) reset(*testing.T) {
	f.Do(func() {
		f.state, f.system, f.instance, f.launched, f.now = "running", "ok", "ok", "2026-11-01T08:00:00Z", stepstest.Env(nil).Now()
	})
}

func (f *fake) handle(op string, in map[string]any) (map[string]any, *awsfake.Fault) {
	if f.state == "" {
		return nil, awsfake.Refused("InvalidInstanceID.NotFound")
	}
	state := map[string]any{"Code": 16, "Name": f.state}
	switch op {
	case "DescribeInstances":
		return map[string]any{"Reservations": []any{map[string]any{"Instances": []any{
			map[string]any{"InstanceId": id, "State": state, "LaunchTime": f.launched}}}}}, nil
	case "DescribeInstanceStatus":
		if f.state != "running" && in["IncludeAllInstances"] != true {
			return map[string]any{"InstanceStatuses": []any{}}, nil
		}
		return map[string]any{"InstanceStatuses": []any{map[string]any{"InstanceId": id, "InstanceState": state,
			"InstanceStatus": map[string]any{"Status": f.instance}, "SystemStatus": map[string]any{"Status": f.system}}}}, nil
	}
	if f.state != "running" {
		return nil, awsfake.Refused("IncorrectInstanceState")
	}
	return nil, nil
}

func settings() []integration.Setting { return awsfake.Settings("instance", id) }

func open(t *testing.T) (*fake, *awsfake.Rig) {
	t.Helper()
	f := newFake(t)
	return f, awsfake.Open(t, f.Cloud, Integration(), settings())
}

func TestEveryFixKeepsTheContract(t *testing.T) {
	f := newFake(t)
	clock := func() (now time.Time) {
		f.Do(func() { now = f.now })
		return now
	}
	stepstest.ExecutorContract(t, Integration(), stepstest.Fix{
		Vendor: f.Vendor(settings(), clock), Proposal: awsfake.Proposal(t, restart, nil), Reset: f.reset, Effects: f.Changes,
		Settle: func(*testing.T) { f.Do(func() { f.now = f.now.Add(quiet) }) },
		Reads:  awsfake.Reads, Drift: func(*testing.T) { f.Do(func() { f.launched = "2026-11-24T09:59:00Z" }) },
	})
}

func TestChecksOfBeforeAreNotTakenForThoseAfterTheReboot(t *testing.T) {
	f, r := open(t)
	o := r.Order(t, awsfake.Proposal(t, restart, nil))
	r.Act(t, &o)
	r.Later(quiet - time.Second)
	r.Sees(t, o, steps.Settling, "just before")
	f.Do(func() { f.instance = "initializing" })
	r.Later(time.Second)
	r.Sees(t, o, steps.Settling, "the checks begin again")
	f.Do(func() { f.instance, f.system = "ok", "impaired" })
	r.Sees(t, o, steps.Settling, "the host is impaired")
	f.Do(func() { f.system = "ok" })
	r.Sees(t, o, steps.Verified, "both checks passed")
}

func TestAnInstanceThatDoesNotComeBackIsNotVerified(t *testing.T) {
	for _, state := range []string{"stopped", "terminated", ""} {
		f, r := open(t)
		o := r.Order(t, awsfake.Proposal(t, restart, nil))
		r.Act(t, &o)
		f.Do(func() { f.state = state })
		r.Later(quiet)
		r.Sees(t, o, steps.NotVerified, "now "+state)
	}
}

func TestWhatCannotBeDoneIsSaidBeforeAnybodyIsAsked(t *testing.T) {
	for state, want := range map[string]incident.Kind{"": incident.NotFound, "terminated": incident.NotFound, "stopped": incident.Invalid, "pending": incident.Invalid} {
		f, r := open(t)
		f.Do(func() { f.state = state })
		r.Refuses(t, awsfake.Proposal(t, restart, nil), want, "an instance that is "+state)
	}
	f, r := open(t)
	f.Fail("DescribeInstances", awsfake.Fault{Code: "UnauthorizedOperation", Status: 403})
	r.Refuses(t, awsfake.Proposal(t, restart, nil), incident.Invalid, "denied")
}

// EC2 answers its rate limit with status 503, which by itself would leave open whether the
// call was taken.
func TestARateLimitIsCertainAndAFaultIsNot(t *testing.T) {
	limit := awsfake.Fault{Code: "RequestLimitExceeded", Status: 503}
	for name, c := range map[string]struct {
		faults []awsfake.Fault
		want   incident.Outcome
		done   int
	}{
		"limited once":     {[]awsfake.Fault{limit}, "", 1},
		"limited for long": {[]awsfake.Fault{limit, limit, limit}, incident.Failed, 0},
		"its own fault":    {[]awsfake.Fault{{Code: "InternalError", Status: 500}}, incident.Unknown, 0},
		"not available":    {[]awsfake.Fault{{Code: "Unavailable", Status: 503}}, incident.Unknown, 0},
	} {
		f, r := open(t)
		o := r.Order(t, awsfake.Proposal(t, restart, nil))
		f.Fail("RebootInstances", c.faults...)
		r.Ends(t, r.It.Act(t.Context(), o), c.want, c.done, name)
	}
	f, r := open(t)
	o := r.Order(t, awsfake.Proposal(t, restart, nil))
	f.Do(func() { f.state = "stopped" })
	r.Ends(t, r.It.Act(t.Context(), o), incident.Failed, 0, "stopped since")
}

func TestSessionsHaveTheRightsThatTheyNeedAndNoOthers(t *testing.T) {
	_, r := open(t)
	r.LeastPrivilege(t, awsfake.Proposal(t, restart, nil), nil)
}
