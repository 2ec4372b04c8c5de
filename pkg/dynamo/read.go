package dynamo

import (
	"context"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"

	"github.com/opsguard/opsguard/pkg/incident"
)

// Load implements steps.Loader. The count of an incident that holds its fingerprint
// is kept beside it and read after it. If the incident ended in between, Load reads the record again,
// which then has the count.
func (s *Store) Load(ctx context.Context, ref incident.Ref) (incident.Incident, error) {
	inc, err := s.loadMeta(ctx, ref)
	if err != nil || !inc.HoldsFingerprint() {
		return inc, err
	}
	d, err := s.holder(ctx, inc.Tenant, inc.Fingerprint)
	if err != nil {
		return incident.Incident{}, err
	}
	if d.ID != inc.ID {
		return s.loadMeta(ctx, ref)
	}
	inc.Occurrences, inc.LastSeenAt = d.Count, d.Seen
	return inc, nil
}

func (s *Store) loadMeta(ctx context.Context, ref incident.Ref) (inc incident.Incident, err error) {
	it, err := s.get(ctx, metaKey(ref), true)
	if err != nil {
		return inc, err
	}
	if it == nil {
		return inc, notFound(ref)
	}
	return inc, unavailable(bodyOf(it, &inc))
}

// holder reads who holds a fingerprint; the zero value if nobody does.
func (s *Store) holder(ctx context.Context, tenant, fingerprint string) (dedup, error) {
	it, err := s.get(ctx, dedupKey(tenant, fingerprint), true)
	if err != nil || it == nil {
		return dedup{}, err
	}
	d, err := dedupOf(it)
	return d, unavailable(err)
}

// Evidence implements steps.EvidenceReader.
func (s *Store) Evidence(ctx context.Context, ref incident.Ref) (incident.Evidence, error) {
	it, err := s.get(ctx, evidenceKey(ref), true)
	if err == nil && it == nil {
		err = notFound(ref)
	}
	return incident.Evidence{Logs: stringOf(it, attrLogs)}, err
}

// Wait implements steps.Waits.
func (s *Store) Wait(ctx context.Context, ref incident.Ref) (incident.Wait, error) {
	it, err := s.get(ctx, waitKey(ref), true)
	if err != nil {
		return incident.Wait{}, err
	}
	if it == nil {
		return incident.Wait{}, incident.Fail(incident.NotFound, incident.CodeNotFound, "nothing waits for incident %s", ref.ID)
	}
	w, err := waitOf(ref, it)
	return w, unavailable(err)
}

// Events implements steps.Trail.
func (s *Store) Events(ctx context.Context, ref incident.Ref) ([]incident.Event, error) {
	events := []incident.Event{}
	pages := dynamodb.NewQueryPaginator(s.client, &dynamodb.QueryInput{
		TableName: s.table, ConsistentRead: aws.Bool(true),
		KeyConditionExpression:    aws.String("PK = :pk AND begins_with(SK, :evt)"),
		ExpressionAttributeValues: item{":pk": text(incidentPK(ref)), ":evt": text(skEvent)},
	})
	for pages.HasMorePages() {
		page, err := pages.NextPage(ctx)
		if err != nil {
			return nil, unavailable(err)
		}
		for _, it := range page.Items {
			var e incident.Event
			if err := bodyOf(it, &e); err != nil {
				return nil, unavailable(err)
			}
			events = append(events, e)
		}
	}
	return events, nil
}
