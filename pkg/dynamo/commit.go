package dynamo

import (
	"context"
	"errors"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"github.com/opsguard/opsguard/pkg/incident"
)

// maxLookAgain bounds how often a commit is built anew because something beside
// the incident moved under it: a join while the incident closes, or a hold that
// was taken over. Each time means that somebody else got on.
const maxLookAgain = 100

// Commit implements steps.Incidents.
func (s *Store) Commit(ctx context.Context, c incident.Change) error {
	for round := 0; ; round++ {
		t, err := s.build(ctx, c)
		if err != nil {
			return unavailable(err)
		}
		_, err = s.client.TransactWriteItems(ctx, &dynamodb.TransactWriteItemsInput{TransactItems: t.writes})
		if err == nil {
			return nil
		}
		err, again := t.refused(err)
		if incident.CodeOf(err) == incident.CodeTargetBusy && incident.GroupOf(err) == "" {
			err, again = s.busy(ctx, c, err)
		}
		if again && round < maxLookAgain && ctx.Err() == nil {
			continue
		}
		if incident.KindOf(err) == incident.Conflict {
			return err
		}
		return s.settle(ctx, c, err)
	}
}

// busy says whose fix holds the target that a change wants to take. Where it has
// become free since, the commit is worth another round.
func (s *Store) busy(ctx context.Context, c incident.Change, refused error) (err error, again bool) {
	it, err := s.get(ctx, targetKey(c.Incident.Tenant, c.Take.Target), true)
	switch holder := stringOf(it, attrIncident); {
	case err != nil:
		return refused, false // it is busy all the same
	case it == nil:
		return refused, true
	default:
		return incident.Busy(incident.Ref{Tenant: c.Incident.Tenant, ID: holder}), false
	}
}

// settleTime bounds the look at what became of a commit whose answer was lost.
const settleTime = 3 * time.Second

// settle is for a commit of which it is not known whether it was made: a time-out,
// a broken connection, a 5xx. The event of that version tells: ours, somebody
// else's, or none yet, and then it stays unknown. Within one call the SDK's
// client token already makes a repetition the same transaction.
func (s *Store) settle(ctx context.Context, c incident.Change, lost error) error {
	look, cancel := context.WithTimeout(context.WithoutCancel(ctx), settleTime)
	defer cancel()
	it, err := s.get(look, eventKey(c.Incident.Ref, c.Event.Seq), true)
	switch {
	case err != nil || it == nil:
		return unavailable(lost)
	case stringOf(it, attrHash) == c.Event.Hash:
		return nil
	}
	return otherVersion()
}

func otherVersion() error {
	return incident.Fail(incident.Conflict, incident.CodeVersion, "somebody else changed the incident; look again")
}

// transaction is what one commit writes, and for each write what it means when
// its condition fails.
type transaction struct {
	writes   []types.TransactWriteItem
	meanings []meaning
	full     error // why the group lets nobody in, where the transaction is made to be refused for it
}

type meaning int

const (
	meansBroken    meaning = iota // it has no condition
	meansVersion                  // somebody else wrote this version
	meansDuplicate                // the fingerprint is held
	meansStopped                  // the kill switch is set
	meansBusy                     // the target is held
	meansFull                     // the group has no place
	meansMoved                    // what was read beside the incident has changed: look again
)

func (t *transaction) put(it item, m meaning, condition string, values item) {
	p := &types.Put{Item: it}
	if condition != "" {
		p.ConditionExpression = &condition
	}
	if len(values) > 0 {
		p.ExpressionAttributeValues = values
	}
	t.add(types.TransactWriteItem{Put: p}, m)
}

func (t *transaction) delete(k item, m meaning, condition string, values item) {
	d := &types.Delete{Key: k}
	if condition != "" {
		d.ConditionExpression, d.ExpressionAttributeValues = &condition, values
	}
	t.add(types.TransactWriteItem{Delete: d}, m)
}

func (t *transaction) add(w types.TransactWriteItem, m meaning) {
	t.writes = append(t.writes, w)
	t.meanings = append(t.meanings, m)
}

// in puts the table's name into every write.
func (t *transaction) in(table *string) *transaction {
	for _, w := range t.writes {
		if w.Put != nil {
			w.Put.TableName = table
		}
		if w.Delete != nil {
			w.Delete.TableName = table
		}
		if w.ConditionCheck != nil {
			w.ConditionCheck.TableName = table
		}
	}
	return t
}

// refused translates a failed transaction. The version counts before everything
// else, as in every store; again asks to look once more at what lies beside.
func (t *transaction) refused(err error) (translated error, again bool) {
	var cancelled *types.TransactionCanceledException
	if !errors.As(err, &cancelled) {
		return err, false
	}
	failed := map[meaning]bool{}
	for n, reason := range cancelled.CancellationReasons {
		if aws.ToString(reason.Code) == reasonCondition && n < len(t.meanings) {
			failed[t.meanings[n]] = true
		}
	}
	switch {
	case failed[meansVersion]:
		return otherVersion(), false
	case failed[meansDuplicate]:
		return incident.Fail(incident.Conflict, incident.CodeDuplicate, "an open incident has this fingerprint"), false
	case failed[meansStopped]:
		return t.stopped(cancelled), false
	case failed[meansBusy]:
		return incident.Fail(incident.Conflict, incident.CodeTargetBusy, "another fix holds this target"), false
	case failed[meansFull]:
		return t.full, false
	}
	return err, failed[meansMoved]
}
