package kubernetes

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/url"
	"strconv"

	"github.com/opsguard/opsguard/pkg/incident"
	"github.com/opsguard/opsguard/pkg/integration"
)

// api calls the API server of one cluster: "Kubernetes API Concepts" in the Kubernetes
// reference.
type api struct {
	env integration.Env // whose client is the cluster's
	access
}

// manager is under what name the cluster notes our changes.
const manager = "opsguard"

// resource is an object of the API, or a collection where name is "".
type resource struct {
	group, plural   string
	namespace, name string
	sub             string // subresource; "" for none
}

func (r resource) path() string {
	path := "/api/v1"
	switch r.group {
	case "":
	case "autoscaling":
		path = "/apis/autoscaling/v2"
	default:
		path = "/apis/" + r.group + "/v1"
	}
	if r.namespace != "" {
		path += "/namespaces/" + url.PathEscape(r.namespace)
	}
	path += "/" + r.plural
	if r.name != "" {
		path += "/" + url.PathEscape(r.name)
	}
	if r.sub != "" {
		path += "/" + r.sub
	}
	return path
}

// String is as RBAC and kubectl name it: deployments.apps/scale shop/api.
func (r resource) String() string {
	s := r.plural
	if r.group != "" {
		s += "." + r.group
	}
	if r.sub != "" {
		s += "/" + r.sub
	}
	switch {
	case r.name != "" && r.namespace != "":
		s += " " + r.namespace + "/" + r.name
	case r.name != "":
		s += " " + r.name
	case r.namespace != "":
		s += " in " + r.namespace
	}
	return s
}

// said is what is known of a call that failed.
type said struct {
	sent   bool
	status int    // of a refusal; 0 if there was none that is certain
	reason string // metav1.StatusReason: NotFound, Conflict, Forbidden
}

// outcome is what a failed change has come to. A refusal, and a server that was never
// reached, changed nothing; 429 is answered before anything is done.
func (s said) outcome(err error) incident.Outcome {
	var connecting *net.OpError
	switch {
	case err == nil:
		return ""
	case !s.sent, s.status != 0, incident.WaitOf(err) > 0, errors.As(err, &connecting) && connecting.Op == "dial":
		return incident.Failed
	}
	return incident.Unknown
}

// request is one call.
type request struct {
	method string
	verb   string // RBAC's
	on     resource
	query  url.Values
	form   string // the body's media type
	body   any
}

func (a api) call(ctx context.Context, r request, into any) (said, error) {
	var s said
	if ctx.Err() != nil {
		return s, incident.Unavail("the time was up", ctx.Err())
	}
	header := http.Header{"Accept": {"application/json"}}
	token, err := a.token(ctx)
	if err != nil {
		return s, err
	}
	if token != "" {
		header.Set("Authorization", "Bearer "+token)
	}
	if r.form != "" {
		header.Set("Content-Type", r.form)
	}
	address := a.server + r.on.path()
	if len(r.query) > 0 {
		address += "?" + r.query.Encode()
	}
	s.sent = true
	text, err := a.env.Do(ctx, integration.Call{
		Vendor: "Kubernetes", Method: r.method, URL: address, Header: header, Body: r.body, RequestID: "Audit-Id",
		Judge: func(status int, answer []byte) string {
			s.status = status
			var told struct{ Kind, Reason string }
			if json.Unmarshal(answer, &told) == nil && told.Kind == "Status" {
				s.reason = told.Reason
			}
			if status == http.StatusUnauthorized && a.stranger != "" {
				return a.stranger
			}
			return s.words(r)
		},
	})
	switch {
	case err != nil && s.reason == "NotFound":
		return s, incident.Fail(incident.NotFound, incident.CodeNotFound, "there is no %s", r.on)
	case err != nil || into == nil:
		return s, err
	case json.Unmarshal(text, into) != nil && len(text) >= integration.MaxAnswer:
		return s, incident.Bad("Kubernetes' answer about %s is larger than %d KiB", r.on, integration.MaxAnswer>>10)
	case json.Unmarshal(text, into) != nil:
		return s, notTheAPI()
	}
	return s, nil
}

// words say what is wrong and what to do; "" for the general ones.
func (s said) words(r request) string {
	switch {
	case s.status == http.StatusUnauthorized:
		return "Kubernetes does not accept the credential (401); replace it"
	case s.status == http.StatusForbidden:
		return fmt.Sprintf("Kubernetes forbids to %s %s (403); grant it by RBAC, or look which admission rule refuses it", r.verb, r.on)
	case s.status == http.StatusConflict:
		return r.on.String() + " was changed by somebody meanwhile (409)"
	case s.status == http.StatusUnprocessableEntity && r.method != http.MethodGet:
		return "Kubernetes does not take the change of " + r.on.String() + " (422); an admission rule or a newer field may be in the way"
	}
	return ""
}

func (a api) get(ctx context.Context, on resource, into any) error {
	_, err := a.call(ctx, request{method: http.MethodGet, verb: "get", on: on}, into)
	return err
}

// Bounds of reading a collection. A page must fit into integration.MaxAnswer: a pod or a
// ReplicaSet takes 5 to 25 KB.
const (
	perPage  = 8
	maxPages = 64
)

// list reads a collection, page by page; see is called for each object.
func list[T any](ctx context.Context, a api, on resource, query url.Values, see func(T)) error {
	if query == nil {
		query = url.Values{}
	}
	query.Set("limit", strconv.Itoa(perPage))
	for range maxPages {
		var page struct {
			Kind     string
			Metadata struct{ Continue string }
			Items    []T
		}
		if _, err := a.call(ctx, request{method: http.MethodGet, verb: "list", on: on, query: query}, &page); err != nil {
			return err
		}
		for _, item := range page.Items {
			see(item)
		}
		if page.Metadata.Continue == "" {
			return nil
		}
		query.Set("continue", page.Metadata.Continue)
	}
	return incident.Bad("there are more than %d %s; that is more than can be looked through", perPage*maxPages, on)
}

// The forms of a patch: "Update API Objects in Place Using kubectl patch" in the
// Kubernetes documents.
const (
	mergePatch     = "application/merge-patch+json"
	strategicPatch = "application/strategic-merge-patch+json"
	jsonPatch      = "application/json-patch+json"
)

// patch changes an object. What body says of metadata.resourceVersion makes the server
// refuse if the object has changed since that was read.
func (a api) patch(ctx context.Context, on resource, form string, body, into any) (said, error) {
	return a.call(ctx, request{method: http.MethodPatch, verb: "patch", on: on, form: form, body: body,
		query: url.Values{"fieldManager": {manager}}}, into)
}

// remove deletes an object if it is the one of that uid.
func (a api) remove(ctx context.Context, on resource, uid string) (said, error) {
	return a.call(ctx, request{method: http.MethodDelete, verb: "delete", on: on, form: "application/json", body: map[string]any{
		"apiVersion": "v1", "kind": "DeleteOptions", "preconditions": map[string]string{"uid": uid},
	}}, nil)
}
