package kubernetes

import (
	"context"
	"crypto/x509"
	encoding "encoding/base64"
	"net/http"
	"net/url"
	"regexp"
	"sync"

	"github.com/opsguard/opsguard/pkg/executor/internal/awsapi"
	"github.com/opsguard/opsguard/pkg/incident"
	"github.com/opsguard/opsguard/pkg/integration"
)

// eks is a cluster of Amazon EKS. EKS tells where its API server is and who vouches for it.
// The token is a call of STS that is signed and not made: the cluster makes it, learns which
// role that is, and looks up the role's access entry. What the role may then do is decided
// in the cluster; the session policy bounds only what the session may do in AWS.
//
// Documents: Amazon EKS API Reference, DescribeCluster; the token is that of
// aws-iam-authenticator, README, "API Authorization from Outside a Cluster".
type eks struct {
	env  integration.Env // whose client is for AWS
	at   awsapi.Target
	name string
}

// eksName is a cluster's name: Amazon EKS API Reference, CreateCluster.
var eksName = sync.OnceValue(func() *regexp.Regexp { return regexp.MustCompile(`^[0-9A-Za-z][A-Za-z0-9_-]{0,99}$`) })

const (
	tokenPrefix   = "k8s-aws-v1."
	clusterHeader = "X-K8s-Aws-Id"
)

const describeCluster = "eks:DescribeCluster"

// right is all that the session is given. GetCallerIdentity needs none.
func (c eks) right() string {
	return awsapi.Right(describeCluster, c.at.ARN("eks", "cluster/"+c.name))
}

// access opens a session and reaches the cluster as its role. Its token lasts for 15
// minutes, like the session, so that it is for one method of the executor. It is made once:
// each other one would cost the cluster a call of STS.
func (c eks) access(ctx context.Context, who awsapi.Who) (access, error) {
	s, err := awsapi.Open(ctx, c.env, c.at, []string{c.right()}, who)
	if err != nil {
		return access{}, err
	}
	var out struct {
		Cluster described `json:"cluster"`
	}
	if err := s.REST(ctx, c.right(), http.MethodGet, "/clusters/"+url.PathEscape(c.name), nil, &out); err != nil {
		return access{}, err
	}
	if err := out.Cluster.unfit(); err != nil {
		return access{}, err
	}
	token := tokenPrefix + encoding.RawURLEncoding.EncodeToString([]byte(s.Identity(clusterHeader, c.name)))
	way, err := reach(c.env, out.Cluster.Endpoint, identity{ca: out.Cluster.Authority.Data},
		func(context.Context) (string, error) { return token, nil })
	way.stranger = "the cluster does not know the role " + s.As() + " (401); give it an access entry in EKS, and check this process's clock"
	return way, err
}

// described is what matters of the type Cluster of the API.
type described struct {
	Status    string `json:"status"`
	Endpoint  string `json:"endpoint"`
	Authority struct {
		Data []byte `json:"data"` // PEM, in base64
	} `json:"certificateAuthority"`
}

// unfit says why the cluster cannot be reached. Without an authority of its own, any that
// the machine trusts could vouch for the server, so there must be one.
func (d described) unfit() error {
	switch d.Status {
	case "CREATING", "PENDING":
		return incident.Unavail("the EKS cluster is being created; repeat when it is active", nil)
	case "DELETING", "FAILED":
		return incident.Bad("the EKS cluster is being deleted or has failed; look at it in EKS")
	}
	u, err := url.Parse(d.Endpoint)
	if err != nil || u.Scheme != "https" || u.Host == "" || u.User != nil || u.RawQuery != "" {
		return incident.Unavail("Amazon EKS names no API server of the cluster; look at it in EKS", nil)
	}
	if !x509.NewCertPool().AppendCertsFromPEM(d.Authority.Data) {
		return incident.Unavail("Amazon EKS names no certificate authority of the cluster; look at it in EKS", nil)
	}
	return nil
}
