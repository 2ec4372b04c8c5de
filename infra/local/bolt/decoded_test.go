package bolt

import (
	"encoding/json"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/opsguard/opsguard/infra/local/commit"
	"github.com/opsguard/opsguard/pkg/incident"
)

// waiting is an incident with something in everything that an Incident points at.
func waiting(t *testing.T, notices int) []byte {
	t.Helper()
	now := time.Date(2026, 11, 27, 1, 0, 0, 0, time.UTC)
	inc := incident.Incident{
		Ref: incident.Ref{Tenant: incident.DefaultTenant, ID: "INC-01ARZ3NDEKTSV4RRFFQ69G5FAV"}, Version: 5, Status: incident.WaitingForApproval, UpdatedAt: now,
		Analysis: &incident.Analysis{AnalyzedBy: incident.ByRules, Evidence: []string{"a", "b", "c"}},
		Plan:     &incident.Plan{FixID: "restart-service", Hash: "h", Target: incident.Target{Service: "s", Type: "simulated"}},
		Asked:    &incident.Asked{EnteredAt: now, Deadline: now.Add(time.Hour)},
		Votes:    []incident.Vote{{Action: incident.Approve, By: "key:a", At: now, PlanHash: "h"}},
	}
	for i := range notices {
		inc.Asked.Notices = append(inc.Asked.Notices, incident.Notice{Channel: string(rune('a' + i))})
	}
	text, err := json.Marshal(inc)
	if err != nil {
		t.Fatal(err)
	}
	return text
}

func TestWhatIsRememberedOfATextIsWhatItSays(t *testing.T) {
	d := newDecoded()
	for i := range 3 * maxDecoded { // more than it keeps
		text := waiting(t, i%5)
		var want incident.Incident
		if err := json.Unmarshal(text, &want); err != nil {
			t.Fatal(err)
		}
		got, err := d.incident(text)
		if diff := cmp.Diff(want, got); diff != "" || err != nil {
			t.Fatalf("%v\n%s", err, diff)
		}
		if _, err := d.incident([]byte(`{"version":` + string(rune('0'+i%10)) + `,"service":"` + time.Duration(i).String() + `"}`)); err != nil {
			t.Fatal(err)
		}
		if d.Len() > 2*maxDecoded {
			t.Fatalf("%d are kept", d.Len())
		}
	}
	if _, err := d.incident([]byte(`{"version":`)); err == nil {
		t.Error("a damaged text was read")
	}
}

// Two steps may change the same remembered incident at once, in different ways.
func TestChangesOfARememberedIncidentDoNotTouchIt(t *testing.T) {
	d := newDecoded()
	text := waiting(t, 3) // a slice of 3 that was decoded has room for a fourth
	now := time.Date(2026, 11, 27, 1, 1, 0, 0, time.UTC)
	first, err := d.incident(text)
	if err != nil {
		t.Fatal(err)
	}
	changed := func(channel string, by incident.Actor) incident.Incident {
		inc, err := d.incident(text)
		if err != nil {
			t.Fatal(err)
		}
		c, err := inc.Notified([]incident.Notice{{Channel: channel}}, true, now)
		if err != nil {
			t.Fatal(err)
		}
		c, err = c.Incident.Vote(incident.Vote{Action: incident.Approve, By: by, PlanHash: "h"}, incident.Verdict{Allowed: true, Decides: true}, now)
		if err != nil {
			t.Fatal(err)
		}
		return c.Incident
	}
	x, y := changed("x", "key:x"), changed("y", "key:y")
	if x.Asked.Notices[3].Channel != "x" || x.Votes[1].By != "key:x" || y.Asked.Notices[3].Channel != "y" || y.Votes[1].By != "key:y" {
		t.Errorf("one change shows in the other: %+v %+v", x.Asked.Notices, y.Asked.Notices)
	}
	var want incident.Incident
	if err := json.Unmarshal(text, &want); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(want, first); diff != "" {
		t.Errorf("what is remembered has changed:\n%s", diff)
	}
}

// What a step committed is what the next one reads, and what a later process, which
// remembers nothing, reads too.
func TestWhatWasCommittedReadsAsItIsStored(t *testing.T) {
	db, err := OpenFile(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	w := commit.New(db)
	t.Cleanup(func() { w.Close(); db.Close() })
	s := New(db, w)
	now := time.Now() // with the monotonic reading that a stored time has not
	ref := incident.Ref{Tenant: incident.DefaultTenant, ID: "INC-01ARZ3NDEKTSV4RRFFQ69G5FAV"}
	at := incident.Open(incident.New{Ref: ref, By: incident.Local, Now: now, ApprovalTimeout: time.Hour, Alert: incident.Alert{
		Tenant: ref.Tenant, Source: "api", Service: "s", ErrorLogs: "out of memory", Severity: incident.High, Timestamp: now}})
	plan := incident.Plan{FixID: "restart-service", Target: incident.Target{Service: "s", Type: "simulated"}, Parameters: map[string]string{}}
	plan.Hash = plan.HashFor(ref)
	yes := incident.Verdict{Allowed: true, Decides: true, Reason: "an operator"}
	for n, next := range []func(incident.Incident) (incident.Change, error){
		func(i incident.Incident) (incident.Change, error) {
			return i.Propose(incident.Analysis{AnalyzedBy: incident.ByRules, Cause: "<out of memory> & \u2028 \ufffd", Evidence: []string{}, Confidence: 0.1}, nil, now)
		},
		func(i incident.Incident) (incident.Change, error) {
			return i.Planned(incident.Planning{Plan: &plan}, now)
		},
		func(i incident.Incident) (incident.Change, error) {
			return i.Await(incident.Ask{Token: incident.NewTaskToken("t"), EnteredAt: now, Now: now})
		},
		func(i incident.Incident) (incident.Change, error) {
			return i.Notified([]incident.Notice{{Channel: "console", MessageID: "not UTF-8: \xff"}}, true, now)
		},
		func(i incident.Incident) (incident.Change, error) {
			return i.Vote(incident.Vote{Action: incident.Approve, By: "key:a", PlanHash: plan.Hash, Note: "go"}, yes, now)
		},
		nil,
	} {
		if err := s.Commit(t.Context(), at); err != nil {
			t.Fatal(n, err)
		}
		got, err := s.Load(t.Context(), ref)
		if err != nil {
			t.Fatal(n, err)
		}
		want, err := New(db, w).Load(t.Context(), ref)
		if diff := cmp.Diff(want, got); diff != "" || err != nil {
			t.Errorf("change %d: %v\n%s", n, err, diff)
		}
		if next == nil {
			return
		}
		if at, err = next(got); err != nil {
			t.Fatal(n, err)
		}
	}
}
