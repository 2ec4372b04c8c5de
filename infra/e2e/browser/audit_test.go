package browser

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
)

func startBrowser(t *testing.T) *Browser {
	t.Helper()
	chromium, err := Install("../../..")
	if err != nil {
		t.Fatal(err)
	}
	b, err := Start(chromium)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(b.Close)
	return b
}

const goodPage = `<!DOCTYPE html><html lang="en"><head><meta name="viewport" content="width=device-width"><title>Good</title>
<style>:root { color-scheme: light dark } button, input { min-height: 44px; font-size: 16px; border: 1px solid #808080 }
:focus-visible { outline: 3px solid #808080 }</style></head>
<body><main><h1>Good</h1><p id="p">A text.</p><label for="i">Note</label><input id="i"><button>Press</button></main></body></html>`

// auditCase breaks the good page in one way.
type auditCase struct {
	name  string
	spoil func(string) string
	says  string // "" if there is no problem
	look  Look
	press bool // Tab, first
}

func auditCases() []auditCase {
	style := func(rule string) func(string) string {
		return func(page string) string { return strings.Replace(page, "</style>", rule+"</style>", 1) }
	}
	without := func(text string) func(string) string {
		return func(page string) string { return strings.Replace(page, text, "", 1) }
	}
	as := func(page string) string { return page }
	return []auditCase{
		{"good on a phone", as, "", Look{Size: Phone}, true},
		{"good in the dark", as, "", Look{Size: Desktop, Dark: true}, true},
		{"no title", without("<title>Good</title>"), "no title", Look{Size: Phone}, false},
		{"no language", without(` lang="en"`), "no language", Look{Size: Phone}, false},
		{"no heading", without("<h1>Good</h1>"), "not one h1", Look{Size: Phone}, false},
		{"wider than the phone", style("p { width: 391px }"), "wide in a window of 390", Look{Size: Phone}, false},
		{"a long word", func(page string) string { return strings.Replace(page, "A text.", strings.Repeat("x", 400), 1) }, "text outside the window", Look{Size: Desktop}, false},
		{"beyond the left edge", style("p { position: absolute; left: -9px }"), "text outside the window", Look{Size: Phone}, false},
		{"faint", style("p { color: #808080; background: #fff }"), "contrast of 3.95", Look{Size: Phone}, false},
		{"faint in the dark", style("@media (prefers-color-scheme: dark) { p { color: #555; background: #111 } }"), "contrast of", Look{Size: Phone, Dark: true}, false},
		{"see-through", style("p { opacity: .3 }"), "cannot see through", Look{Size: Phone}, false},
		{"cut off", style("p { height: 5px; overflow: hidden }"), "cuts off", Look{Size: Phone}, false},
		{"hidden", style("p { visibility: hidden }"), "not shown", Look{Size: Phone}, false},
		{"covered", style("h1 { position: fixed; inset: 0; background: #fff; color: #000 }"), "covered by", Look{Size: Phone}, false},
		{"tiny", style("p { font-size: 9px }"), "text of 9px", Look{Size: Phone}, false},
		{"no label", without(`<label for="i">Note</label>`), "has no label", Look{Size: Phone}, false},
		{"a low button", style("button { min-height: 0; height: 40px }"), "too low for a thumb", Look{Size: Phone}, false},
		{"an input that zooms", style("input { font-size: 14px }"), "zooms in", Look{Size: Phone}, false},
		{"no focus", style(":focus-visible { outline: none }"), "does not show that it has the focus", Look{Size: Phone}, true},
		{"a faint focus", style(":focus-visible { outline-color: #eee }"), "focus too faintly", Look{Size: Phone}, true},
	}
}

func TestTheAuditSeesWhatIsWrongWithAPage(t *testing.T) {
	cases := auditCases()
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		var n int
		if _, err := fmt.Sscanf(r.URL.Path, "/%d", &n); err == nil {
			w.Header().Set("Content-Type", "text/html; charset=utf-8")
			fmt.Fprint(w, cases[n].spoil(goodPage))
		}
	}))
	defer server.Close()
	b := startBrowser(t)
	for n, test := range cases {
		t.Run(test.name, func(t *testing.T) {
			p, err := b.Open(test.look)
			if err == nil {
				err = p.Go(fmt.Sprintf("%s/%d", server.URL, n))
			}
			if err == nil && test.press {
				err = p.Press("Tab")
			}
			if err != nil {
				t.Fatal(err)
			}
			defer p.Close()
			problems, err := p.Problems()
			if err != nil {
				t.Fatal(err)
			}
			if all := strings.Join(problems, "\n"); test.says == "" && all != "" || !strings.Contains(all, test.says) {
				t.Errorf("want %q among:\n%s", test.says, all)
			}
		})
	}
}

// TestAPagesTroubleIsNoted is what the suite's clean pages are compared with.
func TestAPagesTroubleIsNoted(t *testing.T) {
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", "text/html; charset=utf-8")
		w.Header().Set("Content-Security-Policy", "default-src 'none'; script-src 'unsafe-inline'")
		fmt.Fprint(w, `<!DOCTYPE html><title>x</title><img src="/elsewhere.png"><script>console.log("said"); setTimeout(() => { throw Error("thrown") }); fetch("http://evil.example/")</script>`)
	}))
	defer server.Close()
	b := startBrowser(t)
	p, err := b.Open(Look{Size: Phone})
	if err == nil {
		err = p.Go(server.URL)
	}
	if err == nil {
		err = p.Await("everything to be noted", func(p *Page) bool {
			all := strings.Join(p.Noted(), "\n")
			for _, want := range []string{`"said"`, "thrown", "ContentSecurityPolicyIssue", "elsewhere.png", "evil.example"} {
				if !strings.Contains(all, want) {
					return false
				}
			}
			return true
		})
	}
	if err != nil {
		t.Fatal(err)
	}
}
