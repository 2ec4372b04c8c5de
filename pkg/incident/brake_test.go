package incident

import (
	"fmt"
	"testing"
	"time"

	"pgregory.net/rapid"
)

func TestABrakeStopsAsMuchAsItSays(t *testing.T) {
	for _, test := range []struct {
		set             Stop
		fixes, undoings bool // refused
	}{{"", false, false}, {StopNone, false, false}, {StopFixes, true, false}, {StopAll, true, true}} {
		var b Brake
		if test.set != "" {
			b.Set("t", test.set, "key:anna", "why", epoch)
		}
		fixes, undoings := b.Refuses(StopFixes), b.Refuses(StopAll)
		if (fixes != nil) != test.fixes || (undoings != nil) != test.undoings || b.Refuses("") != nil {
			t.Errorf("%q refuses fixes with %v, undoing with %v", test.set, fixes, undoings)
		}
		if fixes != nil && (CodeOf(fixes) != CodeStopped || KindOf(fixes) != Conflict) {
			t.Errorf("%q: %v", test.set, fixes)
		}
	}
	for _, word := range []string{"", "FIXES", "everything", "true"} {
		if stop, err := ParseStop(word); err == nil && word != "" {
			t.Errorf("%q is taken for %q", word, stop)
		}
	}
}

func TestALostBrakeStopsAllUntilSomebodySetsIt(t *testing.T) {
	b := LostBrake("t")
	if b.Refuses(StopFixes) == nil || b.Refuses(StopAll) == nil || b.Verify("t") != nil {
		t.Errorf("%+v", b)
	}
	if b.Set("t", StopNone, "key:anna", "", epoch); b.Refuses(StopFixes) != nil || b.Verify("t") != nil {
		t.Errorf("after it was lifted: %+v", b)
	}
}

// Whatever is set, by whom, with any clock: the last 50 changes are kept, in order, and no
// kept one can be changed, moved or dropped unseen.
func TestTheChangesOfABrakeAreAChain(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		var b Brake
		now := epoch
		for range rapid.IntRange(1, 2*maxBrakeChanges).Draw(t, "changes") {
			to := rapid.SampledFrom([]Stop{StopNone, StopFixes, StopAll}).Draw(t, "to")
			why := rapid.SampledFrom([]string{"", "a", "b"}).Draw(t, "why")
			now = now.Add(time.Duration(rapid.IntRange(-10, 100).Draw(t, "seconds")) * time.Second)
			before := b.Clone()
			changed := b.Update(func(b *Brake) { b.Set("t", to, "key:anna", why, now) })
			if b.Stops() != to {
				t.Fatalf("it was set to %s and stops %s", to, b.Stops())
			}
			if changed != (b.Version == before.Version+1) || changed && b.Last().At.Before(before.Last().At) {
				t.Fatalf("from %+v to %+v", before.Last(), b.Last())
			}
		}
		if len(b.Changes) > maxBrakeChanges || b.Verify("t") != nil {
			t.Fatalf("%d kept, %+v", len(b.Changes), b.Verify("t"))
		}
		if len(b.Changes) == 0 {
			return
		}
		n := rapid.IntRange(0, len(b.Changes)-1).Draw(t, "n")
		for name, spoil := range map[string]func(*Brake){
			"another's name":   func(b *Brake) { b.Changes[n].By = "key:ben" },
			"another time":     func(b *Brake) { b.Changes[n].At = b.Changes[n].At.Add(time.Millisecond) },
			"another word":     func(b *Brake) { b.Changes[n].Stops = "x" },
			"dropped":          func(b *Brake) { b.Changes = append(b.Changes[:n], b.Changes[n+1:]...) },
			"another reason":   func(b *Brake) { b.Changes[n].Reason += "!" },
			"another tenant's": func(b *Brake) { b.Changes[n].Hash = b.Changes[n].hashFor("u") },
		} {
			bad := b.Clone()
			if spoil(&bad); bad.Verify("t") == nil {
				t.Fatalf("%s: change %d of %d is not missed", name, n, len(b.Changes))
			}
		}
	})
}

// troubles makes incidents of one trouble.
type troubles struct {
	now time.Time
	n   int
}

// fixed is an incident whose fix has ended so.
func (l *troubles) fixed(fix string, r Result) Incident {
	l.n++
	inc := Incident{Ref: Ref{"t", fmt.Sprintf("INC-%02d", l.n)}, Version: 6, Service: "api", Fingerprint: "f", Status: ExecutingFix,
		CreatedAt: l.now, UpdatedAt: l.now}
	inc.Plan = &Plan{FixID: fix}
	at := l.now
	inc.Attempt = &Attempt{StartedAt: at, FinishedAt: &at, Outcome: r.Outcome, Verified: r.Verified}
	return inc
}

func (l *troubles) opened(print string) Incident {
	l.n++
	return Incident{Ref: Ref{"t", fmt.Sprintf("INC-%02d", l.n)}, Service: "api", Fingerprint: print, Status: Detected, CreatedAt: l.now}
}

func TestAFixLastsIfTheSameTroubleStaysAwayWhileItIsWatched(t *testing.T) {
	const watch = 15 * time.Minute
	yes, no := "true", "false"
	say := func(b *bool) string {
		if b == nil {
			return "null"
		}
		return fmt.Sprint(*b)
	}
	good := Result{Outcome: Fixed, Verified: true}
	for name, test := range map[string]struct {
		result Result
		print  string // of what comes; "": nothing
		after  time.Duration
		want   string // an hour later
		noted  bool
	}{
		"nothing comes":                 {good, "", 0, yes, true},
		"the same within the time":      {good, "f", watch - time.Millisecond, no, true},
		"the same at once":              {good, "f", 0, no, true},
		"the same as the time is over":  {good, "f", watch, yes, true},
		"another trouble":               {good, "g", time.Minute, yes, true},
		"a rehearsed fix, and the same": {Result{Outcome: Simulated, Verified: true}, "f", time.Minute, no, true},
		"not seen to help":              {Result{Outcome: Applied}, "", 0, no, true},
		"nobody knows":                  {Result{Outcome: Unknown}, "", 0, no, true},
		"it changed nothing":            {Result{Outcome: Failed}, "", 0, "", false},
		"it was stale":                  {Result{Outcome: Stale}, "", 0, "", false},
	} {
		l := &troubles{now: epoch}
		var h FixHistory
		inc := l.fixed("restart-service", test.result)
		until := h.Note(inc, watch, l.now)
		if (len(h.Fixes) == 1) != test.noted {
			t.Errorf("%s: noted %+v", name, h.Fixes)
		}
		if !test.noted {
			continue
		}
		if test.result.Verified && say(h.Fixes[0].Lasted(l.now)) != "null" {
			t.Errorf("%s: while it is watched it lasted %s", name, say(h.Fixes[0].Lasted(l.now)))
		}
		if test.print != "" {
			l.now = l.now.Add(test.after)
			back := l.opened(test.print)
			h.Meet(back)
			h.Meet(back)
		}
		if got := say(h.Fixes[0].Lasted(epoch.Add(time.Hour))); got != test.want {
			t.Errorf("%s: it lasted %s, want %s (watched until %s)", name, got, test.want, until)
		}
	}
}

func TestTheRecordOfAFixThatDidNotLastSaysSoOnce(t *testing.T) {
	l := &troubles{now: epoch}
	inc := l.fixed("restart-service", Result{Outcome: Fixed, Verified: true})
	until := epoch.Add(time.Minute)
	c, err := inc.CloseAndWatch("", until, epoch)
	if err != nil || c.Event.Details["watchedUntil"] != FormatTime(until) {
		t.Fatalf("%+v, %v", c.Event, err)
	}
	inc = c.Incident
	if inc.Lasted(epoch) != nil || !*inc.Lasted(until) {
		t.Errorf("while watched %v, afterwards %v", inc.Lasted(epoch), *inc.Lasted(until))
	}
	c, err = inc.DidNotLast("INC-99", epoch.Add(time.Second), epoch.Add(2*time.Second))
	if err != nil || c.Event.Action != EventDidNotLast || c.Event.Details["again"] != "INC-99" || c.Incident.Status != Resolved || !c.Untold {
		t.Fatalf("%+v, %v", c, err)
	}
	if lasted := c.Incident.Lasted(until); lasted == nil || *lasted || inc.Attempt.Again != "" {
		t.Errorf("lasted %v, and the one before has %q", lasted, inc.Attempt.Again)
	}
	if again, err := c.Incident.DidNotLast("INC-77", epoch, epoch); err != nil || !again.Empty() {
		t.Errorf("once more: %+v, %v", again, err)
	}
	if _, err := l.opened("f").DidNotLast("INC-77", epoch, epoch); CodeOf(err) != CodeTransition {
		t.Errorf("an incident without a fix: %v", err)
	}
}

// In any order of notes and meetings, each asked any number of times, as after crashes: an
// incident is noted once, what was found not to last stays so, and no more than 20 are kept.
func TestNotesAndMeetingsMayBeRepeated(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		l := &troubles{now: epoch}
		var h FixHistory
		var ended []Incident
		vain := map[string]bool{}
		for range rapid.IntRange(1, 60).Draw(t, "steps") {
			l.now = l.now.Add(time.Duration(rapid.IntRange(0, 600).Draw(t, "seconds")) * time.Second)
			switch rapid.IntRange(0, 2).Draw(t, "do") {
			case 0:
				inc := l.fixed(rapid.SampledFrom([]string{"a", "b"}).Draw(t, "fix"), Result{Outcome: Fixed, Verified: true})
				inc.Fingerprint = rapid.SampledFrom([]string{"f", "g"}).Draw(t, "print")
				ended = append(ended, inc)
				h.Note(inc, 10*time.Minute, l.now)
			case 1:
				h.Meet(l.opened(rapid.SampledFrom([]string{"f", "g"}).Draw(t, "print")))
			case 2:
				if len(ended) > 0 {
					h.Note(ended[len(ended)-1], 10*time.Minute, l.now) // log-resolution is called again
				}
			}
			seen := map[string]bool{}
			for _, f := range h.Fixes {
				if seen[f.IncidentID] {
					t.Fatalf("%s is noted twice", f.IncidentID)
				}
				seen[f.IncidentID] = true
				if vain[f.IncidentID] && f.Again == "" {
					t.Fatalf("%s lasted after all", f.IncidentID)
				}
				vain[f.IncidentID] = f.Again != ""
			}
			if len(h.Fixes) > MaxPastFixes {
				t.Fatalf("%d are kept", len(h.Fixes))
			}
			for _, f := range h.Untold() {
				h.Tell(f.IncidentID)
			}
			if len(h.Untold()) > 0 {
				t.Fatal("what was told is still untold")
			}
		}
	})
}

func TestAStoppedClaimIsRecordedWithWhoStoppedIt(t *testing.T) {
	reason, final := RefusalFor(Stopped("fixes are stopped by key:anna"))
	if reason != ReasonExecutionStopped || !final {
		t.Fatalf("%q, %v", reason, final)
	}
	inc := Incident{Ref: Ref{"t", "INC-1"}, Version: 4, Status: WaitingForApproval,
		Decision: &Decision{Action: Approve}, Plan: &Plan{Hash: "h"}}
	c, err := inc.RefuseBecause(reason, "fixes are stopped by key:anna", epoch)
	if err != nil || c.Incident.RefusalWhy != "fixes are stopped by key:anna" || c.Event.Details["why"] != c.Incident.RefusalWhy {
		t.Errorf("%+v, %v", c, err)
	}
	if status, why := c.Incident.Conclusion(); status != Escalated || why != ReasonExecutionStopped {
		t.Errorf("it ends %s, %s", status, why)
	}
}
