package cluster_test

import (
	"context"
	"os/exec"
	"strings"
	"testing"
	"time"

	"github.com/opsguard/opsguard/infra/cluster"
)

const programs = "../../.tools/kubernetes"

func TestItRunsADeploymentAndListensOnLoopbackOnly(t *testing.T) {
	if err := cluster.Built(programs); err != nil {
		t.Skip(err)
	}
	dir := t.TempDir()
	begin := time.Now()
	abs, _ := exec.Command("realpath", programs).Output()
	c, err := cluster.Start(strings.TrimSpace(string(abs)), dir)
	if err != nil {
		t.Fatal(err)
	}
	defer c.Stop()
	t.Log("started in", time.Since(begin))
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	labels := cluster.Object{"app": "api"}
	if err := c.Create(ctx, "/apis/apps/v1/namespaces/default/deployments", cluster.Object{
		"apiVersion": "apps/v1", "kind": "Deployment", "metadata": cluster.Object{"name": "api"},
		"spec": cluster.Object{"replicas": 3, "selector": cluster.Object{"matchLabels": labels}, "template": cluster.Object{
			"metadata": cluster.Object{"labels": labels}, "spec": cluster.Object{"containers": []any{cluster.Object{"name": "app", "image": "api:1"}}}}},
	}); err != nil {
		t.Fatal(err)
	}
	if err := c.Until(ctx, "/apis/apps/v1/namespaces/default/deployments", "api", func(o cluster.Object) bool {
		s, _ := o["status"].(map[string]any)
		return s["availableReplicas"] == 3.0
	}); err != nil {
		t.Fatal(err, cluster.Tail(dir, "kube-controller-manager"))
	}
	t.Log("available in", time.Since(begin))
	out, _ := exec.Command("ss", "-ltnp").CombinedOutput()
	t.Log(string(out))
}
