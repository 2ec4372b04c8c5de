package autoscaling

import (
	"fmt"
	"testing"
	"time"

	"github.com/opsguard/opsguard/pkg/incident"
	"github.com/opsguard/opsguard/pkg/integration"
	"github.com/opsguard/opsguard/pkg/steps"
	"github.com/opsguard/opsguard/pkg/steps/stepstest"
	"github.com/opsguard/opsguard/pkg/steps/stepstest/awsfake"
)

func groupArn() string {
	return awsfake.ARN("autoscaling", "autoScalingGroup:930d940e-891e-4781-a11a-7b0acd480f03:autoScalingGroupName/shop")
}

// fake plays one group. It ignores MaxSize, as the emulator does.
type fake struct {
	*awsfake.Cloud
	state     map[string]any // shape AutoScalingGroup
	refreshes []any          // shape InstanceRefresh, the latest first
	stale     int            // how many descriptions still show the state before
	before    map[string]any
}

func newFake(t *testing.T) *fake {
	f := &fake{Cloud: awsfake.Make(t)}
	f.Cloud.Resource = func(op string, _ map[string]any) []string {
		if op == "StartInstanceRefresh" || op == "SetDesiredCapacity" {
			return []string{groupArn()}
		}
		return []string{"*"}
	}
	f.Cloud.Handle = f.handle
	f.reset(t)
	return f
}

func (f *fake) reset(*testing.T) {
	f.Do(func() {
		f.stale = 0
		f.refreshes = []any{refreshOf("old-refresh", "Successful")}
		f.state = map[string]any{
			"AutoScalingGroupName": "shop", "AutoScalingGroupARN": groupArn(), "MinSize": 1, "MaxSize": 4, "DesiredCapacity": 2, "DefaultCooldown": 300,
			"AvailabilityZones": []string{"eu-central-1a"}, "HealthCheckType": "ELB", "CreatedTime": "2026-01-01T00:00:00Z",
			"LaunchTemplate": map[string]any{"LaunchTemplateId": "lt-0123456789abcdef0", "Version": "7"}, "Instances": instances(2),
		}
	})
}

func refreshOf(id, status string) map[string]any {
	return map[string]any{"InstanceRefreshId": id, "Status": status, "PercentageComplete": 40, "AutoScalingGroupName": "shop"}
}

func instances(n int) []any {
	var all []any
	for i := range n {
		all = append(all, map[string]any{"InstanceId": fmt.Sprintf("i-%017d", i), "LifecycleState": "InService", "HealthStatus": "Healthy",
			"AvailabilityZone": "eu-central-1a", "ProtectedFromScaleIn": false})
	}
	return all
}

func (f *fake) handle(op string, in map[string]any) (map[string]any, *awsfake.Fault) {
	switch op {
	case "DescribeAutoScalingGroups":
		if f.state == nil {
			return map[string]any{"AutoScalingGroups": []any{}}, nil
		}
		if f.stale > 0 {
			f.stale--
			return map[string]any{"AutoScalingGroups": []any{f.before}}, nil
		}
		return map[string]any{"AutoScalingGroups": []any{f.state}}, nil
	case "DescribeInstanceRefreshes":
		return map[string]any{"InstanceRefreshes": f.found(in)}, nil
	case "StartInstanceRefresh":
		latest, _ := f.refreshes[0].(map[string]any)
		if latest["Status"] == "InProgress" {
			return nil, awsfake.Refused("InstanceRefreshInProgress")
		}
		f.refreshes = append([]any{refreshOf("new-refresh", "InProgress")}, f.refreshes...)
		return map[string]any{"InstanceRefreshId": "new-refresh"}, nil
	}
	f.before = clone(f.state)
	f.state = clone(f.state)
	f.state["DesiredCapacity"] = in["DesiredCapacity"]
	return nil, nil
}

func (f *fake) found(in map[string]any) []any {
	if f.stale > 0 {
		f.stale--
		return f.refreshes[1:]
	}
	ids, _ := in["InstanceRefreshIds"].([]any)
	if len(ids) == 0 {
		return f.refreshes[:min(1, len(f.refreshes))]
	}
	found := []any{}
	for _, r := range f.refreshes {
		if one, _ := r.(map[string]any); one["InstanceRefreshId"] == ids[0] {
			found = append(found, r)
		}
	}
	return found
}

func clone(m map[string]any) map[string]any {
	c := map[string]any{}
	for k, v := range m {
		c[k] = v
	}
	return c
}

func (f *fake) set(name string, value any) {
	f.Do(func() {
		f.state = clone(f.state)
		f.state[name] = value
	})
}

func (f *fake) refresh(status string) {
	f.Do(func() { f.refreshes = append([]any{refreshOf("new-refresh", status)}, f.refreshes[len(f.refreshes)-1]) })
}

func (f *fake) settle(*testing.T) {
	f.Do(func() {
		f.stale = 0
		if len(f.refreshes) > 1 {
			f.refreshes[0] = refreshOf("new-refresh", "Successful")
		}
		n := 0
		_, _ = fmt.Sscan(fmt.Sprint(f.state["DesiredCapacity"]), &n)
		f.state = clone(f.state)
		f.state["Instances"] = instances(n)
	})
}

func open(t *testing.T) (*fake, *awsfake.Rig) {
	t.Helper()
	f := newFake(t)
	return f, awsfake.Open(t, f.Cloud, Integration(), settings())
}

func settings() []integration.Setting { return awsfake.Settings("group", "shop") }

func TestEveryFixKeepsTheContract(t *testing.T) {
	for fix, drift := range map[string]func(*fake){
		restart: func(f *fake) {
			f.set("LaunchTemplate", map[string]any{"LaunchTemplateId": "lt-0123456789abcdef0", "Version": "8"})
		},
		scaleOut: func(f *fake) { f.set("MaxSize", 5) },
	} {
		t.Run(fix, func(t *testing.T) {
			f := newFake(t)
			stepstest.ExecutorContract(t, Integration(), stepstest.Fix{
				Vendor: f.Vendor(settings(), nil), Proposal: awsfake.Proposal(t, fix, nil), Reset: f.reset, Effects: f.Changes, Settle: f.settle,
				Reads: awsfake.Reads, Drift: func(*testing.T) { drift(f) },
			})
		})
	}
}

func TestARefreshThatEndsOtherwiseThanSuccessfulIsNotVerified(t *testing.T) {
	for status, want := range map[string]steps.Phase{
		"Pending": steps.Settling, "InProgress": steps.Settling, "Cancelling": steps.Settling, "RollbackInProgress": steps.Settling, "Baking": steps.Settling,
		"Successful": steps.Verified, "Failed": steps.NotVerified, "Cancelled": steps.NotVerified, "RollbackFailed": steps.NotVerified,
		"RollbackSuccessful": steps.NotVerified,
	} {
		f, r := open(t)
		o := r.Order(t, awsfake.Proposal(t, restart, nil))
		r.Act(t, &o)
		f.refresh(status)
		r.Later(50 * time.Minute)
		r.Sees(t, o, want, status)
		o.Receipt = nil
		r.Sees(t, o, want, status+", the receipt lost")
	}
}

func TestADescriptionOfBeforeIsNeitherDoneNorFailed(t *testing.T) {
	for _, fix := range []string{restart, scaleOut} {
		f, r := open(t)
		o := r.Order(t, awsfake.Proposal(t, fix, nil))
		r.Act(t, &o)
		lost := o
		lost.Receipt = nil
		f.Do(func() { f.stale = 3 })
		r.Sees(t, o, steps.Settling, fix+", still the state before")
		r.Sees(t, lost, steps.Settling, fix+", still the state before, the receipt lost")
		r.Later(3 * time.Minute)
		r.Sees(t, o, steps.NotVerified, fix+", the state before after minutes")
		f.settle(t)
		r.Sees(t, o, steps.Verified, fix+", at last")
	}
}

func TestInstancesThatAreNotInServiceDoNotCount(t *testing.T) {
	f, r := open(t)
	o := r.Order(t, awsfake.Proposal(t, scaleOut, nil))
	r.Act(t, &o)
	all := instances(3)
	last, _ := all[2].(map[string]any)
	for state, health := range map[string]string{"Pending": "Healthy", "InService": "Unhealthy"} {
		last["LifecycleState"], last["HealthStatus"] = state, health
		f.set("Instances", all)
		r.Sees(t, o, steps.Settling, state+" "+health)
	}
}

// The emulator takes any capacity, so the executor holds the group to its bounds itself:
// when it plans, and again when it acts.
func TestTheMaximumHoldsEvenWhereAWSWouldNotLook(t *testing.T) {
	f, r := open(t)
	p := awsfake.Proposal(t, scaleOut, map[string]any{"instances": 2})
	o := r.Order(t, p)
	r.Refuses(t, awsfake.Proposal(t, scaleOut, map[string]any{"instances": 3}), incident.Invalid, "over the maximum")
	f.set("MaxSize", 3)
	r.Ends(t, r.It.Act(t.Context(), o), incident.Failed, 0, "the maximum was lowered since")
	f.reset(t)
	r.Act(t, &o)
	f.set("MinSize", 3)
	r.Ends(t, r.It.Undo(t.Context(), awsfake.Undone(o)), incident.Failed, 1, "the minimum was raised since")
}

func TestNothingIsDoneToAGroupThatSomebodyChanged(t *testing.T) {
	for name, c := range map[string]struct {
		fix    string
		change func(*fake)
	}{
		"scaled":                  {scaleOut, func(f *fake) { f.set("DesiredCapacity", 3) }},
		"made anew":               {scaleOut, func(f *fake) { f.set("AutoScalingGroupARN", groupArn()+"-2") }},
		"another launch template": {restart, func(f *fake) { f.set("LaunchTemplate", map[string]any{"LaunchTemplateId": "lt-9", "Version": "1"}) }},
		"a refresh is under way":  {restart, func(f *fake) { f.refresh("InProgress") }},
		"deleted":                 {restart, func(f *fake) { f.Do(func() { f.state = nil }) }},
	} {
		f, r := open(t)
		o := r.Order(t, awsfake.Proposal(t, c.fix, nil))
		c.change(f)
		r.Ends(t, r.It.Act(t.Context(), o), incident.Failed, 0, name)
	}
	f, r := open(t)
	o := r.Order(t, awsfake.Proposal(t, scaleOut, nil))
	r.Act(t, &o)
	f.set("DesiredCapacity", 4)
	r.Ends(t, r.It.Undo(t.Context(), awsfake.Undone(o)), incident.Failed, 1, "scaled again before the undoing")
}

func TestWhatCannotBeDoneIsSaidBeforeAnybodyIsAsked(t *testing.T) {
	suspended := func(process string) func(*fake) {
		return func(f *fake) { f.set("SuspendedProcesses", []any{map[string]any{"ProcessName": process}}) }
	}
	for name, c := range map[string]struct {
		change func(*fake)
		fix    string
		want   incident.Kind
	}{
		"no such group":             {func(f *fake) { f.Do(func() { f.state = nil }) }, scaleOut, incident.NotFound},
		"it is being deleted":       {func(f *fake) { f.set("Status", "Delete in progress") }, scaleOut, incident.NotFound},
		"launching is suspended":    {suspended("Launch"), scaleOut, incident.Invalid},
		"ending is suspended":       {suspended("Terminate"), restart, incident.Invalid},
		"a refresh is under way":    {func(f *fake) { f.refresh("InProgress") }, restart, incident.Invalid},
		"there are no instances":    {func(f *fake) { f.set("DesiredCapacity", 0) }, restart, incident.Invalid},
		"another account's group":   {func(f *fake) { f.set("AutoScalingGroupARN", "arn:aws:autoscaling:eu-central-1:999999999999:x") }, scaleOut, incident.Invalid},
		"AWS throttles for long":    {func(f *fake) { f.Fail("DescribeAutoScalingGroups", throttled(3)...) }, scaleOut, incident.Unavailable},
		"AWS denies it":             {func(f *fake) { f.Fail("DescribeAutoScalingGroups", *awsfake.Refused("AccessDenied")) }, scaleOut, incident.Invalid},
		"its keys are not accepted": {func(f *fake) { f.Fail("AssumeRole", awsfake.Fault{Code: "InvalidClientTokenId", Status: 403}) }, scaleOut, incident.Invalid},
	} {
		f, r := open(t)
		c.change(f)
		r.Refuses(t, awsfake.Proposal(t, c.fix, nil), c.want, name)
	}
}

func throttled(n int) (all []awsfake.Fault) {
	for range n {
		all = append(all, *awsfake.Refused("Throttling"))
	}
	return all
}

// ResourceContention is answered with 500: the call may or may not have been taken.
func TestContentionIsUnknownAndThrottlingIsNot(t *testing.T) {
	f, r := open(t)
	o := r.Order(t, awsfake.Proposal(t, scaleOut, nil))
	f.Fail("SetDesiredCapacity", awsfake.Fault{Code: "ResourceContention", Status: 500})
	r.Ends(t, r.It.Act(t.Context(), o), incident.Unknown, 0, "contention")
	f.Fail("SetDesiredCapacity", *awsfake.Refused("ScalingActivityInProgress"))
	r.Ends(t, r.It.Act(t.Context(), o), incident.Failed, 0, "a scaling activity is under way")
	f.Fail("SetDesiredCapacity", throttled(2)...)
	r.Ends(t, r.It.Act(t.Context(), o), "", 1, "throttled twice")
}

func TestSessionsHaveTheRightsThatTheyNeedAndNoOthers(t *testing.T) {
	for _, fix := range []string{restart, scaleOut} {
		f, r := open(t)
		r.LeastPrivilege(t, awsfake.Proposal(t, fix, nil), f.settle)
	}
}
