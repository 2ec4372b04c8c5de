package events

import (
	"encoding/json"
	"os"
	"path/filepath"
	"reflect"
	"testing"

	"github.com/aws/aws-lambda-go/events"

	"github.com/opsguard/opsguard/pkg/incident"
	"github.com/opsguard/opsguard/pkg/steps"
)

// takes says what each function decodes its event into. An event whose fields were
// renamed would decode too, into nothing.
func takes() map[string]any {
	return map[string]any{
		"ingest-alert": &events.APIGatewayProxyRequest{}, "approve-fix": &events.APIGatewayProxyRequest{}, "query-incidents": &events.APIGatewayProxyRequest{},
		"investigate": &incident.Ref{}, "analyze": &incident.Ref{}, "plan-fix": &incident.Ref{}, "execute-fix": &incident.Ref{},
		"verify-fix": &incident.Ref{}, "undo-fix": &incident.Ref{}, "wait-for-approval": &steps.WaitInput{},
		"create-ticket": &steps.CreateTicketInput{}, "log-resolution": &steps.LogResolutionInput{},
		"hourly-health-check": &map[string]any{}, "reconcile": &map[string]any{},
	}
}

func TestEveryFunctionHasASampleEventThatItTakes(t *testing.T) {
	folders, err := filepath.Glob("../../functions/*/main.go")
	if err != nil || len(folders) == 0 {
		t.Fatal(folders, err)
	}
	known := takes()
	for _, main := range folders {
		name := filepath.Base(filepath.Dir(main))
		into, ok := known[name]
		if !ok {
			t.Errorf("%s: this test does not know what it takes", name)
			continue
		}
		b, err := os.ReadFile(name + ".json")
		if err != nil {
			t.Errorf("%s has no sample event: %v", name, err)
			continue
		}
		if err := json.Unmarshal(b, into); err != nil {
			t.Errorf("%s: %v", name, err)
		}
		if v := reflect.ValueOf(into).Elem(); v.IsZero() {
			t.Errorf("%s: nothing of the event was taken", name)
		}
	}
}

func TestSampleReferencesAreIncidents(t *testing.T) {
	for name, into := range takes() {
		b, err := os.ReadFile(name + ".json")
		if err != nil {
			t.Fatal(err)
		}
		var ref incident.Ref
		if err := json.Unmarshal(b, &ref); err != nil {
			t.Fatal(err)
		}
		switch into.(type) {
		case *events.APIGatewayProxyRequest, *map[string]any:
			continue
		}
		if ref.Tenant == "" || !incident.ValidID(ref.ID) {
			t.Errorf("%s: names the incident %v", name, ref)
		}
	}
}
