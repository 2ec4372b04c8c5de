package rds

import (
	"testing"
	"time"

	"github.com/opsguard/opsguard/pkg/incident"
	"github.com/opsguard/opsguard/pkg/integration"
	"github.com/opsguard/opsguard/pkg/steps"
	"github.com/opsguard/opsguard/pkg/steps/stepstest"
	"github.com/opsguard/opsguard/pkg/steps/stepstest/awsfake"
)

// fake plays one instance and one cluster.
type fake struct {
	*awsfake.Cloud
	gone            bool
	status, zone    string
	multiAZ         bool
	memberOf        string
	events          []any
	writer          string
	members         []string
	clusterStatus   string
	pending         func() // what the change under way will have done
	eventsSinceSeen string
}

func newFake(t *testing.T) *fake {
	f := &fake{Cloud: awsfake.Make(t)}
	f.Cloud.Resource = func(op string, _ map[string]any) []string {
		switch op {
		case "DescribeEvents":
			return []string{"*"}
		case "DescribeDBClusters", "FailoverDBCluster":
			return []string{awsfake.ARN("rds", "cluster:orders-cluster")}
		}
		return []string{awsfake.ARN("rds", "db:orders")}
	}
	f.Cloud.Handle = f.handle
	f.reset(t)
	return f
}

func (f *fake) reset(*testing.T) {
	f.Do(func() {
		f.gone, f.status, f.zone, f.multiAZ, f.memberOf, f.pending = false, "available", "eu-central-1a", true, "", nil
		f.writer, f.members, f.clusterStatus = "orders-1", []string{"orders-1", "orders-2"}, "available"
		f.events = []any{event("DB instance shutdown")}
	})
}

func event(message string) map[string]any {
	return map[string]any{"SourceIdentifier": "orders", "SourceType": "db-instance", "Message": message, "EventCategories": []string{"availability"},
		"Date": "2026-11-24T10:00:20Z"}
}

func (f *fake) instance() map[string]any {
	i := map[string]any{"DBInstanceIdentifier": "orders", "DBInstanceStatus": f.status, "MultiAZ": f.multiAZ, "AvailabilityZone": f.zone,
		"DBInstanceArn": awsfake.ARN("rds", "db:orders")}
	if f.multiAZ {
		i["SecondaryAvailabilityZone"] = "eu-central-1b"
	}
	if f.memberOf != "" {
		i["DBClusterIdentifier"] = f.memberOf
	}
	return i
}

func (f *fake) cluster() map[string]any {
	var members []any
	for _, m := range f.members {
		members = append(members, map[string]any{"DBInstanceIdentifier": m, "IsClusterWriter": m == f.writer})
	}
	return map[string]any{"DBClusterIdentifier": "orders-cluster", "Status": f.clusterStatus, "DBClusterMembers": members}
}

func (f *fake) handle(op string, in map[string]any) (map[string]any, *awsfake.Fault) {
	switch {
	case f.gone && op == "DescribeDBClusters":
		return nil, &awsfake.Fault{Code: "DBClusterNotFoundFault", Status: 404}
	case f.gone:
		return nil, &awsfake.Fault{Code: "DBInstanceNotFound", Status: 404}
	case op == "DescribeDBInstances":
		return map[string]any{"DBInstances": []any{f.instance()}}, nil
	case op == "DescribeDBClusters":
		return map[string]any{"DBClusters": []any{f.cluster()}}, nil
	case op == "DescribeEvents":
		f.eventsSinceSeen, _ = in["StartTime"].(string)
		return map[string]any{"Events": f.events}, nil
	case op == "FailoverDBCluster":
		if f.clusterStatus != "available" {
			return nil, awsfake.Refused("InvalidDBClusterStateFault")
		}
		f.pending = func() { f.writer = "orders-2" }
		return map[string]any{"DBCluster": f.cluster()}, nil
	case f.status != "available":
		return nil, awsfake.Refused("InvalidDBInstanceState")
	}
	f.pending = func() {
		if in["ForceFailover"] == true {
			f.zone = "eu-central-1b"
		}
		f.events = append(f.events, event("DB instance restarted"))
	}
	return map[string]any{"DBInstance": f.instance()}, nil
}

func (f *fake) settle(*testing.T) {
	f.Do(func() {
		f.pending()
		f.status, f.clusterStatus = "available", "available"
	})
}

func instanceSettings() []integration.Setting { return awsfake.Settings("instance", "orders") }
func clusterSettings() []integration.Setting  { return awsfake.Settings("cluster", "orders-cluster") }

func open(t *testing.T, settings []integration.Setting) (*fake, *awsfake.Rig) {
	t.Helper()
	f := newFake(t)
	return f, awsfake.Open(t, f.Cloud, Integration(), settings)
}

func TestEveryFixKeepsTheContract(t *testing.T) {
	for name, c := range map[string]struct {
		fix      string
		settings []integration.Setting
		drift    func(*fake)
	}{
		"restart":               {restart, instanceSettings(), func(f *fake) { f.status = "modifying" }},
		"fail over an instance": {failOver, instanceSettings(), func(f *fake) { f.zone = "eu-central-1c" }},
		"fail over a cluster":   {failOver, clusterSettings(), func(f *fake) { f.writer = "orders-2" }},
	} {
		t.Run(name, func(t *testing.T) {
			f := newFake(t)
			stepstest.ExecutorContract(t, Integration(), stepstest.Fix{
				Vendor: f.Vendor(c.settings, nil), Proposal: awsfake.Proposal(t, c.fix, nil), Reset: f.reset, Effects: f.Changes, Settle: f.settle,
				Reads: awsfake.Reads, Drift: func(*testing.T) { f.Do(func() { c.drift(f) }) },
			})
		})
	}
}

func TestAvailableAloneIsNotARestart(t *testing.T) {
	f, r := open(t, instanceSettings())
	o := r.Order(t, awsfake.Proposal(t, restart, nil))
	r.Act(t, &o)
	r.Sees(t, o, steps.Settling, "still available, as before")
	r.Later(10 * time.Minute)
	r.Sees(t, o, steps.Settling, "available, and no restart was recorded")
	f.Do(func() { f.status = "rebooting" })
	r.Sees(t, o, steps.Settling, "rebooting")
	f.settle(t)
	r.Sees(t, o, steps.Verified, "recorded and available")
	if f.eventsSinceSeen != "2026-11-24T10:00:00Z" {
		t.Errorf("it asked for events since %q; those of an earlier restart would count", f.eventsSinceSeen)
	}
	f.Do(func() { f.status = "storage-full" })
	r.Sees(t, o, steps.Settling, "recorded and not available")
}

func TestAFailoverIsVerifiedByAnotherZoneOrWriterOnly(t *testing.T) {
	f, r := open(t, instanceSettings())
	o := r.Order(t, awsfake.Proposal(t, failOver, nil))
	r.Act(t, &o)
	r.Later(15 * time.Minute)
	r.Sees(t, o, steps.Settling, "available in the same zone: RDS may show it late")
	f.Do(func() { f.zone, f.status = "eu-central-1b", "rebooting" })
	r.Sees(t, o, steps.Settling, "in another zone, not available")
	f.Do(func() { f.status = "available" })
	r.Sees(t, o, steps.Verified, "available in another zone")

	f, r = open(t, clusterSettings())
	o = r.Order(t, awsfake.Proposal(t, failOver, nil))
	r.Act(t, &o)
	f.Do(func() { f.clusterStatus = "failing-over" })
	r.Sees(t, o, steps.Settling, "failing over")
	f.Do(func() { f.clusterStatus, f.writer = "available", "" })
	r.Sees(t, o, steps.Settling, "no writer")
	f.Do(func() { f.writer = "orders-2" })
	r.Sees(t, o, steps.Verified, "another writer")
}

func TestNothingIsDoneToADatabaseThatChangedMeanwhile(t *testing.T) {
	for name, c := range map[string]struct {
		fix      string
		settings []integration.Setting
		change   func(*fake)
	}{
		"it is being modified":          {restart, instanceSettings(), func(f *fake) { f.status = "modifying" }},
		"it was deleted":                {restart, instanceSettings(), func(f *fake) { f.gone = true }},
		"it has failed over by itself":  {failOver, instanceSettings(), func(f *fake) { f.zone = "eu-central-1b" }},
		"it has no standby any more":    {failOver, instanceSettings(), func(f *fake) { f.multiAZ = false }},
		"the writer has changed":        {failOver, clusterSettings(), func(f *fake) { f.writer = "orders-2" }},
		"the cluster is being modified": {failOver, clusterSettings(), func(f *fake) { f.clusterStatus = "modifying" }},
	} {
		f, r := open(t, c.settings)
		o := r.Order(t, awsfake.Proposal(t, c.fix, nil))
		f.Do(func() { c.change(f) })
		r.Ends(t, r.It.Act(t.Context(), o), incident.Failed, 0, name)
	}
}

func TestWhatCannotBeDoneIsSaidBeforeAnybodyIsAsked(t *testing.T) {
	for name, c := range map[string]struct {
		fix      string
		settings []integration.Setting
		change   func(*fake)
		want     incident.Kind
	}{
		"no such instance":            {restart, instanceSettings(), func(f *fake) { f.gone = true }, incident.NotFound},
		"it is being deleted":         {restart, instanceSettings(), func(f *fake) { f.status = "deleting" }, incident.NotFound},
		"it is stopped":               {restart, instanceSettings(), func(f *fake) { f.status = "stopped" }, incident.Invalid},
		"it has no standby":           {failOver, instanceSettings(), func(f *fake) { f.multiAZ = false }, incident.Invalid},
		"it is a member of a cluster": {failOver, instanceSettings(), func(f *fake) { f.memberOf = "orders-cluster" }, incident.Invalid},
		"no such cluster":             {failOver, clusterSettings(), func(f *fake) { f.gone = true }, incident.NotFound},
		"the cluster has no reader":   {failOver, clusterSettings(), func(f *fake) { f.members = []string{"orders-1"} }, incident.Invalid},
		"the cluster has no writer":   {failOver, clusterSettings(), func(f *fake) { f.writer = "" }, incident.Invalid},
		"a cluster is not restarted":  {restart, clusterSettings(), func(*fake) {}, incident.Invalid},
		"the cluster is failing over": {failOver, clusterSettings(), func(f *fake) { f.clusterStatus = "failing-over" }, incident.Invalid},
	} {
		f, r := open(t, c.settings)
		f.Do(func() { c.change(f) })
		r.Refuses(t, awsfake.Proposal(t, c.fix, nil), c.want, name)
	}
}

func TestATargetIsEitherAnInstanceOrACluster(t *testing.T) {
	for name, settings := range map[string][]integration.Setting{
		"neither": awsfake.Settings(), "both": awsfake.Settings("instance", "a", "cluster", "b"), "a pattern": awsfake.Settings("instance", "orders*"),
	} {
		if problems := Integration().CheckSettings(settings); len(problems) != 1 {
			t.Errorf("%s: %v", name, problems)
		}
	}
}

func TestSessionsHaveTheRightsThatTheyNeedAndNoOthers(t *testing.T) {
	for _, c := range []struct {
		fix      string
		settings []integration.Setting
	}{{restart, instanceSettings()}, {failOver, instanceSettings()}, {failOver, clusterSettings()}} {
		f, r := open(t, c.settings)
		r.LeastPrivilege(t, awsfake.Proposal(t, c.fix, nil), f.settle)
	}
}
