package steps_test

import (
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/opsguard/opsguard/pkg/brief"
	"github.com/opsguard/opsguard/pkg/incident"
	"github.com/opsguard/opsguard/pkg/steps"
)

const joined = `
services:
  web: {owner: shop, target: {type: simulated}, fixes: [restart-service], dependsOn: [cart]}
  cart: {owner: shop, target: {type: simulated}, fixes: [restart-service], dependsOn: [orders-db]}
  orders-db: {owner: shop, target: {type: simulated}, fixes: [restart-service]}
  mail: {owner: shop, target: {type: simulated}, fixes: [restart-service]}
`

// grouping has people told together.
func grouping(t *testing.T) *world {
	w := newWorld(t)
	w.services(joined)
	w.together = steps.Together{Groups: w.store, Window: 5 * time.Minute}
	return w
}

// of returns which incidents a message is about, its own first.
func of(b brief.Brief) (ids []string) {
	ids = append(ids, b.IncidentID)
	for _, o := range b.Others {
		ids = append(ids, o.IncidentID)
	}
	return ids
}

func (w *world) lastEdit() edit {
	w.Helper()
	if len(w.chat.edits) == 0 {
		w.Fatal("nothing was edited")
	}
	return w.chat.edits[len(w.chat.edits)-1]
}

// What belongs together is one message, which grows: the probable root comes first, and
// each incident can be decided on from it.
func TestWhatBelongsTogetherIsOneMessageWithTheRootFirst(t *testing.T) {
	w := grouping(t)
	web := w.asked("web")
	w.clock.move(minute)
	cart := w.asked("cart")
	w.clock.move(4 * minute)
	db := w.asked("orders-db")
	other := w.asked("mail")
	if len(w.chat.posts) != 2 || w.chat.posts[1].IncidentID != other.ID {
		t.Fatalf("%d messages", len(w.chat.posts))
	}
	e := w.lastEdit()
	if got := of(e.Brief); !slices.Equal(got, []string{db.ID, web.ID, cart.ID}) {
		t.Errorf("the message is about %v", got)
	}
	for _, o := range e.Brief.Others {
		if o.Links.Approve == "" || o.Links.Escalate == "" || o.Links.Resolve == "" || !strings.Contains(o.Links.Approve, o.IncidentID) || o.Fix == "" {
			t.Errorf("it cannot be decided on: %+v, %q", o.Links.Approve, o.Fix)
		}
	}
	for _, ref := range []incident.Ref{web, cart, db} {
		inc := w.load(ref)
		if n := inc.Asked.Notices; inc.Asked.NotifiedAt == nil || len(n) != 1 || n[0].MessageID != e.MessageID || n[0].Group != web.ID {
			t.Errorf("%s: %+v", ref.ID, inc.Asked)
		}
	}
}

func TestWhatComesLaterHasAMessageOfItsOwn(t *testing.T) {
	w := grouping(t)
	w.asked("web")
	w.clock.move(5 * minute)
	w.asked("web")
	if len(w.chat.posts) != 2 || len(w.chat.edits) != 0 {
		t.Errorf("%d messages, %d edits", len(w.chat.posts), len(w.chat.edits))
	}
}

// An edit wakes nobody, so what is worse than all before is a new message, and the old
// one is kept up to date.
func TestAWorseIncidentOfAGroupIsANewMessage(t *testing.T) {
	w := grouping(t)
	first := w.asked("web")
	a := alert("cart", "critical")
	a.Severity = incident.Critical
	ref := w.sent(a)
	w.keys[ref.ID] = "critical"
	if _, err := w.analyze(nil).Handle(t.Context(), ref); err != nil {
		t.Fatal(err)
	}
	if err := w.waiting(ref, tokenOf(ref), 0); err != nil {
		t.Fatal(err)
	}
	if len(w.chat.posts) != 2 || !slices.Equal(of(w.chat.posts[1]), []string{ref.ID, first.ID}) {
		t.Fatalf("%d messages: %v", len(w.chat.posts), w.chat.posts)
	}
	if e := w.lastEdit(); e.MessageID != "chat-1" || !slices.Equal(of(e.Brief), []string{ref.ID, first.ID}) {
		t.Errorf("the older message: %s %v", e.MessageID, of(e.Brief))
	}
	third := w.asked("web") // no worse
	if e := w.lastEdit(); len(w.chat.posts) != 2 || e.MessageID != "chat-2" || !slices.Contains(of(e.Brief), third.ID) {
		t.Errorf("%d messages, the last edit is of %s", len(w.chat.posts), e.MessageID)
	}
}

// What becomes of one is shown in the message of all, and the others can still be decided
// on from it.
func TestTheMessageOfAGroupShowsWhatBecomesOfEach(t *testing.T) {
	w := grouping(t)
	web, cart := w.asked("web"), w.asked("cart")
	edits := len(w.chat.edits)
	if _, err := w.recovered(w.alertOf(web)); err != nil {
		t.Fatal(err)
	}
	w.closed(web)
	w.repaired(steps.ReconcileReport{Open: 1, Told: 1})
	e := w.lastEdit()
	i := slices.Index(of(e.Brief), web.ID)
	if len(w.chat.posts) != 1 || len(w.chat.edits) == edits || i < 1 || e.Brief.Others[i-1].Status != incident.Resolved || e.Brief.Others[i-1].Links.Approve != "" {
		t.Fatalf("%d messages, %d edits; the last: %+v", len(w.chat.posts), len(w.chat.edits)-edits, e.Brief.Others)
	}
	if e.Brief.IncidentID != cart.ID || e.Brief.Links.Approve == "" {
		t.Errorf("the other cannot be decided on: %+v", e.Brief)
	}
	edits = len(w.chat.edits)
	w.repaired(steps.ReconcileReport{Open: 1})
	if len(w.chat.edits) != edits {
		t.Error("it was edited again with nothing to show")
	}
}

// A step that cannot make the links of others leaves their message to one that can.
func TestWhoCannotMakeLinksEditsOnlyTheMessageOfOneIncident(t *testing.T) {
	w := grouping(t)
	alone := w.asked("mail")
	web := w.asked("web")
	w.asked("cart")
	edits := len(w.chat.edits)
	people := w.people()
	people.Together.Alone = true
	people.Links = link0{}
	approve := w.approve()
	approve.People = people
	for _, ref := range []incident.Ref{alone, web} {
		if _, err := approve.Handle(t.Context(), steps.ApproveFixInput{Ref: ref, Action: incident.Escalate, By: "key:anna"}); err != nil {
			t.Fatal(err)
		}
	}
	if len(w.chat.edits) != edits+1 || w.lastEdit().Brief.IncidentID != alone.ID {
		t.Errorf("%d edits, the last of %s", len(w.chat.edits)-edits, w.lastEdit().Brief.IncidentID)
	}
	if list, err := w.store.Untold(t.Context(), incident.DefaultTenant, ""); err != nil || !slices.ContainsFunc(list, func(l steps.Lag) bool { return l.Ref == web }) {
		t.Errorf("nobody will show it: %v %v", list, err)
	}
}

// link0 makes no links.
type link0 struct{}

func (link0) Links(incident.Incident, string) brief.Links { return brief.Links{} }

// Of many at once one sends the message, and everybody's incident is in it.
func TestManyAtOnceAreOneMessageThatShowsThemAll(t *testing.T) {
	w := grouping(t)
	var refs []incident.Ref
	for range 30 {
		refs = append(refs, w.analyzed("cart"))
	}
	var all sync.WaitGroup
	for _, ref := range refs {
		all.Go(func() {
			if err := w.waiting(ref, tokenOf(ref), 0); err != nil {
				t.Errorf("%s: %v", ref.ID, err)
			}
		})
	}
	all.Wait()
	w.clock.move(30 * time.Second)
	if _, err := w.reconcile().Handle(t.Context()); err != nil {
		t.Fatal(err)
	}
	if len(w.chat.posts) != 1 {
		t.Fatalf("%d messages", len(w.chat.posts))
	}
	last := w.chat.posts[0]
	if len(w.chat.edits) > 0 {
		last = w.lastEdit().Brief
	}
	if shown := len(of(last)) + last.MoreOthers; shown != 30 {
		t.Errorf("the message is about %d incidents", shown)
	}
	for _, ref := range refs {
		if inc := w.load(ref); inc.Asked.NotifiedAt == nil || len(inc.Asked.Notices) != 1 || inc.Asked.Notices[0].MessageID != "chat-1" {
			t.Errorf("%s: %+v", ref.ID, inc.Asked)
		}
	}
}

// diedTelling is an incident whose process died while it told people of it.
func (w *world) diedTelling(service string) incident.Ref {
	w.chat.onPost = func(brief.Brief) error { panic("the process dies") }
	ref := w.analyzed(service)
	func() {
		defer func() { _ = recover() }()
		_ = w.waiting(ref, tokenOf(ref), 0)
	}()
	w.chat.onPost = nil
	return ref
}

// The process that has the turn may die: then another shows the incident, and it waits no
// longer than reconcile takes.
func TestAMessageWhoseSenderDiedIsSentByAnother(t *testing.T) {
	w := grouping(t)
	first := w.diedTelling("cart")
	second := w.asked("cart")
	if len(w.chat.posts) != 0 || w.load(second).Asked.NotifiedAt != nil {
		t.Fatalf("%d messages while another has the turn", len(w.chat.posts))
	}
	w.clock.move(minute)
	if _, err := w.reconcile().Handle(t.Context()); err != nil {
		t.Fatal(err)
	}
	if len(w.chat.posts) != 1 || len(of(w.chat.posts[0])) != 2 {
		t.Errorf("%d messages", len(w.chat.posts))
	}
	for _, ref := range []incident.Ref{first, second} {
		if w.load(ref).Asked.NotifiedAt == nil {
			t.Errorf("people were not told of %s", ref.ID)
		}
	}
}

// A message that somebody deleted is sent again with the next incident.
func TestADeletedMessageOfAGroupIsSentAgain(t *testing.T) {
	w := grouping(t)
	w.asked("cart")
	w.chat.onEdit = func() error { return incident.BadField("messageId", "was deleted") }
	second := w.asked("cart")
	if len(w.chat.posts) != 2 || w.load(second).Asked.Notices[0].MessageID != "chat-2" {
		t.Errorf("%d messages, %+v", len(w.chat.posts), w.load(second).Asked.Notices)
	}
}

func TestTheConsoleShowsEachIncidentByItself(t *testing.T) {
	w := grouping(t)
	console := &channel{name: "console"}
	w.channels = append(w.channels, console)
	for range 3 {
		w.asked("cart")
	}
	if len(console.posts) != 3 || len(w.chat.posts) != 1 {
		t.Errorf("%d on the console, %d in chat", len(console.posts), len(w.chat.posts))
	}
}

func TestAGroupShowsTheWorstAndCountsTheRest(t *testing.T) {
	w := grouping(t)
	for n := range 20 {
		w.clock.move(time.Second)
		a := alert("cart", fmt.Sprint(n))
		if a.Severity = incident.Low; n == 15 {
			a.Severity = incident.High
		}
		ref := w.sent(a)
		if _, err := w.analyze(nil).Handle(t.Context(), ref); err != nil {
			t.Fatal(err)
		}
		if err := w.waiting(ref, tokenOf(ref), 0); err != nil {
			t.Fatal(err)
		}
	}
	e := w.lastEdit()
	if len(w.chat.posts) != 2 || len(e.Brief.Others) != 12 || e.Brief.MoreOthers != 7 || e.Brief.Severity != incident.High {
		t.Errorf("%d messages; %d others, %d more, first %s", len(w.chat.posts), len(e.Brief.Others), e.Brief.MoreOthers, e.Brief.Severity)
	}
}
