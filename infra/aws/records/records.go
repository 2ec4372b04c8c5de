// Package records opens the DynamoDB store for a function.
package records

import (
	"context"

	"github.com/opsguard/opsguard/infra/aws"
	"github.com/opsguard/opsguard/infra/setting"
	"github.com/opsguard/opsguard/pkg/dynamo"
)

// Open opens the table that the environment names and looks whether it is there.
func Open(ctx context.Context, f aws.Function) (*dynamo.Store, error) {
	var s dynamo.Settings
	if err := setting.Load(&s); err != nil {
		return nil, err
	}
	store, err := dynamo.Open(f.AWS, s)
	if err != nil {
		return nil, err
	}
	f.Check(ctx, store)
	return store, nil
}
