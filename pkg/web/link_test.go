package web

import (
	"fmt"
	"strings"
	"testing"

	"github.com/opsguard/opsguard/pkg/link"
)

func TestALinkIsGoodForItsOwnWordOnly(t *testing.T) {
	post := func(id, action, token, more string) string {
		return fmt.Sprintf(`{"incidentId":%q,"action":%q,"t":%q%s}`, id, action, token, more)
	}
	for name, test := range map[string]struct {
		body   func(*front) string
		status int
		slug   string
	}{
		"other action":   {func(f *front) string { return post(waitingID, "escalate", f.token(waitingID, "approve"), "") }, 403, "forbidden"},
		"other incident": {func(f *front) string { return post(manualID, "resolve", f.token(waitingID, "resolve"), "") }, 403, "forbidden"},
		"unknown action": {func(f *front) string { return post(waitingID, "launch", f.token(waitingID, "approve"), "") }, 403, "forbidden"},
		"unsigned":       {func(f *front) string { return post(waitingID, "approve", "AAAA", "") }, 403, "forbidden"},
		"empty":          {func(f *front) string { return post(waitingID, "approve", "", "") }, 403, "forbidden"},
		"other tenant": {func(f *front) string {
			c := f.claims(waitingID, "approve")
			c.Ref.Tenant = "other"
			return post(waitingID, "approve", f.links.Mint(c), "")
		}, 403, "forbidden"},
		"incident gone": {func(f *front) string {
			token := f.token(waitingID, "approve")
			delete(f.incidents, waitingID)
			return post(waitingID, "approve", token, "")
		}, 404, "not-found"},
		"no action": {func(f *front) string {
			return `{"incidentId":"` + waitingID + `","t":"` + f.token(waitingID, "approve") + `"}`
		}, 400, "invalid"},
		"unknown field": {func(f *front) string { return post(waitingID, "approve", f.token(waitingID, "approve"), `,"x":1`) }, 400, "invalid"},
		"other planHash": {func(f *front) string {
			return post(waitingID, "approve", f.token(waitingID, "approve"), `,"planHash":"`+strings.Repeat("0", 64)+`"`)
		}, 409, "plan-changed"},
		"other plan, with the hash of today's": {func(f *front) string {
			c := f.claims(waitingID, "approve")
			today := c.PlanHash
			c.PlanHash = strings.Repeat("00", 32)
			return post(waitingID, "approve", f.links.Mint(c), `,"planHash":"`+today+`"`)
		}, 409, "plan-changed"},
		"other plan": {func(f *front) string {
			c := f.claims(waitingID, "approve")
			c.PlanHash = strings.Repeat("00", 32)
			return post(waitingID, "approve", f.links.Mint(c), "")
		}, 409, "plan-changed"},
		"expired": {func(f *front) string {
			f.clock = deadline
			return post(waitingID, "approve", f.token(waitingID, "approve"), "")
		}, 410, "expired"},
		"expired before the deadline": {func(f *front) string {
			c := f.claims(waitingID, "approve")
			c.Expires = now
			return post(waitingID, "approve", f.links.Mint(c), "")
		}, 410, "expired"},
		"decided otherwise": {func(f *front) string { return post(fixedID, "escalate", f.token(fixedID, "escalate"), "") }, 409, "already-decided"},
		"policy": {func(f *front) string {
			f.denied = "a link does not count towards a quorum of 2"
			return post(waitingID, "approve", f.token(waitingID, "approve"), "")
		}, 403, "forbidden"},
	} {
		t.Run(name, func(t *testing.T) {
			f := newFront(t)
			p := problemIn(t, f.do(t, call{method: "POST", target: "/approve-fix", body: test.body(f)}), test.status, test.slug)
			for _, id := range []string{waitingID, manualID} {
				if f.incidents[id].Decision != nil {
					t.Errorf("a refused link decided %s", id)
				}
			}
			if test.slug == "already-decided" && (p.Decision != "approve" || p.By != "key:anna" || p.At != "2026-11-24T10:01:00.000Z") {
				t.Errorf("the standing decision is told as %+v", p)
			}
		})
	}
}

func TestAUsedLinkAnswersFromTheRecord(t *testing.T) {
	f := newFront(t)
	post := call{method: "POST", target: "/approve-fix", body: `{"incidentId":"` + waitingID + `","action":"approve","t":"` + f.token(waitingID, "approve") + `"}`}
	first := f.do(t, post)
	before := text(t, first)
	if first.StatusCode != 200 || !strings.Contains(before, `"by": "link:discord"`) {
		t.Fatalf("%d %s", first.StatusCode, before)
	}
	for _, at := range []struct {
		name string
		move func()
	}{
		{"again", func() {}},
		{"after the deadline", func() { f.clock = deadline.Add(1) }},
	} {
		at.move()
		again := f.do(t, post)
		if got := text(t, again); again.StatusCode != 200 || got != before {
			t.Errorf("%s: %d %s; want the first answer: %s", at.name, again.StatusCode, got, before)
		}
	}
	if n := len(f.incidents[waitingID].Votes); n != 1 {
		t.Errorf("%d votes; want 1", n)
	}
}

func TestARotatedLinkKeyStillVerifies(t *testing.T) {
	f := newFront(t)
	other := strings.Repeat("b2", 32)
	rotated, err := link.ParseKeys(other + "," + linkKey)
	if err != nil {
		t.Fatal(err)
	}
	gone, err := link.ParseKeys(other)
	if err != nil {
		t.Fatal(err)
	}
	g := newFront(t, func(c *Config) { c.LinkKeys = FixedLinkKeys(rotated) })
	if res := g.do(t, call{method: "GET", target: f.linkTo(waitingID, "approve")}); res.StatusCode != 200 {
		t.Errorf("during the rotation: %d", res.StatusCode)
	}
	g = newFront(t, func(c *Config) { c.LinkKeys = FixedLinkKeys(gone) })
	problemIn(t, g.do(t, call{method: "GET", target: f.linkTo(waitingID, "approve")}), 403, "forbidden")
}

func TestALinksOwnTimeCountsEvenBeforeTheDeadline(t *testing.T) {
	f := newFront(t)
	c := f.claims(waitingID, "approve")
	c.Expires = now
	res := f.do(t, call{method: "GET", target: link.DecidePath(c, f.links.Mint(c)), headers: browser})
	if got := text(t, res); res.StatusCode != 410 || strings.Contains(got, "<form") {
		t.Errorf("%d\n%s", res.StatusCode, got)
	}
}

func TestAnOperatorsKeyGoesBeforeALink(t *testing.T) {
	f := newFront(t)
	res := f.do(t, call{method: "GET", target: f.linkTo(waitingID, "escalate"), key: operateKey})
	if got := text(t, res); res.StatusCode != 200 || !strings.Contains(got, `"by": "key:anna"`) {
		t.Errorf("%d %s", res.StatusCode, got)
	}
	g := newFront(t)
	problemIn(t, g.do(t, call{method: "GET", target: g.linkTo(waitingID, "escalate"), key: readKey}), 403, "forbidden")
}
