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

const (
	// maxGroupRaces bounds how often a group is read again because somebody else changed
	// it meanwhile. Each time means that somebody else got on, and in a storm all are at
	// one group.
	maxGroupRaces = 200
	// groupLife is how long a group is kept that nothing changes: longer than people may
	// take to decide.
	groupLife = 400 * 24 * time.Hour
)

// UpdateGroup implements steps.Groups: one read and one conditional put.
func (s *Store) UpdateGroup(ctx context.Context, tenant, name string, change func(*incident.Group)) error {
	for range maxGroupRaces {
		var g incident.Group
		k := groupKey(tenant, name)
		it, err := s.get(ctx, k, true)
		if err == nil && it != nil {
			err = bodyOf(it, &g)
		}
		if err != nil {
			return unavailable(err)
		}
		before := g.Version
		g.Version++
		change(&g)
		body, err := json.Marshal(g)
		if err != nil {
			return unavailable(err)
		}
		condition := "attribute_not_exists(PK) OR version = :before"
		_, err = s.client.PutItem(ctx, &dynamodb.PutItemInput{
			TableName: s.table, ConditionExpression: &condition, ExpressionAttributeValues: item{":before": number(before)},
			Item: with(k, item{attrBody: text(string(body)), attrVersion: number(g.Version), attrExpires: number(g.Last.Add(groupLife).Unix())}),
		})
		var moved *types.ConditionalCheckFailedException
		if !errors.As(err, &moved) {
			return unavailable(err)
		}
		if ctx.Err() != nil {
			break
		}
	}
	return incident.Unavail("others kept changing the group", nil)
}
