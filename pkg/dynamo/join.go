package dynamo

import (
	"context"
	"errors"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"github.com/opsguard/opsguard/pkg/incident"
)

// Join implements steps.Dedup with one conditional update. A join that is older
// than the last one needs a second update, which leaves the time alone. If the
// answer is lost and the SDK sends the update again, the join counts twice.
func (s *Store) Join(ctx context.Context, tenant, fingerprint string, at time.Time) (incident.Ref, error) {
	k := dedupKey(tenant, fingerprint)
	found, err := s.count(ctx, k, "ADD occurrences :one SET lastSeen = :at", "attribute_exists(PK) AND lastSeen <= :at",
		item{":one": number(1), ":at": millis(incident.Stamp(at))})
	if late(err) {
		found, err = s.count(ctx, k, "ADD occurrences :one", "attribute_exists(PK)", item{":one": number(1)})
	}
	var failed *types.ConditionalCheckFailedException
	if errors.As(err, &failed) {
		return incident.Ref{}, errNoHolder()
	}
	return incident.Ref{Tenant: tenant, ID: stringOf(found, attrIncident)}, unavailable(err)
}

func (s *Store) count(ctx context.Context, k item, update, condition string, values item) (item, error) {
	out, err := s.client.UpdateItem(ctx, &dynamodb.UpdateItemInput{
		TableName: s.table, Key: k, UpdateExpression: &update, ConditionExpression: &condition, ExpressionAttributeValues: values,
		ReturnValues: types.ReturnValueAllNew, ReturnValuesOnConditionCheckFailure: types.ReturnValuesOnConditionCheckFailureAllOld,
	})
	if err != nil {
		return nil, err
	}
	return out.Attributes, nil
}

// late reports that the item was there, and the condition on its time failed.
func late(err error) bool {
	var failed *types.ConditionalCheckFailedException
	return errors.As(err, &failed) && len(failed.Item) > 0
}

// errNoHolder says that no open incident has a fingerprint.
func errNoHolder() error {
	return incident.Fail(incident.NotFound, incident.CodeNotFound, "no open incident has this fingerprint")
}

// Holder implements steps.Dedup.
func (s *Store) Holder(ctx context.Context, tenant, fingerprint string) (incident.Ref, error) {
	d, err := s.holder(ctx, tenant, fingerprint)
	if err == nil && d.ID == "" {
		err = errNoHolder()
	}
	return incident.Ref{Tenant: tenant, ID: d.ID}, err
}
