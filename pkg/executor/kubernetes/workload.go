package kubernetes

import (
	"cmp"
	"context"
	"net/url"
	"slices"
	"strconv"

	"github.com/opsguard/opsguard/pkg/incident"
)

// resource is the workload's own, or its subresource.
func (e *Executor) resource(sub string) resource {
	return resource{group: "apps", plural: e.kind.plural, namespace: e.settings.Namespace, name: e.name, sub: sub}
}

// collection is one of the workload's namespace.
func (e *Executor) collection(group, plural string) resource {
	return resource{group: group, plural: plural, namespace: e.settings.Namespace}
}

// workload reads the target. Its absence, or that it is about to go, is an error.
func (e *Executor) workload(ctx context.Context) (workload, error) {
	var w workload
	if err := e.api.get(ctx, e.resource(""), &w); err != nil {
		return w, err
	}
	switch {
	case w.Metadata.UID == "" || w.Kind != e.kind.name:
		return w, notTheAPI()
	case w.Metadata.DeletionTimestamp != "":
		return w, incident.Bad("%s is being deleted", e.resource(""))
	}
	return w, nil
}

// revision is one that a workload can go back to.
type revision struct {
	number      int64
	name        string // of its ReplicaSet or ControllerRevision
	uid         string
	hash        string // what the label of its pods says
	template    template
	annotations map[string]string
}

// history reads a workload's revisions, the latest first.
func (e *Executor) history(ctx context.Context, w workload) ([]revision, error) {
	var all []revision
	query := url.Values{"labelSelector": {w.Spec.Selector.String()}}
	var err error
	if w.Kind == deployment {
		err = list(ctx, e.api, e.collection("apps", "replicasets"), query, func(rs replicaSet) {
			if rs.Metadata.owned(w.Metadata.UID) {
				all = append(all, rs.revision())
			}
		})
	} else {
		err = list(ctx, e.api, e.collection("apps", "controllerrevisions"), query, func(cr controllerRevision) {
			if cr.Metadata.owned(w.Metadata.UID) {
				all = append(all, cr.asRevision())
			}
		})
	}
	slices.SortFunc(all, func(a, b revision) int { return cmp.Or(cmp.Compare(b.number, a.number), cmp.Compare(a.name, b.name)) })
	return all, err
}

// revisionNumber is the annotation in which a Deployment's controller keeps it.
const revisionNumber = "deployment.kubernetes.io/revision"

type replicaSet struct {
	Metadata meta
	Spec     struct{ Template template }
}

func (rs replicaSet) revision() revision {
	number, _ := strconv.ParseInt(rs.Metadata.Annotations[revisionNumber], 10, 64) // 0: not numbered yet
	return revision{number: number, name: rs.Metadata.Name, uid: rs.Metadata.UID, hash: rs.Metadata.Labels[hashLabel],
		template: rs.Spec.Template, annotations: rs.Metadata.Annotations}
}

// podRevision is the label of pods of a StatefulSet or DaemonSet.
const podRevision = "controller-revision-hash"

type controllerRevision struct {
	Metadata meta
	Revision int64
	Data     struct{ Spec struct{ Template template } }
}

func (cr controllerRevision) asRevision() revision {
	hash := cr.Metadata.Labels[podRevision]
	return revision{number: cr.Revision, name: cr.Metadata.Name, uid: cr.Metadata.UID, hash: hash, template: cr.Data.Spec.Template}
}

// current is the revision that the workload is at, or on its way to. It is known only when
// the controller has seen the last change.
func (w workload) current(all []revision) (revision, error) {
	for _, r := range all {
		switch {
		case w.Kind == deployment && w.Metadata.Annotations[revisionNumber] != strconv.FormatInt(r.number, 10):
		case w.Kind == statefulSet && w.Status.UpdateRevision != r.name:
		default: // a DaemonSet is at its latest
			return r, nil
		}
	}
	return revision{}, incident.Unavail("the cluster's controller has not taken the workload up yet", nil)
}

// label is by which the pods of a revision are told from the others.
func (r revision) label(w workload) (name, value string) {
	switch {
	case w.Kind == deployment:
		return hashLabel, r.hash
	case w.Kind == statefulSet:
		return podRevision, r.name
	}
	return podRevision, r.hash
}

// pods reads the workload's pods. Those of a Deployment are owned by its ReplicaSets.
func (e *Executor) pods(ctx context.Context, w workload, revisions []revision) ([]pod, error) {
	owners := []string{w.Metadata.UID}
	if w.Kind == deployment {
		owners = nil
		for _, r := range revisions {
			owners = append(owners, r.uid)
		}
	}
	var all []pod
	query := url.Values{"labelSelector": {w.Spec.Selector.String()}}
	err := list(ctx, e.api, e.collection("", "pods"), query, func(p pod) {
		if slices.ContainsFunc(owners, p.Metadata.owned) {
			all = append(all, p)
		}
	})
	return all, err
}

// everyPod reads the workload's pods where its revisions do not matter otherwise.
func (e *Executor) everyPod(ctx context.Context, w workload) ([]pod, error) {
	var revisions []revision
	if w.Kind == deployment {
		var err error
		if revisions, err = e.history(ctx, w); err != nil {
			return nil, err
		}
	}
	return e.pods(ctx, w, revisions)
}
