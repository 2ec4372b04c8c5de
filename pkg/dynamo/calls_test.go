package dynamo

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"github.com/opsguard/opsguard/pkg/incident"
)

// No DynamoDB that runs on one machine lags behind, so this looks at what is asked for.
func TestWhatADecisionHangsOnIsReadConsistently(t *testing.T) {
	reads := 0
	var lax []string
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		var in struct{ ConsistentRead bool }
		_ = json.NewDecoder(r.Body).Decode(&in) // false then
		_, operation, _ := strings.Cut(r.Header.Get("X-Amz-Target"), ".")
		if operation == "GetItem" || operation == "Query" {
			reads++
			if !in.ConsistentRead {
				lax = append(lax, operation)
			}
		}
		fmt.Fprint(w, `{}`)
	}))
	defer server.Close()
	s, err := Open(aws.Config{Region: "us-east-1", BaseEndpoint: &server.URL, Credentials: aws.AnonymousCredentials{}}, Settings{Table: "table"})
	if err != nil {
		t.Fatal(err)
	}
	c := opening()
	c.FreeDedup, c.Free = true, "simulated:s" // what its holders are is looked at first
	for name, read := range map[string]func() error{
		"load":     func() error { _, err := s.Load(t.Context(), c.Incident.Ref); return err },
		"evidence": func() error { _, err := s.Evidence(t.Context(), c.Incident.Ref); return err },
		"wait":     func() error { _, err := s.Wait(t.Context(), c.Incident.Ref); return err },
		"holder":   func() error { _, err := s.Holder(t.Context(), "t", "f"); return err },
		"events":   func() error { _, err := s.Events(t.Context(), c.Incident.Ref); return err },
		"commit":   func() error { return s.Commit(t.Context(), c) },
	} {
		reads, lax = 0, nil
		if err := read(); err != nil && incident.KindOf(err) != incident.NotFound {
			t.Errorf("%s: %v", name, err)
		}
		if reads == 0 || lax != nil {
			t.Errorf("%s: %d reads, not consistent: %v", name, reads, lax)
		}
	}
}

func TestATrailOfSeveralPagesIsReadToItsEnd(t *testing.T) {
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		var in struct{ ExclusiveStartKey map[string]any }
		if err := json.NewDecoder(r.Body).Decode(&in); err != nil {
			t.Error(err)
		}
		if in.ExclusiveStartKey == nil {
			fmt.Fprint(w, `{"Items":[{"body":{"S":"{\"seq\":1}"}}],"LastEvaluatedKey":{"PK":{"S":"p"},"SK":{"S":"s"}}}`)
			return
		}
		fmt.Fprint(w, `{"Items":[{"body":{"S":"{\"seq\":2}"}}]}`)
	}))
	defer server.Close()
	s, err := Open(aws.Config{Region: "us-east-1", BaseEndpoint: &server.URL, Credentials: aws.AnonymousCredentials{}}, Settings{Table: "table"})
	if err != nil {
		t.Fatal(err)
	}
	events, err := s.Events(t.Context(), incident.Ref{Tenant: "t", ID: "INC-1"})
	if err != nil || len(events) != 2 || events[0].Seq != 1 || events[1].Seq != 2 {
		t.Errorf("%+v, %v", events, err)
	}
}

// See AWS, "DynamoDB API reference", TransactWriteItems, for the reasons.
func TestOnlyWhatPassesIsTriedAgain(t *testing.T) {
	for reasons, want := range map[string]aws.Ternary{
		"None TransactionConflict":                        aws.TrueTernary,
		"None ThrottlingError":                            aws.TrueTernary,
		"ProvisionedThroughputExceeded None":              aws.TrueTernary,
		"TransactionConflict None ConditionalCheckFailed": aws.FalseTernary,
		"ConditionalCheckFailed TransactionConflict":      aws.FalseTernary,
		"ItemCollectionSizeLimitExceeded":                 aws.UnknownTernary,
		"ValidationError":                                 aws.UnknownTernary,
	} {
		cancelled := &types.TransactionCanceledException{}
		for code := range strings.FieldsSeq(reasons) {
			cancelled.CancellationReasons = append(cancelled.CancellationReasons, types.CancellationReason{Code: &code})
		}
		if got := collided(fmt.Errorf("commit: %w", cancelled)); got != want {
			t.Errorf("%s: %v, want %v", reasons, got, want)
		}
	}
}

// The trail is read in the order of its keys.
func TestEventsAreInTheirOrder(t *testing.T) {
	ref := incident.Ref{Tenant: "t", ID: "INC-1"}
	before := ""
	for _, seq := range []int64{1, 2, 9, 10, 11, 99, 100, time.Now().Unix()} {
		k := stringOf(eventKey(ref, seq), attrSK)
		if k <= before {
			t.Errorf("%s comes before %s", k, before)
		}
		before = k
	}
}
