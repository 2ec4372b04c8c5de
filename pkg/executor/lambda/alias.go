package lambda

import (
	"context"
	"fmt"
	"net/http"
	"net/url"
	"strconv"
	"time"

	"github.com/opsguard/opsguard/pkg/executor/internal/awsapi"
	"github.com/opsguard/opsguard/pkg/incident"
	"github.com/opsguard/opsguard/pkg/steps"
)

// limit is how long a change may take until it is visible.
const limit = 5 * time.Minute

// maxPages bounds how many pages of 50 versions are read.
const maxPages = 20

// alias is the shape AliasConfiguration.
type alias struct {
	Version  string `json:"FunctionVersion"`
	Revision string `json:"RevisionId"`
	Routing  struct {
		Weights map[string]float64 `json:"AdditionalVersionWeights"`
	} `json:"RoutingConfig"`
}

func (f function) aliasPath() string {
	return "/2015-03-31/functions/" + url.PathEscape(f.Function) + "/aliases/" + url.PathEscape(f.Alias)
}

func (f function) getAlias(ctx context.Context, at *awsapi.Session) (alias, error) {
	var a alias
	err := at.REST(ctx, awsapi.Right("lambda:GetAlias", f.arn), http.MethodGet, f.aliasPath(), nil, &a)
	return a, err
}

func (f function) lookToRollBack(ctx context.Context, at *awsapi.Session, _ incident.Proposal) (incident.State, error) {
	if f.Alias == "" {
		return nil, awsapi.Cannot("the target names no alias in services.yaml; without one nothing can be pointed at the version before")
	}
	a, err := f.getAlias(ctx, at)
	if err != nil {
		return nil, err
	}
	switch {
	case !versionForm().MatchString(a.Version) || a.Revision == "":
		return nil, awsapi.Cannot("the alias %s does not point at a published version", f.Alias)
	case len(a.Routing.Weights) > 0:
		return nil, awsapi.Cannot("the alias %s shares its traffic among versions: a deployment is under way; end that first", f.Alias)
	}
	previous, err := f.before(ctx, at, a.Version)
	if err != nil {
		return nil, err
	}
	return incident.State{"version": a.Version, "previous": previous, "revisionId": a.Revision}, nil
}

// before finds the highest published version below the one that is given.
func (f function) before(ctx context.Context, at *awsapi.Session, version string) (string, error) {
	below, err := strconv.ParseInt(version, 10, 64)
	if err != nil {
		return "", awsapi.Cannot("the alias %s does not point at a published version", f.Alias)
	}
	var best int64
	marker := ""
	for range maxPages {
		var out struct {
			Versions []struct {
				Version string `json:"Version"`
			} `json:"Versions"`
			Next string `json:"NextMarker"`
		}
		path := "/2015-03-31/functions/" + url.PathEscape(f.Function) + "/versions?MaxItems=50"
		if marker != "" {
			path += "&Marker=" + url.QueryEscape(marker)
		}
		if err := at.REST(ctx, awsapi.Right("lambda:ListVersionsByFunction", f.arn), http.MethodGet, path, nil, &out); err != nil {
			return "", err
		}
		for _, v := range out.Versions {
			if n, err := strconv.ParseInt(v.Version, 10, 64); err == nil && n < below && n > best { // $LATEST is no number
				best = n
			}
		}
		if marker = out.Next; marker == "" {
			if best == 0 {
				return "", awsapi.Cannot("no published version before %s is left", version)
			}
			return strconv.FormatInt(best, 10), nil
		}
	}
	return "", awsapi.Cannot("the function has more than %d versions; delete old ones, or point the alias by hand", maxPages*50)
}

func (f function) planRollback(present incident.State, _ incident.Proposal) (incident.Draft, error) {
	from, to := present["version"], present["previous"]
	if !versionForm().MatchString(from) || !versionForm().MatchString(to) || present["revisionId"] == "" {
		return incident.Draft{}, awsapi.Cannot("there is no version before that the alias could point at")
	}
	return incident.Draft{
		Actions: []string{f.points(to, present["revisionId"])}, Wanted: incident.State{"version": to},
		Undo:  incident.Undo{Actions: []string{f.points(from, "of this fix")}, Wanted: incident.State{"version": from}},
		Limit: limit, Rights: []string{awsapi.Right("lambda:UpdateAlias", f.arn)},
	}, nil
}

func (f function) points(version, revision string) string {
	return fmt.Sprintf("lambda UpdateAlias function=%s alias=%s version=%s if revision=%s", f.Function, f.Alias, version, revision)
}

func (f function) point(ctx context.Context, at *awsapi.Session, o steps.Order) (incident.State, string, error) {
	return f.update(ctx, at, o.Wants()["version"], o.Plan.Present["revisionId"])
}

// pointBack rests on the revision that the fix has made. Where that was never heard of, it
// is read, and the alias must be as the fix wanted it.
func (f function) pointBack(ctx context.Context, at *awsapi.Session, o steps.Order) (incident.State, string, error) {
	revision := o.Fix["revisionId"]
	if revision == "" {
		a, err := f.getAlias(ctx, at)
		if err != nil {
			return nil, "", err
		}
		if a.Version != o.Was()["version"] {
			return nil, "", awsapi.Cannot("the alias does not point at version %s, where the fix pointed it", o.Was()["version"])
		}
		revision = a.Revision
	}
	return f.update(ctx, at, o.Wants()["version"], revision)
}

func (f function) update(ctx context.Context, at *awsapi.Session, version, revision string) (incident.State, string, error) {
	if !versionForm().MatchString(version) || revision == "" {
		return nil, "", awsapi.Cannot("the plan names no version, or no revision of the alias")
	}
	var out alias
	err := at.Change(ctx, func() error {
		return at.REST(ctx, awsapi.Right("lambda:UpdateAlias", f.arn), http.MethodPut, f.aliasPath(),
			map[string]any{"FunctionVersion": version, "RevisionId": revision}, &out)
	})
	if awsapi.CodeOf(err) == "PreconditionFailedException" {
		return nil, "", awsapi.Cannot("somebody changed the alias since: it no longer has the revision %s", revision)
	}
	return incident.State{"revisionId": out.Revision}, "the alias " + f.Alias + " points at version " + version, err
}

func (f function) verifyAlias(ctx context.Context, at *awsapi.Session, o steps.Order) (awsapi.Seen, error) {
	a, err := f.getAlias(ctx, at)
	if err != nil {
		return awsapi.Seen{}, err
	}
	wants := o.Wants()["version"]
	switch {
	case a.Version != wants:
		return at.NotShown(o, fmt.Sprintf("the alias %s does not point at version %s", f.Alias, wants)), nil
	case len(a.Routing.Weights) > 0:
		return awsapi.NotVerified("the alias %s shares its traffic with another version", f.Alias)
	}
	return awsapi.Verified("the alias %s points at version %s", f.Alias, wants)
}
