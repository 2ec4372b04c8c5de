package rds

import (
	"context"
	"net/url"
	"slices"
	"strings"

	"github.com/opsguard/opsguard/pkg/executor/internal/awsapi"
	"github.com/opsguard/opsguard/pkg/incident"
	"github.com/opsguard/opsguard/pkg/steps"
)

// cluster is what matters of a cluster: shape DBCluster.
type cluster struct {
	ID      string `xml:"DBClusterIdentifier"`
	Status  string `xml:"Status"`
	Members []struct {
		ID     string `xml:"DBInstanceIdentifier"`
		Writer bool   `xml:"IsClusterWriter"`
	} `xml:"DBClusterMembers>DBClusterMember"`
}

// roles are the writer, "" for none, and the readers.
func (c cluster) roles() (writer string, readers []string) {
	for _, m := range c.Members {
		if m.Writer {
			writer = m.ID
		} else {
			readers = append(readers, m.ID)
		}
	}
	slices.Sort(readers)
	return writer, readers
}

func (d database) describeCluster(ctx context.Context, at *awsapi.Session) (cluster, error) {
	var out struct {
		Found []cluster `xml:"DescribeDBClustersResult>DBClusters>DBCluster"`
	}
	if err := at.Query(ctx, d.clusters(), version, url.Values{"DBClusterIdentifier": {d.Cluster}}, &out); err != nil {
		return cluster{}, err
	}
	if len(out.Found) != 1 || out.Found[0].Status == "deleting" {
		return cluster{}, awsapi.Missing("there is no DB cluster %s, or it is being deleted; check the target in services.yaml", d.Cluster)
	}
	return out.Found[0], nil
}

func (d database) lookAtCluster(ctx context.Context, at *awsapi.Session, _ incident.Proposal) (incident.State, error) {
	c, err := d.describeCluster(ctx, at)
	if err != nil {
		return nil, err
	}
	writer, readers := c.roles()
	switch {
	case c.Status != "available":
		return nil, awsapi.Cannot("the DB cluster is not available: RDS is changing it, or it has failed; look at it in RDS")
	case writer == "":
		return nil, awsapi.Cannot("the DB cluster has no writer: a failover may be under way")
	case len(readers) == 0:
		return nil, awsapi.Cannot("the DB cluster has no reader that could become the writer")
	}
	return incident.State{"cluster": c.ID, "writer": writer, "readers": strings.Join(readers, ", ")}, nil
}

func (d database) planCluster(present incident.State, _ incident.Proposal) (incident.Draft, error) {
	return incident.Draft{
		Actions: []string{"rds FailoverDBCluster cluster=" + d.Cluster},
		Wanted:  incident.State{"writer": "another than " + present["writer"]},
		Undo:    incident.Undo{Not: "failing back is a failover of its own, for a person to decide"}, Limit: limit,
		Blast:  incident.Blast{Affected: 1, Of: 1, Unit: "DB clusters"},
		Rights: []string{awsapi.Right("rds:FailoverDBCluster", d.arn)},
	}, nil
}

// failClusterOver looks at the writer once more: FailoverDBCluster takes no condition, and
// would fail back what somebody has just failed over.
func (d database) failClusterOver(ctx context.Context, at *awsapi.Session, o steps.Order) (incident.State, string, error) {
	c, err := d.describeCluster(ctx, at)
	if err != nil {
		return nil, "", err
	}
	if writer, _ := c.roles(); writer != o.Plan.Present["writer"] || c.Status != "available" {
		return nil, "", awsapi.Cannot("the cluster has another writer, or is not available, since the plan was made")
	}
	err = at.Change(ctx, func() error {
		return at.Query(ctx, awsapi.Right("rds:FailoverDBCluster", d.arn), version, url.Values{"DBClusterIdentifier": {d.Cluster}}, nil)
	})
	return nil, "RDS fails the cluster " + d.Cluster + " over", err
}

func (d database) verifyCluster(ctx context.Context, at *awsapi.Session, o steps.Order) (awsapi.Seen, error) {
	c, err := d.describeCluster(ctx, at)
	if err != nil {
		return awsapi.Seen{}, err
	}
	if writer, _ := c.roles(); c.Status == "available" && writer != "" && writer != o.Plan.Present["writer"] {
		return awsapi.Verified("the cluster is available and has another writer than before")
	}
	return awsapi.Settling("the cluster is not available with another writer yet")
}
