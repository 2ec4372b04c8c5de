package e2e

import (
	"strings"
	"sync"
	"testing"

	"github.com/opsguard/opsguard/infra/e2e/browser"
)

func TestADoubleClickDecidesOnce(t *testing.T) {
	t.Parallel()
	a := newAsked(t, freeAddr(t), "")
	for _, look := range []browser.Look{{Size: browser.Phone}, {Size: browser.Desktop, NoScript: true}} {
		id, links := a.links(oom)
		tb := openTab(t, a.browser, look, links["approve"])
		tb.press(2)
		a.until(id, "RESOLVED")
		tb.must(tb.Await("the decision's page", func(p *browser.Page) bool {
			text, err := p.Text() // an error while a page gives way to the next
			return err == nil && strings.Contains(text, "approved by link:discord")
		}))
		tb.must(tb.Go(links["approve"]))
		tb.says("the page", "Approved", "How it stands", "RESOLVED", "approved by link:discord", "simulated: walked through, nothing was changed")
		tb.looksRight("decided")
		a.decidedOnce(id, "approve", "link:discord")
	}
}

func TestBackReloadAndAnOldTabFindTheDecisionStanding(t *testing.T) {
	t.Parallel()
	a := newAsked(t, freeAddr(t), "")
	id, links := a.links(oom)
	tb := openTab(t, a.browser, browser.Look{Size: browser.Phone}, "about:blank")
	old := openTab(t, a.browser, browser.Look{Size: browser.Phone}, links["escalate"])
	tb.must(tb.Go(links["escalate"]))
	tb.press(1)
	a.until(id, "ESCALATED")
	for _, again := range []struct {
		how string
		do  func() error
	}{
		{"reloading", tb.Reload},
		{"going back", tb.Back},
		{"following the link again", func() error { return tb.Go(links["escalate"]) }},
	} {
		tb.must(again.do())
		if text := tb.text(); text == "" { // before the link there was an empty tab
			tb.must(tb.Go(links["escalate"]))
		}
		if tb.asks() { // the browser kept the page as it was: press again
			tb.press(1)
		}
		tb.says("the page after "+again.how, "Escalated", "escalation chosen by link:discord")
	}
	old.press(1)
	old.says("the old tab", "Escalated", "escalation chosen by link:discord")
	old.looksRight("escalated")
	a.decidedOnce(id, "escalate", "link:discord")
}

// TestALostConnectionDecidesOnce cuts the wire in the middle of the POST, or after
// the server has decided and before the browser learns it.
func TestALostConnectionDecidesOnce(t *testing.T) {
	t.Parallel()
	addr := freeAddr(t)
	w := newWire(t, addr)
	a := newAsked(t, addr, w.URL)
	for _, cut := range []string{"going", "coming"} {
		for _, retry := range []string{"reload", "link", "back"} {
			t.Run(cut+" "+retry, func(t *testing.T) {
				id, links := a.links(oom)
				tb := openTab(t, a.browser, browser.Look{Size: browser.Phone}, links["approve"])
				before := w.came()
				w.set(cut)
				tb.press(1)
				w.set("")
				if w.came() == before || tb.asks() || strings.Contains(tb.text(), "link:discord") {
					t.Fatalf("the wire was not cut: %d, %s", w.came()-before, tb.text())
				}
				if got := a.incident(id); (got.get("decision") != nil) != (cut == "coming") {
					t.Errorf("cut while %s: %s", cut, got)
				}
				switch retry {
				case "reload":
					tb.must(tb.Reload())
				case "link":
					tb.must(tb.Go(links["approve"]))
				case "back":
					tb.must(tb.Back())
				}
				if tb.asks() {
					tb.press(1)
				}
				tb.says("the page after trying again", "Approved", "approved by link:discord")
				a.until(id, "RESOLVED")
				a.decidedOnce(id, "approve", "link:discord")
			})
		}
	}
}

func TestOppositeTabsHaveOneWinnerAndTheOtherIsToldWho(t *testing.T) {
	t.Parallel()
	a := newAsked(t, freeAddr(t), "")
	id, links := a.links(oom)
	approve := openTab(t, a.browser, browser.Look{Size: browser.Phone}, links["approve"])
	escalate := openTab(t, a.browser, browser.Look{Size: browser.Phone}, links["escalate"])
	approve.press(1)
	escalate.press(1)
	told := []string{"Already decided", "This changed nothing.", "approved by link:discord"}
	escalate.says("the other tab", told...)
	escalate.must(escalate.Reload()) // sends the form again
	escalate.says("the other tab, reloaded", told...)
	escalate.looksRight("refused")
	a.until(id, "RESOLVED")
	a.decidedOnce(id, "approve", "link:discord")

	for range 5 { // both at once
		id, links := a.links(oom)
		tabs := map[string]tab{}
		for _, action := range []string{"approve", "escalate"} {
			tabs[action] = openTab(t, a.browser, browser.Look{Size: browser.Desktop}, links[action])
		}
		var wg sync.WaitGroup
		for _, tb := range tabs {
			wg.Go(func() {
				if err := tb.Loading(func() error { return tb.Click("button", 1) }); err != nil {
					t.Error(err)
				}
			})
		}
		wg.Wait()
		end := a.until(id, "RESOLVED", "ESCALATED")
		winner := end.text("decision.decision")
		a.decidedOnce(id, winner, "link:discord")
		for action, tb := range tabs {
			by := map[string]string{"approve": "approved by link:discord", "escalate": "escalation chosen by link:discord"}[winner]
			if action == winner {
				tb.says("the winner's tab", by)
			} else {
				tb.says("the loser's tab", "Already decided", by)
			}
		}
	}
}
