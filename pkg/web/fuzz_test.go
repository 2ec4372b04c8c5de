package web

import (
	"context"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/opsguard/opsguard/pkg/incident"
	"github.com/opsguard/opsguard/pkg/steps"
)

// countingIngest takes everything.
type countingIngest struct{}

func (countingIngest) Handle(context.Context, steps.IngestInput) (steps.Ingested, error) {
	return steps.Ingested{IncidentID: detectedID, Status: incident.Detected}, nil
}

// Whatever is sent without a credential changes nothing and is never a 500.
func FuzzNobodyDecides(f *testing.F) {
	web := newFront(f)
	before := web.incidents[waitingID].Version
	token := web.token(manualID, "approve") // grants nothing that the record allows
	f.Add("GET", "incidentId="+waitingID+"&action=approve", "", "", "*/*")
	f.Add("GET", "incidentId="+manualID+"&t="+token, "", "", "text/html")
	f.Add("POST", "", "application/json", `{"incidentId":"`+waitingID+`","action":"approve","t":"`+token+`"}`, "text/html")
	f.Add("POST", "", "application/x-www-form-urlencoded", "incidentId="+waitingID+"&action=escalate&t="+token, "")
	f.Add("HEAD", "t=&t=", "application/json; charset=x", "\xff", "")
	f.Fuzz(func(t *testing.T, method, query, contentType, body, accept string) {
		r := httptest.NewRequest("GET", "/approve-fix", strings.NewReader(body))
		r.Method, r.URL.RawQuery = method, query
		r.Header.Set("Content-Type", contentType)
		r.Header.Set("Accept", accept)
		w := httptest.NewRecorder()
		web.ServeHTTP(w, r)
		web.log.Reset()
		if w.Code == 200 || w.Code >= 500 || w.Code < 400 {
			t.Fatalf("%s ?%s %s %q: %d\n%s", method, query, contentType, body, w.Code, w.Body)
		}
		if inc := web.incidents[waitingID]; inc.Version != before || web.incidents[manualID].Decision != nil {
			t.Fatalf("%s ?%s %s %q changed an incident", method, query, contentType, body)
		}
	})
}

// Whatever an operator's program sends is answered without a 500.
func FuzzOperatorsInput(f *testing.F) {
	web := newFront(f, keyless)
	f.Add("POST", "/approve-fix", "", `{"incidentId":"`+waitingID+`","action":"approve","note":"\u0000","planHash":"x"}`)
	f.Add("POST", "/ingest-alert", "", `{"serverName":"s","errorLogs":"x"}`)
	f.Add("GET", "/incidents", "status=RESOLVED&limit=7&cursor=%00", "")
	f.Add("GET", "/incidents/"+waitingID+"/audit", "", "")
	f.Add("GET", "/tickets/SIM-1", "", "")
	f.Fuzz(func(t *testing.T, method, path, query, body string) {
		r := httptest.NewRequest("GET", "http://localhost:3000/", strings.NewReader(body))
		r.Method, r.URL.Path, r.URL.RawQuery, r.RemoteAddr = method, path, query, "127.0.0.1:1"
		r.Header.Set("Content-Type", "application/json")
		w := httptest.NewRecorder()
		web.ServeHTTP(w, r)
		web.log.Reset()
		if w.Code >= 500 || w.Code < 200 {
			t.Fatalf("%s %q ?%q %q: %d\n%s", method, path, query, body, w.Code, w.Body)
		}
		web.alerts, web.words = nil, nil
	})
}
