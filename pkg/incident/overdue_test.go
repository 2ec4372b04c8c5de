package incident

import (
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

// Reconcile visits the open statuses. One that it does not visit is where incidents
// hang for ever.
func TestEveryStatusIsOpenOrFinal(t *testing.T) {
	if diff := cmp.Diff([]Status{Detected, WaitingForApproval, ExecutingFix}, OpenStatuses()); diff != "" {
		t.Errorf("open statuses (-want +got):\n%s", diff)
	}
	for _, s := range statuses {
		if open := slices.Contains(OpenStatuses(), s); open == s.Final() {
			t.Errorf("%s: open %v, final %v", s, open, s.Final())
		}
		if over := !slices.ContainsFunc(transitions[s], func(next Status) bool { return next != Resolved }); s.Final() != over {
			t.Errorf("%s: final %v, and the transitions lead on to %v", s, s.Final(), transitions[s])
		}
	}
}

func TestAStatusThatTheTransitionsGainIsOpen(t *testing.T) {
	before := transitions[ExecutingFix]
	t.Cleanup(func() { transitions[ExecutingFix] = before; delete(transitions, "SETTLING") })
	transitions[ExecutingFix] = append(slices.Clone(before), "SETTLING")
	transitions["SETTLING"] = []Status{Resolved, Escalated}
	if !slices.Contains(OpenStatuses(), "SETTLING") {
		t.Errorf("open statuses: %v", OpenStatuses())
	}
	i := Incident{Status: "SETTLING", UpdatedAt: when}
	if got := i.Overdue(when.Add(time.Hour)); got != NeedsLook {
		t.Errorf("an hour later it needs %q", got)
	}
}

var when = time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)

func TestWhatIsLateFollowsFromTheRecord(t *testing.T) {
	deadline := when.Add(4 * time.Hour)
	asked := func(notified *time.Time) *Asked {
		return &Asked{EnteredAt: when, Deadline: deadline, NotifiedAt: notified}
	}
	type step struct {
		after time.Duration
		needs Attention
	}
	for name, c := range map[string]struct {
		incident Incident
		steps    []step
	}{
		"detected": {Incident{Status: Detected},
			[]step{{0, NeedsNothing}, {2 * time.Minute, NeedsStart}, {15 * time.Minute, NeedsLook}}},
		"people were asked": {Incident{Status: WaitingForApproval, Asked: asked(&when)},
			[]step{{0, NeedsNothing}, {4 * time.Hour, NeedsNothing}, {4*time.Hour + 5*time.Minute, NeedsLook}}},
		"nobody was told yet": {Incident{Status: WaitingForApproval, Asked: asked(nil)},
			[]step{{0, NeedsNothing}, {2 * time.Minute, NeedsAsking}, {4 * time.Hour, NeedsAsking}, {5 * time.Hour, NeedsLook}}},
		"decided": {Incident{Status: WaitingForApproval, Asked: asked(&when), Decision: &Decision{At: when}},
			[]step{{0, NeedsNothing}, {time.Minute, NeedsDelivery}, {20 * time.Minute, NeedsLook}}},
		"the fix runs": {Incident{Status: ExecutingFix, Attempt: &Attempt{StartedAt: when, Until: when.Add(HoldTime)}},
			[]step{{0, NeedsNothing}, {HoldTime, NeedsNothing}, {HoldTime + time.Minute, NeedsLook}}},
		"the fix ended": {Incident{Status: ExecutingFix, Attempt: &Attempt{Until: when.Add(time.Hour), FinishedAt: &when}},
			[]step{{0, NeedsNothing}, {20 * time.Minute, NeedsLook}}},
		"a record that lacks what its status says": {Incident{Status: WaitingForApproval},
			[]step{{0, NeedsNothing}, {20 * time.Minute, NeedsLook}}},
		"resolved":  {Incident{Status: Resolved}, []step{{0, NeedsNothing}, {1000 * time.Hour, NeedsNothing}}},
		"escalated": {Incident{Status: Escalated}, []step{{0, NeedsNothing}, {1000 * time.Hour, NeedsNothing}}},
	} {
		c.incident.UpdatedAt = when
		for _, s := range c.steps {
			now := when.Add(s.after)
			if got := c.incident.Overdue(now); got != s.needs {
				t.Errorf("%s, after %s: needs %q, want %q", name, s.after, got, s.needs)
			}
			if c.incident.Open() && now.Before(c.incident.Due()) != (s.needs == NeedsNothing) {
				t.Errorf("%s, after %s: due at %s, and it needs %q", name, s.after, c.incident.Due(), s.needs)
			}
		}
	}
}

// The wait for its turn on a busy target is not a hang.
func TestAnApprovedFixMayWaitForItsTurnAsLongAsItsApprovalHolds(t *testing.T) {
	if concludeTime <= MaxApprovalAge {
		t.Errorf("looked at after %s; an approval holds for %s", concludeTime, MaxApprovalAge)
	}
}
