package cluster

import (
	"context"
	"errors"
	"net/http"
	"strings"
	"sync"
	"time"
)

// Kubelet plays the scheduler and the kubelets of two nodes. How the tag of a pod's first
// image ends says how its container behaves:
//
//	missing   its image cannot be pulled
//	crash     it crashes, again and again
//	slow      it starts for ever
//
// anything else runs and is ready at once.
type Kubelet struct {
	api  *client
	over chan struct{}

	mu     sync.Mutex
	paused bool
	turn   int
}

// Nodes are the names of the nodes that Start makes.
func Nodes() []string { return []string{"node-1", "node-2"} }

func newKubelet(ctx context.Context, api *client) (*Kubelet, error) {
	for _, name := range Nodes() {
		if err := api.do(ctx, http.MethodPost, "/api/v1/nodes", "application/json", node(name), nil); err != nil {
			return nil, err
		}
	}
	k := &Kubelet{api: api, over: make(chan struct{})}
	go k.run(ctx)
	return k, nil
}

func node(name string) Object {
	return Object{
		"apiVersion": "v1", "kind": "Node", "metadata": Object{"name": name, "labels": Object{"kubernetes.io/hostname": name}},
		"status": Object{
			"allocatable": Object{"cpu": "8", "memory": "16Gi", "pods": "110"},
			"conditions": []any{Object{"type": "Ready", "status": "True", "reason": "KubeletReady",
				"lastHeartbeatTime": stamp(), "lastTransitionTime": stamp()}},
		},
	}
}

func stamp() string { return time.Now().UTC().Format(time.RFC3339) }

func (k *Kubelet) wait() { <-k.over }

// run looks at every pod when it changes. A watch that ends is begun again.
func (k *Kubelet) run(ctx context.Context) {
	defer close(k.over)
	for ctx.Err() == nil {
		_ = k.api.watch(ctx, "/api/v1/pods?watch=1", func(pod Object, gone bool) bool { // it ends with ctx or the server
			if !gone {
				k.tend(ctx, pod)
			}
			return false
		})
	}
}

// Pause lets no container start and none end until Resume.
func (k *Kubelet) Pause() {
	k.mu.Lock()
	defer k.mu.Unlock()
	k.paused = true
}

// Resume tends to what has waited.
func (k *Kubelet) Resume(ctx context.Context) error {
	k.mu.Lock()
	k.paused = false
	k.mu.Unlock()
	var list struct{ Items []Object }
	err := k.api.do(ctx, http.MethodGet, "/api/v1/pods", "", nil, &list)
	for _, pod := range list.Items {
		k.tend(ctx, pod)
	}
	return err
}

// tend does for a pod what is due. A refusal means that somebody was faster; the change
// comes by the watch.
func (k *Kubelet) tend(ctx context.Context, pod Object) {
	k.mu.Lock()
	defer k.mu.Unlock()
	if k.paused {
		return
	}
	path := "/api/v1/namespaces/" + text(pod, "metadata", "namespace") + "/pods/" + text(pod, "metadata", "name")
	uid := text(pod, "metadata", "uid")
	err := errors.New("nothing is due")
	switch {
	case text(pod, "metadata", "deletionTimestamp") != "":
		err = k.api.do(ctx, http.MethodDelete, path, "application/json",
			Object{"gracePeriodSeconds": 0, "preconditions": Object{"uid": uid}}, nil)
	case text(pod, "spec", "nodeName") == "":
		err = k.api.do(ctx, http.MethodPost, path+"/binding", "application/json", Object{"apiVersion": "v1", "kind": "Binding",
			"metadata": Object{"name": text(pod, "metadata", "name"), "uid": uid},
			"target":   Object{"kind": "Node", "name": k.place(pod)}}, nil)
	case text(pod, "status", "startTime") == "":
		err = k.api.do(ctx, http.MethodPatch, path+"/status", "application/merge-patch+json",
			Object{"metadata": Object{"uid": uid}, "status": behaviour(pod)}, nil)
	}
	_ = err
}

// place is the node that a DaemonSet asks for, else the next one.
func (k *Kubelet) place(pod Object) string {
	required := at(pod, "spec", "affinity", "nodeAffinity", "requiredDuringSchedulingIgnoredDuringExecution")
	for _, term := range list(required, "nodeSelectorTerms") {
		for _, field := range list(term, "matchFields") {
			if values := list(field, "values"); len(values) > 0 {
				name, _ := values[0].(string)
				return name
			}
		}
	}
	k.turn++
	return Nodes()[k.turn%2]
}

// behaviour is the status that a kubelet would report.
func behaviour(pod Object) Object {
	containers := list(pod, "spec", "containers")
	image := text(containers[0], "image")
	how := image[strings.LastIndexAny(image, ":-")+1:]
	ready, phase, restarts := "False", "Pending", 0
	var state Object
	switch how {
	case "missing":
		state = Object{"waiting": Object{"reason": "ImagePullBackOff", "message": "not found, in the registry's own words"}}
	case "slow":
		state = Object{"waiting": Object{"reason": "ContainerCreating"}}
	case "crash":
		phase, restarts = "Running", 4
		state = Object{"waiting": Object{"reason": "CrashLoopBackOff", "message": "back-off 40s restarting failed container"}}
	default:
		ready, phase, state = "True", "Running", Object{"running": Object{"startedAt": stamp()}}
	}
	var statuses []any
	for _, c := range containers {
		statuses = append(statuses, Object{"name": text(c, "name"), "image": text(c, "image"), "imageID": "", "ready": ready == "True",
			"restartCount": restarts, "state": state})
	}
	condition := func(kind string) Object { return Object{"type": kind, "status": ready, "lastTransitionTime": stamp()} }
	return Object{"phase": phase, "startTime": stamp(), "containerStatuses": statuses, "conditions": []any{
		Object{"type": "PodScheduled", "status": "True", "lastTransitionTime": stamp()}, condition("Ready"), condition("ContainersReady")}}
}

// at is what lies at a path of an object; nil where there is nothing.
func at(o any, path ...string) any {
	for _, name := range path {
		m, _ := o.(Object)
		o = m[name]
	}
	return o
}

func text(o any, path ...string) string {
	s, _ := at(o, path...).(string)
	return s
}

func list(o any, path ...string) []any {
	l, _ := at(o, path...).([]any)
	return l
}
