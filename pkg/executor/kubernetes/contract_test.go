package kubernetes_test

import (
	"net/http"
	"testing"

	"github.com/opsguard/opsguard/infra/cluster"
	"github.com/opsguard/opsguard/pkg/executor/kubernetes"
	"github.com/opsguard/opsguard/pkg/incident"
	"github.com/opsguard/opsguard/pkg/integration"
	"github.com/opsguard/opsguard/pkg/steps/stepstest"
)

func setting(name, value string) integration.Setting {
	return integration.Setting{Name: name, Value: integration.Value{Text: value}}
}

// target is a target of services.yaml on a server.
func target(url, namespace string, workload ...integration.Setting) []integration.Setting {
	if workload == nil {
		workload = []integration.Setting{setting("deployment", "api")}
	}
	return append(workload, setting("namespace", namespace), setting("maxReplicas", "6"), setting("server", url),
		integration.SecretSetting("token", "KUBE"))
}

func secrets() stepstest.Secrets { return stepstest.Secrets{"KUBE": cluster.OpsGuardToken} }

func proposal(fix string) incident.Proposal {
	p := incident.Proposal{FixID: fix, Parameters: map[string]string{}}
	if fix == "scale-out" {
		p.Parameters["instances"] = "2"
	}
	return p
}

func TestEveryFixKeepsTheContractOfAnExecutor(t *testing.T) {
	for _, ability := range kubernetes.Integration().Abilities {
		t.Run(ability.Fix, func(t *testing.T) {
			f := &fake{}
			fix := stepstest.Fix{
				Vendor: stepstest.Vendor{Handler: f, Entry: func(url string) ([]integration.Setting, stepstest.Secrets) {
					return target(url, "shop"), secrets()
				}},
				Proposal: proposal(ability.Fix), Reset: f.reset, Effects: f.effects, Settle: f.settle,
				Reads: func(r *http.Request) bool { return r.Method == http.MethodGet },
				Drift: func(*testing.T) { f.elsewhere(ability.Fix) },
			}
			if ability.Fix == "cordon-node" {
				fix.Settle = nil
			}
			stepstest.ExecutorContract(t, kubernetes.Integration(), fix)
		})
	}
}

// elsewhere changes what a fix rests on, as somebody else would.
func (f *fake) elsewhere(fix string) {
	f.mu.Lock()
	defer f.mu.Unlock()
	switch fix {
	case "scale-out":
		o := copied(f.objects[api])
		part(o, "spec")["replicas"] = 4
		f.put(api, copied(o))
	case "replace-instance":
		for path := range f.objects {
			if len(path) > len(shopPods) && path[:len(shopPods)] == shopPods {
				delete(f.objects, path)
			}
		}
	case "cordon-node":
		for _, name := range []string{"node-1", "node-2"} {
			f.put("/api/v1/nodes/"+name, object{"kind": "Node", "metadata": object{"name": name}, "spec": object{"unschedulable": true}})
		}
	default:
		f.setTemplate("shop/api:3")
	}
	f.control()
}
