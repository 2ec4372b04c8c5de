package awsapi

import (
	"context"
	"encoding/xml"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/opsguard/opsguard/pkg/incident"
	"github.com/opsguard/opsguard/pkg/integration"
	"github.com/opsguard/opsguard/pkg/steps"
)

// sessionTime is the shortest that STS allows, in seconds.
const sessionTime = "900"

// stsVersion is that of the STS API Reference.
const stsVersion = "2011-06-15"

// Session is one assumed role, for one method call of an executor. It is not safe for
// concurrent use.
type Session struct {
	Target
	env  integration.Env
	role string // that was assumed
	key  integration.AWSKey

	sent  bool // a change was sent, and it is not certain that it was refused
	taken bool // a change was answered with success
}

// Now is the process's clock.
func (s *Session) Now() time.Time { return s.env.Now() }

// As returns the ARN of the role that was assumed.
func (s *Session) As() string { return s.role }

// Who says which role a session is opened with, and for whom.
type Who struct {
	role   string
	name   string // RoleSessionName
	source string // SourceIdentity; "" for none
}

// ToPlan is for a look before there is a plan.
func (t Target) ToPlan() Who { return Who{role: t.looking(), name: "opsguard-look"} }

// ToVerify is for a look how a fix went.
func (t Target) ToVerify(o steps.Order) Who { return forOrder(t.looking(), o.Ref, o.By) }

// ToChange is for a fix, or for its undoing.
func (t Target) ToChange(o steps.Order) Who { return forOrder(t.Role, o.Ref, o.By) }

// forOrder is the incident, and who approved its plan.
func forOrder(role string, ref incident.Ref, by incident.Actor) Who {
	return Who{role, safe(ref.ID), safe(strings.ReplaceAll(string(by), ":", "="))}
}

// safe holds a name to [\w+=,.@-]{2,64}, which STS asks of session names and source
// identities; what does not fit becomes a hyphen.
func safe(name string) string {
	kept := strings.Map(func(r rune) rune {
		if r < 128 && (unreserved(byte(r)) && r != '~' || strings.ContainsRune("_+=,@", r)) {
			return r
		}
		return '-'
	}, name)
	for len(kept) < 2 {
		kept += "-"
	}
	return kept[:min(len(kept), 64)]
}

// Open assumes a role of the target with a session policy for these rights, which have the
// form of a plan's.
func Open(ctx context.Context, env integration.Env, t Target, rights []string, who Who) (*Session, error) {
	policy, err := t.Policy(rights)
	if err != nil {
		return nil, err
	}
	if env.AWS.Credentials == nil {
		return nil, incident.Bad("this program has no access to AWS")
	}
	own, err := env.AWS.Credentials(ctx)
	if err != nil {
		return nil, err
	}
	s := &Session{Target: t, env: env, role: who.role, key: own}
	ask := url.Values{"RoleArn": {who.role}, "RoleSessionName": {who.name}, "ExternalId": {t.ExternalID},
		"DurationSeconds": {sessionTime}, "Policy": {policy}}
	if who.source != "" {
		ask.Set("SourceIdentity", who.source)
	}
	var out struct {
		XMLName xml.Name `xml:"AssumeRoleResponse"`
		ID      string   `xml:"AssumeRoleResult>Credentials>AccessKeyId"`
		Secret  string   `xml:"AssumeRoleResult>Credentials>SecretAccessKey"`
		Token   string   `xml:"AssumeRoleResult>Credentials>SessionToken"`
	}
	if err := s.Query(ctx, Right("sts:AssumeRole", who.role), stsVersion, ask, &out); err != nil {
		return nil, err
	}
	if out.ID == "" || out.Secret == "" || out.Token == "" {
		return nil, unreadable("sts")
	}
	s.key = integration.AWSKey{ID: out.ID, Secret: out.Secret, Token: out.Token}
	return s, nil
}

// identityTime is X-Amz-Expires of an Identity, in seconds. STS ignores it: such a call is
// good for 15 minutes. EKS takes 60 at most (aws-iam-authenticator, pkg/token/token.go).
const identityTime = 60

// Identity returns the address of a GetCallerIdentity that is signed but not made: a GET
// with the header name: value. Whoever makes it, within 15 minutes and while the session
// lasts, is told by STS which role this is. It is a credential: keep it out of errors.
//
// It is of STS's own address in the Region, whatever AWS.Endpoint is: those that are shown
// one, such as EKS, take no other.
func (s *Session) Identity(name, value string) string {
	u := url.URL{Scheme: "https", Host: strings.TrimPrefix(s.endpoint("sts"), "https://"), Path: "/",
		RawQuery: "Action=GetCallerIdentity&Version=" + stsVersion}
	return presign(u, http.Header{name: {value}}, s.key, "sts", s.Region, identityTime, s.env.Now())
}
