package dynamo

import (
	"context"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"github.com/opsguard/opsguard/pkg/incident"
)

const (
	// maxBrakeRaces bounds how often the kill switch is read again because somebody else
	// set it meanwhile.
	maxBrakeRaces = 20
	// maxFixesRaces bounds the same for what was done to a service, where incidents that
	// end at once are all at one item.
	maxFixesRaces = 200
	// fixesLife is how long it is kept that a service had fixes: longer than any breaker
	// looks back.
	fixesLife = 60 * 24 * time.Hour
)

func brakeOf(tenant string) versioned[incident.Brake] {
	return versioned[incident.Brake]{
		key:     func() item { return brakeKey(tenant) },
		version: func(b *incident.Brake) int64 { return b.Version },
		also:    func(b *incident.Brake) item { return item{attrStops: text(string(b.Stops()))} },
		races:   maxBrakeRaces, lost: othersChange("the kill switch"),
	}
}

// UpdateBrake implements steps.Brakes.
func (s *Store) UpdateBrake(ctx context.Context, tenant string, change func(*incident.Brake)) error {
	return brakeOf(tenant).update(ctx, s, func(b *incident.Brake) { b.Update(change) })
}

// Brake implements steps.Brakes.
func (s *Store) Brake(ctx context.Context, tenant string) (incident.Brake, error) {
	return brakeOf(tenant).read(ctx, s)
}

// unless adds that the tenant's kill switch does not stop as much. Claims that come at the
// same moment meet at this one item; DynamoDB cancels all but one, and they are repeated.
func (t *transaction) unless(tenant string, what incident.Stop) {
	if what == "" {
		return
	}
	condition, values := absent+" OR "+attrStops+" = :none", item{":none": text(string(incident.StopNone))}
	if !incident.StopFixes.AtLeast(what) {
		condition += " OR " + attrStops + " = :fixes"
		values[":fixes"] = text(string(incident.StopFixes))
	}
	t.add(types.TransactWriteItem{ConditionCheck: &types.ConditionCheck{
		Key: brakeKey(tenant), ConditionExpression: &condition, ExpressionAttributeValues: values,
		ReturnValuesOnConditionCheckFailure: types.ReturnValuesOnConditionCheckFailureAllOld,
	}}, meansStopped)
}

// stopped says who set the kill switch, as far as the answer tells.
func (t *transaction) stopped(cancelled *types.TransactionCanceledException) error {
	for n, reason := range cancelled.CancellationReasons {
		var b incident.Brake
		if n < len(t.meanings) && t.meanings[n] == meansStopped && bodyOf(reason.Item, &b) == nil {
			if err := b.Refuses(incident.StopFixes); err != nil {
				return err
			}
		}
	}
	return incident.Stopped("fixes are stopped by the kill switch")
}

func fixesOf(tenant, service string) versioned[incident.FixHistory] {
	return versioned[incident.FixHistory]{
		key:     func() item { return fixesKey(tenant, service) },
		version: func(h *incident.FixHistory) int64 { return h.Version },
		expires: func(h *incident.FixHistory) time.Time { return h.Last().Add(fixesLife) },
		races:   maxFixesRaces, lost: incident.Unavail("others kept changing what was done to the service", nil),
	}
}

// UpdateFixes implements steps.FixHistories.
func (s *Store) UpdateFixes(ctx context.Context, tenant, service string, change func(*incident.FixHistory)) error {
	return fixesOf(tenant, service).update(ctx, s, func(h *incident.FixHistory) { h.Update(change) })
}

// Fixes implements steps.FixHistories.
func (s *Store) Fixes(ctx context.Context, tenant, service string) (incident.FixHistory, error) {
	return fixesOf(tenant, service).read(ctx, s)
}
