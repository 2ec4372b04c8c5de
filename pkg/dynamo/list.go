package dynamo

import (
	"context"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"github.com/opsguard/opsguard/pkg/incident"
	"github.com/opsguard/opsguard/pkg/steps"
)

// filterScan is how many records, of all partitions together, a page with a filter may
// look at, so that a rare service makes short pages, not slow ones.
const filterScan = 1600

// List implements steps.Lister: newest first, by id, merged from the partitions
// of the index. It lags behind the record as the index does.
func (s *Store) List(ctx context.Context, q steps.ListQuery) (steps.Page, error) {
	page := steps.Page{Incidents: []incident.Incident{}}
	before, err := steps.ParseCursor(q.Cursor)
	if err != nil {
		return page, err
	}
	spread := &spread{order: attrID, limit: q.Limit, parts: partsOf(listPartitions(q.Tenant, q.Status), before)}
	once := q.Status != "" || q.Service != ""
	err = spread.fill(ctx, once, func(ctx context.Context, p part, limit int) ([]item, string, error) {
		return s.listPart(ctx, p, limit, q)
	})
	if err != nil {
		return page, unavailable(err)
	}
	items, next := spread.merge()
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

// listPart reads on in one partition.
func (s *Store) listPart(ctx context.Context, p part, limit int, q steps.ListQuery) ([]item, string, error) {
	in := &dynamodb.QueryInput{
		TableName: s.table, IndexName: aws.String(indexName), ScanIndexForward: aws.Bool(false), Limit: aws.Int32(int32(limit)),
		KeyConditionExpression:    aws.String("LPK = :partition"),
		ExpressionAttributeValues: item{":partition": text(p.key)},
	}
	if p.seen != "" {
		in.KeyConditionExpression = aws.String("LPK = :partition AND LSK < :before")
		in.ExpressionAttributeValues[":before"] = text(p.seen)
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
		in.Limit = aws.Int32(int32(filterScan / len(listPartitions(q.Tenant, q.Status))))
	}
	out, err := s.client.Query(ctx, in)
	if err != nil {
		return nil, "", err
	}
	return out.Items, stringOf(out.LastEvaluatedKey, attrID), nil
}

// fillCounts puts into incidents that hold their fingerprints what is counted beside them.
func (s *Store) fillCounts(ctx context.Context, incidents []incident.Incident) error {
	var keys []item
	byPrint := map[string]*incident.Incident{}
	for n := range incidents {
		if inc := &incidents[n]; inc.HoldsFingerprint() && byPrint[inc.Fingerprint] == nil {
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
		if d, ok := counts[incidents[n].ID]; ok && incidents[n].HoldsFingerprint() {
			incidents[n].Occurrences, incidents[n].LastSeenAt = d.Count, d.Seen
		}
	}
	return nil
}
