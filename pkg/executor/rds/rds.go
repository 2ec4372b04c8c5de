// Package rds restarts a database instance of Amazon RDS, and fails instances and clusters
// over to their standby. Start at Integration; awsapi, which it is made of, says how it
// gets its rights.
//
// RDS refuses both unless the database is available, so a second restart cannot begin
// while one is under way. Calls are those of the Amazon RDS API Reference, 2014-10-31.
package rds

import (
	"context"
	"errors"
	"net/url"
	"regexp"
	"sync"
	"time"

	"github.com/opsguard/opsguard/pkg/executor/internal/awsapi"
	"github.com/opsguard/opsguard/pkg/incident"
	"github.com/opsguard/opsguard/pkg/integration"
	"github.com/opsguard/opsguard/pkg/steps"
)

// Settings are a target's attributes in services.yaml.
type Settings struct {
	awsapi.Target
	Instance string `setting:"instance" default:"" help:"the DB instance's identifier; either this or cluster"`
	Cluster  string `setting:"cluster" default:"" help:"the DB cluster's identifier, for fail-over; either this or instance"`
}

// nameForm is that of identifiers: letters, digits and single hyphens, a letter first.
var nameForm = sync.OnceValue(func() *regexp.Regexp { return regexp.MustCompile(`^([a-zA-Z](-?[a-zA-Z0-9]){0,62})?$`) })

// Validate implements the check of settings.
func (s Settings) Validate() error {
	const words = "an identifier of letters, digits and single hyphens, a letter first"
	var one error
	if (s.Instance == "") == (s.Cluster == "") {
		one = incident.BadField("instance", "give either instance or cluster")
	}
	return errors.Join(s.Target.Validate(), one,
		awsapi.OneName("instance", s.Instance, nameForm(), words), awsapi.OneName("cluster", s.Cluster, nameForm(), words))
}

const (
	restart  = "restart-service"
	failOver = "fail-over"
	version  = "2014-10-31"
	limit    = 20 * time.Minute
)

// Integration describes the executor.
func Integration() integration.Descriptor[steps.Executor] {
	return integration.New("rds", "acts on a DB instance or a DB cluster of Amazon RDS", Open).NamedBy("region", "cluster", "instance").Can(
		integration.Ability{Fix: restart, Does: "reboots the DB instance, without a failover",
			Verifies: "RDS has recorded the restart since, and the instance is available",
			Rights:   "rds:RebootDBInstance, rds:DescribeDBInstances on the instance; rds:DescribeEvents"},
		integration.Ability{Fix: failOver,
			Does:     "reboots a Multi-AZ instance with a failover, or fails a cluster over to a reader that RDS chooses",
			Verifies: "the instance is available in another zone, or another member is the cluster's writer",
			Rights: "rds:RebootDBInstance, rds:DescribeDBInstances on the instance, " +
				"or rds:FailoverDBCluster, rds:DescribeDBClusters on the cluster"},
	)
}

type database struct {
	Settings
	arn string // of the instance, or of the cluster
}

func events() string { return awsapi.Right("rds:DescribeEvents", "*") }

// Open opens the executor for one instance or one cluster.
func Open(env integration.Env, s Settings) (steps.Executor, error) {
	if s.Cluster != "" {
		d := database{s, s.Target.ARN("rds", "cluster:"+s.Cluster)}
		return awsapi.New(env, s.Target,
			awsapi.Fix{ID: failOver, Reads: []string{d.clusters()},
				Look: d.lookAtCluster, Plan: d.planCluster, Act: d.failClusterOver, Verify: d.verifyCluster}), nil
	}
	d := database{s, s.Target.ARN("rds", "db:"+s.Instance)}
	return awsapi.New(env, s.Target,
		awsapi.Fix{ID: restart, Reads: []string{d.instances(), events()},
			Look: d.lookToRestart, Plan: d.planRestart, Act: d.restart, Verify: d.verifyRestart},
		awsapi.Fix{ID: failOver, Reads: []string{d.instances()},
			Look: d.lookToFailOver, Plan: d.planFailOver, Act: d.failOver, Verify: d.verifyFailOver}), nil
}

func (d database) instances() string { return awsapi.Right("rds:DescribeDBInstances", d.arn) }
func (d database) clusters() string  { return awsapi.Right("rds:DescribeDBClusters", d.arn) }
func (d database) reboots() string   { return awsapi.Right("rds:RebootDBInstance", d.arn) }

// described is what matters of an instance: shape DBInstance.
type described struct {
	ID      string `xml:"DBInstanceIdentifier"`
	Status  string `xml:"DBInstanceStatus"`
	MultiAZ bool   `xml:"MultiAZ"`
	Zone    string `xml:"AvailabilityZone"`
	Standby string `xml:"SecondaryAvailabilityZone"`
	Cluster string `xml:"DBClusterIdentifier"`
}

func (d database) describe(ctx context.Context, at *awsapi.Session) (described, error) {
	var out struct {
		Found []described `xml:"DescribeDBInstancesResult>DBInstances>DBInstance"`
	}
	if err := at.Query(ctx, d.instances(), version, url.Values{"DBInstanceIdentifier": {d.Instance}}, &out); err != nil {
		return described{}, err
	}
	if len(out.Found) != 1 || out.Found[0].Status == "deleting" {
		return described{}, awsapi.Missing("there is no DB instance %s, or it is being deleted; check the target in services.yaml", d.Instance)
	}
	return out.Found[0], nil
}

// ready is describe for an instance that can be changed now.
func (d database) ready(ctx context.Context, at *awsapi.Session) (described, error) {
	now, err := d.describe(ctx, at)
	if err == nil && now.Status != "available" {
		return now, awsapi.Cannot("the DB instance is not available: RDS is changing it, or it has failed; look at it in RDS")
	}
	return now, err
}

func (d database) reboot(ctx context.Context, at *awsapi.Session, failingOver bool) error {
	in := url.Values{"DBInstanceIdentifier": {d.Instance}, "ForceFailover": {"false"}}
	if failingOver {
		in.Set("ForceFailover", "true")
	}
	return at.Change(ctx, func() error { return at.Query(ctx, d.reboots(), version, in, nil) })
}
