package steps_test

import (
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/opsguard/opsguard/pkg/brief"
	"github.com/opsguard/opsguard/pkg/incident"
	"github.com/opsguard/opsguard/pkg/steps"
)

// Whoever is told can decide at once, so plan and token must be there before.
func TestPlanAndTokenAreStoredBeforeAnyoneIsTold(t *testing.T) {
	w := newWorld(t)
	ref := w.analyzed("api")
	told := false
	w.chat.onPost = func(b brief.Brief) error {
		told = true
		inc := w.load(ref)
		wait, err := w.store.Wait(t.Context(), ref)
		if err != nil || wait.Token != tokenOf(ref) || !wait.Deadline.Equal(inc.Asked.Deadline) {
			t.Errorf("the wait when people are told: %+v %v", wait, err)
		}
		if inc.Status != incident.WaitingForApproval || inc.Plan == nil || inc.Plan.Hash != inc.Plan.HashFor(ref) {
			t.Errorf("the record when people are told: %s %+v", inc.Status, inc.Plan)
		}
		if b.Links.Approve == "" || b.Links.Escalate == "" || b.Links.Resolve == "" || !b.Asked || b.Fix == nil {
			t.Errorf("people cannot decide: %+v", b)
		}
		return nil
	}
	if err := w.waiting(ref, tokenOf(ref), 0); err != nil || !told {
		t.Fatalf("told: %v, %v", told, err)
	}
	inc := w.load(ref)
	if a := inc.Asked; a.NotifiedAt == nil || cmp.Diff(a.Notices, []incident.Notice{{Channel: "chat", MessageID: "chat-1"}}) != "" {
		t.Errorf("%+v", a)
	}
	if want := epoch.Add(time.Hour - time.Minute); !inc.Asked.Deadline.Equal(want) {
		t.Errorf("deadline %s, want %s", inc.Asked.Deadline, want)
	}
}

func TestThePlanIsTheProposalOnTheTargetOfServicesYaml(t *testing.T) {
	w := newWorld(t)
	plan := w.load(w.asked("real")).Plan
	if plan.FixID != "restart-service" || plan.Title != "Restart real" || plan.FixDigest == "" {
		t.Errorf("%+v", plan)
	}
	if d := cmp.Diff(incident.Target{Service: "real", Type: "ecs", Attributes: map[string]string{"cluster": "blue"}}, plan.Target); d != "" {
		t.Errorf("target (-want +got):\n%s", d)
	}
}

func TestWithoutAPlanPeopleAreAskedToReview(t *testing.T) {
	for _, c := range []struct {
		name, hint string
		prepare    func(w *world) incident.Ref
	}{
		{"the analysis failed", "analysis failed", func(w *world) incident.Ref { return w.detected("api") }},
		{"nothing was proposed", "not listed in services.yaml", func(w *world) incident.Ref { return w.analyzed("elsewhere") }},
		{"the fix is no longer allowed", "can no longer be applied", func(w *world) incident.Ref {
			ref := w.analyzed("api")
			w.services(strings.ReplaceAll(services, "[restart-service, scale-out]", "[scale-out]"))
			return ref
		}},
		{"the service is gone", "can no longer be applied", func(w *world) incident.Ref {
			ref := w.analyzed("api")
			w.services(strings.ReplaceAll(services, "  api:", "  renamed:"))
			return ref
		}},
	} {
		t.Run(c.name, func(t *testing.T) {
			w := newWorld(t)
			ref := c.prepare(w)
			if err := w.waiting(ref, tokenOf(ref), 0); err != nil {
				t.Fatal(err)
			}
			inc := w.load(ref)
			if inc.Status != incident.WaitingForApproval || inc.Plan != nil || !strings.Contains(inc.Analysis.ManualReason, c.hint) {
				t.Errorf("%s, plan %+v, %+v", inc.Status, inc.Plan, inc.Analysis)
			}
			if len(w.chat.posts) != 1 || w.chat.posts[0].Links.Approve != "" || !strings.Contains(string(w.chat.posts[0].ManualReason), c.hint) {
				t.Errorf("people were told %+v", w.chat.posts)
			}
		})
	}
}

func TestANewerTokenReplacesAndAnOlderOneIsRefused(t *testing.T) {
	w := newWorld(t)
	ref := w.asked("api")
	newer := incident.NewTaskToken("newer")
	plan, deadline := w.load(ref).Plan, w.load(ref).Asked.Deadline
	w.services(strings.ReplaceAll(services, "[restart-service, scale-out]", "[scale-out]"))
	if err := w.waiting(ref, newer, 1); err != nil {
		t.Fatal(err)
	}
	wantCode(t, "an older token", w.waiting(ref, tokenOf(ref), 0), incident.CodeTokenOlder)
	wantCode(t, "the newer one again", w.waiting(ref, newer, 1), "")
	inc := w.load(ref)
	if wait, err := w.store.Wait(t.Context(), ref); err != nil || wait.Token != newer || wait.RetryCount != 1 {
		t.Errorf("%+v %v", wait, err)
	}
	if d := cmp.Diff(plan, inc.Plan); d != "" || !inc.Asked.Deadline.Equal(deadline) {
		t.Errorf("the frozen plan or the deadline moved: %s\n%s", inc.Asked.Deadline, d)
	}
	if len(w.chat.posts) != 1 {
		t.Errorf("people were told %d times", len(w.chat.posts))
	}
}

// Retries count anew when the state is entered anew, so the time comes first.
func TestATokenIsNewerByWhenItsWaitBegan(t *testing.T) {
	w := newWorld(t)
	ref := w.asked("api")
	call := func(text string, entered time.Time, retries int64) error {
		return w.wait().Handle(t.Context(), steps.WaitInput{Ref: ref, TaskToken: incident.NewTaskToken(text), EnteredTime: entered, RetryCount: retries})
	}
	wantCode(t, "a retry", call("retry", epoch, 3), "")
	wantCode(t, "entered anew", call("anew", epoch.Add(minute), 0), "")
	wantCode(t, "entered before", call("before", epoch, 4), incident.CodeTokenOlder)
	if wait, err := w.store.Wait(t.Context(), ref); err != nil || wait.Token != incident.NewTaskToken("anew") {
		t.Errorf("%+v %v", wait, err)
	}
}

func TestADecisionThatAlreadyStandsIsDeliveredAtOnce(t *testing.T) {
	w := newWorld(t)
	a := alert("api", "k")
	ref := w.sent(a)
	if _, err := w.recovered(a); err != nil {
		t.Fatal(err)
	}
	if len(w.workflow.delivered) > 0 {
		t.Fatalf("delivered before anybody waits: %v", w.workflow.delivered)
	}
	if err := w.waiting(ref, tokenOf(ref), 0); err != nil {
		t.Fatal(err)
	}
	want := []delivered{{tokenOf(ref), `{"decision":"resolve","planHash":""}`}}
	if d := cmp.Diff(want, w.workflow.delivered, cmp.AllowUnexported(incident.TaskToken{})); d != "" || len(w.chat.posts) > 0 {
		t.Errorf("%d posts; delivered (-want +got):\n%s", len(w.chat.posts), d)
	}
}

// Without the failure the state machine would wait until the deadline for a
// decision that stands.
func TestADecisionThatCannotBeDeliveredAtOnceFailsTheStepForARetry(t *testing.T) {
	w := newWorld(t)
	a := alert("api", "k")
	ref := w.sent(a)
	if _, err := w.recovered(a); err != nil {
		t.Fatal(err)
	}
	w.workflow.onDeliver = func(incident.TaskToken) error { return errWire }
	wantCode(t, "delivery fails", w.waiting(ref, tokenOf(ref), 0), incident.CodeUnavailable)
	w.workflow.onDeliver = nil
	wantCode(t, "the retry", w.waiting(ref, incident.NewTaskToken("second"), 1), "")
	if d := w.workflow.delivered; len(d) != 2 || d[1].Token != incident.NewTaskToken("second") {
		t.Errorf("%+v", d)
	}
}

func TestPeopleWhoCouldNotBeToldAreToldByReconcile(t *testing.T) {
	w := newWorld(t)
	ref := w.analyzed("api")
	w.chat.onPost = func(brief.Brief) error { return errWire }
	if err := w.waiting(ref, tokenOf(ref), 0); err != nil {
		t.Fatalf("a channel that fails is not the incident's end: %v", err)
	}
	if inc := w.load(ref); inc.Status != incident.WaitingForApproval || inc.Asked.NotifiedAt != nil {
		t.Fatalf("%s, %+v", inc.Status, inc.Asked)
	}
	if !strings.Contains(w.log.String(), ref.ID) {
		t.Error("the failure is not in the log")
	}
	if report, err := w.reconcile().Handle(t.Context()); err == nil || report.Failed != 1 {
		t.Errorf("while the channel still fails: %+v %v", report, err)
	}
	w.chat.onPost = nil
	for range 2 { // once told, not again
		if _, err := w.reconcile().Handle(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
	if inc := w.load(ref); inc.Asked.NotifiedAt == nil || len(w.chat.posts) != 1 {
		t.Errorf("%+v, %d posts", inc.Asked, len(w.chat.posts))
	}
}

func TestOneChannelThatFailsDoesNotKeepTheOtherFromTelling(t *testing.T) {
	for _, failing := range []int{0, 1} {
		w := newWorld(t)
		pair := []*channel{w.chat, {name: "mail"}}
		pair[failing].onPost = func(brief.Brief) error { return errWire }
		w.channels = []steps.Channel{pair[0], pair[1]}
		ref := w.asked("api")
		works := pair[1-failing]
		if a := w.load(ref).Asked; len(a.Notices) != 1 || a.Notices[0].Channel != works.name || len(works.posts) != 1 {
			t.Errorf("with %s failing: %+v", pair[failing].name, a)
		}
		// The one that failed is told as soon as it can be, the other not again.
		pair[failing].onPost = nil
		for range 2 {
			if _, err := w.reconcile().Handle(t.Context()); err != nil {
				t.Error(err)
			}
		}
		if a := w.load(ref).Asked; a.NotifiedAt == nil || len(a.Notices) != 2 || len(works.posts) != 1 || len(pair[failing].posts) != 1 {
			t.Errorf("after %s came back: %+v, %d and %d posts", pair[failing].name, a, len(works.posts), len(pair[failing].posts))
		}
	}
}

// A channel that refuses a message (a webhook that is gone, say) is not asked again
// and again.
func TestAChannelThatRefusesTheMessageIsNotTriedAgain(t *testing.T) {
	w := newWorld(t)
	tries := 0
	w.chat.onPost = func(brief.Brief) error {
		tries++
		return incident.Bad("the webhook is gone")
	}
	ref := w.asked("api")
	if _, err := w.reconcile().Handle(t.Context()); err != nil || tries != 1 || w.load(ref).Asked.NotifiedAt == nil {
		t.Errorf("%d tries, %v, %+v", tries, err, w.load(ref).Asked)
	}
}

// A link that could not decide is not offered.
func TestLinksAreOfferedOnlyWhereTheyDecide(t *testing.T) {
	w := newWorld(t)
	links := steps.DecidableLinks{Linker: w.links, Inventory: w.inv}
	for service, want := range map[string][2]bool{"api": {true, true}, "pair": {false, true}, "named": {false, false}} {
		got := links.Links(w.load(w.asked(service)), "chat")
		if (got.Approve != "") != want[0] || (got.Escalate != "") != want[1] || got.View == "" {
			t.Errorf("%s: %v %v", service, got.Approve != "", got.Escalate != "")
		}
	}
}

// A decision is recorded under the channel that its link was sent to, so no two
// channels may carry the same link.
func TestEachChannelHasLinksOfItsOwn(t *testing.T) {
	w := newWorld(t)
	mail := &channel{name: "mail"}
	w.channels = []steps.Channel{w.chat, mail}
	w.asked("api")
	if w.chat.posts[0].Links.Approve == mail.posts[0].Links.Approve {
		t.Error("both channels carry one link")
	}
}

func TestNobodyToTellIsNotAFailure(t *testing.T) {
	w := newWorld(t)
	w.channels = nil
	if a := w.load(w.asked("api")).Asked; a.NotifiedAt == nil || len(a.Notices) > 0 {
		t.Errorf("%+v", a)
	}
}

func TestATokenOrATimeThatIsMissingIsTheStateMachinesFault(t *testing.T) {
	w := newWorld(t)
	ref := w.analyzed("api")
	wantField(t, w.waiting(ref, incident.TaskToken{}, 0), "taskToken")
	wantField(t, w.wait().Handle(t.Context(), steps.WaitInput{Ref: ref, TaskToken: tokenOf(ref)}), "taskToken")
	if inc := w.load(ref); inc.Status != incident.Detected || len(w.chat.posts) > 0 {
		t.Errorf("%s, %d posts", inc.Status, len(w.chat.posts))
	}
}

func TestNobodyIsToldWhereTheTokenMayNotBeStored(t *testing.T) {
	w := newWorld(t)
	ref := w.analyzed("api")
	w.store.onCommit = lostReply(incident.EventAsked)
	wantCode(t, "a lost reply", w.waiting(ref, tokenOf(ref), 0), incident.CodeUnavailable)
	if len(w.chat.posts) > 0 {
		t.Error("people were told of what may not be there")
	}
	wantCode(t, "the retry", w.waiting(ref, incident.NewTaskToken("second"), 1), "")
	if inc := w.load(ref); len(w.chat.posts) != 1 || inc.Asked.NotifiedAt == nil {
		t.Errorf("after the retry: %d posts, %+v", len(w.chat.posts), inc.Asked)
	}
}

func TestAClosedIncidentIsNotAskedAbout(t *testing.T) {
	w := newWorld(t)
	ref := w.closed(w.analyzed("api")).Ref
	wantCode(t, "closed", w.waiting(ref, tokenOf(ref), 0), incident.CodeClosed)
	if _, err := w.store.Wait(t.Context(), ref); incident.KindOf(err) != incident.NotFound || len(w.chat.posts) > 0 {
		t.Errorf("a token was stored (%v) or people were told (%d)", err, len(w.chat.posts))
	}
}

func TestTaskTokensAppearInNoMessageEventOrLog(t *testing.T) {
	w := newWorld(t)
	ref := w.approved("api")
	w.workflow.onDeliver = func(incident.TaskToken) error { return errWire }
	if _, err := w.reconcile().Handle(t.Context()); err == nil {
		t.Fatal("the failing delivery was not noticed")
	}
	events, err := w.store.Events(t.Context(), ref)
	if err != nil {
		t.Fatal(err)
	}
	shown := strings.Join([]string{w.log.String(), sprint(w.chat.posts), sprint(events), sprint(w.load(ref))}, "\n")
	if strings.Contains(shown, "token of "+ref.ID) {
		t.Error("the task token is shown")
	}
}

// Somebody may decide by another channel while a message is on its way: it must
// not go on offering what was decided.
func TestAMessageThatArrivesAfterTheDecisionIsBroughtUpToDate(t *testing.T) {
	w := newWorld(t)
	ref := w.analyzed("api")
	w.chat.onPost = func(brief.Brief) error {
		_, err := w.vote(ref, incident.Escalate, incident.KeyActor("anna"))
		return err
	}
	if err := w.waiting(ref, tokenOf(ref), 0); err != nil {
		t.Fatal(err)
	}
	if n := len(w.chat.edits); n != 1 || w.chat.edits[0].Brief.Links.Approve != "" || w.chat.edits[0].Brief.Decision == "" {
		t.Errorf("%d edits: %+v", n, w.chat.edits)
	}
}
