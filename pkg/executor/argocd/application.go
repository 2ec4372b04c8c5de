package argocd

import (
	"bytes"
	"context"
	"encoding/json"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"

	"github.com/opsguard/opsguard/pkg/incident"
)

// application is what matters here of an Application.
type application struct {
	Metadata struct {
		Name              string `json:"name"`
		DeletionTimestamp string `json:"deletionTimestamp"`
	} `json:"metadata"`
	Spec struct {
		SyncPolicy *struct {
			Automated *struct {
				Enabled *bool `json:"enabled"` // null: it is on
			} `json:"automated"`
		} `json:"syncPolicy"`
	} `json:"spec"`
	// Operation was asked for and is not taken up yet.
	Operation *operation `json:"operation"`
	Status    struct {
		Sync struct {
			Status    string   `json:"status"` // Synced, OutOfSync, Unknown
			Revision  string   `json:"revision"`
			Revisions []string `json:"revisions"`
		} `json:"sync"`
		Health struct {
			Status string `json:"status"`
		} `json:"health"`
		History        []deployment `json:"history"`
		OperationState *struct {
			Phase     string    `json:"phase"` // Running, Terminating, Failed, Error, Succeeded
			Operation operation `json:"operation"`
		} `json:"operationState"`
	} `json:"status"`
}

type operation struct {
	Sync struct {
		Revision  string   `json:"revision"`
		Revisions []string `json:"revisions"`
	} `json:"sync"`
	Info []info `json:"info"`
}

type info struct {
	Name  string `json:"name"`
	Value string `json:"value"`
}

// deployment is an entry of the history. Ids grow.
type deployment struct {
	ID        int64           `json:"id"`
	Revision  string          `json:"revision"`
	Revisions []string        `json:"revisions"` // of several sources
	Source    json.RawMessage `json:"source"`
	Sources   json.RawMessage `json:"sources"`
}

// revisions writes one revision, or that of each source.
func revisions(one string, several []string) string {
	if len(several) > 0 {
		return strings.Join(several, ",")
	}
	return one
}

func (d deployment) revision() string { return revisions(d.Revision, d.Revisions) }

// same reports that deploying one is deploying the other: a sync that was repeated makes
// a new entry of the history.
func (d deployment) same(other deployment) bool {
	return d.revision() == other.revision() && bytes.Equal(d.Source, other.Source) && bytes.Equal(d.Sources, other.Sources)
}

func (e *Executor) application(ctx context.Context) (application, error) {
	q := url.Values{}
	if e.settings.AppNamespace != "" {
		q.Set("appNamespace", e.settings.AppNamespace)
	}
	if e.settings.Project != "" {
		q.Set("project", e.settings.Project)
	}
	path := e.path("")
	if len(q) > 0 {
		path += "?" + q.Encode()
	}
	answer, err := e.call(ctx, http.MethodGet, path, nil)
	if err != nil {
		return application{}, err
	}
	var a application
	if json.Unmarshal(answer.Body, &a) != nil || a.Metadata.Name != e.settings.Application {
		return application{}, incident.Bad("Argo CD's answer is not the application, or is larger than 4 MiB; check the target's server in " +
			"services.yaml")
	}
	slices.SortFunc(a.Status.History, func(x, y deployment) int { return int(x.ID - y.ID) })
	return a, nil
}

// free refuses while the application is deleted or another operation is under way.
func (a application) free() error {
	switch {
	case a.Metadata.DeletionTimestamp != "":
		return incident.Bad("the application is being deleted; nothing can be deployed to it")
	case a.busy():
		return incident.Unavail("another operation of Argo CD is in progress on the application; wait until it ends, or terminate it", nil)
	}
	return nil
}

func (a application) busy() bool {
	s := a.Status.OperationState
	return a.Operation != nil || s != nil && (s.Phase == "Running" || s.Phase == "Terminating")
}

func (a application) autoSync() bool {
	p := a.Spec.SyncPolicy
	return p != nil && p.Automated != nil && (p.Automated.Enabled == nil || *p.Automated.Enabled)
}

// last is the deployment that is present; its id is -1 if there was none.
func (a application) last() deployment {
	if len(a.Status.History) == 0 {
		return deployment{ID: -1}
	}
	return a.Status.History[len(a.Status.History)-1]
}

// rollback is the state for a rollback: the present deployment, and the last one that
// differs from it.
func (a application) rollback() (incident.State, error) {
	if a.autoSync() {
		return nil, incident.Bad("auto-sync is on, so Argo CD refuses a rollback, and would deploy" +
			" the same revision again; revert the change in its repository, or turn auto-sync off first")
	}
	present := a.last()
	for _, d := range slices.Backward(a.Status.History) {
		if d.same(present) {
			continue
		}
		if d.Source == nil && d.Sources == nil {
			break // deployed by Argo CD 0.11 or older, which cannot be rolled back to
		}
		return incident.State{"history": id(present), "revision": present.revision(), "previous": id(d), "previousRevision": d.revision()}, nil
	}
	return nil, incident.Fail(incident.NotFound, incident.CodeNotFound,
		"the application's history holds no deployment before the present one; revert the change in its repository")
}

// drift is the state for a sync: what Argo CD compared with.
func (a application) drift() (incident.State, error) {
	s := a.Status.Sync
	switch {
	case a.autoSync():
		return nil, incident.Bad("auto-sync is on, so Argo CD syncs by itself and refuses a fixed revision;" +
			" turn on its selfHeal, or turn auto-sync off first")
	case s.Status == "Synced":
		return nil, incident.Bad("the application is in sync: there is nothing to bring back")
	case s.Status != "OutOfSync" || revisions(s.Revision, s.Revisions) == "":
		return nil, incident.Unavail("Argo CD could not compare the application with what is declared; look at its conditions", nil)
	}
	return incident.State{"sync": s.Status, "revision": revisions(s.Revision, s.Revisions)}, nil
}

func id(d deployment) string { return strconv.FormatInt(d.ID, 10) }
