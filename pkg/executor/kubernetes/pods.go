package kubernetes

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	"github.com/opsguard/opsguard/pkg/incident"
)

// failures are the reasons by which a kubelet says that a container will not come up by
// itself: "Debug Pods" and "Images" in the Kubernetes documents. No other reason is
// repeated to people.
func failures() []string {
	return []string{
		"ImagePullBackOff", "ErrImagePull", "InvalidImageName", "ErrImageNeverPull", "CrashLoopBackOff",
		"CreateContainerConfigError", "CreateContainerError", "RunContainerError",
	}
}

func (p pod) ready() bool {
	return slices.ContainsFunc(p.Status.Conditions, func(c condition) bool { return c.Type == "Ready" && c.Status == "True" })
}

func (p pod) restarts() int {
	n := 0
	for _, c := range p.Status.ContainerStatuses {
		n += c.RestartCount
	}
	return n
}

// ails is why the pod will not get ready; "" where that cannot be said. One that restarts
// again and again ails also while it happens to run.
func (p pod) ails() string {
	for _, c := range slices.Concat(p.Status.InitContainerStatuses, p.Status.ContainerStatuses) {
		switch {
		case c.State.Waiting != nil && slices.Contains(failures(), c.State.Waiting.Reason):
			return c.State.Waiting.Reason
		case c.State.Terminated != nil && c.State.Terminated.Reason == "OOMKilled":
			return "OOMKilled"
		case !c.Ready && c.RestartCount > 0:
			return "restarting"
		}
	}
	for _, c := range p.Status.Conditions {
		if c.Type == "PodScheduled" && c.Status == "False" && c.Reason == "Unschedulable" {
			return c.Reason
		}
	}
	if p.Status.Phase == "Failed" {
		return "failed"
	}
	return ""
}

// badness orders pods from well to ill.
func (p pod) badness() int {
	switch {
	case p.ails() != "":
		return 3
	case !p.ready():
		return 2
	case p.restarts() > 0:
		return 1
	}
	return 0
}

// alive are the pods that are neither being deleted nor done.
func alive(all []pod) []pod {
	return slices.DeleteFunc(slices.Clone(all), func(p pod) bool {
		return p.Metadata.DeletionTimestamp != "" || p.Status.Phase == "Succeeded"
	})
}

// worst is the least healthy pod: one that ails, else one that is not ready, else the one
// that restarted most, else the oldest.
func worst(all []pod) (pod, error) {
	all = alive(all)
	if len(all) == 0 {
		return pod{}, incident.Bad("the workload has no pod")
	}
	return slices.MinFunc(all, func(a, b pod) int {
		return cmp.Or(cmp.Compare(b.badness(), a.badness()), cmp.Compare(b.restarts(), a.restarts()),
			cmp.Compare(a.Metadata.CreationTimestamp, b.Metadata.CreationTimestamp), cmp.Compare(a.Metadata.Name, b.Metadata.Name))
	}), nil
}

// ailments counts what ails the pods: "1 ImagePullBackOff, 2 not ready"; "" if all is well.
func ailments(all []pod) string {
	count := map[string]int{}
	for _, p := range alive(all) {
		switch why := p.ails(); {
		case why != "":
			count[why]++
		case !p.ready():
			count["not ready"]++
		}
	}
	var told []string
	for why, n := range count {
		told = append(told, fmt.Sprintf("%d %s", n, why))
	}
	slices.Sort(told)
	return strings.Join(told, ", ")
}
