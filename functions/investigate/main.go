// Command investigate is the function that gathers findings beside an alert. So far it
// gathers none.
package main

import (
	"context"

	"github.com/aws/aws-lambda-go/lambda"

	"github.com/opsguard/opsguard/infra/aws"
	"github.com/opsguard/opsguard/pkg/steps"
)

func main() { aws.Main(build) }

func build(_ context.Context, f aws.Function) (lambda.Handler, error) {
	return aws.Task(f.Log, steps.Investigate{}.Handle), nil
}
