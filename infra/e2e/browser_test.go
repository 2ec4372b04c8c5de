package e2e

import (
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/opsguard/opsguard/infra/e2e/browser"
)

// chromium starts a browser for one test.
func chromium(t *testing.T) *browser.Browser {
	t.Helper()
	installed, err := browser.Install("../..")
	if err != nil {
		t.Fatal(err)
	}
	b, err := browser.Start(installed)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(b.Close)
	return b
}

// tab is a browser's tab that fails the test when it cannot do as it is told.
type tab struct {
	*testing.T
	*browser.Page
	look browser.Look
}

func openTab(t *testing.T, b *browser.Browser, look browser.Look, url string) tab {
	t.Helper()
	p, err := b.Open(look)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = p.Close() })
	tb := tab{t, p, look}
	tb.must(p.Go(url))
	return tb
}

func (tb tab) must(err error) {
	tb.Helper()
	if err != nil {
		tb.Fatal(err)
	}
}

// text is what the tab says, its white space folded.
func (tb tab) text() string {
	tb.Helper()
	text, err := tb.Text()
	tb.must(err)
	return strings.Join(strings.Fields(text), " ")
}

// says fails unless the tab says all of it.
func (tb tab) says(what string, all ...string) {
	tb.Helper()
	text := tb.text()
	for _, want := range all {
		if !strings.Contains(text, want) {
			tb.Errorf("%s does not say %q:\n%s", what, want, text)
		}
	}
}

// press presses the page's button so many times and waits for what follows.
func (tb tab) press(times int) {
	tb.Helper()
	tb.must(tb.Loading(func() error { return tb.Click("button", times) }))
}

// asks reports whether the tab offers to decide.
func (tb tab) asks() bool {
	tb.Helper()
	has, err := tb.Has("form button")
	tb.must(err)
	return has
}

// looksRight holds the tab to what every page of ours promises a reader, and
// keeps a picture (go test -artifacts).
func (tb tab) looksRight(picture string) {
	tb.Helper()
	problems, err := tb.Problems()
	tb.must(err)
	for _, p := range problems {
		tb.Errorf("%s on a %s: %s", picture, tb.look.Size.Name, p)
	}
	for _, n := range tb.Noted() {
		// A refusal has a status of 400 or more, which Chromium notes; nothing else may be.
		if !strings.Contains(n, "Failed to load resource: the server responded with a status of 4") {
			tb.Errorf("%s on a %s: the browser notes: %s", picture, tb.look.Size.Name, n)
		}
	}
	png, err := tb.Screenshot()
	tb.must(err)
	scheme := "light"
	if tb.look.Dark {
		scheme = "dark"
	}
	tb.must(os.WriteFile(filepath.Join(tb.ArtifactDir(), strings.Join([]string{picture, tb.look.Size.Name, scheme}, "-")+".png"), png, 0o644))
}

// asked is a server with keys whose people are asked through Discord, and a
// browser to answer with.
type asked struct {
	*client
	discord *discord
	browser *browser.Browser
}

// newAsked starts both. What else env sets wins; links lead to through, unless it
// is "", and else straight to the server.
func newAsked(t *testing.T, addr, through string, env ...string) asked {
	t.Helper()
	b, d := chromium(t), newDiscord(t)
	target, entries := newKeys(t)
	path, err := binary()
	if err != nil {
		t.Fatal(err)
	}
	if through == "" {
		through = "http://" + addr
	}
	env = append([]string{"DISCORD_WEBHOOK_URL=" + d.webhook(), "OPSGUARD_API_KEYS=" + entries, "OPSGUARD_PUBLIC_URL=" + through}, env...)
	p := startProc(t, exec.Command(path, "serve", "--data-dir", t.TempDir(), "--addr", addr), addr, env)
	target.URL = "http://" + p.addr
	c := newClient(t, target)
	c.Patience = time.Minute
	return asked{c, d, b}
}

// links opens an incident and returns the links of its message, by action.
func (a asked) links(al alert) (id string, links map[string]string) {
	a.Helper()
	before, _ := a.discord.messages()
	id = a.waiting(al)
	var posted []string
	a.eventually("Discord to be told", func() bool { posted, _ = a.discord.messages(); return len(posted) > len(before) }, func() string { return id })
	message := strings.ReplaceAll(posted[len(posted)-1], `\u0026`, "&")
	links = map[string]string{}
	for _, found := range regexp.MustCompile(`http://[^)"\s>]*[?&]action=([a-z]+)[^)"\s>\\]*`).FindAllStringSubmatch(message, -1) {
		links[found[1]] = found[0]
	}
	if !strings.Contains(links["escalate"], id) || links["resolve"] == "" {
		a.Fatalf("the message of %s has the links %v: %s", id, links, message)
	}
	return id, links
}

// decidedOnce fails unless the incident's trail has exactly one decision, and that
// is it.
func (a asked) decidedOnce(id, action, by string) {
	a.Helper()
	trail := a.call("GET", "/incidents/"+id+"/audit", "", nil)
	events, _ := trail.get("events").([]any)
	decided := 0
	for _, e := range events {
		if e, ok := e.(map[string]any); ok && e["action"] == "decided" {
			decided++
		}
	}
	got := a.incident(id)
	if decided != 1 || got.text("decision.decision") != action || got.text("decision.by") != by {
		a.Errorf("want %s by %s, once: %d times, %s\n%s", action, by, decided, got, trail)
	}
}

// suggestion is what a model answers that proposes a restart, and leaves it to us
// to quote the log.
func suggestion(cause string) string {
	b, _ := json.Marshal(map[string]any{"cause": cause, "evidence": []string{}, "confidence": 0.9, "fixId": "restart-service", "parameters": map[string]any{}})
	return string(b)
}
