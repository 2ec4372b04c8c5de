package web

import (
	"net/http"
	"strings"

	"github.com/opsguard/opsguard/pkg/body"
	"github.com/opsguard/opsguard/pkg/incident"
	"github.com/opsguard/opsguard/pkg/link"
)

// admit holds the caller to what the route asks. A link is in the query or the
// body and a sender's signature over it: those two are checked by the handlers of
// such routes.
func (s *server) admit(x *exchange) error {
	switch need := x.at.Access; need {
	case AccessNone, AccessLink, AccessSource:
		return nil
	default:
		if s.Keys != nil {
			return s.byKey(x, Role(need))
		}
		if err := meantHere(x.r); err != nil {
			return err
		}
		x.by = incident.Local
		return nil
	}
}

// byKey finds whose key the Authorization header holds and sets x.by. No key is
// 401; a wrong one, or one of another role, 403.
func (s *server) byKey(x *exchange, need Role) error {
	key, ok := bearer(x.r)
	if !ok {
		return &refusal{status: http.StatusUnauthorized, slug: slugUnauthorized, detail: "send a key that has the role " + string(need) + ": Authorization: Bearer KEY"}
	}
	ring, err := s.Keys(x.r.Context())
	if err != nil {
		return incident.Unavail("the keys cannot be read at the moment", err)
	}
	holder, ok := ring.Identify(key)
	if !ok {
		return s.failed(x, incident.Fail(incident.Forbidden, incident.CodeForbidden, "this key is not known; it may have been revoked"))
	}
	x.by = incident.KeyActor(holder.Name)
	if !holder.Role.may(need) {
		return incident.Fail(incident.Forbidden, incident.CodeForbidden, "the key %s has the role %s; this needs %s", holder.Name, holder.Role, need)
	}
	return nil
}

// bearer takes the key out of the one Authorization header. Two of them are as
// good as none: which one counts would be a guess.
func bearer(r *http.Request) (string, bool) {
	headers := r.Header.Values("Authorization")
	if len(headers) != 1 {
		return "", false
	}
	scheme, key, ok := strings.Cut(headers[0], " ")
	key = strings.TrimSpace(key)
	return key, ok && key != "" && strings.EqualFold(scheme, "Bearer")
}

// grant is what a call to decide rests on: a key, being on this machine, or a
// link.
type grant struct {
	by     incident.Actor
	link   *link.Claims // nil if it is no link
	expire error        // why the link, although authentic, no longer decides
}

// granted finds out who wants to decide. A key in the header counts before a
// token; then the token, an empty one too, for a link that lost its token must
// not become an order given here; only then, in keyless mode, being here.
func (s *server) granted(x *exchange, sent body.Values) (grant, error) {
	token, linked := sent["t"]
	switch {
	case s.Keys != nil && len(x.r.Header.Values("Authorization")) > 0:
		err := s.byKey(x, RoleOperate)
		return grant{by: x.by}, err
	case linked:
		return s.byLink(x, token)
	case s.Keys != nil:
		return grant{}, &refusal{status: http.StatusUnauthorized, slug: slugUnauthorized,
			detail: "send an operator's key (Authorization: Bearer KEY), or use the link of the notification"}
	}
	if err := meantHere(x.r); err != nil {
		return grant{}, err
	}
	x.by = incident.Local
	return grant{by: incident.Local}, nil
}

func (s *server) byLink(x *exchange, token string) (grant, error) {
	keys, err := s.LinkKeys(x.r.Context())
	if err != nil {
		return grant{}, incident.Unavail("the link keys cannot be read at the moment", err)
	}
	claims, err := keys.Verify(token, s.Now())
	if err != nil && incident.KindOf(err) != incident.Expired {
		return grant{}, s.failed(x, err)
	}
	x.by = incident.LinkActor(claims.Channel)
	return grant{by: x.by, link: &claims, expire: err}, nil
}

// covers refuses a link that is used for anything but what it was made for. Its
// answer is that of any other wrong token. What was not sent is checked later.
func (g grant) covers(id, action string) error {
	if g.link == nil || (id == "" || id == g.link.Ref.ID) && (action == "" || action == string(g.link.Action)) && g.link.Ref.Tenant == incident.DefaultTenant {
		return nil
	}
	return link.Invalid()
}
