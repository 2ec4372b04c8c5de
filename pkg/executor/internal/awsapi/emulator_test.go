package awsapi_test

import (
	"context"
	"crypto/rand"
	"encoding/json"
	"fmt"
	"net/url"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/opsguard/opsguard/pkg/catalog"
	"github.com/opsguard/opsguard/pkg/executor/autoscaling"
	"github.com/opsguard/opsguard/pkg/executor/ec2"
	"github.com/opsguard/opsguard/pkg/executor/internal/awsapi"
	"github.com/opsguard/opsguard/pkg/executor/rds"
	"github.com/opsguard/opsguard/pkg/incident"
	"github.com/opsguard/opsguard/pkg/integration"
	"github.com/opsguard/opsguard/pkg/steps"
	"github.com/opsguard/opsguard/pkg/steps/stepstest"
	"github.com/opsguard/opsguard/pkg/steps/stepstest/awsfake"
)

// targetsVariable names an AWS emulator that enforces IAM; infra/emulator/test.sh sets it.
const targetsVariable = "OPSGUARD_TEST_TARGETS"

const (
	account    = "000000000000" // the emulator's
	region     = "us-east-1"
	externalID = "an-external-id-of-a-test"
)

// emulated is an account on the emulator: the roles of infra/target-role.yaml, callers
// that may assume them, and targets.
type emulated struct {
	env  integration.Env // its access is the acting function's
	look integration.Env // its access is that of a function that only looks
	at   awsapi.Target
	root *awsapi.Session

	role, instance, database, other string
}

func emulator(t *testing.T) *emulated {
	t.Helper()
	endpoint := os.Getenv(targetsVariable)
	if endpoint == "" {
		t.Skip(targetsVariable + " names no emulator; make test-aws does")
	}
	e := &emulated{env: stepstest.Env(nil), role: "opsguard-" + strings.ToLower(rand.Text()[:10])} // another one in each run
	e.env.Now = time.Now
	e.env.AWS.Endpoint = endpoint
	e.at = awsapi.Target{Role: arnOf(e.role), ReadRole: arnOf(e.role + "-read"), ExternalID: externalID, Region: region}
	e.root = awsapi.With(e.env, e.at, integration.AWSKey{ID: "test", Secret: "test"})
	e.look = e.env
	e.env.AWS.Credentials = e.caller(t, e.role+"-act-caller", e.at.Role, e.at.ReadRole)
	e.look.AWS.Credentials = e.caller(t, e.role+"-look-caller", e.at.ReadRole)
	e.deploy(t)
	return e
}

func arnOf(role string) string { return "arn:aws:iam::" + account + ":role/" + role }

// do makes one call as the account's root.
func (e *emulated) do(t *testing.T, right, version string, out any, pairs ...string) {
	t.Helper()
	in := url.Values{}
	for i := 0; i+1 < len(pairs); i += 2 {
		in.Set(pairs[i], pairs[i+1])
	}
	if err := e.root.Query(t.Context(), right, version, in, out); err != nil {
		t.Fatalf("%s: %v", right, err)
	}
}

func document(statements ...map[string]any) string {
	text, err := json.Marshal(map[string]any{"Version": "2012-10-17", "Statement": statements})
	if err != nil {
		return err.Error()
	}
	return string(text)
}

// caller makes a role as a function has it, which may assume only these roles, and returns
// its access.
func (e *emulated) caller(t *testing.T, name string, roles ...string) func(context.Context) (integration.AWSKey, error) {
	t.Helper()
	trust := document(map[string]any{"Effect": "Allow", "Principal": map[string]any{"AWS": "arn:aws:iam::" + account + ":root"}, "Action": "sts:AssumeRole"})
	e.do(t, "iam:CreateRole on "+name, "2010-05-08", nil, "RoleName", name, "AssumeRolePolicyDocument", trust)
	e.do(t, "iam:PutRolePolicy on "+name, "2010-05-08", nil, "RoleName", name, "PolicyName", "assume", "PolicyDocument",
		document(map[string]any{"Effect": "Allow", "Action": []string{"sts:AssumeRole", "sts:SetSourceIdentity"}, "Resource": roles}))
	key := e.assume(t, name)
	return func(context.Context) (integration.AWSKey, error) { return key, nil }
}

// assume returns a key of a role that trusts the account, without a session policy.
func (e *emulated) assume(t *testing.T, name string) integration.AWSKey {
	t.Helper()
	var out struct {
		ID     string `xml:"AssumeRoleResult>Credentials>AccessKeyId"`
		Secret string `xml:"AssumeRoleResult>Credentials>SecretAccessKey"`
		Token  string `xml:"AssumeRoleResult>Credentials>SessionToken"`
	}
	e.do(t, "sts:AssumeRole on "+name, "2011-06-15", &out, "RoleArn", arnOf(name), "RoleSessionName", "test")
	return integration.AWSKey{ID: out.ID, Secret: out.Secret, Token: out.Token}
}

// deploy makes the roles by the template, as an account's owner does. The emulator knows
// neither tags nor sts:SourceIdentity in conditions. So the acting role is given what the
// template gives it for what is tagged, without the tag, and its trust does not ask for an
// approver. The boundary and the rest of the trust stay the template's.
func (e *emulated) deploy(t *testing.T) {
	t.Helper()
	text, err := os.ReadFile("../../../../infra/target-role.yaml")
	const unknown = ", 'sts:SourceIdentity': '?*'"
	if err != nil || !strings.Contains(string(text), unknown) {
		t.Fatalf("the template does not ask for an approver any more, or: %v", err)
	}
	text = []byte(strings.Replace(string(text), unknown, "", 1))
	e.do(t, "cloudformation:CreateStack on x", "2010-05-15", nil, "StackName", e.role, "TemplateBody", string(text), "Capabilities.member.1", "CAPABILITY_NAMED_IAM",
		"Parameters.member.1.ParameterKey", "ActRoleArns", "Parameters.member.1.ParameterValue", arnOf(e.role+"-act-caller"),
		"Parameters.member.2.ParameterKey", "LookRoleArns", "Parameters.member.2.ParameterValue", arnOf(e.role+"-look-caller")+","+arnOf(e.role+"-act-caller"),
		"Parameters.member.3.ParameterKey", "ExternalId", "Parameters.member.3.ParameterValue", externalID,
		"Parameters.member.4.ParameterKey", "RoleName", "Parameters.member.4.ParameterValue", e.role)
	var stack struct {
		Status string `xml:"DescribeStacksResult>Stacks>member>StackStatus"`
	}
	for range 100 {
		if e.do(t, "cloudformation:DescribeStacks on x", "2010-05-15", &stack, "StackName", e.role); !strings.HasSuffix(stack.Status, "IN_PROGRESS") {
			break
		}
	}
	if stack.Status != "CREATE_COMPLETE" {
		t.Fatalf("the template ended %s", stack.Status)
	}
	for _, role := range []string{e.role, e.role + "-read"} { // the emulator's CloudFormation forgets them
		e.do(t, "iam:PutRolePermissionsBoundary on x", "2010-05-08", nil, "RoleName", role,
			"PermissionsBoundary", "arn:aws:iam::"+account+":policy/"+e.role+"-boundary")
	}
	e.do(t, "iam:PutRolePolicy on x", "2010-05-08", nil, "RoleName", e.role, "PolicyName", "untagged", "PolicyDocument",
		document(map[string]any{"Effect": "Allow", "Resource": "*", "Action": []string{"ec2:RebootInstances", "rds:RebootDBInstance",
			"iam:ListRoles", "sts:AssumeRole"}}))
}

// targets makes an instance and two databases. The emulator gives a group of Auto Scaling
// an id in its ARN, and then asks for a right on any id; so no exact right fits there.
func (e *emulated) targets(t *testing.T) {
	t.Helper()
	var run struct {
		ID string `xml:"instancesSet>item>instanceId"`
	}
	e.do(t, "ec2:RunInstances on x", "2016-11-15", &run, "ImageId", "ami-12345678", "InstanceType", "t3.micro", "MinCount", "1", "MaxCount", "1")
	e.instance, e.database, e.other = run.ID, e.role+"-a", e.role+"-b"
	for _, name := range []string{e.database, e.other} {
		e.do(t, "rds:CreateDBInstance on x", "2014-10-31", nil, "DBInstanceIdentifier", name, "DBInstanceClass", "db.t3.micro", "Engine", "postgres",
			"MasterUsername", "postgres", "MasterUserPassword", "a-password-of-a-test", "AllocatedStorage", "20")
	}
}

func (e *emulated) settings(more ...string) (all []integration.Setting) {
	pairs := append([]string{"role", e.at.Role, "readRole", e.at.ReadRole, "externalId", externalID, "region", region}, more...)
	for i := 0; i+1 < len(pairs); i += 2 {
		all = append(all, integration.Setting{Name: pairs[i], Value: integration.Value{Text: pairs[i+1]}})
	}
	return all
}

// order plans with the access of a function that only looks.
func (e *emulated) order(t *testing.T, d integration.Descriptor[steps.Executor], settings []integration.Setting, p incident.Proposal) (steps.Executor, steps.Order) {
	t.Helper()
	looker := stepstest.Open(t, e.look, integration.Executors, d, settings...).It
	present, err := looker.Look(t.Context(), p)
	if err != nil {
		t.Fatalf("Look: %v", err)
	}
	draft, err := looker.Plan(present, p)
	if err != nil {
		t.Fatalf("Plan: %v", err)
	}
	plan, err := catalog.Build(stepstest.AboutFix(), []string{p.FixID}, incident.Target{Service: "shop", Type: d.Name}, p)
	if err != nil {
		t.Fatal(err)
	}
	ref := stepstest.AboutFix()
	plan = plan.With(draft, "digest").Freeze(ref)
	return stepstest.Open(t, e.env, integration.Executors, d, settings...).It, steps.Order{Ref: ref, Plan: plan, By: incident.KeyActor("anna"), StartedAt: e.env.Now()}
}

func TestFixesAreDoneOnTheEmulatorWithTheRolesOfTheTemplate(t *testing.T) {
	e := emulator(t)
	e.targets(t)
	for _, c := range []struct {
		d        integration.Descriptor[steps.Executor]
		settings []integration.Setting
	}{
		{ec2.Integration(), e.settings("instance", e.instance)}, {rds.Integration(), e.settings("instance", e.database)},
	} {
		it, o := e.order(t, c.d, c.settings, awsfake.Proposal(t, "restart-service", nil))
		if acted := it.Act(t.Context(), o); acted.Outcome != "" {
			t.Errorf("%s: %+v", c.d.Name, acted)
		}
		if _, err := it.Verify(t.Context(), o); err != nil {
			t.Errorf("%s: Verify: %v", c.d.Name, err)
		}
	}
}

// Acting on a group cannot be tried, since no exact right fits there; looking can, and so
// can planning.
func TestAGroupOnTheEmulatorIsPlannedByTheRoleThatLooks(t *testing.T) {
	e := emulator(t)
	e.do(t, "autoscaling:CreateLaunchConfiguration on x", "2011-01-01", nil, "LaunchConfigurationName", e.role, "ImageId", "ami-12345678",
		"InstanceType", "t3.micro")
	e.do(t, "autoscaling:CreateAutoScalingGroup on x", "2011-01-01", nil, "AutoScalingGroupName", e.role, "LaunchConfigurationName", e.role,
		"MinSize", "0", "MaxSize", "3", "DesiredCapacity", "1", "AvailabilityZones.member.1", region+"a")
	for fix, want := range map[string]string{"scale-out": "2", "restart-service": ""} {
		it, o := e.order(t, autoscaling.Integration(), e.settings("group", e.role), awsfake.Proposal(t, fix, nil))
		if o.Plan.Wanted["desiredCapacity"] != want || o.Plan.Present["desiredCapacity"] != "1" {
			t.Errorf("%s: planned %v from %v", fix, o.Plan.Wanted, o.Plan.Present)
		}
		if acted := it.Act(t.Context(), o); acted.Outcome != incident.Failed {
			t.Errorf("%s: the emulator takes an exact right by now: test acting too", fix)
		}
	}
}

// What a role allows is not what a session may do.
func TestASessionOnTheEmulatorMayDoWhatItsPolicySaysAndNothingElse(t *testing.T) {
	e := emulator(t)
	e.targets(t)
	_, o := e.order(t, rds.Integration(), e.settings("instance", e.database), awsfake.Proposal(t, "restart-service", nil))
	s, err := awsapi.OpenAs(t.Context(), e.env, e.at, o.Plan.Rights, e.at.Role, o.Ref.ID, "key=anna")
	if err != nil {
		t.Fatal(err)
	}
	reboot := func(s *awsapi.Session, name string) error {
		return s.Query(t.Context(), "rds:RebootDBInstance on "+name, "2014-10-31", url.Values{"DBInstanceIdentifier": {name}}, nil)
	}
	denied := func(what string, err error) {
		t.Helper()
		if incident.KindOf(err) != incident.Invalid || !strings.Contains(fmt.Sprint(err), "AWS does not allow") {
			t.Errorf("%s: %v, want it denied", what, err)
		}
	}
	if err := reboot(s, e.database); err != nil {
		t.Errorf("the plan's own right: %v", err)
	}
	denied("another database", reboot(s, e.other))
	denied("another service", s.Query(t.Context(), "ec2:RebootInstances on x", "2016-11-15", url.Values{"InstanceId.1": {e.instance}}, nil))
	reader, err := awsapi.OpenAs(t.Context(), e.look, e.at, o.Plan.Rights, e.at.ReadRole, "opsguard-look", "")
	if err != nil {
		t.Fatal(err)
	}
	denied("the role that looks, with a session policy that would allow it", reboot(reader, e.database))
	if err := reader.Query(t.Context(), "rds:DescribeDBInstances on x", "2014-10-31", url.Values{"DBInstanceIdentifier": {e.database}}, nil); err != nil {
		t.Errorf("the role that looks, looking: %v", err)
	}
}

func TestOnTheEmulatorARoleIsAssumedAsItsTemplateSaysOrNotAtAll(t *testing.T) {
	e := emulator(t)
	rights := []string{awsapi.Right("ec2:DescribeInstances", "*")}
	wrong := e.at
	wrong.ExternalID = "another-external-id"
	for name, c := range map[string]struct {
		env                integration.Env
		at                 awsapi.Target
		role, name, source string
		ok                 bool
	}{
		"the acting function acts":             {e.env, e.at, e.at.Role, "INC-1", "key=anna", true},
		"the acting function looks":            {e.env, e.at, e.at.ReadRole, "opsguard-look", "", true},
		"the looking function looks":           {e.look, e.at, e.at.ReadRole, "opsguard-look", "", true},
		"the looking function would act":       {e.look, e.at, e.at.Role, "INC-1", "key=anna", false},
		"another external id":                  {e.env, wrong, e.at.Role, "INC-1", "key=anna", false},
		"another external id, to look":         {e.look, wrong, e.at.ReadRole, "opsguard-look", "", false},
		"a role that is not in TargetRoleArns": {e.env, e.at, arnOf(e.role + "-look-caller"), "INC-1", "key=anna", false},
		"no incident in the session's name":    {e.env, e.at, e.at.Role, "somebody", "key=anna", false},
	} {
		_, err := awsapi.OpenAs(t.Context(), c.env, c.at, rights, c.role, c.name, c.source)
		if (err == nil) != c.ok {
			t.Errorf("%s: %v, want it allowed %v", name, err, c.ok)
		}
	}
}

// The test's own policy gives the acting role iam:ListRoles and sts:AssumeRole; the
// boundary of the template takes both.
func TestOnTheEmulatorTheBoundaryHoldsWhateverTheRoleIsGiven(t *testing.T) {
	e := emulator(t)
	own, err := e.env.AWS.Credentials(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	var out struct {
		ID     string `xml:"AssumeRoleResult>Credentials>AccessKeyId"`
		Secret string `xml:"AssumeRoleResult>Credentials>SecretAccessKey"`
		Token  string `xml:"AssumeRoleResult>Credentials>SessionToken"`
	}
	in := url.Values{"RoleArn": {e.at.Role}, "RoleSessionName": {"INC-1"}, "ExternalId": {externalID}, "SourceIdentity": {"key=anna"}}
	if err := awsapi.With(e.env, e.at, own).Query(t.Context(), "sts:AssumeRole on x", "2011-06-15", in, &out); err != nil {
		t.Fatal(err)
	}
	s := awsapi.With(e.env, e.at, integration.AWSKey{ID: out.ID, Secret: out.Secret, Token: out.Token}) // no session policy at all
	if err := s.Query(t.Context(), "ec2:DescribeInstances on *", "2016-11-15", url.Values{}, nil); err != nil {
		t.Errorf("what the boundary allows: %v", err)
	}
	for _, right := range []string{"iam:ListRoles on *", "sts:AssumeRole on x"} {
		in := url.Values{"RoleArn": {arnOf(e.role + "-look-caller")}, "RoleSessionName": {"x1"}}
		version := map[bool]string{true: "2010-05-08", false: "2011-06-15"}[strings.HasPrefix(right, "iam:")]
		if err := s.Query(t.Context(), right, version, in, nil); err == nil || !strings.Contains(err.Error(), "AWS does not allow") {
			t.Errorf("%s: %v, want it denied by the boundary", right, err)
		}
	}
}
