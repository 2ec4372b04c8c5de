package dynamo

import (
	"context"
	"encoding/json"
	"errors"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"github.com/opsguard/opsguard/pkg/incident"
)

// versioned is a value that is kept in one item and changed by one read and one
// conditional put.
type versioned[T any] struct {
	key     func() item
	version func(*T) int64     // counts its changes; one that is not counted is not written
	expires func(*T) time.Time // when the table may delete it; nil: never
	also    func(*T) item      // attributes that conditions ask for; nil: none
	races   int                // how often it is read again because somebody else changed it meanwhile
	lost    error              // what is answered then
}

func (v versioned[T]) update(ctx context.Context, s *Store, change func(*T)) error {
	for range v.races {
		value, err := v.read(ctx, s)
		if err != nil {
			return err
		}
		before := v.version(&value)
		if change(&value); v.version(&value) == before {
			return nil
		}
		err = v.put(ctx, s, value, before)
		var moved *types.ConditionalCheckFailedException
		if !errors.As(err, &moved) {
			return unavailable(err)
		}
		if ctx.Err() != nil {
			break
		}
	}
	return v.lost
}

// read returns the value, the zero one if there is none.
func (v versioned[T]) read(ctx context.Context, s *Store) (value T, err error) {
	it, err := s.get(ctx, v.key(), true)
	if err == nil && it != nil {
		err = bodyOf(it, &value)
	}
	return value, unavailable(err)
}

// item is the whole item of a value.
func (v versioned[T]) item(value T) (item, error) {
	body, err := json.Marshal(value)
	if err != nil {
		return nil, err
	}
	it := with(v.key(), item{attrBody: text(string(body)), attrVersion: number(v.version(&value))})
	if v.expires != nil {
		it[attrExpires] = number(v.expires(&value).Unix())
	}
	if v.also != nil {
		it = with(it, v.also(&value))
	}
	return it, nil
}

func (v versioned[T]) put(ctx context.Context, s *Store, value T, before int64) error {
	it, err := v.item(value)
	if err != nil {
		return err
	}
	condition := "attribute_not_exists(PK) OR version = :before"
	_, err = s.client.PutItem(ctx, &dynamodb.PutItemInput{
		TableName: s.table, ConditionExpression: &condition, ExpressionAttributeValues: item{":before": number(before)}, Item: it,
	})
	return err
}

func othersChange(what string) error {
	return incident.Fail(incident.Conflict, incident.CodeVersion, "others kept changing %s", what)
}
