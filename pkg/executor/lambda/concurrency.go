package lambda

import (
	"context"
	"fmt"
	"net/http"
	"net/url"
	"strconv"

	"github.com/opsguard/opsguard/pkg/executor/internal/awsapi"
	"github.com/opsguard/opsguard/pkg/incident"
	"github.com/opsguard/opsguard/pkg/steps"
)

// reserved is the shape Concurrency; nil: the function takes from the account's pool.
type reserved struct {
	N *int `json:"ReservedConcurrentExecutions"`
}

func (f function) concurrency(ctx context.Context, at *awsapi.Session) (reserved, error) {
	var r reserved
	err := at.REST(ctx, awsapi.Right("lambda:GetFunctionConcurrency", f.arn), http.MethodGet,
		"/2019-09-30/functions/"+url.PathEscape(f.Function)+"/concurrency", nil, &r)
	return r, err
}

func (f function) lookToReduce(ctx context.Context, at *awsapi.Session, _ incident.Proposal) (incident.State, error) {
	r, err := f.concurrency(ctx, at)
	if err != nil {
		return nil, err
	}
	if r.N == nil {
		return nil, awsapi.Cannot("the function has no reserved concurrency that could be lowered; set one")
	}
	if *r.N <= 1 {
		return nil, awsapi.Cannot("the function's reserved concurrency is %d; less would stop it", *r.N)
	}
	return incident.State{"reservedConcurrency": strconv.Itoa(*r.N)}, nil
}

func (f function) planReduce(present incident.State, p incident.Proposal) (incident.Draft, error) {
	now, err := awsapi.Int(present, "reservedConcurrency")
	if err != nil {
		return incident.Draft{}, err
	}
	percent, err := awsapi.Int(p.Parameters, "percent")
	if err != nil {
		return incident.Draft{}, err
	}
	if percent < 1 || percent > 99 || now < 2 {
		return incident.Draft{}, awsapi.Cannot("a reserved concurrency of %d cannot be lowered by %d percent", now, percent)
	}
	then := max(1, now*(100-percent)/100)
	return incident.Draft{
		Actions: []string{f.puts(then)}, Wanted: incident.State{"reservedConcurrency": strconv.Itoa(then)},
		Undo:  incident.Undo{Actions: []string{f.puts(now)}, Wanted: incident.State{"reservedConcurrency": strconv.Itoa(now)}},
		Limit: limit, Rights: []string{awsapi.Right("lambda:PutFunctionConcurrency", f.arn)},
		Blast: incident.Blast{Affected: now - then, Of: now, Unit: "concurrent executions"},
	}, nil
}

func (f function) puts(n int) string {
	return fmt.Sprintf("lambda PutFunctionConcurrency function=%s reserved=%d", f.Function, n)
}

// setConcurrency is the fix and its undoing.
func (f function) setConcurrency(ctx context.Context, at *awsapi.Session, o steps.Order) (incident.State, string, error) {
	was, err := awsapi.Int(o.Was(), "reservedConcurrency")
	if err != nil {
		return nil, "", err
	}
	wants, err := awsapi.Int(o.Wants(), "reservedConcurrency")
	if err != nil {
		return nil, "", err
	}
	r, err := f.concurrency(ctx, at)
	if err != nil {
		return nil, "", err
	}
	if r.N == nil || *r.N != was {
		return nil, "", awsapi.Cannot("the function's reserved concurrency is no longer %d: somebody changed it", was)
	}
	err = at.Change(ctx, func() error {
		var out reserved
		return at.REST(ctx, awsapi.Right("lambda:PutFunctionConcurrency", f.arn), http.MethodPut,
			"/2017-10-31/functions/"+url.PathEscape(f.Function)+"/concurrency", map[string]any{"ReservedConcurrentExecutions": wants}, &out)
	})
	did := fmt.Sprintf("the reserved concurrency was set from %d to %d", was, wants)
	return incident.State{"reservedConcurrency": strconv.Itoa(wants)}, did, err
}

func (f function) verifyConcurrency(ctx context.Context, at *awsapi.Session, o steps.Order) (awsapi.Seen, error) {
	wants, err := awsapi.Int(o.Wants(), "reservedConcurrency")
	if err != nil {
		return awsapi.Seen{}, err
	}
	r, err := f.concurrency(ctx, at)
	if err != nil {
		return awsapi.Seen{}, err
	}
	if r.N == nil || *r.N != wants {
		return at.NotShown(o, fmt.Sprintf("the reserved concurrency is not %d", wants)), nil
	}
	return awsapi.Verified("the reserved concurrency is %d", wants)
}
