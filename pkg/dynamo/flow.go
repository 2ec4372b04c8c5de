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

// maxFlowRaces bounds how often a flow is read again because somebody else changed it
// meanwhile. In a flood of one service that happens to most: what is lost then is a
// count, and an incident more may be opened.
const maxFlowRaces = 4

// flowLife is how long a flow is kept that nothing changes.
const flowLife = 7 * 24 * time.Hour

// Update implements steps.Flows: one read and one conditional put.
func (s *Store) Update(ctx context.Context, tenant, service string, change func(*incident.Flow)) error {
	for range maxFlowRaces {
		flow, err := s.Flow(ctx, tenant, service)
		if err != nil {
			return err
		}
		before := flow.Version
		change(&flow)
		err = s.putFlow(ctx, tenant, service, flow, before)
		var moved *types.ConditionalCheckFailedException
		if !errors.As(err, &moved) {
			return unavailable(err)
		}
	}
	return incident.Fail(incident.Conflict, incident.CodeVersion, "others kept changing the flow of the service")
}

func (s *Store) putFlow(ctx context.Context, tenant, service string, flow incident.Flow, before int64) error {
	body, err := json.Marshal(flow)
	if err != nil {
		return err
	}
	condition := "attribute_not_exists(PK) OR version = :before"
	_, err = s.client.PutItem(ctx, &dynamodb.PutItemInput{
		TableName: s.table, ConditionExpression: &condition, ExpressionAttributeValues: item{":before": number(before)},
		Item: with(flowKey(tenant, service), item{
			attrBody: text(string(body)), attrVersion: number(flow.Version), attrExpires: number(flow.Hour.Add(flowLife).Unix()),
		}),
	})
	return err
}

// Flow implements steps.Flows.
func (s *Store) Flow(ctx context.Context, tenant, service string) (flow incident.Flow, err error) {
	it, err := s.get(ctx, flowKey(tenant, service), true)
	if err != nil || it == nil {
		return flow, unavailable(err)
	}
	err = bodyOf(it, &flow)
	return flow, unavailable(err)
}
