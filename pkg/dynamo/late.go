package dynamo

import (
	"context"
	"slices"
	"sync"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"golang.org/x/sync/errgroup"

	"github.com/opsguard/opsguard/pkg/incident"
)

// Late implements steps.LateLister. DynamoDB reads the whole index of open incidents
// for it, a megabyte a call, and hands out only what is due: of 20,000 incidents that
// wait, 34 MB are read in some 64 calls, and nothing comes back. A record of before
// there was a due time is handed out too.
func (s *Store) Late(ctx context.Context, tenant string, now time.Time) ([]incident.Incident, error) {
	var mu sync.Mutex
	var found []incident.Incident
	all, together := errgroup.WithContext(ctx)
	all.SetLimit(maxInFlight)
	for _, partition := range partitions(tenant, halfOpen, openShards) {
		all.Go(func() error {
			late, err := s.latePart(together, partition, now)
			mu.Lock()
			defer mu.Unlock()
			found = append(found, late...)
			return err
		})
	}
	if err := all.Wait(); err != nil {
		return nil, unavailable(err)
	}
	slices.SortFunc(found, func(a, b incident.Incident) int { return a.Due().Compare(b.Due()) })
	return found, nil
}

func (s *Store) latePart(ctx context.Context, partition string, now time.Time) (late []incident.Incident, err error) {
	pages := dynamodb.NewQueryPaginator(s.client, &dynamodb.QueryInput{
		TableName: s.table, IndexName: aws.String(indexName),
		KeyConditionExpression:    aws.String("LPK = :partition"),
		FilterExpression:          aws.String("attribute_not_exists(due) OR due <= :now"),
		ExpressionAttributeValues: item{":partition": text(partition), ":now": millis(now)},
	})
	for pages.HasMorePages() {
		page, err := pages.NextPage(ctx)
		if err != nil {
			return nil, err
		}
		for _, it := range page.Items {
			var inc incident.Incident
			if err := bodyOf(it, &inc); err != nil {
				return nil, err
			}
			late = append(late, inc)
		}
	}
	return late, nil
}
