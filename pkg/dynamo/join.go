package dynamo

import (
	"cmp"
	"context"
	"errors"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"github.com/opsguard/opsguard/pkg/incident"
)

// Join implements steps.Dedup with one conditional update, and a put where the alert
// says something else than the one before. If the answer is lost and the SDK sends the
// update again, the join counts twice.
func (s *Store) Join(ctx context.Context, tenant, fingerprint string, says incident.Latest) (incident.Incident, error) {
	before, err := s.count(ctx, tenant, fingerprint, says)
	lapsed := incident.CodeOf(err) == incident.CodeLapsed
	if err != nil && !lapsed {
		return incident.Incident{}, err
	}
	ref := incident.Ref{Tenant: tenant, ID: before.ID}
	if !lapsed && says.Digest != "" && before.Says != says.Digest {
		if err := s.keep(ctx, ref, says); err != nil {
			return incident.Incident{}, err
		}
	}
	inc, failed := s.loadMeta(ctx, ref)
	if failed == nil && !lapsed && inc.HoldsFingerprint() { // else it ended since, and has the count
		inc.Occurrences, inc.LastSeenAt = before.Count+1, before.Seen
		if at := incident.Stamp(says.At); at.After(before.Seen) {
			inc.LastSeenAt = at
		}
	}
	return inc, cmp.Or(failed, err)
}

// count counts one more, and returns what was there before. A join that is older than
// the last one needs a second update, which leaves the time alone.
func (s *Store) count(ctx context.Context, tenant, fingerprint string, says incident.Latest) (dedup, error) {
	const there = "attribute_exists(PK) AND (attribute_not_exists(heldUntil) OR heldUntil > :at)"
	set, values := "", item{":one": number(1), ":at": millis(incident.Stamp(says.At))}
	if says.Digest != "" {
		set, values[":says"] = ", says = :says", text(says.Digest)
	}
	found, err := s.update(ctx, dedupKey(tenant, fingerprint), "SET lastSeen = :at"+set+" ADD occurrences :one", there+" AND lastSeen <= :at", values)
	var failed *types.ConditionalCheckFailedException
	if errors.As(err, &failed) && len(failed.Item) > 0 && !over(failed.Item, says.At) {
		update := "ADD occurrences :one"
		if set != "" {
			update = "SET says = :says " + update
		}
		found, err = s.update(ctx, dedupKey(tenant, fingerprint), update, there, values)
	}
	switch {
	case errors.As(err, &failed) && over(failed.Item, says.At):
		found, err = failed.Item, incident.Lapsed()
	case errors.As(err, &failed):
		return dedup{}, incident.NobodyHolds()
	case err != nil:
		return dedup{}, unavailable(err)
	}
	d, bad := dedupOf(found)
	return d, cmp.Or(unavailable(bad), err)
}

func (s *Store) update(ctx context.Context, k item, update, condition string, values item) (before item, err error) {
	out, err := s.client.UpdateItem(ctx, &dynamodb.UpdateItemInput{
		TableName: s.table, Key: k, UpdateExpression: &update, ConditionExpression: &condition, ExpressionAttributeValues: values,
		ReturnValues: types.ReturnValueAllOld, ReturnValuesOnConditionCheckFailure: types.ReturnValuesOnConditionCheckFailureAllOld,
	})
	if err != nil {
		return nil, err
	}
	return out.Attributes, nil
}

// keep keeps what the last alert said, the later one where two come at once.
func (s *Store) keep(ctx context.Context, ref incident.Ref, says incident.Latest) error {
	_, err := s.client.PutItem(ctx, &dynamodb.PutItemInput{
		TableName: s.table, Item: with(latestKey(ref), item{attrLogs: text(says.Logs), attrSeen: millis(says.At)}),
		ConditionExpression: aws.String("attribute_not_exists(PK) OR lastSeen <= :at"), ExpressionAttributeValues: item{":at": millis(says.At)},
	})
	var later *types.ConditionalCheckFailedException
	if errors.As(err, &later) {
		return nil
	}
	return unavailable(err)
}

// Latest implements steps.LatestReader.
func (s *Store) Latest(ctx context.Context, ref incident.Ref) (l incident.Latest, err error) {
	it, err := s.get(ctx, latestKey(ref), true)
	if err != nil || it == nil {
		return l, err
	}
	l.Logs = stringOf(it, attrLogs)
	l.At, err = timeOf(it, attrSeen)
	return l, unavailable(err)
}

// over reports whether the time is over in which an incident is joined.
func over(it item, at time.Time) bool {
	d, err := dedupOf(it)
	return err == nil && !d.Until.IsZero() && !at.Before(d.Until)
}

// Holder implements steps.Dedup.
func (s *Store) Holder(ctx context.Context, tenant, fingerprint string) (incident.Ref, error) {
	d, err := s.holder(ctx, tenant, fingerprint)
	if err == nil && d.ID == "" {
		err = incident.NobodyHolds()
	}
	return incident.Ref{Tenant: tenant, ID: d.ID}, err
}
