package kubernetes_test

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"reflect"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"

	"github.com/opsguard/opsguard/infra/cluster"
)

type object = cluster.Object

// fake is an API server that speaks as "Kubernetes API Concepts" says: objects with
// resourceVersion and generation, pages, the three forms of a patch, preconditions, and
// refusals as metav1.Status. Its controllers, of Deployments only, work when settle is called.
type fake struct {
	mu      sync.Mutex
	objects map[string]object // by path
	version int
	changes int
}

const (
	shop     = "/apis/apps/v1/namespaces/shop/"
	shopPods = "/api/v1/namespaces/shop/pods/"
	api      = shop + "deployments/api"
)

// reset puts a Deployment there with two revisions and three pods.
func (f *fake) reset(*testing.T) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.objects = map[string]object{}
	f.put(api, deploymentOf("api", "shop/api:1", 3))
	f.control()
	f.setTemplate("shop/api:2")
	f.control()
	for _, name := range []string{"node-1", "node-2"} {
		f.put("/api/v1/nodes/"+name, object{"kind": "Node", "metadata": object{"name": name}, "spec": object{}})
	}
}

// put stores an object as the server does.
func (f *fake) put(path string, o object) object {
	f.version++
	meta := part(o, "metadata")
	meta["resourceVersion"] = strconv.Itoa(f.version)
	if meta["uid"] == nil {
		meta["uid"] = fmt.Sprintf("00000000-0000-4000-8000-%012d", f.version)
		meta["creationTimestamp"] = fmt.Sprintf("2026-11-24T09:00:%02dZ", f.version%60)
	}
	if was := f.objects[path]; was == nil || !reflect.DeepEqual(was["spec"], o["spec"]) {
		generation, _ := meta["generation"].(float64)
		meta["generation"] = generation + 1
	}
	f.objects[path] = copied(o)
	return f.objects[path]
}

func (f *fake) setTemplate(image string) {
	o := copied(f.objects[api])
	part(o, "spec")["template"] = deploymentOf("api", image, 3)["spec"].(object)["template"]
	f.put(api, o)
}

func (f *fake) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	f.mu.Lock()
	defer f.mu.Unlock()
	path, isScale := strings.CutSuffix(r.URL.Path, "/scale")
	if r.Header.Get("Authorization") != "Bearer "+cluster.OpsGuardToken {
		refuse(w, 401, "Unauthorized")
		return
	}
	o, there := f.objects[path]
	switch {
	case !there && r.Method == http.MethodGet && collection(path):
		f.list(w, r, path+"/")
	case !there:
		refuse(w, 404, "NotFound")
	case r.Method == http.MethodGet:
		answer(w, o)
	case r.Method == http.MethodPatch:
		f.patch(w, r, path, o, isScale)
	case r.Method == http.MethodDelete:
		f.remove(w, r, path, o)
	default:
		refuse(w, 405, "MethodNotAllowed")
	}
}

// collection reports whether the path is no object's: those of the fake are named so.
func collection(path string) bool {
	return !strings.Contains(path[strings.LastIndexByte(path, '/'):], "-") && !strings.HasSuffix(path, "/api")
}

// list answers a page; continue is where the next one begins.
func (f *fake) list(w http.ResponseWriter, r *http.Request, under string) {
	var names []string
	for path, o := range f.objects {
		if strings.HasPrefix(path, under) && !(r.URL.Query().Has("fieldSelector") && part(o, "spec")["unschedulable"] == true) {
			names = append(names, path)
		}
	}
	slices.Sort(names)
	from, _ := strconv.Atoi(r.URL.Query().Get("continue"))
	limit, _ := strconv.Atoi(r.URL.Query().Get("limit"))
	to, next := min(len(names), from+limit), ""
	if to < len(names) {
		next = strconv.Itoa(to)
	}
	items := []any{}
	for _, path := range names[min(from, to):to] {
		items = append(items, f.objects[path])
	}
	answer(w, object{"kind": "List", "metadata": object{"continue": next}, "items": items})
}

func (f *fake) patch(w http.ResponseWriter, r *http.Request, path string, o object, isScale bool) {
	next := copied(o)
	switch r.Header.Get("Content-Type") {
	case "application/merge-patch+json":
		var p object
		_ = json.NewDecoder(r.Body).Decode(&p) // a bad one changes nothing
		merge(next, p)
	case "application/json-patch+json":
		var ops []struct {
			Op, Path string
			Value    any
		}
		_ = json.NewDecoder(r.Body).Decode(&ops)
		for _, op := range ops {
			names := strings.Split(op.Path, "/")
			part(next, names[1])[names[2]] = op.Value
		}
	default:
		refuse(w, 415, "UnsupportedMediaType")
		return
	}
	if r.URL.Query().Get("fieldManager") != "opsguard" {
		refuse(w, 400, "BadRequest")
		return
	}
	if part(next, "metadata")["resourceVersion"] != part(o, "metadata")["resourceVersion"] {
		refuse(w, 409, "Conflict")
		return
	}
	f.changes++
	stored := f.put(path, next)
	if isScale {
		stored = object{"kind": "Scale", "metadata": stored["metadata"], "spec": object{"replicas": part(stored, "spec")["replicas"]}}
	}
	answer(w, stored)
}

func (f *fake) remove(w http.ResponseWriter, r *http.Request, path string, o object) {
	var options struct{ Preconditions struct{ UID string } }
	_ = json.NewDecoder(r.Body).Decode(&options)
	if options.Preconditions.UID != part(o, "metadata")["uid"] {
		refuse(w, 409, "Conflict")
		return
	}
	f.changes++
	part(o, "metadata")["deletionTimestamp"] = "2026-11-24T10:00:00Z"
	answer(w, f.put(path, o))
}

// settle lets the controllers finish.
func (f *fake) settle(*testing.T) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.control()
}

func (f *fake) effects() int {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.changes
}

// control does what the Deployment's controller, the ReplicaSet's and the kubelets would.
func (f *fake) control() {
	d := copied(f.objects[api])
	rs, latest := f.replicaSet(d)
	labels := part(rs, "metadata")["annotations"].(object)
	if labels["deployment.kubernetes.io/revision"] != strconv.Itoa(latest) {
		labels["deployment.kubernetes.io/revision"] = strconv.Itoa(latest + 1)
	}
	name := part(rs, "metadata")["name"].(string)
	f.put(shop+"replicasets/"+name, rs)
	if part(d, "metadata")["annotations"] == nil {
		part(d, "metadata")["annotations"] = object{}
	}
	part(d, "metadata")["annotations"].(object)["deployment.kubernetes.io/revision"] = labels["deployment.kubernetes.io/revision"]
	size, _ := part(d, "spec")["replicas"].(float64)
	d["status"] = object{"observedGeneration": part(d, "metadata")["generation"], "replicas": size, "updatedReplicas": size,
		"readyReplicas": size, "availableReplicas": size, "conditions": []any{object{"type": "Progressing", "status": "True", "reason": "NewReplicaSetAvailable"}}}
	f.put(api, d)
	running := 0
	for path, o := range f.objects {
		switch meta := part(o, "metadata"); {
		case !strings.HasPrefix(path, shopPods):
		case meta["deletionTimestamp"] != nil, !strings.HasPrefix(meta["name"].(string), name):
			delete(f.objects, path)
		default:
			running++
		}
	}
	for ; running < int(size); running++ {
		f.pod(rs)
	}
}

// replicaSet is the one of the Deployment's template, and the latest revision there is.
func (f *fake) replicaSet(d object) (rs object, latest int) {
	uid := part(d, "metadata")["uid"]
	template := part(d, "spec")["template"]
	n := 0
	for path, o := range f.objects {
		if !strings.HasPrefix(path, shop+"replicasets/") {
			continue
		}
		n++
		number, _ := strconv.Atoi(part(o, "metadata")["annotations"].(object)["deployment.kubernetes.io/revision"].(string))
		latest = max(latest, number)
		bare := copied(o)
		delete(part(part(part(bare, "spec"), "template"), "metadata")["labels"].(object), "pod-template-hash")
		if reflect.DeepEqual(part(bare, "spec")["template"], copied(object{"t": template})["t"]) {
			rs = copied(o)
		}
	}
	if rs == nil {
		hash := fmt.Sprintf("hash%d", n+1)
		rs = copied(object{"kind": "ReplicaSet", "metadata": object{"name": "api-" + hash, "annotations": object{},
			"labels": object{"pod-template-hash": hash}, "ownerReferences": []any{object{"uid": uid, "controller": true}}}, "spec": object{"template": template}})
		part(part(part(rs, "spec"), "template"), "metadata")["labels"].(object)["pod-template-hash"] = hash
	}
	return rs, latest
}

func (f *fake) pod(rs object) {
	meta := part(rs, "metadata")
	name := fmt.Sprintf("%s-p%d", meta["name"], f.version)
	f.put(shopPods+name, object{"kind": "Pod", "metadata": object{"name": name, "labels": meta["labels"],
		"ownerReferences": []any{object{"uid": meta["uid"], "controller": true}}},
		"spec": object{"nodeName": fmt.Sprintf("node-%d", 1+f.version%2)},
		"status": object{"phase": "Running", "conditions": []any{object{"type": "Ready", "status": "True"}},
			"containerStatuses": []any{object{"ready": true, "restartCount": 0, "state": object{"running": object{}}}}}})
}

// refuse answers a metav1.Status.
func refuse(w http.ResponseWriter, code int, reason string) {
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(code)
	_ = json.NewEncoder(w).Encode(object{"kind": "Status", "apiVersion": "v1", "metadata": object{}, "status": "Failure",
		"message": "the server's own words", "reason": reason, "code": code})
}

func answer(w http.ResponseWriter, o object) {
	w.Header().Set("Content-Type", "application/json")
	_ = json.NewEncoder(w).Encode(o) // who asked is gone
}

// merge is RFC 7396.
func merge(into, p object) {
	for name, value := range p {
		inner, isObject := value.(object)
		if !isObject {
			into[name] = value
			continue
		}
		there, ok := into[name].(object)
		if !ok {
			there = object{}
			into[name] = there
		}
		merge(there, inner)
	}
}

func part(o object, name string) object {
	inner, _ := o[name].(object)
	return inner
}

func copied(o object) object {
	text, _ := json.Marshal(o) // it came from JSON
	var c object
	_ = json.Unmarshal(text, &c)
	return c
}

// serve runs the fake.
func (f *fake) serve(t *testing.T) string {
	server := httptest.NewServer(f)
	t.Cleanup(server.Close)
	return server.URL
}

func podTemplate(image string) object {
	containers := []any{object{"name": "app", "image": image}}
	return object{"metadata": object{"labels": object{"app": "api"}}, "spec": object{"containers": containers}}
}

func deploymentOf(name, image string, replicas int) object {
	return copied(object{
		"apiVersion": "apps/v1", "kind": "Deployment", "metadata": object{"name": name},
		"spec": object{"replicas": replicas, "selector": object{"matchLabels": object{"app": "api"}}, "template": podTemplate(image),
			"strategy": object{"type": "RollingUpdate"}},
	})
}
