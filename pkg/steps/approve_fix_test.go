package steps_test

import (
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/opsguard/opsguard/pkg/incident"
	"github.com/opsguard/opsguard/pkg/steps"
)

func TestADecisionStandsAndIsDelivered(t *testing.T) {
	for _, action := range []incident.Action{incident.Approve, incident.Escalate, incident.Resolve} {
		w := newWorld(t)
		ref := w.asked("api")
		w.clock.move(minute)
		out, err := w.vote(ref, action, incident.KeyActor("anna"))
		if err != nil {
			t.Fatal(err)
		}
		hash := w.load(ref).Plan.Hash
		if d := out.Decision; d == nil || d.Action != action || d.By != "key:anna" || !d.At.Equal(epoch.Add(minute)) || d.PlanHash != hash || out.Status != incident.WaitingForApproval {
			t.Errorf("%s: %+v", action, out)
		}
		if got := w.workflow.delivered; len(got) != 1 || got[0].Token != tokenOf(ref) || got[0].Output != `{"decision":"`+string(action)+`","planHash":"`+hash+`"}` {
			t.Errorf("%s: delivered %+v", action, got)
		}
	}
}

func TestADecisionThatCannotBeDeliveredStandsAndReconcileDeliversIt(t *testing.T) {
	w := newWorld(t)
	ref := w.asked("api")
	w.workflow.onDeliver = func(incident.TaskToken) error { return errWire }
	out, err := w.vote(ref, incident.Approve, incident.KeyActor("anna"))
	if err != nil || out.Decision == nil {
		t.Fatalf("%+v %v", out, err)
	}
	w.workflow.onDeliver = nil
	report, err := w.reconcile().Handle(t.Context())
	if err != nil || report.Delivered != 1 || len(w.workflow.delivered) != 2 || w.workflow.delivered[0] != w.workflow.delivered[1] {
		t.Errorf("%+v %v, %+v", report, err, w.workflow.delivered)
	}
}

func TestTheSameDecisionAgainIsAnsweredFromTheRecord(t *testing.T) {
	w := newWorld(t)
	ref := w.approved("api")
	version := w.load(ref).Version
	w.clock.move(2 * time.Hour) // long past the deadline
	for _, by := range []incident.Actor{incident.KeyActor("anna"), incident.KeyActor("ben")} {
		out, err := w.vote(ref, incident.Approve, by)
		if err != nil || out.Decision == nil || out.Decision.By != "key:anna" || w.load(ref).Version != version {
			t.Errorf("%s: %+v %v", by, out.Decision, err)
		}
	}
	_, err := w.vote(ref, incident.Escalate, incident.KeyActor("ben"))
	wantCode(t, "another decision, past the deadline", err, incident.CodeExpired)
}

// Once it is closed there is nobody left to tell.
func TestADecisionOnAClosedIncidentIsNotDeliveredAgain(t *testing.T) {
	w := newWorld(t)
	ref := w.closed(w.decided("api", incident.Escalate)).Ref
	sent := len(w.workflow.delivered)
	w.store.onWait = func(real func() (incident.Wait, error)) (incident.Wait, error) {
		t.Error("the task token was looked for")
		return real()
	}
	out, err := w.vote(ref, incident.Escalate, incident.KeyActor("anna"))
	if err != nil || out.Status != incident.Escalated || len(w.workflow.delivered) != sent {
		t.Errorf("%+v %v, %d deliveries", out, err, len(w.workflow.delivered)-sent)
	}
}

func TestOfManyOppositeDecisionsAtOnceOneStands(t *testing.T) {
	w := newWorld(t)
	ref := w.asked("api")
	actions := []incident.Action{incident.Approve, incident.Escalate}
	const voters = 64
	outs, errs := make([]steps.ApproveFixOutput, voters), make([]error, voters)
	var all sync.WaitGroup
	for n := range voters {
		all.Go(func() {
			outs[n], errs[n] = w.vote(ref, actions[n%2], incident.KeyActor(string(rune('a'+n))))
		})
	}
	all.Wait()
	stands := w.load(ref).Decision
	for n := range voters {
		if actions[n%2] != stands.Action {
			wantCode(t, "an opposite decision", errs[n], incident.CodeAlreadyDecided)
		} else if errs[n] != nil || outs[n].Decision.By != stands.By {
			t.Errorf("voter %d: %+v %v", n, outs[n].Decision, errs[n])
		}
	}
	if n := w.count(ref, incident.EventDecided); n != 1 {
		t.Errorf("decided %d times", n)
	}
}

func TestAQuorumOfTwoNeedsTwoDifferentPeople(t *testing.T) {
	w := newWorld(t)
	ref := w.asked("pair")
	for range 2 { // the second time it is the same person
		out, err := w.vote(ref, incident.Approve, incident.KeyActor("anna"))
		if err != nil || out.Decision != nil || out.Approvals != 1 || out.Needed != 2 || out.Status != incident.WaitingForApproval {
			t.Fatalf("one of two: %+v %v", out, err)
		}
	}
	if len(w.workflow.delivered) > 0 || w.count(ref, incident.EventVoted) != 1 {
		t.Fatalf("%d deliveries, %v", len(w.workflow.delivered), w.events(ref))
	}
	out, err := w.vote(ref, incident.Approve, incident.KeyActor("ben"))
	if err != nil || out.Decision == nil || out.Approvals != 2 || len(w.workflow.delivered) != 1 {
		t.Errorf("two of two: %+v %v, %d deliveries", out, err, len(w.workflow.delivered))
	}
}

// The policy must judge a vote by the votes that are there when it is written.
func TestTwoApprovalsAtOnceMakeAQuorum(t *testing.T) {
	w := newWorld(t)
	ref := w.asked("pair")
	w.store.onCommit = before(incident.EventVoted, func() {
		if _, err := w.vote(ref, incident.Approve, incident.KeyActor("ben")); err != nil {
			t.Error(err)
		}
	})
	out, err := w.vote(ref, incident.Approve, incident.KeyActor("anna"))
	if err != nil || out.Decision == nil || out.Approvals != 2 {
		t.Errorf("%+v %v", out, err)
	}
}

func TestOnePersonStopsWhatNeedsTwoToApprove(t *testing.T) {
	w := newWorld(t)
	ref := w.asked("pair")
	out, err := w.vote(ref, incident.Escalate, incident.KeyActor("anna"))
	if err != nil || out.Decision == nil || out.Decision.Action != incident.Escalate {
		t.Errorf("%+v %v", out, err)
	}
}

func TestWhoMayNotDecideHearsNothingElse(t *testing.T) {
	for name, prepare := range map[string]func(w *world) incident.Ref{
		"not waiting yet": func(w *world) incident.Ref { return w.detected("named") },
		"past the deadline": func(w *world) incident.Ref {
			ref := w.asked("named")
			w.clock.move(2 * time.Hour)
			return ref
		},
		"decided": func(w *world) incident.Ref { return w.decided("named", incident.Escalate) },
		"closed":  func(w *world) incident.Ref { return w.closed(w.asked("named")).Ref },
	} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t)
			ref := prepare(w)
			version := w.load(ref).Version
			for _, by := range []incident.Actor{incident.KeyActor("mallory"), incident.LinkActor("chat"), incident.Local, incident.System, incident.SourceActor("api")} {
				_, err := w.vote(ref, incident.Approve, by)
				wantCode(t, string(by), err, incident.CodeForbidden)
			}
			if w.load(ref).Version != version {
				t.Error("a refusal changed the record")
			}
		})
	}
}

func TestRefusalsNameTheirReason(t *testing.T) {
	anna := incident.KeyActor("anna")
	for _, c := range []struct {
		name    string
		want    incident.Code
		prepare func(w *world) steps.ApproveFixInput
	}{
		{"no such incident", incident.CodeNotFound, func(w *world) steps.ApproveFixInput {
			return steps.ApproveFixInput{Ref: incident.Ref{Tenant: incident.DefaultTenant, ID: w.newID()}, Action: incident.Approve}
		}},
		{"another tenant's", incident.CodeNotFound, func(w *world) steps.ApproveFixInput {
			return steps.ApproveFixInput{Ref: incident.Ref{Tenant: "other", ID: w.asked("api").ID}, Action: incident.Approve}
		}},
		{"still DETECTED", incident.CodeNotWaiting, func(w *world) steps.ApproveFixInput {
			return steps.ApproveFixInput{Ref: w.detected("api"), Action: incident.Escalate}
		}},
		{"nothing to approve", incident.CodeNoFix, func(w *world) steps.ApproveFixInput {
			return steps.ApproveFixInput{Ref: w.asked("not listed"), Action: incident.Approve}
		}},
		{"nothing chosen", incident.CodeChoosePlan, func(w *world) steps.ApproveFixInput {
			return steps.ApproveFixInput{Ref: w.manual(), Action: incident.Approve}
		}},
		{"another plan", incident.CodePlanChanged, func(w *world) steps.ApproveFixInput {
			return steps.ApproveFixInput{Ref: w.asked("api"), Action: incident.Escalate, PlanHash: strings.Repeat("0", 64)}
		}},
		{"at the deadline", incident.CodeExpired, func(w *world) steps.ApproveFixInput {
			ref := w.asked("api")
			w.clock.move(w.load(ref).Asked.Deadline.Sub(epoch))
			return steps.ApproveFixInput{Ref: ref, Action: incident.Approve}
		}},
		{"decided otherwise", incident.CodeAlreadyDecided, func(w *world) steps.ApproveFixInput {
			return steps.ApproveFixInput{Ref: w.approved("api"), Action: incident.Resolve}
		}},
		{"timed out", incident.CodeExpired, func(w *world) steps.ApproveFixInput {
			return steps.ApproveFixInput{Ref: w.closed(w.asked("api")).Ref, Action: incident.Approve}
		}},
	} {
		t.Run(c.name, func(t *testing.T) {
			w := newWorld(t)
			in := c.prepare(w)
			in.By = anna
			sent := len(w.workflow.delivered)
			out, err := w.approve().Handle(t.Context(), in)
			wantCode(t, c.name, err, c.want)
			if out.Decision != nil || len(w.workflow.delivered) != sent {
				t.Errorf("%+v, %d deliveries", out, len(w.workflow.delivered)-sent)
			}
		})
	}
}

func TestOneMillisecondBeforeTheDeadlineIsInTime(t *testing.T) {
	w := newWorld(t)
	ref := w.asked("api")
	w.clock.move(w.load(ref).Asked.Deadline.Sub(epoch) - time.Millisecond)
	if out, err := w.vote(ref, incident.Approve, incident.KeyActor("anna")); err != nil || out.Decision == nil {
		t.Errorf("%+v %v", out, err)
	}
}

func TestANoteIsRedactedAndBounded(t *testing.T) {
	w := newWorld(t)
	ref := w.asked("api")
	in := steps.ApproveFixInput{Ref: ref, Action: incident.Approve, By: incident.KeyActor("anna"), Note: strings.Repeat("n", steps.MaxNote+1)}
	_, err := w.approve().Handle(t.Context(), in)
	wantField(t, err, "note")
	in.Note = "used password=hunter2hunter2\x1b[31m to look"
	out, err := w.approve().Handle(t.Context(), in)
	if err != nil || out.Decision.Note != "used password=[REDACTED:password] to look" {
		t.Errorf("%+v %v", out.Decision, err)
	}
	if note := w.last(ref).Details["note"]; note != out.Decision.Note || w.load(ref).Votes[0].Note != out.Decision.Note {
		t.Errorf("the trail says %q", note)
	}
}

func TestANoteThatRedactionMadeLongerIsBounded(t *testing.T) {
	w := newWorld(t)
	out, err := w.approve().Handle(t.Context(), steps.ApproveFixInput{Ref: w.asked("api"), Action: incident.Approve, By: incident.KeyActor("anna"),
		Note: strings.Repeat("pwd=k9x4z ", steps.MaxNote/10)})
	if err != nil {
		t.Fatal(err)
	}
	if n := len(out.Decision.Note); n > steps.MaxNote || strings.Contains(out.Decision.Note, "k9x4z") {
		t.Errorf("the note has %d bytes: %s", n, out.Decision.Note)
	}
}

func TestAVoteIsNotAnsweredForWhileTheStoreFails(t *testing.T) {
	w := newWorld(t)
	ref := w.asked("api")
	w.store.onCommit = lostReply(incident.EventDecided)
	_, err := w.vote(ref, incident.Approve, incident.KeyActor("anna"))
	wantCode(t, "a lost reply", err, incident.CodeUnavailable)
	out, err := w.vote(ref, incident.Approve, incident.KeyActor("anna"))
	if err != nil || out.Decision == nil || w.count(ref, incident.EventDecided) != 1 || len(w.workflow.delivered) != 1 {
		t.Errorf("%+v %v, %v", out, err, w.events(ref))
	}
}

// Messages are edited when decided, not only when closed: a button that can no
// longer do anything must not be offered while a fix runs.
func TestMessagesAreBroughtUpToDateWhenDecided(t *testing.T) {
	w := newWorld(t)
	w.approved("api")
	if len(w.chat.edits) != 1 || w.chat.edits[0].Brief.Links.Approve != "" {
		t.Errorf("%d edits: the message still offers to approve", len(w.chat.edits))
	}
}
