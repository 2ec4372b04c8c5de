package awsapi

import (
	"context"
	"encoding/xml"
	"net/url"
	"strings"
	"time"

	"github.com/opsguard/opsguard/pkg/incident"
	"github.com/opsguard/opsguard/pkg/integration"
)

// sessionTime is the shortest that STS allows, in seconds.
const sessionTime = "900"

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

// as says which role a session is opened with, and for whom.
type as struct {
	role   string
	name   string // RoleSessionName
	source string // SourceIdentity; "" for none
}

// forOrder is the incident, and who approved its plan.
func forOrder(role string, ref incident.Ref, by incident.Actor) as {
	return as{role, safe(ref.ID), safe(strings.ReplaceAll(string(by), ":", "="))}
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

// open assumes a role of the target with a session policy for these rights.
func open(ctx context.Context, env integration.Env, t Target, rights []string, who as) (*Session, error) {
	policy, err := t.Policy(rights)
	if err != nil {
		return nil, err
	}
	if env.AWS.Credentials == nil {
		return nil, incident.Fail(incident.Invalid, incident.CodeInvalid, "this program has no access to AWS")
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
	if err := s.Query(ctx, Right("sts:AssumeRole", who.role), "2011-06-15", ask, &out); err != nil {
		return nil, err
	}
	if out.ID == "" || out.Secret == "" || out.Token == "" {
		return nil, unreadable("sts")
	}
	s.key = integration.AWSKey{ID: out.ID, Secret: out.Secret, Token: out.Token}
	return s, nil
}
