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
	const there = "attribute_exists(PK) AND (attribute_not_exists(heldUntil) OR heldUntil > :at)"
	k := dedupKey(tenant, fingerprint)
	values := item{":one": number(1), ":at": millis(incident.Stamp(at))}
	found, err := s.count(ctx, k, "ADD occurrences :one SET lastSeen = :at", there+" AND lastSeen <= :at", values)
	var failed *types.ConditionalCheckFailedException
	if errors.As(err, &failed) && len(failed.Item) > 0 && !over(failed.Item, at) {
		found, err = s.count(ctx, k, "ADD occurrences :one", there, values)
	}
	switch {
	case !errors.As(err, &failed):
		return incident.Ref{Tenant: tenant, ID: stringOf(found, attrIncident)}, unavailable(err)
	case over(failed.Item, at):
		return incident.Ref{Tenant: tenant, ID: stringOf(failed.Item, attrIncident)}, incident.Lapsed()
	}
	return incident.Ref{}, incident.NobodyHolds()
}

// over reports whether the time is over in which an incident is joined.
func over(it item, at time.Time) bool {
	d, err := dedupOf(it)
	return err == nil && !d.Until.IsZero() && !at.Before(d.Until)
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

// Holder implements steps.Dedup.
func (s *Store) Holder(ctx context.Context, tenant, fingerprint string) (incident.Ref, error) {
	d, err := s.holder(ctx, tenant, fingerprint)
	if err == nil && d.ID == "" {
		err = incident.NobodyHolds()
	}
	return incident.Ref{Tenant: tenant, ID: d.ID}, err
}
