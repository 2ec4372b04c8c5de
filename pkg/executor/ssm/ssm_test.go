package ssm

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/opsguard/opsguard/pkg/incident"
	"github.com/opsguard/opsguard/pkg/integration"
	"github.com/opsguard/opsguard/pkg/steps"
	"github.com/opsguard/opsguard/pkg/steps/stepstest"
	"github.com/opsguard/opsguard/pkg/steps/stepstest/awsfake"
)

const (
	first, second = "i-0123456789abcdef0", "i-0fedcba9876543210"
	goodHash      = "9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08"
)

// fake plays one document and the nodes with one tag.
type fake struct {
	*awsfake.Cloud
	document map[string]any // shape DocumentDescription; nil: there is none
	hash     string
	nodes    []string
	ping     string
	commands []any // shape Command
	hidden   bool  // the commands are not visible yet
	sent     map[string]any
}

func newFake(t *testing.T) *fake {
	f := &fake{Cloud: awsfake.Make(t)}
	document := awsfake.ARN("ssm", "document/shop-clear-queue")
	f.Cloud.Resource = func(op string, in map[string]any) []string {
		switch op {
		case "DescribeDocument":
			return []string{document}
		case "SendCommand":
			need := []string{document}
			ids, _ := in["InstanceIds"].([]any)
			for _, id := range ids {
				need = append(need, awsfake.ARN("ec2", fmt.Sprintf("instance/%s", id)))
			}
			return need
		}
		return []string{"*"}
	}
	f.Cloud.Handle = f.handle
	f.reset(t)
	return f
}

func (f *fake) reset(*testing.T) {
	f.Do(func() {
		f.hash, f.nodes, f.ping, f.commands, f.hidden, f.sent = goodHash, []string{second, first}, "Online", nil, false, nil
		f.document = map[string]any{"Name": "shop-clear-queue", "DocumentVersion": "3", "Owner": awsfake.Account, "Status": "Active",
			"DocumentType": "Command", "HashType": "Sha256", "Parameters": []any{map[string]any{"Name": "IncidentId", "Type": "String"}}}
	})
}

func (f *fake) handle(op string, in map[string]any) (map[string]any, *awsfake.Fault) {
	switch op {
	case "DescribeDocument":
		if f.document == nil {
			return nil, awsfake.Refused("InvalidDocument")
		}
		if in["DocumentVersion"] != f.document["DocumentVersion"] {
			return nil, awsfake.Refused("InvalidDocumentVersion")
		}
		f.document["Hash"] = f.hash
		return map[string]any{"Document": f.document}, nil
	case "DescribeInstanceInformation":
		all := []any{}
		for _, id := range f.nodes {
			all = append(all, map[string]any{"InstanceId": id, "PingStatus": f.ping})
		}
		return map[string]any{"InstanceInformationList": all}, nil
	case "ListCommands":
		return f.list(in)
	}
	if in["DocumentHash"] != f.hash {
		return nil, awsfake.Refused("InvalidDocumentVersion")
	}
	f.sent = in
	f.commands = append(f.commands, map[string]any{"CommandId": "11111111-2222-3333-4444-555555555555", "DocumentName": in["DocumentName"],
		"Comment": in["Comment"], "Status": "Pending", "TargetCount": 2, "CompletedCount": 0, "ErrorCount": 0})
	return map[string]any{"Command": f.commands[len(f.commands)-1]}, nil
}

func (f *fake) list(in map[string]any) (map[string]any, *awsfake.Fault) {
	if id, ok := in["CommandId"]; ok {
		for _, c := range f.commands {
			if one, _ := c.(map[string]any); one["CommandId"] == id && !f.hidden {
				return map[string]any{"Commands": []any{c}}, nil
			}
		}
		return nil, awsfake.Refused("InvalidCommandId")
	}
	if f.hidden || len(f.commands) == 0 {
		return map[string]any{"Commands": []any{}}, nil
	}
	return map[string]any{"Commands": f.commands}, nil
}

func (f *fake) ends(status string, completed, failed int) {
	f.Do(func() {
		c, _ := f.commands[len(f.commands)-1].(map[string]any)
		c["Status"], c["CompletedCount"], c["ErrorCount"] = status, completed, failed
	})
}

func (f *fake) settle(*testing.T) { f.ends("Success", 2, 0) }

func settings(more ...string) []integration.Setting {
	return awsfake.Settings(append([]string{"document", "shop-clear-queue", "documentVersion", "3", "tag", "app=shop"}, more...)...)
}

func open(t *testing.T, more ...string) (*fake, *awsfake.Rig) {
	t.Helper()
	f := newFake(t)
	return f, awsfake.Open(t, f.Cloud, Integration(), settings(more...))
}

func TestRunARunbookKeepsTheContract(t *testing.T) {
	f := newFake(t)
	stepstest.ExecutorContract(t, Integration(), stepstest.Fix{
		Vendor: f.Vendor(settings("incidentParameter", "IncidentId"), nil), Proposal: awsfake.Proposal(t, run, nil), Reset: f.reset,
		Effects: f.Changes, Settle: f.settle, Reads: awsfake.Reads,
		Drift: func(*testing.T) { f.Do(func() { f.hash = strings.Repeat("0", 64) }) },
	})
}

func TestNothingButTheIncidentsIdReachesTheDocument(t *testing.T) {
	f, r := open(t)
	o := r.Order(t, awsfake.Proposal(t, run, nil))
	r.Act(t, &o)
	if _, given := f.sent["Parameters"]; given {
		t.Errorf("parameters were sent: %v", f.sent)
	}
	if f.sent["DocumentName"] != "shop-clear-queue" || f.sent["DocumentVersion"] != "3" || f.sent["DocumentHash"] != goodHash {
		t.Errorf("another document was run: %v", f.sent)
	}
	f, r = open(t, "incidentParameter", "IncidentId")
	o = r.Order(t, awsfake.Proposal(t, run, nil))
	r.Act(t, &o)
	if got := fmt.Sprint(f.sent["Parameters"]); got != "map[IncidentId:["+o.Ref.ID+"]]" {
		t.Errorf("parameters %s", got)
	}
}

func TestOnlyOneNumberedVersionOfAnOwnDocumentCanBeNamed(t *testing.T) {
	for name, change := range map[string][2]string{
		"AWS's own":                   {"document", "AWS-RunShellScript"},
		"AWS's own in other letters":  {"document", "aws-runshellscript"},
		"Amazon's own":                {"document", "AmazonCloudWatch-ManageAgent"},
		"another account's, by ARN":   {"document", "arn:aws:ssm:eu-central-1:999999999999:document/x"},
		"a pattern":                   {"document", "shop-*"},
		"the latest":                  {"documentVersion", "$LATEST"},
		"the default":                 {"documentVersion", "$DEFAULT"},
		"no version":                  {"documentVersion", "0"},
		"a tag that is no pair":       {"tag", "shop"},
		"a parameter that is no name": {"incidentParameter", "a b"},
	} {
		all := settings("incidentParameter", "")
		for i := range all {
			if all[i].Name == change[0] {
				all[i].Value.Text = change[1]
			}
		}
		if problems := Integration().CheckSettings(all); len(problems) == 0 || problems[0].Setting != change[0] {
			t.Errorf("%s: %v", name, problems)
		}
	}
	if problems := Integration().CheckSettings(settings("noSuch", "x")); len(problems) != 1 {
		t.Errorf("%v", problems)
	}
}

func TestWhatCannotBeDoneIsSaidBeforeAnybodyIsAsked(t *testing.T) {
	is := func(name string, value any) func(*fake) { return func(f *fake) { f.document[name] = value } }
	many := func(f *fake) {
		for n := range maxNodes {
			f.nodes = append(f.nodes, fmt.Sprintf("i-%017x", n+1))
		}
	}
	for name, c := range map[string]struct {
		change func(*fake)
		want   incident.Kind
	}{
		"no such document":          {func(f *fake) { f.document = nil }, incident.NotFound},
		"no such version":           {is("DocumentVersion", "4"), incident.NotFound},
		"a shared document":         {is("Owner", "999999999999"), incident.Invalid},
		"Amazon's":                  {is("Owner", "Amazon"), incident.Invalid},
		"an Automation":             {is("DocumentType", "Automation"), incident.Invalid},
		"it is being made":          {is("Status", "Creating"), incident.Invalid},
		"an old hash":               {is("HashType", "Sha1"), incident.Invalid},
		"no node has the tag":       {func(f *fake) { f.nodes = nil }, incident.NotFound},
		"more nodes than are named": {many, incident.Invalid},
		"a node is not reachable":   {func(f *fake) { f.ping = "ConnectionLost" }, incident.Invalid},
	} {
		f, r := open(t)
		f.Do(func() { c.change(f) })
		r.Refuses(t, awsfake.Proposal(t, run, nil), c.want, name)
	}
	_, r := open(t, "incidentParameter", "Incident")
	r.Refuses(t, awsfake.Proposal(t, run, nil), incident.Invalid, "the document has no such parameter")
}

func TestADocumentThatChangedIsNotRun(t *testing.T) {
	f, r := open(t)
	o := r.Order(t, awsfake.Proposal(t, run, nil))
	f.Do(func() { f.hash = strings.Repeat("0", 64) })
	r.Ends(t, r.It.Act(t.Context(), o), incident.Failed, 0, "another hash")
}

func TestOnlyTheNodesOfThePlanAreTouched(t *testing.T) {
	f, r := open(t)
	o := r.Order(t, awsfake.Proposal(t, run, nil))
	f.Do(func() { f.nodes = append(f.nodes, "i-00000000000000001") })
	r.Act(t, &o)
	if got := fmt.Sprint(f.sent["InstanceIds"]); got != "["+first+" "+second+"]" {
		t.Errorf("it runs on %s", got)
	}
}

func TestACommandEndsAsSystemsManagerSaysOnEveryNode(t *testing.T) {
	for name, c := range map[string]struct {
		status            string
		completed, failed int
		want              steps.Phase
	}{
		"waiting":            {"Pending", 0, 0, steps.Settling},
		"half done":          {"InProgress", 1, 0, steps.Settling},
		"being cancelled":    {"Cancelling", 1, 0, steps.Settling},
		"done":               {"Success", 2, 0, steps.Verified},
		"done on one of two": {"Success", 1, 0, steps.NotVerified},
		"failed":             {"Failed", 2, 1, steps.NotVerified},
		"not delivered":      {"TimedOut", 1, 0, steps.NotVerified},
		"cancelled":          {"Cancelled", 1, 0, steps.NotVerified},
	} {
		f, r := open(t)
		o := r.Order(t, awsfake.Proposal(t, run, nil))
		r.Act(t, &o)
		f.ends(c.status, c.completed, c.failed)
		r.Later(20 * time.Minute)
		r.Sees(t, o, c.want, name)
		o.Receipt = nil
		r.Sees(t, o, c.want, name+", found by its mark")
	}
}

func TestACommandThatIsNotVisibleYetIsNeitherDoneNorFailed(t *testing.T) {
	f, r := open(t)
	o := r.Order(t, awsfake.Proposal(t, run, nil))
	r.Act(t, &o)
	f.Do(func() { f.hidden = true })
	r.Sees(t, o, steps.Settling, "just sent")
	r.Later(3 * time.Minute)
	r.Sees(t, o, steps.NotVerified, "not there after minutes")
	lost := o
	lost.Receipt, lost.Key = nil, "another fix"
	f.Do(func() { f.hidden = false })
	r.Sees(t, lost, steps.NotVerified, "another fix's command")
}

// Systems Manager's model names no status for its own fault, so it may come with 400.
func TestAFaultIsUnknownAndARefusalIsNot(t *testing.T) {
	for code, want := range map[string]incident.Outcome{"InternalServerError": incident.Unknown, "InvalidInstanceId": incident.Failed,
		"UnsupportedPlatformType": incident.Failed, "AccessDeniedException": incident.Failed} {
		f, r := open(t)
		o := r.Order(t, awsfake.Proposal(t, run, nil))
		f.Fail("SendCommand", *awsfake.Refused(code))
		r.Ends(t, r.It.Act(t.Context(), o), want, 0, code)
	}
}

func TestSessionsHaveTheRightsThatTheyNeedAndNoOthers(t *testing.T) {
	f, r := open(t)
	f.Do(func() { // as many as one run may have
		for n := range maxNodes - len(f.nodes) {
			f.nodes = append(f.nodes, fmt.Sprintf("i-%017x", n+1))
		}
	})
	r.LeastPrivilege(t, awsfake.Proposal(t, run, nil), f.settle)
}
