package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"sync"
)

const (
	stormToken    = "bench-storm-token"
	stormServices = 50
	stormBatch    = 100 // alerts in one request
	stormBatches  = 100
	stormSeconds  = 10 // how long batches are sent at the pace of real senders
)

// storm is 10,000 alerts of 50 services, 200 instances each, which Alertmanager sends
// because one database failed: what becomes of them, and how fast they are taken, the
// first time and when Alertmanager repeats them.
func (b *bench) storm(ctx context.Context) error {
	b.bound = ""
	defer func() { b.bound = "0" }()
	before, err := b.bare(ctx, "bare-storm-a.db")
	if err != nil {
		return err
	}
	s, err := b.serve(ctx, "storm")
	if err != nil {
		return err
	}
	first, incidents, err := stormed(ctx, s)
	if err != nil {
		return err
	}
	if err := untilAllWait(ctx, s); err != nil {
		return err
	}
	again, _, err := stormed(ctx, s)
	if err != nil {
		return err
	}
	calm, err := paced(ctx, clients, stormSeconds, stormCaller(s, func([]byte) error { return nil }))
	if err != nil {
		return err
	}
	if err := b.stop(); err != nil {
		return err
	}
	after, err := b.bare(ctx, "bare-storm-b.db")
	if err != nil {
		return err
	}
	bare := (before.perSecond() + after.perSecond()) / 2
	b.add(figure{name: "a storm of 10,000 alerts over 50 services, batches of 100, 32 clients: incidents", value: float64(incidents)})
	b.add(figure{name: "  the first time", value: first.perSecond() * stormBatch, unit: "alerts/s"})
	b.add(figure{name: "    a batch: p99", value: milliseconds(first.percentile(0.99)), unit: "ms"})
	b.add(figure{name: "  repeated", value: again.perSecond() * stormBatch, unit: "alerts/s"})
	b.add(figure{"    ratio to the bare put", again.perSecond() * stormBatch / bare, "", 0.9, false})
	b.add(figure{name: "    a batch: p99", value: milliseconds(again.percentile(0.99)), unit: "ms"})
	b.add(figure{name: "  repeated, each of 32 clients a batch a second: p50", value: milliseconds(calm.percentile(0.5)), unit: "ms"})
	b.add(figure{"    p99", milliseconds(calm.percentile(0.99)), "ms", 15, true})
	return nil
}

// stormCaller posts a batch of the storm a call, and hands the answer on.
func stormCaller(s *server, answered func([]byte) error) caller {
	return func() (func(int) error, func(), error) {
		c, err := dial(s.addr)
		if err != nil {
			return nil, nil, err
		}
		c.token = stormToken
		return func(i int) error {
			status, answer, err := c.post("/ingest/storm", stormBody((i-1)%stormBatches))
			if err == nil && status == http.StatusAccepted {
				err = answered(answer)
			} else if err == nil {
				err = errors.New("it was not accepted")
			}
			if err != nil {
				return fmt.Errorf("POST /ingest/storm: %d %s: %w", status, answer, err)
			}
			return nil
		}, c.close, nil
	}
}

// stormed sends the storm once, and counts the incidents that its alerts are in.
func stormed(ctx context.Context, s *server) (rate, int, error) {
	var mu sync.Mutex
	seen := map[string]bool{}
	sent := 0
	r, err := load(ctx, clients, stormBatches, longest, stormCaller(s, func(answer []byte) error {
		var got struct{ Alerts []struct{ IncidentID string } }
		err := json.Unmarshal(answer, &got)
		mu.Lock()
		defer mu.Unlock()
		sent += len(got.Alerts)
		for _, a := range got.Alerts {
			seen[a.IncidentID] = true
		}
		return err
	}))
	if err == nil && sent != stormBatch*stormBatches {
		err = fmt.Errorf("%d of %d alerts were taken in time", sent, stormBatch*stormBatches)
	}
	return r, len(seen), err
}

// stormBody is one request of Alertmanager: half the instances of one service.
func stormBody(batch int) []byte {
	service := serviceName(batch % stormServices)
	var alerts []string
	for i := range stormBatch {
		instance := batch/stormServices*stormBatch + i
		alerts = append(alerts, fmt.Sprintf(`{"status":"firing","labels":{"alertname":"OrdersDBDown","severity":"warning","service":%q,"instance":"10.0.3.%d:8080"},`+
			`"annotations":{"summary":"connect to orders-db:5432: connection refused"},"startsAt":"2026-11-20T03:12:44Z","endsAt":"0001-01-01T00:00:00Z",`+
			`"generatorURL":"https://prometheus.example.com/graph?g0.expr=up","fingerprint":"%08x%08x"}`, service, instance, batch%stormServices, instance))
	}
	return []byte(`{"version":"4","groupKey":"{}","status":"firing","receiver":"opsguard","groupLabels":{},"commonLabels":{},"commonAnnotations":{},` +
		`"externalURL":"https://alerts.example.com","alerts":[` + strings.Join(alerts, ",") + `]}`)
}
