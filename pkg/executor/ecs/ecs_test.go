package ecs

import (
	"strings"
	"testing"
	"time"

	"github.com/opsguard/opsguard/pkg/incident"
	"github.com/opsguard/opsguard/pkg/integration"
	"github.com/opsguard/opsguard/pkg/steps"
	"github.com/opsguard/opsguard/pkg/steps/stepstest"
	"github.com/opsguard/opsguard/pkg/steps/stepstest/awsfake"
)

func settings() []integration.Setting {
	return awsfake.Settings("cluster", "prod", "service", "web", "maxInstances", "6")
}

func open(t *testing.T) (*fake, *awsfake.Rig) {
	t.Helper()
	f := newFake(t)
	return f, awsfake.Open(t, f.Cloud, Integration(), settings())
}

func TestEveryFixKeepsTheContract(t *testing.T) {
	for fix, drift := range map[string]func(*fake){
		restart:  func(f *fake) { f.set("taskDefinition", arn(43)) },
		rollback: func(f *fake) { f.set("taskDefinition", arn(43)); f.Do(func() { f.taskStatus[43] = "ACTIVE" }) },
		scaleOut: func(f *fake) { f.set("desiredCount", 2) },
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

func TestADeploymentThatFailsIsNotVerified(t *testing.T) {
	f, r := open(t)
	o := r.Order(t, awsfake.Proposal(t, rollback, nil))
	r.Act(t, &o)
	r.Sees(t, o, steps.Settling, "just begun")
	ours := o.Receipt["deployment"]
	f.deployments(deploymentOf(ours, "PRIMARY", "IN_PROGRESS", 41), deploymentOf("ecs-svc/1000", "ACTIVE", "COMPLETED", 42))
	r.Later(29 * time.Minute)
	r.Sees(t, o, steps.Settling, "slow")
	f.deployments(deploymentOf(ours, "PRIMARY", "FAILED", 41))
	r.Sees(t, o, steps.NotVerified, "failed")
}

func TestACircuitBreakersRollbackIsWaitedForAndNotTakenForTheFix(t *testing.T) {
	f, r := open(t)
	o := r.Order(t, awsfake.Proposal(t, rollback, nil))
	r.Act(t, &o)
	f.set("taskDefinition", arn(42))
	f.deployments(deploymentOf("ecs-svc/3000", "PRIMARY", "IN_PROGRESS", 42), deploymentOf(o.Receipt["deployment"], "ACTIVE", "FAILED", 41))
	r.Sees(t, o, steps.Settling, "while ECS rolls back")
	f.deployments(deploymentOf("ecs-svc/3000", "PRIMARY", "COMPLETED", 42), deploymentOf(o.Receipt["deployment"], "ACTIVE", "FAILED", 41))
	r.Sees(t, o, steps.NotVerified, "when ECS has rolled back")
	f.deployments(deploymentOf("ecs-svc/3000", "PRIMARY", "COMPLETED", 42))
	r.Later(5 * time.Minute)
	r.Sees(t, o, steps.NotVerified, "when only the other deployment is left")
	r.Ends(t, r.It.Undo(t.Context(), awsfake.Undone(o)), incident.Failed, 1, "undoing what the circuit breaker has undone")
}

func TestADescriptionOfBeforeIsNeitherDoneNorFailed(t *testing.T) {
	for _, fix := range []string{restart, rollback, scaleOut} {
		f, r := open(t)
		o := r.Order(t, awsfake.Proposal(t, fix, nil))
		r.Act(t, &o)
		f.Do(func() { f.stale = 3 })
		r.Later(90 * time.Second)
		r.Sees(t, o, steps.Settling, fix+", still the state before")
		lost := o
		lost.Receipt = nil
		r.Sees(t, lost, steps.Settling, fix+", the receipt lost")
		r.Later(time.Minute)
		r.Sees(t, o, steps.NotVerified, fix+", the state before after minutes")
		f.settle(t)
		r.Sees(t, o, steps.Verified, fix+", at last")
		r.Sees(t, lost, steps.Verified, fix+", at last, the receipt lost")
	}
}

func TestAnotherDeploymentIsNotTakenForTheFix(t *testing.T) {
	f, r := open(t)
	o := r.Order(t, awsfake.Proposal(t, restart, nil))
	r.Act(t, &o)
	f.deployments(deploymentOf("ecs-svc/4000", "PRIMARY", "COMPLETED", 43), deploymentOf(o.Receipt["deployment"], "ACTIVE", "IN_PROGRESS", 42))
	r.Sees(t, o, steps.NotVerified, "somebody deployed over it")
}

func TestNothingIsDoneToAServiceThatSomebodyChanged(t *testing.T) {
	for fix, change := range map[string]func(*fake){
		restart:  func(f *fake) { f.deployments(deploymentOf("ecs-svc/9", "PRIMARY", "COMPLETED", 42)) },
		rollback: func(f *fake) { f.set("taskDefinition", arn(43)) },
		scaleOut: func(f *fake) { f.set("desiredCount", 4) },
	} {
		f, r := open(t)
		o := r.Order(t, awsfake.Proposal(t, fix, nil))
		change(f)
		r.Ends(t, r.It.Act(t.Context(), o), incident.Failed, 0, fix)
	}
}

func TestUndoFindsTheServiceAsTheFixMadeItOrDoesNothing(t *testing.T) {
	for fix, change := range map[string]func(*fake){
		rollback: func(f *fake) { f.set("taskDefinition", arn(43)) },
		scaleOut: func(f *fake) { f.set("desiredCount", 9) },
	} {
		f, r := open(t)
		o := r.Order(t, awsfake.Proposal(t, fix, nil))
		r.Act(t, &o)
		change(f)
		r.Ends(t, r.It.Undo(t.Context(), awsfake.Undone(o)), incident.Failed, 1, fix)
	}
}

func TestWhatCannotBeDoneIsSaidBeforeAnybodyIsAsked(t *testing.T) {
	restarts, rolls := awsfake.Proposal(t, restart, nil), awsfake.Proposal(t, rollback, nil)
	scales := awsfake.Proposal(t, scaleOut, map[string]any{"instances": 4})
	for name, c := range map[string]struct {
		change func(*fake)
		p      incident.Proposal
		want   incident.Kind
	}{
		"the service is gone":             {func(f *fake) { f.Do(func() { f.state = nil }) }, restarts, incident.NotFound},
		"the service is being deleted":    {func(f *fake) { f.set("status", "DRAINING") }, scales, incident.NotFound},
		"CodeDeploy controls it":          {func(f *fake) { f.set("deploymentController", map[string]any{"type": "CODE_DEPLOY"}) }, rolls, incident.Invalid},
		"a deployment is under way":       {func(f *fake) { f.deployments(deploymentOf("ecs-svc/9", "PRIMARY", "IN_PROGRESS", 42)) }, restarts, incident.Invalid},
		"a daemon service":                {func(f *fake) { f.set("schedulingStrategy", "DAEMON") }, scales, incident.Invalid},
		"more than maxInstances":          {func(*fake) {}, scales, incident.Invalid},
		"the first revision":              {func(f *fake) { f.set("taskDefinition", arn(1)) }, rolls, incident.Invalid},
		"the revision before is inactive": {func(f *fake) { f.Do(func() { f.taskStatus[41] = "INACTIVE" }) }, rolls, incident.Invalid},
		"the revision before was deleted": {func(f *fake) { f.Do(func() { delete(f.taskStatus, 41) }) }, rolls, incident.NotFound},
		"AWS denies it":                   {func(f *fake) { f.Fail("DescribeServices", *awsfake.Refused("AccessDeniedException")) }, restarts, incident.Invalid},
	} {
		f, r := open(t)
		c.change(f)
		r.Refuses(t, c.p, c.want, name)
	}
	f, r := open(t)
	f.deployments(deploymentOf("ecs-svc/9", "PRIMARY", "IN_PROGRESS", 42), deploymentOf("ecs-svc/8", "ACTIVE", "COMPLETED", 41))
	if o := r.Order(t, rolls); o.Plan.Wanted["taskDefinition"] != arn(41) {
		t.Errorf("a deployment that hangs cannot be rolled back: %+v", o.Plan)
	}
}

func TestTheRevisionBeforeMayGoBetweenPlanAndFix(t *testing.T) {
	f, r := open(t)
	o := r.Order(t, awsfake.Proposal(t, rollback, nil))
	f.Do(func() { f.taskStatus[41] = "INACTIVE" })
	r.Ends(t, r.It.Act(t.Context(), o), incident.Failed, 0, "deregistered since")
}

// A fault of ECS is answered with status 400 too; then it is not certain that nothing was
// done. A refusal for too many calls is certain, and the call is made again.
func TestAFaultIsUnknownAndThrottlingIsNot(t *testing.T) {
	throttled := *awsfake.Refused("ThrottlingException")
	for name, c := range map[string]struct {
		faults []awsfake.Fault
		want   incident.Outcome
		done   int
	}{
		"a fault with 400":     {[]awsfake.Fault{*awsfake.Refused("ServerException")}, incident.Unknown, 0},
		"a fault with 500":     {[]awsfake.Fault{{Code: "ServerException", Status: 500}}, incident.Unknown, 0},
		"throttled once":       {[]awsfake.Fault{throttled}, "", 1},
		"throttled for long":   {[]awsfake.Fault{throttled, throttled, throttled}, incident.Failed, 0},
		"refused":              {[]awsfake.Fault{*awsfake.Refused("InvalidParameterException")}, incident.Failed, 0},
		"the service is gone":  {[]awsfake.Fault{*awsfake.Refused("ServiceNotFoundException")}, incident.Failed, 0},
		"denied at the moment": {[]awsfake.Fault{*awsfake.Refused("AccessDeniedException")}, incident.Failed, 0},
	} {
		f, r := open(t)
		o := r.Order(t, awsfake.Proposal(t, restart, nil))
		f.Fail("UpdateService", c.faults...)
		r.Ends(t, r.It.Act(t.Context(), o), c.want, c.done, name)
	}
}

func TestADenialNamesTheRightThatIsMissing(t *testing.T) {
	f, r := open(t)
	o := r.Order(t, awsfake.Proposal(t, restart, nil))
	f.Fail("UpdateService", *awsfake.Refused("AccessDeniedException"))
	acted := r.It.Act(t.Context(), o)
	if detail := acted.Steps[0].Detail; !strings.Contains(detail, "ecs:UpdateService on "+serviceArn()) ||
		!strings.Contains(detail, "(request id 11111111-2222-3333-4444-555555555555)") || strings.Contains(detail, "own words") {
		t.Errorf("it says %q", detail)
	}
}

func TestSettingsThatCannotNameOneServiceAreRefused(t *testing.T) {
	for name, value := range map[string]string{"cluster": "prod/*", "service": "web*", "maxInstances": "-1", "role": "arn:aws:iam::1:role/x",
		"externalId": "", "region": "eu central", "readRole": "arn:aws:iam::999999999999:role/x"} {
		all := settings()
		for i := range all {
			if all[i].Name == name {
				all[i].Value.Text = value
			}
		}
		if problems := Integration().CheckSettings(all); len(problems) != 1 || problems[0].Setting != name {
			t.Errorf("%s: %q: %v", name, value, problems)
		}
	}
}

func TestSessionsHaveTheRightsThatTheyNeedAndNoOthers(t *testing.T) {
	for _, fix := range []string{restart, rollback, scaleOut} {
		f, r := open(t)
		r.LeastPrivilege(t, awsfake.Proposal(t, fix, nil), f.settle)
	}
}
