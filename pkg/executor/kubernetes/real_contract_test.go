package kubernetes_test

import (
	"net/http"
	"testing"

	"github.com/opsguard/opsguard/infra/cluster"
	"github.com/opsguard/opsguard/pkg/executor/kubernetes"
	"github.com/opsguard/opsguard/pkg/integration"
	"github.com/opsguard/opsguard/pkg/steps/stepstest"
)

// TestEveryFixKeepsTheContractAgainstARealControlPlane: each executor of the contract has
// a namespace and a Deployment of its own.
func TestEveryFixKeepsTheContractAgainstARealControlPlane(t *testing.T) {
	r := realCluster(t)
	for _, ability := range kubernetes.Integration().Abilities {
		t.Run(ability.Fix, func(t *testing.T) {
			handler, changes := r.proxy(t)
			c := &realContract{real: r, t: t, fix: ability.Fix, changes: changes}
			fix := stepstest.Fix{
				Vendor:   stepstest.Vendor{Handler: handler, Entry: c.entry},
				Proposal: proposal(ability.Fix), Reset: c.reset, Effects: changes, Settle: c.settle, Drift: c.drift,
				Reads: func(r *http.Request) bool { return r.Method == http.MethodGet },
			}
			if ability.Fix == "cordon-node" {
				fix.Settle = nil
			}
			stepstest.ExecutorContract(t, kubernetes.Integration(), fix)
		})
	}
}

type realContract struct {
	*real
	t       *testing.T
	fix     string
	changes func() int
	at      *realShop
	fresh   bool // the Deployment is as reset made it, unless there were changes since
	before  int  // changes when it was made
}

// entry takes another namespace only where the last one was changed: making one takes a second.
func (c *realContract) entry(url string) ([]integration.Setting, stepstest.Secrets) {
	if !c.fresh || c.changes() != c.before {
		c.at, c.fresh = c.shop(c.t), false
	}
	return target(url, c.at.ns), secrets()
}

// reset runs two versions, one after the other, and then stops the kubelets.
func (c *realContract) reset(t *testing.T) {
	t.Helper()
	if c.fresh && c.changes() == c.before {
		return
	}
	c.at.resume()
	for _, name := range cluster.Nodes() {
		c.at.must(c.Patch(c.at.ctx(), "/api/v1/nodes/"+name, object{"spec": object{"unschedulable": false}}))
	}
	c.at.grant(rules())
	c.at.deploy("shop/api:1", 3)
	c.at.image("shop/api:2")
	c.at.rolledOut()
	c.Kubelet.Pause()
	c.fresh, c.before = true, c.changes()
}

func (c *realContract) settle(t *testing.T) {
	t.Helper()
	if c.fix == "replace-instance" { // until its controllers know that a pod is gone
		c.at.until("deployments", func(o object) bool { return number(o, "status", "availableReplicas") < number(o, "spec", "replicas") })
	}
	c.at.resume()
	c.at.rolledOut()
}

func (c *realContract) drift(t *testing.T) {
	t.Helper()
	c.fresh = false
	switch c.fix {
	case "scale-out":
		c.at.patchApps("deployments", object{"spec": object{"replicas": 4}})
	case "replace-instance":
		c.at.resume()
		c.at.must(c.Delete(c.at.ctx(), "/api/v1/namespaces/"+c.at.ns+"/pods"))
		c.at.rolledOut()
	case "cordon-node":
		for _, name := range cluster.Nodes() {
			c.at.must(c.Patch(c.at.ctx(), "/api/v1/nodes/"+name, object{"spec": object{"unschedulable": true}}))
		}
	default:
		c.at.resume()
		c.at.image("shop/api:3")
		c.at.rolledOut()
	}
}
