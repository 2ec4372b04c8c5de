// Package awsapi is what the executors of AWS targets share. Start at Executor: an
// executor describes each of its fixes as a Fix, and Executor does the rest.
//
// Every method that an executor is asked for opens a session of its own: AssumeRole on a
// role that services.yaml names for the target, for 15 minutes, with a session policy that
// allows the calls of this fix on this target and nothing else. A session that acts gets
// the rights of the plan that was approved; one that looks gets rights to read, and may
// have a role of its own, so that functions that only look cannot act. The session
// bears the incident's id and who approved it, so that CloudTrail in the target's account
// names both beside every call. Kubernetes on EKS needs no more than such a session: Open,
// and Session.Identity.
//
// Calls are plain HTTP, signed by Signature Version 4 (sign.go), in the three protocols
// that AWS speaks (call.go). The SDK's client of ECS alone adds 2.9 MB to a bare program
// for arm64; all six executors together add 1.5 MB this way, and 0.5 MB to execute-fix.
package awsapi

import (
	"errors"
	"regexp"
	"strings"
	"sync"

	"github.com/opsguard/opsguard/pkg/incident"
)

// Target is where a target is and how it is reached: the settings that every executor of
// AWS targets has. They embed it in their own.
type Target struct {
	Role       string `setting:"role" help:"ARN of the role to act with; infra/target-role.yaml makes both"`
	ReadRole   string `setting:"readRole" default:"" help:"ARN of the role to look with, which may change nothing; role if left out"`
	ExternalID string `setting:"externalId" help:"the external id that the role's trust policy asks for"`
	Region     string `setting:"region" help:"the Region of the target"`
}

// Forms by the IAM and STS API references: a role's ARN, an external id, a Region's name.
var (
	roleForm = sync.OnceValue(func() *regexp.Regexp {
		return regexp.MustCompile(`^arn:(aws|aws-cn|aws-us-gov|aws-eusc):iam::([0-9]{12}):role/[\w+=,.@/-]{1,512}$`)
	})
	externalForm = sync.OnceValue(func() *regexp.Regexp { return regexp.MustCompile(`^[\w+=,.@:/-]{2,1000}$`) }) // of 1224 that STS takes
	regionForm   = sync.OnceValue(func() *regexp.Regexp { return regexp.MustCompile(`^[a-z]{2,5}(-[a-z]+){1,3}-[0-9]{1,2}$`) })
)

// Validate reports settings that cannot be right.
func (t Target) Validate() error {
	var bad []error
	if !roleForm().MatchString(t.Role) {
		bad = append(bad, incident.BadField("role", "must be a role's ARN, such as arn:aws:iam::123456789012:role/opsguard-target"))
	}
	read := roleForm().FindStringSubmatch(t.ReadRole)
	if t.ReadRole != "" && (read == nil || t.Account() != "" && (read[1] != t.partition() || read[2] != t.Account())) {
		bad = append(bad, incident.BadField("readRole", "must be the ARN of a role in the account of role"))
	}
	if !externalForm().MatchString(t.ExternalID) {
		bad = append(bad, incident.BadField("externalId", "must be 2 to 1000 letters, digits and _+=,.@:/-, as the role's trust policy has it"))
	}
	if !regionForm().MatchString(t.Region) {
		bad = append(bad, incident.BadField("region", "must be a Region's name, such as eu-central-1"))
	}
	return errors.Join(bad...)
}

// looking is the role that looking is done with.
func (t Target) looking() string {
	if t.ReadRole != "" {
		return t.ReadRole
	}
	return t.Role
}

// ARN names a resource of the target's account and Region.
func (t Target) ARN(service, resource string) string {
	return "arn:" + t.partition() + ":" + service + ":" + t.Region + ":" + t.Account() + ":" + resource
}

// Account is the target's account id.
func (t Target) Account() string { return t.roleParts()[2] }

func (t Target) partition() string { return t.roleParts()[1] }

// roleParts are the whole, the partition and the account; "" each where the role is none.
func (t Target) roleParts() []string {
	if m := roleForm().FindStringSubmatch(t.Role); m != nil {
		return m
	}
	return make([]string, 3)
}

// endpoint is a service's own address in the target's Region. The role's partition decides
// the domain, because a role cannot be assumed from another.
func (t Target) endpoint(service string) string {
	domain := map[string]string{"aws-cn": "amazonaws.com.cn", "aws-eusc": "amazonaws.eu"}[t.partition()]
	if domain == "" {
		domain = "amazonaws.com"
	}
	return "https://" + service + "." + t.Region + "." + domain
}

// OneName reports a setting that cannot name one resource; what it says the name must be
// is in words that end the error. An empty value passes where it may be left out.
func OneName(setting, value string, form *regexp.Regexp, words string) error {
	if form.MatchString(value) {
		return nil
	}
	return incident.BadField(setting, "must be %s", words)
}

// InTarget reports whether an ARN that AWS answered is of the target's account and Region,
// and names one resource.
func (t Target) InTarget(arn, service string) bool {
	return strings.HasPrefix(arn, t.ARN(service, "")) && !strings.ContainsAny(arn, "*? ")
}
