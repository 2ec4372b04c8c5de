package dynamo

import (
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
	"github.com/oklog/ulid/v2"

	"github.com/opsguard/opsguard/pkg/catalog"
	"github.com/opsguard/opsguard/pkg/incident"
	"github.com/opsguard/opsguard/pkg/steps"
)

// index plays the index, and the ticket partitions: it answers queries by partition,
// newest first, and counts what it hands out.
type index struct {
	mu      sync.Mutex
	byKey   map[string][]item // newest first
	queries int
	handed  int
}

func (x *index) put(partition string, it item, order string) {
	if x.byKey == nil {
		x.byKey = map[string][]item{}
	}
	x.byKey[partition] = append(x.byKey[partition], it)
	slices.SortFunc(x.byKey[partition], func(a, b item) int { return strings.Compare(stringOf(b, order), stringOf(a, order)) })
}

type wireValue map[string]string // {"S": "text"} or {"N": "1"}

type wireQuery struct {
	IndexName                 string
	Limit                     int
	ExpressionAttributeValues map[string]wireValue
}

func (x *index) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if strings.HasSuffix(r.Header.Get("X-Amz-Target"), ".BatchGetItem") {
		fmt.Fprint(w, `{}`)
		return
	}
	var q wireQuery
	if err := json.NewDecoder(r.Body).Decode(&q); err != nil {
		http.Error(w, err.Error(), http.StatusBadRequest)
		return
	}
	partition, order, before := q.ExpressionAttributeValues[":partition"]["S"], attrID, q.ExpressionAttributeValues[":before"]["S"]
	if q.IndexName == "" {
		partition, order, before = q.ExpressionAttributeValues[":pk"]["S"], attrSK, q.ExpressionAttributeValues[":after"]["S"]
	}
	x.mu.Lock()
	defer x.mu.Unlock()
	x.queries++
	answer := map[string]any{}
	var page []map[string]wireValue
	for _, it := range x.byKey[partition] {
		if before != "" && stringOf(it, order) >= before {
			continue
		}
		if len(page) == q.Limit {
			answer["LastEvaluatedKey"] = map[string]wireValue{order: page[len(page)-1][order]}
			break
		}
		page = append(page, map[string]wireValue{attrBody: {"S": stringOf(it, attrBody)}, order: {"S": stringOf(it, order)}})
	}
	x.handed += len(page)
	answer["Items"] = page
	_ = json.NewEncoder(w).Encode(answer)
}

func (x *index) store(t *testing.T) *Store {
	t.Helper()
	server := httptest.NewServer(x)
	t.Cleanup(server.Close)
	cfg := aws.Config{Region: "us-east-1", BaseEndpoint: &server.URL, Credentials: aws.AnonymousCredentials{}}
	s, err := Open(cfg, Settings{Table: "table"})
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func listed(n int, status incident.Status) (incident.Incident, item) {
	var id ulid.ULID
	_ = id.SetTime(uint64(n)) // the order of life
	id[15] = byte(rand.IntN(256))
	inc := incident.Incident{Ref: incident.Ref{Tenant: "t", ID: incident.IDFromULID(id.String())}, Status: status}
	it, _ := metaItem(inc)
	return inc, it
}

// A list over 40 partitions reads little more than it shows, wherever the incidents
// are: all open, all ended, all in one partition, or in those of before there were 40.
func TestAListOverManyPartitionsIsWholeInOrderAndReadsLittle(t *testing.T) {
	incidents := 400
	if testing.Short() {
		incidents = 150 // more than one page still
	}
	for name, place := range map[string]func(n int, inc incident.Incident, it item) string{
		"as they are written": func(_ int, _ incident.Incident, it item) string { return stringOf(it, attrList) },
		"all ended": func(_ int, inc incident.Incident, _ item) string {
			return partition("t", halfDone, shardOf(inc.ID, doneShards))
		},
		"all in one partition": func(int, incident.Incident, item) string { return partition("t", halfOpen, 7) },
		"as they were written before": func(_ int, inc incident.Incident, _ item) string {
			return partition("t", halfOpen, shardOf(inc.ID, 4))
		},
	} {
		x := &index{}
		var want []string
		for n := range incidents {
			status := incident.Detected
			if n%3 == 0 {
				status = incident.Resolved
			}
			inc, it := listed(n, status)
			x.put(place(n, inc, it), it, attrID)
			want = append(want, inc.ID)
		}
		slices.Reverse(want)
		s := x.store(t)
		for _, limit := range []int{9, 100} {
			x.queries, x.handed = 0, 0
			var got []string
			cursor, pages := "", 0
			for more := true; more && pages <= incidents; more = cursor != "" {
				page, err := s.List(t.Context(), steps.ListQuery{Tenant: "t", Limit: limit, Cursor: cursor})
				if err != nil || len(page.Incidents) > limit {
					t.Fatalf("%s: %d, %v", name, len(page.Incidents), err)
				}
				for _, inc := range page.Incidents {
					got = append(got, inc.ID)
				}
				cursor, pages = page.NextCursor, pages+1
				if cursor != "" && len(page.Incidents) < limit {
					t.Errorf("%s: a page of %d holds %d only", name, limit, len(page.Incidents))
				}
			}
			if !slices.Equal(got, want) {
				t.Errorf("%s, %d at a time: %d listed, or out of order; want %d", name, limit, len(got), len(want))
			}
			if limit == 100 && x.handed > 6*incidents {
				t.Errorf("%s: %d records were read for %d", name, x.handed, incidents)
			}
		}
	}
}

func TestTicketsOfBeforeTheyWereSpreadAreListedWithTheRest(t *testing.T) {
	x := &index{}
	var want []string
	for n := range 200 {
		key := fmt.Sprintf("SIM-%04d", n)
		it, err := ticketItem(incident.Ticket{Tenant: "t", Key: key})
		if err != nil {
			t.Fatal(err)
		}
		where := stringOf(it, attrPK)
		if n < 120 {
			where = "t#TICKET"
		}
		x.put(where, it, attrSK)
		want = append(want, key)
	}
	slices.Reverse(want)
	s := x.store(t)
	var got []string
	for cursor, more := "", true; more && len(got) <= 200; more = cursor != "" {
		page, next, err := s.Tickets(t.Context(), "t", 50, cursor)
		if err != nil {
			t.Fatal(err)
		}
		for _, ticket := range page {
			got = append(got, ticket.Key)
		}
		cursor = next
	}
	if !slices.Equal(got, want) {
		t.Errorf("%d tickets, or out of order; want %d", len(got), len(want))
	}
}

// AWS, "DynamoDB Developer Guide": a partition takes 1,000 write units a second, a
// unit is 1 KB begun, and moving an item in an index costs a delete and a put.
func TestAThousandIncidentsASecondFitTheIndex(t *testing.T) {
	const perPartition, incidents = 1000, 1000
	open, done := 0, 0
	var before item
	var sizes []int
	for _, it := range resolvedLife(t) {
		sizes = append(sizes, units(it))
		switch {
		case before == nil:
			open += units(it)
		case strings.Contains(stringOf(it, attrList), halfDone):
			open += units(before)
			done += units(it)
		default:
			open += max(units(before), units(it))
		}
		before = it
	}
	t.Logf("one life writes %d units to its open partition, %d to the ended; after each change the record has %v", open, done, sizes)
	for half, load := range map[string]int{halfOpen: open * incidents / openShards, halfDone: done * incidents / doneShards} {
		if load > perPartition*3/4 { // chance makes partitions uneven
			t.Errorf("%s: %d units a second for each partition", half, load)
		}
	}
	title, body := strings.Repeat("x", 250), strings.Repeat("x", 4000)
	ticket, err := ticketItem(incident.Ticket{Tenant: "default", Key: "SIM-1", Title: title, Body: body})
	if load := units(ticket) * incidents / ticketShards; err != nil || load > perPartition*3/4 {
		t.Errorf("tickets: %d units a second for each partition, %v", load, err)
	}
}

// A shard is chosen by chance; one that gets twice its share halves what all take.
func TestPartitionsGetEvenShares(t *testing.T) {
	const incidents = 64_000
	counts := make([]int, openShards)
	for range incidents {
		counts[shardOf(incident.IDFromULID(ulid.Make().String()), openShards)]++
	}
	if most := slices.Max(counts); most > incidents/openShards*5/4 {
		t.Errorf("of %d one partition got %d", incidents, most)
	}
}

// units are the write units of an item: 1 KB each, names and values counted.
func units(it item) int {
	bytes := 0
	for name, v := range it {
		bytes += len(name)
		switch v := v.(type) {
		case *types.AttributeValueMemberS:
			bytes += len(v.Value)
		case *types.AttributeValueMemberN:
			bytes += (len(v.Value)+1)/2 + 1
		}
	}
	return (bytes + 1023) / 1024
}

// resolvedLife is the index's item of an incident after each change of its life.
func resolvedLife(t *testing.T) (life []item) {
	t.Helper()
	now := time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)
	ref := incident.Ref{Tenant: incident.DefaultTenant, ID: incident.IDFromULID(ulid.Make().String())}
	var inc incident.Incident
	next := func(c incident.Change, err error) {
		t.Helper()
		it, broken := metaItem(c.Incident)
		if err != nil || broken != nil {
			t.Fatalf("version %d: %v, %v", c.Incident.Version, err, broken)
		}
		inc, life = c.Incident, append(life, it)
	}
	logs := "GET /cart 200\nFATAL ERROR: Reached heap limit Allocation failed - JavaScript heap out of memory\nworker 17 stopped"
	next(incident.Open(incident.New{Ref: ref, By: incident.SourceActor("api"), ApprovalTimeout: 4 * time.Hour, Now: now,
		Alert: incident.Alert{Tenant: ref.Tenant, Source: "api", Service: "prod-api-01", ErrorLogs: logs, Severity: incident.High}}), nil)
	proposal := incident.Proposal{FixID: "restart-service", Parameters: map[string]string{}}
	next(inc.Propose(incident.Analysis{AnalyzedBy: incident.ByGemini, Cause: strings.Repeat("The heap grew until the process was ended. ", 4),
		Evidence: strings.Split(logs, "\n"), Confidence: 0.9}, &proposal, now))
	target := incident.Target{Service: "prod-api-01", Type: incident.SimulatedTarget}
	plan, err := catalog.Build(ref, []string{"restart-service"}, target, proposal)
	if err != nil {
		t.Fatal(err)
	}
	next(inc.Planned(incident.Planning{Plan: &plan}, now))
	next(inc.Await(incident.Ask{Token: incident.NewTaskToken("token"), EnteredAt: now, Now: now}))
	next(inc.Notified([]incident.Notice{{Channel: "discord", MessageID: "1234567890123456789"}}, true, now))
	next(inc.Vote(incident.Vote{Action: incident.Approve, By: incident.KeyActor("anna"), Note: "restart it, please"},
		incident.Verdict{Allowed: true, Decides: true, Reason: "anna may approve; 1 of 1"}, now))
	next(inc.Claim(incident.Claimer{}, &plan, now))
	step := incident.FixStep{Name: "restart", Status: "ok", Detail: strings.Repeat("x", 60), At: now}
	next(inc.Record(incident.Result{Outcome: incident.Fixed, Verified: true, Steps: []incident.FixStep{step, step, step}}, now))
	next(inc.Close("", now))
	return life
}
