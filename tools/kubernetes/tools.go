//go:build tools

// Package tools pins the Kubernetes control plane that tests run: `make kubernetes` builds
// it. It is a module of its own, because k8s.io/kubernetes can be required only together
// with one replace directive for each of its staging modules.
package tools

import (
	_ "go.etcd.io/etcd/server/v3"
	_ "k8s.io/kubernetes/cmd/kube-apiserver"
	_ "k8s.io/kubernetes/cmd/kube-controller-manager"
)
