package web

import (
	"crypto/sha256"
	"encoding/base64"
	"html"
	"net/http"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/opsguard/opsguard/pkg/brief"
	"github.com/opsguard/opsguard/pkg/incident"
)

var browser = []string{"Accept", "text/html,application/xhtml+xml,*/*;q=0.8"}

func TestALinksGETNeverActs(t *testing.T) {
	for _, method := range []string{"GET", "HEAD"} {
		f := newFront(t)
		for _, action := range []incident.Action{incident.Approve, incident.Escalate, incident.Resolve} {
			res := f.do(t, call{method: method, target: f.linkTo(waitingID, action)})
			if res.StatusCode != 200 || !strings.HasPrefix(res.Header.Get("Content-Type"), "text/html") {
				t.Errorf("%s %s: %d %s", method, action, res.StatusCode, res.Header.Get("Content-Type"))
			}
		}
		if len(f.words) > 0 || f.incidents[waitingID].Version != newFront(t).incidents[waitingID].Version {
			t.Errorf("%s: a look acted: %v", method, f.words)
		}
	}
}

func TestThePageIsLockedDown(t *testing.T) {
	f := newFront(t)
	res := f.do(t, call{method: "GET", target: f.linkTo(waitingID, "approve"), headers: browser})
	page := text(t, res)
	_, rest, _ := strings.Cut(page, "<style>")
	style, _, _ := strings.Cut(rest, "</style>")
	sum := sha256.Sum256([]byte(style))
	for name, want := range map[string]string{
		"Content-Security-Policy": "default-src 'none'; style-src 'sha256-" + base64.StdEncoding.EncodeToString(sum[:]) +
			"'; form-action 'self'; frame-ancestors 'none'; base-uri 'none'",
		"Cache-Control": "no-store", "Referrer-Policy": "no-referrer", "X-Content-Type-Options": "nosniff",
	} {
		if got := res.Header.Get(name); got != want {
			t.Errorf("%s: %q; want %q", name, got, want)
		}
	}
	for _, never := range []string{"<script", " on", "javascript:", " style=", "<img", "<link", "<base", "<iframe", "http:", "https:"} {
		if strings.Contains(strings.ReplaceAll(withoutText(page), "no-referrer", ""), never) {
			t.Errorf("the page's markup holds %q", never)
		}
	}
}

// withoutText leaves a page's tags.
func withoutText(page string) string {
	return strings.Join(regexp.MustCompile(`<[^>]*>`).FindAllString(page, -1), "\n")
}

// hostileText tries to leave every context of the page.
const hostileText = `"'><script>alert(1)</script><img src=x onerror=alert(2)></title></style></textarea>{{.}}<!-- &lt;b&gt; <form action=//evil><input name=t>`

func TestNoOutsideTextGetsIntoThePagesMarkup(t *testing.T) {
	plain, hostile := newFront(t), newFront(t)
	for _, f := range []*front{plain, hostile} {
		outside := "harmless"
		if f == hostile {
			outside = hostileText
		}
		for _, id := range []string{waitingID, fixedID, manualID} {
			poison(f, id, outside)
		}
	}
	for _, to := range []struct {
		id     string
		action incident.Action
	}{{waitingID, "approve"}, {waitingID, "escalate"}, {fixedID, "approve"}, {fixedID, "escalate"}, {manualID, "resolve"}} {
		want := plain.do(t, call{method: "GET", target: plain.linkTo(to.id, to.action), headers: browser})
		got := hostile.do(t, call{method: "GET", target: hostile.linkTo(to.id, to.action), headers: browser})
		if got.StatusCode != want.StatusCode {
			t.Errorf("%s %s: %d; harmless text gets %d", to.id, to.action, got.StatusCode, want.StatusCode)
		}
		page := text(t, got)
		if a, b := withoutText(withoutValues(page)), withoutText(withoutValues(text(t, want))); a != b {
			t.Errorf("%s %s: outside text changed the markup:\n%s\nwant:\n%s", to.id, to.action, a, b)
		}
		if !strings.Contains(html.UnescapeString(page), "<script>alert(1)</script>") {
			t.Errorf("%s %s: the text is not shown as text:\n%s", to.id, to.action, page)
		}
	}
}

// withoutValues blanks what is ours but differs: tokens and hashes.
func withoutValues(page string) string {
	return regexp.MustCompile(`name="(t|planHash)" value="[A-Za-z0-9_-]*"`).ReplaceAllString(page, `name="$1"`)
}

// poison puts a text wherever an alert, a log, a model, a person or a tracker
// can put one.
func poison(f *front, id, outside string) {
	inc := f.incidents[id]
	inc.Service, inc.Link = outside, outside
	inc.Analysis = &incident.Analysis{AnalyzedBy: incident.ByGemini, Cause: outside, Evidence: []string{outside, outside}, ManualReason: outside}
	if inc.Plan != nil {
		plan := *inc.Plan
		plan.Parameters = map[string]string{"graceSeconds": outside}
		plan.Title, plan.Target.Service = outside, outside // ours; escaped all the same
		inc.Plan = &plan
	}
	if inc.Decision == nil {
		inc.Votes = []incident.Vote{{Action: incident.Approve, By: incident.KeyActor(outside)}}
	} else {
		d := *inc.Decision
		d.Note = outside
		inc.Decision = &d
	}
	if inc.Attempt != nil {
		a := *inc.Attempt
		a.Steps = []incident.FixStep{{Name: "restart", Status: "failed", Detail: outside, At: opened}}
		inc.Attempt = &a
	}
	if inc.Ticket != nil {
		inc.Ticket = &incident.Ticket{Tracker: outside, Key: outside, URL: "javascript:" + outside}
	}
	f.incidents[id] = inc
}

func TestThePageSaysHowMuchOfTheEvidenceItLeavesOut(t *testing.T) {
	f := newFront(t)
	inc := f.incidents[waitingID]
	inc.Analysis = &incident.Analysis{AnalyzedBy: incident.ByRules, Evidence: slices.Repeat([]string{"a line"}, brief.MaxEvidence+2)}
	f.incidents[waitingID] = inc
	page := text(t, f.do(t, call{method: "GET", target: f.linkTo(waitingID, "approve"), headers: browser}))
	if n := strings.Count(page, "a line"); n != brief.MaxEvidence || !strings.Contains(page, "and 2 more") {
		t.Errorf("%d lines:\n%s", n, page)
	}
}

// A person opens the link, presses the button, loses the connection and tries
// again, goes back and presses twice more.
func TestDecidingThroughThePage(t *testing.T) {
	f := newFront(t, prefixed(t))
	link := f.linkTo(waitingID, "approve")
	page := text(t, f.do(t, call{method: "GET", target: link, headers: browser}))
	if !strings.Contains(page, `action="/Prod/approve-fix"`) {
		t.Errorf("the form leaves the stage:\n%s", page)
	}
	form := "note=seen+it"
	for _, field := range regexp.MustCompile(`<input type="hidden" name="([^"]*)" value="([^"]*)">`).FindAllStringSubmatch(page, -1) {
		form += "&" + field[1] + "=" + field[2]
	}
	for range 3 {
		res := f.do(t, call{method: "POST", target: "/approve-fix", body: form, headers: browser})
		if res.StatusCode != http.StatusSeeOther || res.Header.Get("Location") != "/Prod"+link {
			t.Fatalf("%d to %q; want 303 to the link: %s", res.StatusCode, res.Header.Get("Location"), text(t, res))
		}
	}
	inc := f.incidents[waitingID]
	if inc.Decision == nil || inc.Decision.By != "link:discord" || inc.Decision.Note != "seen it" || inc.Decision.PlanHash != inc.Plan.Hash || len(inc.Votes) != 1 {
		t.Errorf("the record: %+v, %d votes", inc.Decision, len(inc.Votes))
	}
	after := f.do(t, call{method: "GET", target: link, headers: browser})
	if got := text(t, after); after.StatusCode != 200 || strings.Contains(got, "<form") || !strings.Contains(got, "approved by link:discord") {
		t.Errorf("the link afterwards: %d\n%s", after.StatusCode, got)
	}
	other := f.do(t, call{method: "POST", target: "/approve-fix", headers: browser,
		body: "incidentId=" + waitingID + "&action=escalate&t=" + f.token(waitingID, "escalate")})
	if got := text(t, other); other.StatusCode != 409 || !strings.Contains(got, "Already decided") || !strings.Contains(got, "approved by link:discord") {
		t.Errorf("another link afterwards: %d\n%s", other.StatusCode, got)
	}
}

func TestAPageForEveryRefusal(t *testing.T) {
	for name, test := range map[string]struct {
		target  func(*front) string
		prepare func(*front)
		status  int
		says    string
	}{
		"bad token":      {func(f *front) string { return "/approve-fix?t=x&incidentId=" + waitingID }, nil, 403, "This link is not valid"},
		"empty token":    {func(f *front) string { return "/approve-fix?t=&incidentId=" + waitingID }, nil, 403, "This link is not valid"},
		"unknown":        {func(f *front) string { return f.linkTo(ghostID, "approve") }, nil, 404, "Not found"},
		"odd parameter":  {func(f *front) string { return f.linkTo(waitingID, "approve") + "&utm=1" }, nil, 400, "utm is not a field"},
		"expired":        {func(f *front) string { return f.linkTo(waitingID, "approve") }, func(f *front) { f.clock = deadline }, 410, "The time to decide is over"},
		"nobody asked":   {func(f *front) string { return f.linkTo(detectedID, "escalate") }, nil, 409, "Nobody has been asked yet"},
		"nothing to fix": {func(f *front) string { return f.linkTo(manualID, "approve") }, nil, 409, "There is no fix to approve"},
		"store down": {func(f *front) string { return f.linkTo(waitingID, "approve") },
			func(f *front) { f.fails = incident.Unavail("the store does not answer", nil) }, 503,
			`The store does not answer.</p><p class="by">Open the link again in a moment: it tells how things stand.`},
		"decided, and late": {func(f *front) string { return f.linkTo(fixedID, "escalate") }, func(f *front) { f.clock = deadline }, 410, "Approved by key:anna"},
		"a field of markup": {func(f *front) string { return f.linkTo(waitingID, "approve") + "&%3Cscript%3E=1" }, nil, 400, "&lt;script&gt; is not a field"},
		"plan changed": {func(f *front) string { return f.linkTo(waitingID, "approve") }, func(f *front) {
			inc := f.incidents[waitingID]
			plan := *inc.Plan
			plan.Hash = strings.Repeat("0", 64)
			inc.Plan = &plan
			f.incidents[waitingID] = inc
		}, 409, "The plan is another one"},
	} {
		t.Run(name, func(t *testing.T) {
			f := newFront(t)
			target := test.target(f)
			if test.prepare != nil {
				test.prepare(f)
			}
			res := f.do(t, call{method: "GET", target: target, headers: browser})
			got := text(t, res)
			if res.StatusCode != test.status || !strings.Contains(got, test.says) || strings.Contains(got, "<form") || !strings.HasPrefix(res.Header.Get("Content-Type"), "text/html") {
				t.Errorf("%d %s\n%s\nwant %d, %q and no form", res.StatusCode, res.Header.Get("Content-Type"), got, test.status, test.says)
			}
			curl := f.do(t, call{method: "GET", target: target, headers: []string{"Accept", "*/*"}})
			if curl.StatusCode != test.status {
				t.Errorf("curl: %d", curl.StatusCode)
			}
			if page, other := res.Header.Get("Retry-After"), curl.Header.Get("Retry-After"); page != other || (test.status == 503) && page == "" {
				t.Errorf("Retry-After %q for a browser, %q for curl", page, other)
			}
		})
	}
}
