package dynamo

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/aws/retry"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"github.com/opsguard/opsguard/pkg/incident"
)

// Settings is what the store is told by a function's environment.
type Settings struct {
	Table string `env:"OPSGUARD_TABLE" help:"the DynamoDB table"`
}

// settingTable is what messages name.
const settingTable = "OPSGUARD_TABLE"

// isTableName holds a name to DynamoDB's rules. A regular expression with these
// bounds costs every cold start half a millisecond.
func isTableName(s string) bool {
	const allowed = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_.-"
	return len(s) >= 3 && len(s) <= 255 && strings.Trim(s, allowed) == ""
}

// Store implements the store ports of pkg/steps. It may be used concurrently.
type Store struct {
	client *dynamodb.Client
	table  *string
}

// What the SDK's standard retryer may do about throttling, 5xx and broken
// connections: its random waits come to 4 s at most, well within a function's time.
// Past that the state machine retries.
const (
	maxAttempts = 5
	maxBackoff  = time.Second
)

// Open makes a store of a table; it calls nobody. Endpoint, region and
// credentials are cfg's, so that any DynamoDB can be named.
func Open(cfg aws.Config, s Settings) (*Store, error) { return open(cfg, s, maxBackoff) }

func open(cfg aws.Config, s Settings, backoff time.Duration) (*Store, error) {
	if !isTableName(s.Table) {
		return nil, fmt.Errorf("%s: %q is not a table's name", settingTable, s.Table)
	}
	client := dynamodb.NewFromConfig(cfg, func(o *dynamodb.Options) {
		o.Retryer = retry.NewStandard(func(r *retry.StandardOptions) {
			r.MaxAttempts, r.MaxBackoff = maxAttempts, backoff
			r.Retryables = append(r.Retryables, retry.IsErrorRetryableFunc(collided))
		})
	})
	return &Store{client, &s.Table}, nil
}

// collided reports what is decided by trying again: another transaction, or a
// throttled partition, was in the way of this one, and no condition failed.
func collided(err error) aws.Ternary {
	var conflict *types.TransactionConflictException
	if errors.As(err, &conflict) {
		return aws.TrueTernary
	}
	var cancelled *types.TransactionCanceledException
	if !errors.As(err, &cancelled) {
		return aws.UnknownTernary
	}
	answer := aws.UnknownTernary
	for _, reason := range cancelled.CancellationReasons {
		switch aws.ToString(reason.Code) {
		case reasonCondition:
			return aws.FalseTernary
		case "TransactionConflict", "ThrottlingError", "ProvisionedThroughputExceeded":
			answer = aws.TrueTernary
		}
	}
	return answer
}

// reasonCondition is the code of a transaction's item whose condition failed.
const reasonCondition = "ConditionalCheckFailed"

// Check asks the table for one item and says in one line what is wrong with the
// setting if there is no such table. Other failures are returned as Unavailable:
// they may pass.
func (s *Store) Check(ctx context.Context) error {
	_, err := s.get(ctx, metaKey(incident.Ref{Tenant: incident.DefaultTenant, ID: "none"}), true)
	var missing *types.ResourceNotFoundException
	if errors.As(err, &missing) {
		return fmt.Errorf("%s: there is no table %s in this account and region", settingTable, *s.table)
	}
	if err != nil {
		return fmt.Errorf("%s: the table %s cannot be read: %w", settingTable, *s.table, err)
	}
	return nil
}

// Ping reads from the table.
func (s *Store) Ping(ctx context.Context) error { return s.Check(ctx) }

// get reads one item; nil if there is none.
func (s *Store) get(ctx context.Context, k item, consistent bool) (item, error) {
	out, err := s.client.GetItem(ctx, &dynamodb.GetItemInput{TableName: s.table, Key: k, ConsistentRead: &consistent})
	if err != nil {
		return nil, unavailable(err)
	}
	return out.Item, nil
}

// unavailable says that the store failed; the cause is for the log. The SDK's
// errors hold the operation and the service's words, never an item.
func unavailable(err error) error {
	var known *incident.Error
	if err == nil || errors.As(err, &known) {
		return err
	}
	return incident.Unavail("the store failed", err)
}

func notFound(ref incident.Ref) error {
	return incident.Fail(incident.NotFound, incident.CodeNotFound, "there is no incident %s", ref.ID)
}
