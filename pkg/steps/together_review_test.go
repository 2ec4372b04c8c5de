package steps_test

import (
	"context"
	"slices"
	"strings"
	"testing"

	"github.com/opsguard/opsguard/pkg/brief"
	"github.com/opsguard/opsguard/pkg/incident"
	"github.com/opsguard/opsguard/pkg/steps"
)

// few has edits fail after the tenth, so that a loop without end fails instead of hanging.
func (w *world) few() *int {
	n := 0
	w.chat.onEdit = func() error {
		if n++; n > 10 {
			return errWire
		}
		return nil
	}
	return &n
}

// Nobody is woken by what became worse after it was decided on, and its message is not
// edited without end for it.
func TestWhatBecameWorseAfterItsDecisionIsShownByOneEdit(t *testing.T) {
	w := grouping(t)
	w.asked("web")
	ref := w.decided("cart", incident.Escalate)
	a := w.alertOf(ref)
	a.Severity = incident.Critical
	if _, err := w.send(a); err != nil {
		t.Fatal(err)
	}
	edits, posts := w.few(), len(w.chat.posts)
	w.closed(ref)
	w.repaired(steps.ReconcileReport{Open: 1, Told: 1})
	if *edits > 1 || len(w.chat.posts) != posts {
		t.Fatalf("%d edits and %d messages", *edits, len(w.chat.posts)-posts)
	}
}

// A message that people have is recorded although the incident that came meanwhile could
// not be shown in it: else what becomes of the first would never be shown.
func TestWhoWasToldOfStaysSoThoughTheNextCannotBeShown(t *testing.T) {
	w := grouping(t)
	first, second := w.analyzed("cart"), w.analyzed("cart")
	w.chat.onPost = func(brief.Brief) error {
		return w.waiting(second, tokenOf(second), 0)
	}
	w.chat.onEdit = func() error { return errWire }
	if err := w.waiting(first, tokenOf(first), 0); err != nil {
		t.Fatal(err)
	}
	if a := w.load(first).Asked; len(w.chat.posts) != 1 || a.NotifiedAt == nil || len(a.Notices) != 1 || a.Notices[0].MessageID != "chat-1" {
		t.Fatalf("%d messages, %+v", len(w.chat.posts), a)
	}
	if w.load(second).Asked.NotifiedAt != nil {
		t.Fatal("nobody was told of the second")
	}
	w.chat.onEdit = nil
	w.clock.move(minute)
	if _, err := w.reconcile().Handle(t.Context()); err != nil {
		t.Fatal(err)
	}
	if e := w.lastEdit(); len(w.chat.posts) != 1 || !slices.Equal(of(e.Brief), []string{first.ID, second.ID}) || w.load(second).Asked.NotifiedAt == nil {
		t.Errorf("%d messages, the last edit is about %v", len(w.chat.posts), of(e.Brief))
	}
}

// strict is a store of groups that does nothing for a caller whose time is over.
type strict struct{ steps.Groups }

func (s strict) UpdateGroup(ctx context.Context, tenant, key string, change func(*incident.Group)) error {
	if ctx.Err() != nil {
		return errWire
	}
	return s.Groups.UpdateGroup(ctx, tenant, key, change)
}

// A message that was sent at the last moment is not sent once more.
func TestAMessageSentAtTheLastMomentIsKnown(t *testing.T) {
	w := grouping(t)
	w.together.Groups = strict{w.store}
	ref := w.analyzed("cart")
	w.chat.onPost = func(brief.Brief) error { return errWire }
	if err := w.waiting(ref, tokenOf(ref), 0); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	w.chat.onPost = func(brief.Brief) error { cancel(); return nil }
	if err := w.people().Ask(ctx, w.load(ref)); err != nil {
		t.Fatal(err)
	}
	if a := w.load(ref).Asked; len(w.chat.posts) != 1 || a.NotifiedAt == nil {
		t.Errorf("%d messages, %+v", len(w.chat.posts), a)
	}
	w.asked("cart")
	if len(w.chat.posts) != 1 {
		t.Errorf("%d messages", len(w.chat.posts))
	}
}

// An incident that a group took stays with it, however late it is asked about again: it
// may be shown there already.
func TestWhatCouldNotBeRecordedIsFoundShownAfterTheWindowToo(t *testing.T) {
	w := grouping(t)
	first, second := w.analyzed("cart"), w.analyzed("cart")
	w.chat.onPost = func(brief.Brief) error { return w.waiting(second, tokenOf(second), 0) }
	w.store.onCommit = func(c incident.Change, real func() error) error {
		if is(c, incident.EventNotified) && c.Incident.ID == second.ID {
			return errWire
		}
		return real()
	}
	if err := w.waiting(first, tokenOf(first), 0); err != nil {
		t.Fatal(err)
	}
	w.store.onCommit, w.chat.onPost = nil, nil
	if w.load(second).Asked.NotifiedAt != nil || !slices.Contains(of(w.lastEdit().Brief), second.ID) {
		t.Fatal("the second was to be shown and not recorded")
	}
	w.clock.move(6 * minute)
	if _, err := w.reconcile().Handle(t.Context()); err != nil {
		t.Fatal(err)
	}
	if n := w.load(second).Asked.Notices; len(w.chat.posts) != 1 || len(n) != 1 || n[0].Group != first.ID {
		t.Errorf("%d messages, %+v", len(w.chat.posts), n)
	}
}

// A message that showed an incident before it became worse has told nobody of that.
func TestWhatBecameWorseWhileItWasShownIsToldAnew(t *testing.T) {
	for _, whose := range []string{"its own post", "the edit of another"} {
		t.Run(whose, func(t *testing.T) {
			w := grouping(t)
			first, second := w.analyzed("cart"), w.analyzed("cart")
			worse, own := second, whose == "its own post"
			if own {
				worse = first
			}
			rise := func() {
				a := w.alertOf(worse)
				a.Severity = incident.Critical
				w.sent(a)
			}
			w.chat.onPost = func(brief.Brief) error {
				if own {
					rise()
					return nil
				}
				return w.waiting(second, tokenOf(second), 0)
			}
			w.chat.onEdit = func() error { rise(); w.chat.onEdit = nil; return nil }
			if err := w.waiting(first, tokenOf(first), 0); err != nil {
				t.Fatal(err)
			}
			w.chat.onPost, w.chat.onEdit = nil, nil
			if len(w.chat.posts) != 1 {
				t.Fatalf("%d messages", len(w.chat.posts))
			}
			w.clock.move(minute)
			if _, err := w.reconcile().Handle(t.Context()); err != nil {
				t.Fatal(err)
			}
			if a := w.load(worse).Asked; len(w.chat.posts) != 2 || w.chat.posts[1].Severity != incident.Critical || a.NotifiedAt == nil {
				t.Errorf("%d messages, %+v", len(w.chat.posts), a)
			}
		})
	}
}

// What a group's message does not show yet stays on the list, and nobody else's turn counts
// for having shown it.
func TestAMessageOfAGroupThatCannotBeEditedNowIsEditedLater(t *testing.T) {
	w := grouping(t)
	w.asked("web")
	ref := w.asked("cart")
	w.chat.onEdit = func() error { return errWire }
	w.voted(ref, incident.Escalate, "key:anna")
	report, err := w.reconcile().Handle(t.Context())
	wantCode(t, "the channel is out of reach", err, incident.CodeUnavailable)
	if report.Told != 0 || report.Failed != 1 {
		t.Errorf("%+v", report)
	}
	w.chat.onEdit = nil
	edits := len(w.chat.edits)
	if report, err = w.reconcile().Handle(t.Context()); err != nil || report.Told != 1 || len(w.chat.edits) != edits+1 {
		t.Fatalf("%+v %v, %d edits", report, err, len(w.chat.edits)-edits)
	}
	if b := w.lastEdit().Brief; len(of(b)) != 2 {
		t.Errorf("%v", of(b))
	}
	w.chat.onEdit = func() error { return incident.BadField("messageId", "was deleted") }
	w.closed(ref)
	if report, err = w.reconcile().Handle(t.Context()); err != nil || report.Told != 1 {
		t.Errorf("a message that is gone: %+v %v", report, err)
	}
}

// rated is asked, with a severity of its own.
func (w *world) rated(service string, severity incident.Severity) incident.Ref {
	w.Helper()
	a := alert(service, "rated "+w.newID())
	a.Severity = severity
	ref := w.sent(a)
	w.keys[ref.ID] = a.DedupKey
	if _, err := w.analyze(nil).Handle(w.Context(), ref); err != nil {
		w.Fatal(err)
	}
	if err := w.waiting(ref, tokenOf(ref), 0); err != nil {
		w.Fatal(err)
	}
	return ref
}

// A message has room for few. Those that still wait for people are not kept out of it by
// what is decided, nor what is worst by the many of the probable root.
func TestAMessageMakesRoomForWhatStillWaits(t *testing.T) {
	w := grouping(t)
	for range 14 {
		w.voted(w.rated("cart", incident.High), incident.Escalate, "key:anna")
	}
	waits := w.rated("web", incident.High)
	if shown := of(w.lastEdit().Brief); !slices.Contains(shown, waits.ID) || shown[0] != waits.ID {
		t.Errorf("who waits is not first among %v", shown)
	}
}

func TestTheManyOfTheRootLeaveRoomForWhatIsWorse(t *testing.T) {
	w := grouping(t)
	var db []incident.Ref
	for range 14 {
		db = append(db, w.rated("orders-db", incident.Low))
	}
	worse := w.rated("web", incident.High)
	last := w.chat.posts[len(w.chat.posts)-1]
	if shown := of(last); len(w.chat.posts) != 2 || !slices.Equal(shown[:3], []string{db[0].ID, worse.ID, db[1].ID}) {
		t.Errorf("%d messages; the last shows %v", len(w.chat.posts), shown)
	}
}

// Where none depends on another there is no root, and the worst comes first.
func TestWhereNoneIsTheRootTheWorstComesFirst(t *testing.T) {
	w := grouping(t)
	w.services(`
services:
  web: {owner: shop, target: {type: simulated}, fixes: [restart-service], dependsOn: [db]}
  cart: {owner: shop, target: {type: simulated}, fixes: [restart-service], dependsOn: [db]}
  db: {owner: shop, target: {type: simulated}, fixes: [restart-service]}
`)
	w.rated("web", incident.Low)
	worse := w.rated("cart", incident.Critical)
	if shown := of(w.chat.posts[len(w.chat.posts)-1]); shown[0] != worse.ID {
		t.Errorf("it shows %v", shown)
	}
}

// A record that cannot be read keeps nobody from being told of the others of its group,
// and counts as shown only once it is.
func TestARecordThatCannotBeReadDoesNotSilenceItsGroup(t *testing.T) {
	w := grouping(t)
	bad := w.asked("cart")
	w.store.onLoad = func(ref incident.Ref) error {
		if ref == bad {
			return errWire
		}
		return nil
	}
	edits := w.few()
	next := w.asked("cart")
	if w.load(next).Asked.NotifiedAt == nil || *edits != 1 {
		t.Fatalf("people were not told, after %d edits", *edits)
	}
	if b := w.lastEdit().Brief; !slices.Equal(of(b), []string{next.ID}) || b.MoreOthers != 1 {
		t.Errorf("the message is about %v and %d more", of(b), b.MoreOthers)
	}
	w.store.onLoad = nil
	w.voted(next, incident.Escalate, "key:anna")
	if b := w.lastEdit().Brief; !slices.Equal(of(b), []string{bad.ID, next.ID}) {
		t.Errorf("later it is about %v", of(b))
	}
}

// That another process is at the message is no failure of a channel, and no alarm: who is
// at it shows the incident, or the next run does.
func TestReconcileLeavesAMessageThatAnotherIsAt(t *testing.T) {
	w := grouping(t)
	first := w.diedTelling("cart")
	second := w.asked("cart")
	if err := w.store.UpdateGroup(t.Context(), incident.DefaultTenant, "group/chat/"+first.ID, func(g *incident.Group) { g.By = "INC-another" }); err != nil {
		t.Fatal(err)
	}
	w.repaired(steps.ReconcileReport{Open: 2, Left: 2})
	if w.load(second).Asked.NotifiedAt != nil || strings.Contains(w.log.String(), "people could not be told: the incident waits") {
		t.Error(w.log.String())
	}
	w.clock.move(minute)
	if report, err := w.reconcile().Handle(t.Context()); err != nil || report.Notified == 0 || w.load(second).Asked.NotifiedAt == nil {
		t.Errorf("%+v %v", report, err)
	}
}

// A tracker that is out of reach takes 10 s a call: it is waited for three times a run, and
// the messages do not wait behind it.
func TestATrackerThatIsOutOfReachKeepsNoMessageWaiting(t *testing.T) {
	w := grouping(t)
	refs := []incident.Ref{w.asked("web"), w.asked("mail"), w.asked("mail"), w.asked("mail"), w.asked("mail")}
	w.chat.onEdit = func() error { return errWire }
	for _, ref := range refs {
		w.voted(ref, incident.Escalate, "key:anna")
		w.closed(ref)
	}
	w.chat.onEdit = nil
	w.tracker.onTell = errWire
	edits := len(w.chat.edits)
	if report, err := w.reconcile().Handle(t.Context()); err == nil || report.Failed != len(refs) || report.Told != 0 {
		t.Fatalf("%+v %v", report, err)
	}
	if w.tracker.calls != 3 || len(w.chat.edits)-edits != 2 {
		t.Errorf("the tracker was called %d times, messages edited %d times", w.tracker.calls, len(w.chat.edits)-edits)
	}
	w.tracker.onTell = nil
	w.repaired(steps.ReconcileReport{Told: len(refs)})
	if w.tracker.calls != 3+len(refs) {
		t.Errorf("the tracker was called %d times", w.tracker.calls)
	}
}

// What became of an incident while its group's message was on its way is shown in it: until
// then nothing said that the incident belongs to a group.
func TestWhatEndedWhileItWasShownIsShownSo(t *testing.T) {
	w := grouping(t)
	first, second := w.analyzed("cart"), w.analyzed("cart")
	w.chat.onPost = func(brief.Brief) error { return w.waiting(second, tokenOf(second), 0) }
	w.chat.onEdit = func() error {
		w.chat.onEdit = nil
		if _, err := w.recovered(w.alertOf(second)); err != nil {
			return err
		}
		w.closed(second)
		return nil
	}
	if err := w.waiting(first, tokenOf(first), 0); err != nil {
		t.Fatal(err)
	}
	w.chat.onPost = nil
	if _, err := w.reconcile().Handle(t.Context()); err != nil {
		t.Fatal(err)
	}
	b := w.lastEdit().Brief
	if len(w.chat.posts) != 1 || len(b.Others) != 1 || b.Others[0].Status != incident.Resolved || b.Others[0].Links.Resolve != "" {
		t.Errorf("%d messages, %d edits; the last says %+v", len(w.chat.posts), len(w.chat.edits), b.Others)
	}
}
