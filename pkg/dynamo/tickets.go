package dynamo

import (
	"context"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"github.com/opsguard/opsguard/pkg/incident"
	"github.com/opsguard/opsguard/pkg/steps"
)

// ticketItem stores a ticket.
func ticketItem(t incident.Ticket) (item, error) {
	body, err := json.Marshal(t)
	if err != nil {
		return nil, fmt.Errorf("encode a ticket: %w", err)
	}
	return with(ticketKey(t.Tenant, t.Key), item{attrBody: text(string(body))}), nil
}

// PutTicket stores a ticket unless there is one of its key, and returns the one
// that stands.
func (s *Store) PutTicket(ctx context.Context, t incident.Ticket) (incident.Ticket, error) {
	it, err := ticketItem(t)
	if err != nil {
		return t, unavailable(err)
	}
	_, err = s.client.PutItem(ctx, &dynamodb.PutItemInput{
		TableName: s.table, Item: it, ConditionExpression: aws.String("attribute_not_exists(PK)"),
		ReturnValuesOnConditionCheckFailure: types.ReturnValuesOnConditionCheckFailureAllOld,
	})
	var stands *types.ConditionalCheckFailedException
	if errors.As(err, &stands) {
		return t, unavailable(bodyOf(stands.Item, &t))
	}
	return t, unavailable(err)
}

// ReplaceTicket implements integration.Tickets.
func (s *Store) ReplaceTicket(ctx context.Context, t incident.Ticket) error {
	there, err := s.Ticket(ctx, t.Tenant, t.Key)
	if incident.KindOf(err) == incident.NotFound {
		return nil
	}
	if err != nil {
		return err
	}
	t.CreatedAt = there.CreatedAt
	it, err := ticketItem(t)
	if err != nil {
		return unavailable(err)
	}
	_, err = s.client.PutItem(ctx, &dynamodb.PutItemInput{TableName: s.table, Item: it})
	return unavailable(err)
}

// Ticket returns one ticket, NotFound if there is none.
func (s *Store) Ticket(ctx context.Context, tenant, ticket string) (t incident.Ticket, err error) {
	for _, k := range []item{ticketKey(tenant, ticket), key(ticketPartitions(tenant)[0], ticket)} {
		it, err := s.get(ctx, k, true)
		if err != nil {
			return t, err
		}
		if it != nil {
			return t, unavailable(bodyOf(it, &t))
		}
	}
	return t, incident.Fail(incident.NotFound, incident.CodeNotFound, "there is no ticket of that key")
}

// Tickets lists a tenant's tickets, newest key first, at most limit; next is "" at
// the end.
func (s *Store) Tickets(ctx context.Context, tenant string, limit int, cursor string) (page []incident.Ticket, next string, err error) {
	after, err := base64.RawURLEncoding.DecodeString(cursor)
	if err != nil || len(after) > 64 {
		return nil, "", steps.BadCursor()
	}
	spread := &spread{order: attrSK, limit: limit, parts: partsOf(ticketPartitions(tenant), string(after))}
	if err := spread.fill(ctx, false, s.ticketPart); err != nil {
		return nil, "", unavailable(err)
	}
	items, last := spread.merge()
	page = make([]incident.Ticket, len(items))
	for n, it := range items {
		if err := bodyOf(it, &page[n]); err != nil {
			return nil, "", unavailable(err)
		}
	}
	return page, base64.RawURLEncoding.EncodeToString([]byte(last)), nil
}

// ticketPart reads on in one partition.
func (s *Store) ticketPart(ctx context.Context, p part, limit int) ([]item, string, error) {
	in := &dynamodb.QueryInput{
		TableName: s.table, ScanIndexForward: aws.Bool(false), Limit: aws.Int32(int32(limit)),
		KeyConditionExpression:    aws.String("PK = :pk"),
		ExpressionAttributeValues: item{":pk": text(p.key)},
	}
	if p.seen != "" {
		in.KeyConditionExpression = aws.String("PK = :pk AND SK < :after")
		in.ExpressionAttributeValues[":after"] = text(p.seen)
	}
	out, err := s.client.Query(ctx, in)
	if err != nil {
		return nil, "", err
	}
	return out.Items, stringOf(out.LastEvaluatedKey, attrSK), nil
}
