// Package lambda moves an alias of a Lambda function to the version before, and lowers a
// function's reserved concurrency. Start at Integration; awsapi, which it is made of, says
// how it gets its rights.
//
// An alias is changed only if it still has the revision id of the plan: Lambda refuses the
// call otherwise. Reserved concurrency has no such precondition, so it is read once more
// right before it is changed. Calls are those of the AWS Lambda API Reference, 2015-03-31.
package lambda

import (
	"errors"
	"regexp"
	"sync"

	"github.com/opsguard/opsguard/pkg/executor/internal/awsapi"
	"github.com/opsguard/opsguard/pkg/incident"
	"github.com/opsguard/opsguard/pkg/integration"
	"github.com/opsguard/opsguard/pkg/steps"
)

// Settings are a target's attributes in services.yaml.
type Settings struct {
	awsapi.Target
	Function string `setting:"function" help:"the function's name"`
	Alias    string `setting:"alias" default:"" help:"the alias that callers use; rollback-deployment moves it and is refused without it"`
}

// Forms by the API reference; an alias is no number, for that is a version.
var (
	functionForm = sync.OnceValue(func() *regexp.Regexp { return regexp.MustCompile(`^[A-Za-z0-9_-]{1,64}$`) })
	aliasForm    = sync.OnceValue(func() *regexp.Regexp {
		return regexp.MustCompile(`^([A-Za-z0-9_-]{0,127}[A-Za-z_-][A-Za-z0-9_-]{0,127})?$`)
	})
	versionForm = sync.OnceValue(func() *regexp.Regexp { return regexp.MustCompile(`^[1-9][0-9]{0,17}$`) })
)

// Validate implements the check of settings.
func (s Settings) Validate() error {
	var long error
	if len(s.Alias) > 128 {
		long = incident.BadField("alias", "must be 128 characters at most")
	}
	return errors.Join(s.Target.Validate(),
		awsapi.OneName("function", s.Function, functionForm(), "a function's name of letters, digits, _ and -, without version or account"),
		awsapi.OneName("alias", s.Alias, aliasForm(), "an alias of letters, digits, _ and -, and no number"), long)
}

const (
	rollback = "rollback-deployment"
	reduce   = "reduce-concurrency"
)

// Integration describes the executor.
func Integration() integration.Descriptor[steps.Executor] {
	return integration.New("lambda", "acts on a function of AWS Lambda", Open).NamedBy("region", "function").Can(
		integration.Ability{Fix: rollback, Does: "points the alias at the published version before the present one",
			Undo: "points the alias back", Verifies: "the alias points at that version, and at no other",
			Rights: "lambda:UpdateAlias, lambda:GetAlias, lambda:ListVersionsByFunction on the function"},
		integration.Ability{Fix: reduce, Does: "lowers the function's reserved concurrency by the percentage, to 1 at least",
			Undo: "sets the reserved concurrency back", Verifies: "the function has that reserved concurrency",
			Rights: "lambda:PutFunctionConcurrency, lambda:GetFunctionConcurrency on the function"},
	)
}

type function struct {
	Settings
	arn string
}

// Open opens the executor for one function.
func Open(env integration.Env, s Settings) (steps.Executor, error) {
	f := function{s, s.Target.ARN("lambda", "function:"+s.Function)}
	return awsapi.New(env, s.Target,
		awsapi.Fix{ID: rollback, Look: f.lookToRollBack, Plan: f.planRollback, Act: f.point, Verify: f.verifyAlias, Undo: f.pointBack,
			Reads: []string{awsapi.Right("lambda:GetAlias", f.arn), awsapi.Right("lambda:ListVersionsByFunction", f.arn)}},
		awsapi.Fix{ID: reduce, Look: f.lookToReduce, Plan: f.planReduce,
			Act: f.setConcurrency, Verify: f.verifyConcurrency, Undo: f.setConcurrency,
			Reads: []string{awsapi.Right("lambda:GetFunctionConcurrency", f.arn)}},
	), nil
}
