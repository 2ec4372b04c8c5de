package e2e

import (
	"encoding/json"
	"fmt"
	"net/http"
	"testing"
)

func TestAFloodOfAServiceIsOneIncident(t *testing.T) {
	p := serve(t, t.TempDir(), freeAddr(t), "OPSGUARD_INCIDENTS_PER_HOUR=3")
	c := newClient(t, p.target())
	ids := map[string]int{}
	for i := range 30 {
		sent := c.call("POST", "/ingest-alert", fmt.Sprintf(`{"serverName":"prod-api-01","errorLogs":"ERROR something else","dedupKey":"trouble-%d"}`, i), header{"Content-Type": "application/json"})
		if sent.status != http.StatusAccepted {
			t.Fatalf("alert %d: %s", i, sent)
		}
		ids[sent.text("incidentId")]++
	}
	flood := ""
	for id, n := range ids {
		if n > 1 {
			flood = id
		}
	}
	inc := c.call("GET", "/incidents/"+flood, "", nil)
	var seen struct {
		Source      string
		Occurrences int
		Flood       struct{ Shapes []struct{ Count int } }
	}
	if err := json.Unmarshal(inc.body, &seen); err != nil {
		t.Fatal(err)
	}
	if len(ids) != 4 || seen.Source != "flood" || seen.Occurrences != 27 || len(seen.Flood.Shapes) != 1 || seen.Flood.Shapes[0].Count != 27 {
		t.Errorf("%d incidents, want 4; the flood should hold 27 alerts of one shape: %s", len(ids), inc)
	}
}
