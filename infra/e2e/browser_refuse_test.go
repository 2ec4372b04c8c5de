package e2e

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/opsguard/opsguard/infra/e2e/browser"
)

func TestALinkThatNoLongerDecidesSaysSo(t *testing.T) {
	t.Parallel()
	a := newAsked(t, freeAddr(t), "", "OPSGUARD_APPROVAL_TIMEOUT=8s")
	id, links := a.links(oom)
	page := openTab(t, a.browser, browser.Look{Size: browser.Phone}, links["resolve"])
	a.until(id, "ESCALATED") // nobody decided in time
	a.decidedOnce(id, "escalate", "system")
	page.press(1)
	page.says("a page kept open past the deadline", "This changed nothing.", "escalated by system")

	link := links["approve"]
	at := strings.Index(link, "&t=") + len("&t=") + 20
	forged := link[:at] + string(link[at]^1) + link[at+1:]
	for _, look := range looks() {
		for _, test := range []struct {
			name, link string
			says       []string
		}{
			{"expired", link, []string{"This changed nothing.", "escalated by system", "ESCALATED"}},
			{"forged", forged, []string{"Not allowed", "This link is not valid; use the link of the notification, unchanged."}},
			{"another action's", strings.Replace(link, "action=approve", "action=resolve", 1), []string{"Not allowed", "This link is not valid"}},
			{"cut short", link[:len(link)-9], []string{"Not allowed", "This link is not valid"}},
		} {
			tb := openTab(t, a.browser, look, test.link)
			tb.says("a link that is "+test.name, test.says...)
			tb.looksRight("link-" + strings.Fields(test.name)[0])
			if tb.asks() {
				t.Errorf("a link that is %s offers to decide", test.name)
			}
			if strings.Contains(test.says[0], "Not allowed") && strings.Contains(tb.text(), "prod-api-01") {
				t.Errorf("a link that is %s shows the incident:\n%s", test.name, tb.text())
			}
			tb.must(tb.Close())
		}
	}
	a.decidedOnce(id, "escalate", "system")
}

// TestThePageIsInNobodysFrame embeds it in a page of another port and of another
// name, beside one that lets itself be embedded.
func TestThePageIsInNobodysFrame(t *testing.T) {
	t.Parallel()
	a := newAsked(t, freeAddr(t), "")
	_, links := a.links(oom)
	var framed string
	outside := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", "text/html; charset=utf-8")
		if r.URL.Path == "/willing" {
			fmt.Fprint(w, "<p>Frame me.")
			return
		}
		fmt.Fprintf(w, `<!DOCTYPE html><title>x</title><iframe src="/willing"></iframe><iframe src="%s"></iframe>`, strings.ReplaceAll(framed, "&", "&amp;"))
	}))
	t.Cleanup(outside.Close)
	for _, host := range []string{outside.URL, strings.Replace(outside.URL, "127.0.0.1", "localhost", 1)} {
		framed = links["approve"]
		tb := openTab(t, a.browser, browser.Look{Size: browser.Desktop}, host)
		tb.must(tb.Await("the refusal", func(p *browser.Page) bool {
			return strings.Contains(strings.Join(p.Noted(), ""), "frame-ancestors")
		}))
		frames, err := tb.Frames()
		tb.must(err)
		if len(frames) != 2 || frames[0] != host+"/willing" || !strings.HasPrefix(frames[1], "chrome-error:") {
			t.Errorf("in a page at %s are %q; want only the willing one", host, frames)
		}
	}
}
