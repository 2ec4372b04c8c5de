package kubernetes_test

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/opsguard/opsguard/infra/cluster"
	"github.com/opsguard/opsguard/pkg/executor/kubernetes"
	"github.com/opsguard/opsguard/pkg/incident"
	"github.com/opsguard/opsguard/pkg/integration"
	"github.com/opsguard/opsguard/pkg/steps/stepstest"
)

// TestEachPlanNamesTheRightsThatItNeeds: OpsGuard is granted what the plan says, and
// nothing else.
func TestEachPlanNamesTheRightsThatItNeeds(t *testing.T) {
	for _, ability := range kubernetes.Integration().Abilities {
		t.Run(ability.Fix, func(t *testing.T) {
			s := realCluster(t).shop(t)
			s.deploy("shop/api:1", 3)
			s.image("shop/api:2")
			s.rolledOut()
			e := s.executor()
			_, err := e.Look(s.ctx(), proposal(ability.Fix))
			if incident.KindOf(err) != incident.Invalid {
				t.Fatalf("without any right: %v", err)
			}
			says(t, err, "Kubernetes forbids to get deployments.apps "+s.ns+"/api (403)")
			admin := s.env()
			admin.Secrets = stepstest.Secrets{"KUBE": cluster.AdminToken}
			all := stepstest.Open(t, admin, integration.Executors, kubernetes.Integration(), append(target(s.URL, s.ns), setting("ca", s.CA))...)
			o := s.order(all.It, ability.Fix)
			s.grant(rulesOf(t, o.Plan.Rights))
			now := s.order(e, ability.Fix)
			if diff := cmp.Diff(o.Plan, now.Plan); diff != "" {
				t.Errorf("looked at with fewer rights:\n%s", diff)
			}
			s.done(e, &now)
			s.sees(e, now)
			for _, node := range []string{"node-1", "node-2"} {
				s.must(s.Patch(s.ctx(), "/api/v1/nodes/"+node, object{"spec": object{"unschedulable": false}}))
			}
		})
	}
}

// rulesOf reads "VERB on RESOURCE.GROUP WHERE".
func rulesOf(t *testing.T, rights []string) (inNamespace, ofCluster []any) {
	t.Helper()
	for _, right := range rights {
		verb, on, ok := strings.Cut(right, " on ")
		what, where, _ := strings.Cut(on, " ")
		if !ok {
			t.Fatalf("a right that cannot be read: %s", right)
		}
		what, sub, _ := strings.Cut(what, "/")
		plural, group, _ := strings.Cut(what, ".")
		if sub != "" {
			plural += "/" + sub
		}
		r := rule(group, []string{plural}, []string{verb})
		if _, name, named := strings.Cut(where, "/"); named {
			r["resourceNames"] = []string{name}
		}
		if plural == "nodes" {
			if where != "" {
				r["resourceNames"] = []string{where}
			}
			ofCluster = append(ofCluster, r)
			continue
		}
		inNamespace = append(inNamespace, r)
	}
	return inNamespace, ofCluster
}

func TestAChangeThatIsForbiddenFailsAndNamesTheRight(t *testing.T) {
	s := realCluster(t).shop(t)
	s.deploy("shop/api:1", 3)
	s.grant([]any{
		rule("apps", []string{"deployments", "replicasets"}, []string{"get", "list"}), rule("", []string{"pods"}, []string{"list"}),
	}, nil)
	e := s.executor()
	acted := e.Act(s.ctx(), s.order(e, "restart-service"))
	if acted.Outcome != incident.Failed {
		t.Errorf("%+v", acted)
	}
	says(t, acted.Steps, "Kubernetes forbids to patch deployments.apps "+s.ns+"/api (403); grant it by RBAC", "nothing was changed")
}
