package dynamo

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
	"github.com/oklog/ulid/v2"
	"golang.org/x/sync/errgroup"

	"github.com/opsguard/opsguard/pkg/incident"
)

func waiting(now time.Time, deadline time.Duration) incident.Incident {
	ref := incident.Ref{Tenant: "t", ID: incident.IDFromULID(ulid.Make().String())}
	return incident.Incident{Ref: ref, Version: 4, Status: incident.WaitingForApproval, UpdatedAt: now,
		Asked: &incident.Asked{EnteredAt: now, NotifiedAt: &now, Deadline: now.Add(deadline)}}
}

// write puts an incident's record alone.
func write(ctx context.Context, t testing.TB, s *Store, inc incident.Incident, change func(item)) {
	t.Helper()
	it, err := metaItem(inc)
	if err != nil {
		t.Fatal(err)
	}
	if change != nil {
		change(it)
	}
	if _, err := s.client.PutItem(ctx, &dynamodb.PutItemInput{TableName: s.table, Item: it}); err != nil {
		t.Fatal(err)
	}
}

func TestOnlyWhatIsDueIsHandedOutTheLongestDueFirst(t *testing.T) {
	cfg := testConfig(t)
	s, err := Open(cfg, Settings{Table: newTable(t, cfg)})
	if err != nil {
		t.Fatal(err)
	}
	now := time.Now()
	oldest, older := waiting(now, -3*time.Hour), waiting(now, -2*time.Hour)
	before, ended, other := waiting(now, time.Hour), waiting(now, -time.Hour), waiting(now, -time.Hour)
	ended.Status, other.Tenant = incident.Escalated, "another"
	for _, inc := range []incident.Incident{older, waiting(now, 0), waiting(now, time.Hour), oldest, ended, other} {
		write(t.Context(), t, s, inc, nil)
	}
	write(t.Context(), t, s, before, func(it item) { delete(it, attrDue) }) // of a version that had none
	late, err := s.Late(t.Context(), "t", now)
	var got []string
	for _, inc := range late {
		got = append(got, inc.ID)
	}
	if want := []string{oldest.ID, older.ID, before.ID}; err != nil || !slices.Equal(got, want) {
		t.Errorf("%v, %v; want %v", got, err, want)
	}
}

func TestEveryPageOfEveryOpenPartitionIsAskedForWhatIsDue(t *testing.T) {
	var mu sync.Mutex
	pages := map[string]int{}
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		var in struct {
			FilterExpression          string
			ExpressionAttributeValues map[string]wireValue
		}
		if err := json.NewDecoder(r.Body).Decode(&in); err != nil {
			t.Error(err)
		}
		partition := in.ExpressionAttributeValues[":partition"]["S"]
		if in.FilterExpression == "" || in.ExpressionAttributeValues[":now"]["N"] != "1000" {
			t.Errorf("%s: asked for %+v", partition, in)
		}
		mu.Lock()
		pages[partition]++
		n := pages[partition]
		mu.Unlock()
		if n < 3 {
			fmt.Fprint(w, `{"Items":[],"LastEvaluatedKey":{"PK":{"S":"p"}}}`)
			return
		}
		fmt.Fprintf(w, `{"Items":[{"body":{"S":"{\"incidentId\":\"INC-%s\",\"status\":\"DETECTED\"}"}}]}`, partition)
	}))
	defer server.Close()
	cfg := aws.Config{Region: "us-east-1", BaseEndpoint: &server.URL, Credentials: aws.AnonymousCredentials{}}
	s, err := Open(cfg, Settings{Table: "table"})
	if err != nil {
		t.Fatal(err)
	}
	late, err := s.Late(t.Context(), "t", time.UnixMilli(1000))
	if err != nil || len(late) != openShards || len(pages) != openShards {
		t.Errorf("%d found in %d partitions, %v; want %d", len(late), len(pages), err, openShards)
	}
}

// What is late among 20,000 incidents that wait, on the DynamoDB that the environment
// names: the time and the calls it takes.
func BenchmarkLateAmong20000Waiting(b *testing.B) {
	s, calls := manyWaiting(b, 20_000)
	for b.Loop() {
		calls.Store(0)
		if late, err := s.Late(b.Context(), "t", time.Now()); err != nil || len(late) != 0 {
			b.Fatalf("%d, %v", len(late), err)
		}
	}
	b.ReportMetric(float64(calls.Load()), "calls/run")
}

func manyWaiting(b *testing.B, n int) (*Store, *atomic.Int64) {
	b.Helper()
	cfg := testConfig(b)
	s, err := Open(cfg, Settings{Table: newTable(b, cfg)})
	if err != nil {
		b.Fatal(err)
	}
	now := time.Now()
	var all errgroup.Group
	all.SetLimit(16)
	for range n / 25 {
		all.Go(func() error {
			var puts []types.WriteRequest
			for range 25 {
				inc := waiting(now, 4*time.Hour)
				inc.Analysis = &incident.Analysis{Cause: strings.Repeat("x", 1200)} // as large as one with a plan
				it, err := metaItem(inc)
				if err != nil {
					return err
				}
				puts = append(puts, types.WriteRequest{PutRequest: &types.PutRequest{Item: it}})
			}
			in := &dynamodb.BatchWriteItemInput{RequestItems: map[string][]types.WriteRequest{*s.table: puts}}
			_, err := s.client.BatchWriteItem(b.Context(), in)
			return err
		})
	}
	if err := all.Wait(); err != nil {
		b.Fatal(err)
	}
	calls := &atomic.Int64{}
	counting, err := Open(counted(cfg, calls), Settings{Table: *s.table})
	if err != nil {
		b.Fatal(err)
	}
	return counting, calls
}

// counted counts the calls that go out.
func counted(cfg aws.Config, calls *atomic.Int64) aws.Config {
	cfg.HTTPClient = counting{http.DefaultClient, calls}
	return cfg
}

type counting struct {
	client *http.Client
	calls  *atomic.Int64
}

func (c counting) Do(r *http.Request) (*http.Response, error) {
	c.calls.Add(1)
	return c.client.Do(r)
}
