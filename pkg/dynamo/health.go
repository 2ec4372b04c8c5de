package dynamo

import (
	"context"
	"encoding/json"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb"

	"github.com/opsguard/opsguard/pkg/steps"
)

// Health implements steps.HealthMemory.
func (s *Store) Health(ctx context.Context, tenant, service string) (steps.HealthState, error) {
	return versioned[steps.HealthState]{key: func() item { return healthKey(tenant, service) }}.read(ctx, s)
}

// KeepHealth implements steps.HealthMemory. The schedule runs one round at a time, so the
// last one counts.
func (s *Store) KeepHealth(ctx context.Context, tenant, service string, state steps.HealthState) error {
	body, err := json.Marshal(state)
	if err != nil {
		return err
	}
	_, err = s.client.PutItem(ctx, &dynamodb.PutItemInput{TableName: s.table,
		Item: with(healthKey(tenant, service), item{attrBody: text(string(body))})})
	return unavailable(err)
}
