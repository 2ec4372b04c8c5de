package kubernetes

import (
	"bytes"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
)

// meta is what is read of an object's metadata.
type meta struct {
	Name, UID, ResourceVersion           string
	DeletionTimestamp, CreationTimestamp string
	Generation                           int64
	Labels, Annotations                  map[string]string
	OwnerReferences                      []struct {
		UID        string
		Controller bool
	}
}

// owned reports whether the object is controlled by the one of that uid.
func (m meta) owned(uid string) bool {
	for _, o := range m.OwnerReferences {
		if o.Controller && o.UID == uid {
			return true
		}
	}
	return false
}

// workload is what is read of a Deployment, StatefulSet or DaemonSet (apps/v1).
type workload struct {
	Kind     string
	Metadata meta
	Spec     struct {
		Replicas       *int // a DaemonSet has none
		Paused         bool
		Selector       selector
		Template       template
		Strategy       struct{ Type string } // of a Deployment
		UpdateStrategy struct {
			Type          string
			RollingUpdate struct{ Partition int }
		}
	}
	Status struct {
		ObservedGeneration                             int64
		Replicas, UpdatedReplicas, ReadyReplicas       int
		AvailableReplicas                              int
		UpdateRevision, CurrentRevision                string // of a StatefulSet
		DesiredNumberScheduled, UpdatedNumberScheduled int    // of a DaemonSet
		NumberAvailable                                int
		Conditions                                     []condition
	}
}

type condition struct {
	Type, Status, Reason, Message string
	LastUpdateTime                string
}

// size is how many pods there should be.
func (w workload) size() int {
	switch {
	case w.Kind == daemonSet:
		return w.Status.DesiredNumberScheduled
	case w.Spec.Replicas == nil: // the API server sets it
		return 1
	}
	return *w.Spec.Replicas
}

// condition returns the one of that type; its zero value where there is none.
func (w workload) condition(kind string) condition {
	for _, c := range w.Status.Conditions {
		if c.Type == kind {
			return c
		}
	}
	return condition{}
}

// selector is a metav1.LabelSelector.
type selector struct {
	MatchLabels      map[string]string
	MatchExpressions []struct {
		Key, Operator string
		Values        []string
	}
}

// String is as the labelSelector of a query takes it: "Labels and Selectors" in the
// Kubernetes documents.
func (s selector) String() string {
	var all []string
	for name, value := range s.MatchLabels {
		all = append(all, name+"="+value)
	}
	for _, e := range s.MatchExpressions {
		switch e.Operator {
		case "In", "NotIn":
			all = append(all, fmt.Sprintf("%s %s (%s)", e.Key, strings.ToLower(e.Operator), strings.Join(e.Values, ",")))
		case "Exists":
			all = append(all, e.Key)
		case "DoesNotExist":
			all = append(all, "!"+e.Key)
		}
	}
	slices.Sort(all)
	return strings.Join(all, ",")
}

// template is a pod template, as it was read: it is put back word for word.
type template map[string]any

// UnmarshalJSON keeps numbers as they are written.
func (t *template) UnmarshalJSON(text []byte) error {
	read := json.NewDecoder(bytes.NewReader(text))
	read.UseNumber()
	return read.Decode((*map[string]any)(t))
}

// hashLabel is the label that a Deployment's controller adds to each ReplicaSet's template.
const hashLabel = "pod-template-hash"

// restartedAt is the annotation by which `kubectl rollout restart` makes a template differ.
const restartedAt = "kubectl.kubernetes.io/restartedAt"

func (t template) inside(name string) map[string]any {
	metadata, _ := t["metadata"].(map[string]any)
	all, _ := metadata[name].(map[string]any)
	return all
}

// restarted is when the template was last restarted; "" if it never was.
func (t template) restarted() string {
	at, _ := t.inside("annotations")[restartedAt].(string)
	return at
}

// without returns a copy that lacks a label and an annotation.
func (t template) without(label, annotation string) template {
	copied := template{}
	for name, value := range t {
		copied[name] = value
	}
	metadata := map[string]any{}
	was, _ := t["metadata"].(map[string]any)
	for name, value := range was {
		metadata[name] = value
	}
	for section, drop := range map[string]string{"labels": label, "annotations": annotation} {
		kept := map[string]any{}
		for name, value := range t.inside(section) {
			if name != drop {
				kept[name] = value
			}
		}
		delete(metadata, section)
		if len(kept) > 0 {
			metadata[section] = kept
		}
	}
	delete(metadata, "creationTimestamp") // always null in a template
	delete(copied, "$patch")              // of a ControllerRevision
	copied["metadata"] = metadata
	return copied
}

// same reports whether two templates run the same: a restart makes no difference.
func (t template) same(other template) bool {
	a, err := json.Marshal(t.without(hashLabel, restartedAt))
	b, err2 := json.Marshal(other.without(hashLabel, restartedAt))
	return err == nil && err2 == nil && bytes.Equal(a, b)
}

// images names what the containers run: "app=shop/api:2.1, proxy=envoy:1.30".
func (t template) images() string {
	spec, _ := t["spec"].(map[string]any)
	containers, _ := spec["containers"].([]any)
	var all []string
	for _, c := range containers {
		one, _ := c.(map[string]any)
		name, _ := one["name"].(string)
		image, _ := one["image"].(string)
		all = append(all, name+"="+image)
	}
	return strings.Join(all, ", ")
}

// pod is what is read of a pod (v1).
type pod struct {
	Metadata meta
	Spec     struct{ NodeName string }
	Status   struct {
		Phase                 string
		Conditions            []condition
		ContainerStatuses     []containerStatus
		InitContainerStatuses []containerStatus
	}
}

type containerStatus struct {
	Ready        bool
	RestartCount int
	State        struct {
		Waiting    *struct{ Reason string }
		Terminated *struct{ Reason string }
	}
}

// node is what is read of a node (v1).
type node struct {
	Metadata meta
	Spec     struct{ Unschedulable bool }
}
