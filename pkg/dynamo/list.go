package dynamo

import (
	"context"
	"slices"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
	"golang.org/x/sync/errgroup"

	"github.com/opsguard/opsguard/pkg/incident"
	"github.com/opsguard/opsguard/pkg/steps"
)

// filterScan is how many records of each partition a page with a filter may look
// at, so that a rare service makes short pages, not slow ones.
const filterScan = 200

// List implements steps.Lister: newest first, by id, merged from the partitions
// of the index. It lags behind the record as the index does.
func (s *Store) List(ctx context.Context, q steps.ListQuery) (steps.Page, error) {
	page := steps.Page{Incidents: []incident.Incident{}}
	before, err := steps.ParseCursor(q.Cursor)
	if err != nil {
		return page, err
	}
	partitions := listPartitions(q.Tenant, q.Status)
	parts := make([]part, len(partitions))
	all, together := errgroup.WithContext(ctx)
	for n, partition := range partitions {
		all.Go(func() (err error) {
			parts[n], err = s.listPart(together, partition, before, q)
			return err
		})
	}
	if err := all.Wait(); err != nil {
		return page, unavailable(err)
	}
	items, next := merge(parts, q.Limit)
	for _, it := range items {
		var inc incident.Incident
		if err := bodyOf(it, &inc); err != nil {
			return page, unavailable(err)
		}
		page.Incidents = append(page.Incidents, inc)
	}
	if err := s.fillCounts(ctx, page.Incidents); err != nil {
		return steps.Page{}, err
	}
	page.NextCursor = steps.MakeCursor(next)
	return page, nil
}

// part is what one partition gave.
type part struct {
	items []item
	seen  string // the oldest id that was looked at; "" if the partition ended
}

func (s *Store) listPart(ctx context.Context, partition, before string, q steps.ListQuery) (part, error) {
	in := &dynamodb.QueryInput{
		TableName: s.table, IndexName: aws.String(indexName), ScanIndexForward: aws.Bool(false), Limit: aws.Int32(int32(q.Limit)),
		KeyConditionExpression:    aws.String("LPK = :partition"),
		ExpressionAttributeValues: item{":partition": text(partition)},
	}
	if before != "" {
		in.KeyConditionExpression = aws.String("LPK = :partition AND LSK < :before")
		in.ExpressionAttributeValues[":before"] = text(before)
	}
	var filters []string
	if q.Status != "" {
		in.ExpressionAttributeNames = map[string]string{"#status": attrStatus}
		in.ExpressionAttributeValues[":status"] = text(string(q.Status))
		filters = append(filters, "#status = :status")
	}
	if q.Service != "" {
		in.ExpressionAttributeValues[":service"] = text(q.Service)
		filters = append(filters, attrService+" = :service")
	}
	if len(filters) > 0 {
		in.FilterExpression = aws.String(strings.Join(filters, " AND "))
		in.Limit = aws.Int32(filterScan)
	}
	out, err := s.client.Query(ctx, in)
	if err != nil {
		return part{}, err
	}
	return part{out.Items, stringOf(out.LastEvaluatedKey, attrID)}, nil
}

// merge puts the parts in one order, newest first, and keeps what is certain: an
// item older than what some partition has still to show may not come yet. next is
// the id after which to go on, "" at the end.
func merge(parts []part, limit int) (items []item, next string) {
	for _, p := range parts {
		items = append(items, p.items...)
		next = max(next, p.seen)
	}
	slices.SortFunc(items, func(a, b item) int { return strings.Compare(stringOf(b, attrID), stringOf(a, attrID)) })
	certain := len(items)
	for n, it := range items {
		if stringOf(it, attrID) < next {
			certain = n
			break
		}
	}
	items = items[:certain]
	if len(items) > limit {
		items = items[:limit]
		next = stringOf(items[limit-1], attrID)
	}
	return items, next
}

// fillCounts puts into open incidents what is counted beside them.
func (s *Store) fillCounts(ctx context.Context, incidents []incident.Incident) error {
	var keys []item
	byPrint := map[string]*incident.Incident{}
	for n := range incidents {
		if inc := &incidents[n]; inc.Open() && byPrint[inc.Fingerprint] == nil {
			byPrint[inc.Fingerprint] = inc
			keys = append(keys, dedupKey(inc.Tenant, inc.Fingerprint))
		}
	}
	if len(keys) == 0 {
		return nil
	}
	counts := map[string]dedup{}
	// A throttled partition leaves keys over. They are asked for once more; after that
	// the list shows what META says, the count as of the last change.
	asked := map[string]types.KeysAndAttributes{*s.table: {Keys: keys}}
	for range 2 {
		out, err := s.client.BatchGetItem(ctx, &dynamodb.BatchGetItemInput{RequestItems: asked})
		if err != nil {
			return unavailable(err)
		}
		for _, it := range out.Responses[*s.table] {
			d, err := dedupOf(it)
			if err != nil {
				return unavailable(err)
			}
			counts[d.ID] = d
		}
		if asked = out.UnprocessedKeys; len(asked) == 0 {
			break
		}
	}
	for n := range incidents {
		if d, ok := counts[incidents[n].ID]; ok && incidents[n].Open() {
			incidents[n].Occurrences, incidents[n].LastSeenAt = d.Count, d.Seen
		}
	}
	return nil
}
