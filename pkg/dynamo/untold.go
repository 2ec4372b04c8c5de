package dynamo

import (
	"cmp"
	"context"
	"errors"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"github.com/opsguard/opsguard/pkg/incident"
	"github.com/opsguard/opsguard/pkg/steps"
)

// first comes before every incident's id; a key of DynamoDB cannot be empty.
const first = "I"

// Untold implements steps.Untold.
func (s *Store) Untold(ctx context.Context, tenant, after string) ([]steps.Lag, error) {
	out, err := s.client.Query(ctx, &dynamodb.QueryInput{
		TableName: s.table, ConsistentRead: aws.Bool(true), Limit: aws.Int32(steps.MaxUntold),
		KeyConditionExpression:    aws.String("PK = :pk AND SK > :after"),
		ExpressionAttributeValues: item{":pk": text(untoldPartition(tenant)), ":after": text(cmp.Or(after, first))},
	})
	if err != nil {
		return nil, unavailable(err)
	}
	list := make([]steps.Lag, len(out.Items))
	for n, it := range out.Items {
		list[n].Ref = incident.Ref{Tenant: tenant, ID: stringOf(it, attrSK)}
		if list[n].Version, err = intOf(it, attrVersion); err != nil {
			return nil, unavailable(err)
		}
	}
	return list, nil
}

// Told implements steps.Untold.
func (s *Store) Told(ctx context.Context, of steps.Lag) error {
	_, err := s.client.DeleteItem(ctx, &dynamodb.DeleteItemInput{
		TableName: s.table, Key: untoldKey(of.Ref), ConditionExpression: aws.String("version = :version"),
		ExpressionAttributeValues: item{":version": number(of.Version)},
	})
	var changed *types.ConditionalCheckFailedException
	if errors.As(err, &changed) {
		return nil // it was told before, or has more to tell
	}
	return unavailable(err)
}
