package kubernetes

import (
	"errors"
	"net/url"
	"regexp"
	"sync"

	"github.com/opsguard/opsguard/pkg/executor/internal/awsapi"
	"github.com/opsguard/opsguard/pkg/incident"
	"github.com/opsguard/opsguard/pkg/integration"
)

// Settings are what services.yaml says of a target.
type Settings struct {
	Namespace   string `setting:"namespace" help:"the namespace of the workload"`
	Deployment  string `setting:"deployment" default:"" help:"the Deployment's name; exactly one of deployment, statefulSet and daemonSet"`
	StatefulSet string `setting:"statefulSet" default:"" help:"the StatefulSet's name"`
	DaemonSet   string `setting:"daemonSet" default:"" help:"the DaemonSet's name"`
	MaxReplicas int    `setting:"maxReplicas" default:"0" help:"how many replicas scale-out may come to; it adds none without"`

	Kubeconfig string             `setting:"kubeconfig" default:"" help:"the path of a kubeconfig file; with a context alone: .kube/config in the home folder"`
	Context    string             `setting:"context" default:"" help:"a context of the kubeconfig file; by default its current one"`
	Server     string             `setting:"server" default:"" help:"the API server's URL, in place of a kubeconfig file; with none of them: the cluster that OpsGuard runs in"`
	CA         string             `setting:"ca" default:"" help:"the path of the certificate, in PEM, of the authority that vouches for server; by default those that the machine trusts"`
	Token      integration.Secret `setting:"token" default:"" help:"a bearer token for server, such as a service account's"`

	EKS        string `setting:"eks" default:"" help:"the name of an Amazon EKS cluster, in place of server and of a kubeconfig file; it is reached by role"`
	Region     string `setting:"region" default:"" help:"the Region of the EKS cluster"`
	Role       string `setting:"role" default:"" help:"ARN of the role to act with on EKS; an access entry of the cluster says what it may do in Kubernetes"`
	ReadRole   string `setting:"readRole" default:"" help:"ARN of the role to look with on EKS, with an access entry of its own; role if left out"`
	ExternalID string `setting:"externalId" default:"" help:"the external id that the role's trust policy asks for"`
}

// dnsName is what Kubernetes takes as a name: RFC 1123 labels, joined by dots
// (kubernetes.io/docs/concepts/overview/working-with-objects/names).
var dnsName = sync.OnceValue(func() *regexp.Regexp { return regexp.MustCompile(`^[a-z0-9]([-a-z0-9.]{0,251}[a-z0-9])?$`) })

// Validate reports what the types of the settings cannot say.
func (s Settings) Validate() error {
	var wrong []error
	named := 0
	for setting, name := range map[string]string{"deployment": s.Deployment, "statefulSet": s.StatefulSet, "daemonSet": s.DaemonSet} {
		if name == "" {
			continue
		}
		if named++; !dnsName().MatchString(name) {
			wrong = append(wrong, incident.BadField(setting, "is not a name that Kubernetes takes"))
		}
	}
	if named != 1 {
		wrong = append(wrong, incident.BadField("deployment", "name exactly one of deployment, statefulSet and daemonSet"))
	}
	if s.Namespace != "" && !dnsName().MatchString(s.Namespace) {
		wrong = append(wrong, incident.BadField("namespace", "is not a name that Kubernetes takes"))
	}
	if s.MaxReplicas < 0 {
		wrong = append(wrong, incident.BadField("maxReplicas", "must not be negative"))
	}
	return errors.Join(append(wrong, s.access()...)...)
}

// target is where the EKS cluster is.
func (s Settings) target() awsapi.Target {
	return awsapi.Target{Role: s.Role, ReadRole: s.ReadRole, ExternalID: s.ExternalID, Region: s.Region}
}

// access reports what is wrong with how the cluster is reached: there is one way.
func (s Settings) access() []error {
	if s.EKS == "" {
		var wrong []error
		for setting, value := range map[string]string{"region": s.Region, "role": s.Role, "readRole": s.ReadRole, "externalId": s.ExternalID} {
			if value != "" {
				wrong = append(wrong, incident.BadField(setting, "goes with eks only"))
			}
		}
		return append(wrong, s.direct()...)
	}
	wrong := []error{awsapi.OneName("eks", s.EKS, eksName(), "a cluster's name of up to 100 letters, digits, - and _"), s.target().Validate()}
	if s.Server != "" || s.Kubeconfig != "" || s.Context != "" || s.CA != "" || !s.Token.IsZero() {
		wrong = append(wrong, incident.BadField("eks", "and server, ca, token, kubeconfig or context exclude each other; EKS tells the server"))
	}
	return wrong
}

// direct reports what is wrong with how a cluster is reached that is not EKS's.
func (s Settings) direct() (wrong []error) {
	if s.Server == "" {
		if s.CA != "" {
			wrong = append(wrong, incident.BadField("ca", "goes with server only; a kubeconfig file names its own"))
		}
		if !s.Token.IsZero() {
			wrong = append(wrong, incident.BadField("token", "goes with server only; a kubeconfig file names its own"))
		}
		return wrong
	}
	if s.Kubeconfig != "" || s.Context != "" {
		wrong = append(wrong, incident.BadField("server", "and kubeconfig or context exclude each other"))
	}
	if s.Token.IsZero() {
		wrong = append(wrong, incident.BadField("token", "is missing; server needs one"))
	}
	if u, err := url.Parse(s.Server); err != nil || u.Host == "" || !integration.Encrypted(u) || u.User != nil || u.RawQuery != "" {
		wrong = append(wrong, incident.BadField("server", "must be an https URL"))
	}
	return wrong
}

// kind is one kind of workload.
type kind struct {
	name   string // as people write it
	plural string // as the API does
}

// workload is the kind that the settings name, and its name.
func (s Settings) workload() (kind, string) {
	switch {
	case s.Deployment != "":
		return kind{deployment, "deployments"}, s.Deployment
	case s.StatefulSet != "":
		return kind{statefulSet, "statefulsets"}, s.StatefulSet
	default:
		return kind{daemonSet, "daemonsets"}, s.DaemonSet
	}
}

const (
	deployment  = "Deployment"
	statefulSet = "StatefulSet"
	daemonSet   = "DaemonSet"
)
