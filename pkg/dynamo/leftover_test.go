package dynamo

import (
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"

	"github.com/opsguard/opsguard/pkg/incident"
)

// A throttled partition makes BatchGetItem leave keys over (AWS, "DynamoDB API
// reference", BatchGetItem, UnprocessedKeys).
func TestCountsThatWereLeftOverAreAskedForAgain(t *testing.T) {
	type key map[string]map[string]string
	for name, test := range map[string]struct {
		leaves int // answers that leave everything over
		calls  int
		count  int64
	}{"none": {0, 1, 7}, "once": {1, 2, 7}, "always": {9, 2, 1}} {
		calls := 0
		server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			var in struct {
				RequestItems map[string]struct{ Keys []key }
			}
			if err := json.NewDecoder(r.Body).Decode(&in); err != nil || len(in.RequestItems["table"].Keys) != 1 {
				t.Errorf("%s: asked for %v, %v", name, in, err)
			}
			calls++
			if calls <= test.leaves {
				json.NewEncoder(w).Encode(map[string]any{"Responses": map[string]any{}, "UnprocessedKeys": in.RequestItems})
				return
			}
			found := in.RequestItems["table"].Keys[0]
			found["incidentId"], found["occurrences"], found["lastSeen"] = map[string]string{"S": "INC-1"}, map[string]string{"N": "7"}, map[string]string{"N": "1"}
			json.NewEncoder(w).Encode(map[string]any{"Responses": map[string]any{"table": []any{found}}})
		}))
		s, err := Open(aws.Config{Region: "us-east-1", BaseEndpoint: &server.URL, Credentials: aws.AnonymousCredentials{}}, Settings{Table: "table"})
		if err != nil {
			t.Fatal(err)
		}
		listed := []incident.Incident{{Ref: incident.Ref{Tenant: "default", ID: "INC-1"}, Fingerprint: "f", Status: incident.Detected, Occurrences: 1}}
		ended := listed[0] // but in the index, which lags
		ended.ID = "INC-0"
		listed = append(listed, ended)
		if err := s.fillCounts(t.Context(), listed); err != nil || calls != test.calls || listed[0].Occurrences != test.count || listed[1].Occurrences != 1 {
			t.Errorf("%s: %d after %d calls, %v; want %d after %d", name, listed[0].Occurrences, calls, err, test.count, test.calls)
		}
		server.Close()
	}
}
