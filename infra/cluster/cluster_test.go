package cluster_test

import (
	"context"
	"fmt"
	"net"
	"net/url"
	"path/filepath"
	"testing"
	"time"

	"github.com/opsguard/opsguard/infra/cluster"
)

func start(t *testing.T) (*cluster.Cluster, string) {
	t.Helper()
	programs, err := filepath.Abs("../../.tools/kubernetes")
	if err != nil {
		t.Fatal(err)
	}
	if err := cluster.Built(programs); err != nil {
		t.Skip(err)
	}
	if testing.Short() {
		t.Skip("a real control plane takes 500 MB and some seconds")
	}
	dir := t.TempDir()
	c, err := cluster.Start(programs, dir)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(c.Stop)
	return c, dir
}

func TestItRunsADeploymentAndListensOnLoopbackOnly(t *testing.T) {
	c, dir := start(t)
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	const deployments = "/apis/apps/v1/namespaces/default/deployments"
	labels := cluster.Object{"app": "api"}
	if err := c.Create(ctx, deployments, cluster.Object{
		"apiVersion": "apps/v1", "kind": "Deployment", "metadata": cluster.Object{"name": "api"},
		"spec": cluster.Object{"replicas": 3, "selector": cluster.Object{"matchLabels": labels}, "template": cluster.Object{
			"metadata": cluster.Object{"labels": labels},
			"spec":     cluster.Object{"containers": []any{cluster.Object{"name": "app", "image": "api:1"}}}}},
	}); err != nil {
		t.Fatal(err)
	}
	if err := c.Until(ctx, deployments, "api", func(o cluster.Object) bool {
		status, _ := o["status"].(map[string]any)
		return status["availableReplicas"] == 3.0
	}); err != nil {
		t.Fatal(err, cluster.Tail(dir, "kube-controller-manager"))
	}
	at, err := url.Parse(c.URL)
	if err != nil {
		t.Fatal(err)
	}
	for _, address := range others(t) {
		if conn, err := net.DialTimeout("tcp", net.JoinHostPort(address, at.Port()), time.Second); err == nil {
			conn.Close()
			t.Errorf("it is reached at %s too", address)
		}
	}
}

// others are this machine's addresses that are not loopback ones.
func others(t *testing.T) []string {
	t.Helper()
	all, err := net.InterfaceAddrs()
	if err != nil {
		t.Fatal(err)
	}
	var found []string
	for _, a := range all {
		if ip, ok := a.(*net.IPNet); ok && !ip.IP.IsLoopback() && !ip.IP.IsLinkLocalUnicast() {
			found = append(found, fmt.Sprint(ip.IP))
		}
	}
	return found
}
