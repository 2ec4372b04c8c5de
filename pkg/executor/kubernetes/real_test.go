package kubernetes_test

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"fmt"
	"net/http"
	"net/http/httputil"
	"net/url"
	"os"
	"path/filepath"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/opsguard/opsguard/infra/cluster"
	"github.com/opsguard/opsguard/pkg/catalog"
	"github.com/opsguard/opsguard/pkg/executor/kubernetes"
	"github.com/opsguard/opsguard/pkg/incident"
	"github.com/opsguard/opsguard/pkg/integration"
	"github.com/opsguard/opsguard/pkg/steps"
	"github.com/opsguard/opsguard/pkg/steps/stepstest"
)

// real is the one control plane of this test binary. TestMain ends it, so it is a variable.
type real struct {
	once sync.Once
	dir  string
	err  error
	*cluster.Cluster
	namespaces atomic.Int64
}

var plane = &real{}

func TestMain(m *testing.M) {
	code := m.Run()
	if plane.Cluster != nil {
		plane.Stop()
	}
	if plane.dir != "" {
		_ = os.RemoveAll(plane.dir) // what is left is the machine's to clear
	}
	os.Exit(code)
}

// within bounds what a test waits for the real control plane.
const within = time.Minute

// realCluster starts the control plane at the first use, and skips where it is not built.
func realCluster(t *testing.T) *real {
	t.Helper()
	programs, err := filepath.Abs("../../../.tools/kubernetes")
	if err != nil {
		t.Fatal(err)
	}
	if err := cluster.Built(programs); err != nil {
		t.Skip(err)
	}
	if testing.Short() {
		t.Skip("a real control plane takes 500 MB and some seconds")
	}
	plane.once.Do(func() {
		if plane.dir, plane.err = os.MkdirTemp("", "opsguard-kubernetes"); plane.err == nil {
			plane.Cluster, plane.err = cluster.Start(programs, plane.dir)
		}
	})
	if plane.err != nil {
		t.Fatal(plane.err)
	}
	return plane
}

// shop is a namespace of a test's own, in which OpsGuard has the rights that its
// descriptions name and no others.
type realShop struct {
	*real
	t  *testing.T
	ns string
}

func (r *real) shop(t *testing.T) *realShop {
	t.Helper()
	s := &realShop{r, t, fmt.Sprintf("shop-%d", r.namespaces.Add(1))}
	s.create("/api/v1/namespaces", object{"metadata": object{"name": s.ns}})
	t.Cleanup(func() {
		s.resume()
		ctx, cancel := context.WithTimeout(context.Background(), within)
		defer cancel()
		_ = r.Delete(ctx, "/api/v1/namespaces/"+s.ns) // nothing else uses it
	})
	return s
}

func (s *realShop) ctx() context.Context {
	ctx, cancel := context.WithTimeout(context.Background(), within)
	s.t.Cleanup(cancel)
	return ctx
}

func (s *realShop) must(err error) {
	s.t.Helper()
	if err != nil {
		s.t.Fatal(err)
	}
}

func (s *realShop) create(collection string, o object) {
	s.t.Helper()
	s.must(s.Create(s.ctx(), collection, o))
}

func (s *realShop) resume() { s.must(s.Kubelet.Resume(s.ctx())) }

func (s *realShop) apps(plural string) string {
	return "/apis/apps/v1/namespaces/" + s.ns + "/" + plural
}

// rule is what a Role grants.
func rule(group string, resources, verbs []string) object {
	return object{"apiGroups": []any{group}, "resources": resources, "verbs": verbs}
}

// rules are those of docs/integrations for every fix.
func rules() (inNamespace, ofCluster []any) {
	return []any{
			rule("apps", []string{"deployments", "statefulsets", "daemonsets"}, []string{"get", "patch"}),
			rule("apps", []string{"deployments/scale", "statefulsets/scale"}, []string{"patch"}),
			rule("apps", []string{"replicasets", "controllerrevisions"}, []string{"list"}),
			rule("", []string{"pods"}, []string{"get", "list", "delete"}),
			rule("autoscaling", []string{"horizontalpodautoscalers"}, []string{"list"}),
		}, []any{
			rule("", []string{"nodes"}, []string{"get", "list", "patch"}),
		}
}

// grant lets OpsGuard do what the rules say.
func (s *realShop) grant(inNamespace, ofCluster []any) {
	s.t.Helper()
	const rbac = "/apis/rbac.authorization.k8s.io/v1/"
	us := []any{object{"kind": "User", "name": cluster.OpsGuard, "apiGroup": "rbac.authorization.k8s.io"}}
	ref := func(kind, name string) object {
		return object{"apiGroup": "rbac.authorization.k8s.io", "kind": kind, "name": name}
	}
	if inNamespace != nil {
		s.create(rbac+"namespaces/"+s.ns+"/roles", object{"metadata": object{"name": "opsguard"}, "rules": inNamespace})
		s.create(rbac+"namespaces/"+s.ns+"/rolebindings", object{
			"metadata": object{"name": "opsguard"}, "subjects": us, "roleRef": ref("Role", "opsguard")})
	}
	if ofCluster != nil {
		s.create(rbac+"clusterroles", object{"metadata": object{"name": s.ns}, "rules": ofCluster})
		s.create(rbac+"clusterrolebindings", object{"metadata": object{"name": s.ns}, "subjects": us, "roleRef": ref("ClusterRole", s.ns)})
		s.t.Cleanup(func() {
			s.must(s.Delete(s.ctx(), rbac+"clusterrolebindings/"+s.ns))
			s.must(s.Delete(s.ctx(), rbac+"clusterroles/"+s.ns))
		})
	}
	s.untilAllowed()
}

// untilAllowed waits until the authorizer has seen the grants.
func (s *realShop) untilAllowed() {
	s.t.Helper()
	review := object{"apiVersion": "authorization.k8s.io/v1", "kind": "SubjectAccessReview", "spec": object{"user": cluster.OpsGuard,
		"resourceAttributes": object{"namespace": s.ns, "verb": "get", "group": "apps", "resource": "deployments", "name": "api"}}}
	for ctx := s.ctx(); ; {
		answer, err := s.Ask(ctx, "/apis/authorization.k8s.io/v1/subjectaccessreviews", review)
		s.must(err)
		if part(answer, "status")["allowed"] == true {
			return
		}
	}
}

// deploy makes a Deployment and waits until it runs.
func (s *realShop) deploy(image string, replicas int) {
	s.t.Helper()
	s.create(s.apps("deployments"), deploymentOf("api", image, replicas))
	s.rolledOut()
}

// image changes what the Deployment runs.
func (s *realShop) image(image string) {
	s.t.Helper()
	s.patchApps("deployments", runningImage(image))
}

// runningImage is a patch of a workload's one container.
func runningImage(image string) object {
	containers := []any{object{"name": "app", "image": image}}
	return object{"spec": object{"template": object{"spec": object{"containers": containers}}}}
}

func (s *realShop) patchApps(plural string, o object) {
	s.t.Helper()
	s.must(s.Patch(s.ctx(), s.apps(plural)+"/api", o))
}

func number(o object, path ...string) int {
	for _, name := range path[:len(path)-1] {
		o = part(o, name)
	}
	n, _ := o[path[len(path)-1]].(float64)
	return int(n)
}

func observed(o object) bool {
	return number(o, "status", "observedGeneration") == number(o, "metadata", "generation")
}

// rolledOut waits until the Deployment is as it should be.
func (s *realShop) rolledOut() {
	s.t.Helper()
	s.until("deployments", func(o object) bool {
		size := number(o, "spec", "replicas")
		return observed(o) && number(o, "status", "updatedReplicas") == size && number(o, "status", "availableReplicas") == size &&
			number(o, "status", "replicas") == size
	})
}

func reason(o object, condition string) string {
	all, _ := part(o, "status")["conditions"].([]any)
	for _, c := range all {
		if one, _ := c.(object); one["type"] == condition {
			text, _ := one["reason"].(string)
			return text
		}
	}
	return ""
}

// soon reports whether it is so within 10 seconds.
func (s *realShop) soon(plural string, done func(object) bool) bool {
	s.t.Helper()
	ctx, cancel := context.WithTimeout(s.ctx(), 10*time.Second)
	defer cancel()
	return s.Until(ctx, s.apps(plural), "api", func(o object) bool { return o != nil && done(o) }) == nil
}

func (s *realShop) until(plural string, done func(object) bool) {
	s.t.Helper()
	var last object
	err := s.Until(s.ctx(), s.apps(plural), "api", func(o object) bool { last = o; return o != nil && done(o) })
	if err != nil {
		s.t.Fatalf("%v; at last it was %v", err, last)
	}
}

// executor opens one for a workload, by server and token.
func (s *realShop) executor(workload ...integration.Setting) steps.Executor {
	s.t.Helper()
	return stepstest.Open(s.t, s.env(), integration.Executors, kubernetes.Integration(),
		append(target(s.URL, s.ns, workload...), setting("ca", s.CA))...).It
}

func (s *realShop) env() integration.Env {
	env := stepstest.Env(secrets())
	env.After = time.After
	return env
}

// order looks and plans, as plan-fix does.
func (s *realShop) order(e steps.Executor, fix string) steps.Order {
	s.t.Helper()
	present, err := e.Look(s.ctx(), proposal(fix))
	if err != nil {
		s.t.Fatalf("Look: %v", err)
	}
	draft, err := e.Plan(present, proposal(fix))
	if err != nil {
		s.t.Fatalf("Plan: %v", err)
	}
	plan, err := catalog.Build(stepstest.AboutFix(), []string{fix}, incident.Target{Service: "shop", Type: "kubernetes"}, proposal(fix))
	s.must(err)
	plan = plan.With(draft, "digest").Freeze(stepstest.AboutFix())
	return steps.Order{Ref: stepstest.AboutFix(), Plan: plan, Key: plan.Key(stepstest.AboutFix(), false), StartedAt: s.env().Now()}
}

// done acts and keeps the receipt.
func (s *realShop) done(e steps.Executor, o *steps.Order) {
	s.t.Helper()
	acted := e.Act(s.ctx(), *o)
	if acted.Outcome != "" {
		s.t.Fatalf("Act ended %q: %+v", acted.Outcome, acted.Steps)
	}
	o.Receipt, o.Fix = acted.Receipt, acted.Receipt
}

func (s *realShop) sees(e steps.Executor, o steps.Order) steps.Sight {
	s.t.Helper()
	sight, err := e.Verify(s.ctx(), o)
	s.must(err)
	return sight
}

// proxy stands before the API server and counts the changes that it takes.
func (r *real) proxy(t *testing.T) (http.Handler, func() int) {
	t.Helper()
	to, err := url.Parse(r.URL)
	if err != nil {
		t.Fatal(err)
	}
	ca, err := os.ReadFile(r.CA)
	if err != nil {
		t.Fatal(err)
	}
	roots := x509.NewCertPool()
	roots.AppendCertsFromPEM(ca)
	var changes atomic.Int64
	p := httputil.NewSingleHostReverseProxy(to)
	p.Transport = &http.Transport{TLSClientConfig: &tls.Config{RootCAs: roots}, ForceAttemptHTTP2: true}
	p.ModifyResponse = func(resp *http.Response) error {
		if resp.Request.Method != http.MethodGet && resp.StatusCode < 300 {
			changes.Add(1)
		}
		return nil
	}
	return p, func() int { return int(changes.Load()) }
}
