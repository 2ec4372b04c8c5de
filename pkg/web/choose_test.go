package web

import (
	"html"
	"net/http"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/opsguard/opsguard/pkg/incident"
	"github.com/opsguard/opsguard/pkg/link"
)

const (
	contestedID = "INC-01JDEF0000000000000C0NTEST"
	undoneID    = "INC-01JDEF000000000000000VND0E"
)

// rollback is a plan for a real target.
func rollback(id string) incident.Plan {
	p := incident.Plan{FixID: "rollback-deployment", Title: "Roll prod-api-01 back", Risk: "high", FixDigest: strings.Repeat("d2", 32),
		Target: incident.Target{Service: "prod-api-01", Type: "kubernetes", Attributes: map[string]string{"deployment": "api"}}}
	return p.With(incident.Draft{
		Actions: []string{`patch deployments.apps/api: {"image":"registry.test/api:41"}`},
		Present: incident.State{"revision": "42", "replicas": "3"}, Wanted: incident.State{"revision": "43"},
		Undo:  incident.Undo{Actions: []string{"patch it back"}, Wanted: incident.State{"revision": "44"}},
		Blast: incident.Blast{Affected: 3, Of: 3, Unit: "pods"}, Limit: 5 * time.Minute,
	}, strings.Repeat("e1", 32)).Freeze(incident.Ref{Tenant: "default", ID: id})
}

func restart(id string) incident.Plan {
	p := incident.Plan{FixID: "restart-service", Title: "Restart prod-api-01", Risk: "medium", FixDigest: strings.Repeat("d1", 32),
		Target: incident.Target{Service: "prod-api-01", Type: "simulated"}}
	return p.Freeze(incident.Ref{Tenant: "default", ID: id})
}

// open has people asked about an incident of that planning.
func (f *front) open(id string, p incident.Planning) {
	alert := incident.Alert{Tenant: "default", Source: "api", Service: "prod-api-01", ErrorLogs: "boom", Severity: incident.High}
	f.put(incident.Open(incident.New{Ref: incident.Ref{Tenant: "default", ID: id}, Alert: alert, By: "key:ci",
		ApprovalTimeout: 4*time.Hour + time.Minute, Now: opened}), nil)
	f.put(f.incidents[id].Propose(incident.Analysis{AnalyzedBy: incident.ByNone, ManualReason: "The rules and the model disagree."}, nil, opened))
	f.put(f.incidents[id].Planned(p, opened))
	f.put(f.incidents[id].Await(incident.Ask{ManualReason: "The rules and the model disagree.", Token: incident.NewTaskToken("secret-task-token"),
		EnteredAt: opened, Now: opened.Add(time.Second)}))
}

func newContested(t testing.TB, change ...func(*Config)) *front {
	t.Helper()
	f := newFront(t, change...)
	f.open(contestedID, incident.Planning{Candidates: []incident.Plan{rollback(contestedID), restart(contestedID)}})
	return f
}

// undone ran a fix that did not help.
func (f *front) undone() {
	plan := rollback(undoneID)
	f.open(undoneID, incident.Planning{Plan: &plan})
	f.put(f.incidents[undoneID].Vote(incident.Vote{Action: incident.Approve, By: "key:anna", PlanHash: plan.Hash},
		incident.Verdict{Allowed: true, Decides: true}, opened.Add(time.Minute)))
	f.put(f.incidents[undoneID].Claim(incident.Claimer{}, &plan, opened.Add(61*time.Second)))
	f.put(f.incidents[undoneID].Took(nil, nil, false, opened.Add(62*time.Second)))
	step := []incident.FixStep{{Name: "pods", Status: "failed", Detail: "0 of 3 <ready>", At: opened.Add(6 * time.Minute)}}
	f.put(f.incidents[undoneID].Record(incident.Result{Outcome: incident.Applied, Steps: step, Looked: true}, opened.Add(6*time.Minute)))
	f.put(f.incidents[undoneID].ClaimUndo(incident.Claimer{}, opened.Add(6*time.Minute)))
	f.put(f.incidents[undoneID].TookUndo(nil, nil, false, opened.Add(6*time.Minute)))
	f.put(f.incidents[undoneID].RecordUndo(incident.Result{Outcome: incident.Undone, Verified: true, Over: true}, opened.Add(7*time.Minute)))
}

func TestPlansAreAnsweredAsPromised(t *testing.T) {
	f := newContested(t)
	f.undone()
	for name, c := range map[string]call{
		"incident-candidates": {method: "GET", target: "/incidents/" + contestedID, key: readKey},
		"incident-undone":     {method: "GET", target: "/incidents/" + undoneID, key: readKey},
		"choose-plan":         {method: "POST", target: "/approve-fix", key: operateKey, body: "action=approve&incidentId=" + contestedID},
	} {
		golden(t, name+".http", dump(t, f.do(t, c)))
	}
	page := dump(t, f.do(t, call{method: "GET", target: f.linkTo(contestedID, "approve"), headers: browser}))
	token := regexp.MustCompile(`(name="t" value=")[A-Za-z0-9_-]+`)
	golden(t, "page-choose.html", token.ReplaceAllString(pageOf(page), "${1}TOKEN"))
	page = dump(t, f.do(t, call{method: "GET", target: f.linkTo(contestedID, "escalate"), headers: browser}))
	golden(t, "page-escalate-candidates.html", token.ReplaceAllString(pageOf(page), "${1}TOKEN"))
}

// Each way of approving that names no candidate is told what there is, and decides nothing.
func TestNothingIsChosenWithoutAHash(t *testing.T) {
	choose := func(f *front) string { return f.token(contestedID, "approve") }
	for name, test := range map[string]struct {
		change []func(*Config)
		call   func(*front) call
		slug   string
	}{
		"GET by key": {nil, func(*front) call {
			return call{method: "GET", target: "/approve-fix?incidentId=" + contestedID, key: operateKey}
		}, "choose-plan"},
		"POST by key": {nil, func(*front) call { return chooses("", "", operateKey) }, "choose-plan"},
		"keyless GET": {[]func(*Config){keyless}, func(*front) call {
			return call{method: "GET", target: "/approve-fix?incidentId=" + contestedID}
		}, "choose-plan"},
		"the message's link": {nil, func(f *front) call { return chooses("", choose(f), "") }, "choose-plan"},
		"the message's link with a hash": {nil, func(f *front) call { return chooses(restart(contestedID).Hash, choose(f), "") },
			"plan-changed"},
		"another plan's hash": {nil, func(*front) call { return chooses(strings.Repeat("0", 64), "", operateKey) }, "plan-changed"},
		"half a hash":         {nil, func(*front) call { return chooses(restart(contestedID).Hash[:32], "", operateKey) }, "plan-changed"},
		"a link to another candidate": {nil, func(f *front) call {
			return chooses(rollback(contestedID).Hash, f.chooseToken(restart(contestedID).Hash), "")
		}, "plan-changed"},
	} {
		f := newContested(t, test.change...)
		res := f.do(t, test.call(f))
		content := text(t, res)
		if res.StatusCode != 409 || !strings.Contains(content, `"type": "`+test.slug+`"`) {
			t.Errorf("%s: %d %s", name, res.StatusCode, content)
		}
		lists := strings.Contains(content, rollback(contestedID).Hash) && strings.Contains(content, `"title": "Restart prod-api-01"`)
		if lists != (test.slug == "choose-plan") {
			t.Errorf("%s: the candidates are listed: %v\n%s", name, lists, content)
		}
		if inc := f.incidents[contestedID]; inc.Decision != nil || inc.Plan != nil || len(inc.Votes) > 0 {
			t.Errorf("%s: it counted", name)
		}
	}
}

func chooses(hash, token, key string) call {
	body := `{"incidentId":"` + contestedID + `","action":"approve"`
	if hash != "" {
		body += `,"planHash":"` + hash + `"`
	}
	if token != "" {
		body += `,"t":"` + token + `"`
	}
	return call{method: "POST", target: "/approve-fix", key: key, body: body + "}"}
}

func (f *front) chooseToken(hash string) string {
	c := f.claims(contestedID, incident.Approve)
	c.PlanHash = hash
	return f.links.Mint(c)
}

func TestAHashChoosesACandidate(t *testing.T) {
	want := rollback(contestedID)
	for name, test := range map[string]struct {
		change []func(*Config)
		call   func(*front) call
		by     incident.Actor
	}{
		"key":     {nil, func(*front) call { return chooses(want.Hash, "", operateKey) }, "key:anna"},
		"keyless": {[]func(*Config){keyless}, func(*front) call { return chooses(want.Hash, "", "") }, incident.Local},
		"page":    {nil, func(f *front) call { return chooses(want.Hash, f.chooseToken(want.Hash), "") }, "link:discord"},
	} {
		f := newContested(t, test.change...)
		res := f.do(t, test.call(f))
		inc := f.incidents[contestedID]
		if res.StatusCode != 200 || inc.Decision == nil || inc.Plan == nil {
			t.Errorf("%s: %d %s", name, res.StatusCode, text(t, res))
			continue
		}
		if diff := cmp.Diff(want, *inc.Plan); diff != "" || inc.Decision.PlanHash != want.Hash || inc.Decision.By != test.by {
			t.Errorf("%s: %+v; plan (-want +got):\n%s", name, inc.Decision, diff)
		}
	}
}

var formOf = regexp.MustCompile(`(?s)<form method="post" action="/approve-fix">.*?</form>`)

// The page of the link to choose has a form a candidate, and each form chooses its own:
// one, once, and then the link and the other forms only tell of it.
func TestThePagesFormsChooseOnceAndTheirOwn(t *testing.T) {
	f := newContested(t)
	show := call{method: "GET", target: f.linkTo(contestedID, "approve"), headers: browser}
	forms := formOf.FindAllString(text(t, f.do(t, show)), -1)
	if len(forms) != 2 {
		t.Fatalf("%d forms; want one a candidate", len(forms))
	}
	press := func(form string) *http.Response {
		value := func(name string) string {
			m := regexp.MustCompile(`name="` + name + `" value="([^"]*)"`).FindStringSubmatch(form)
			if m == nil {
				t.Fatalf("no field %s in %s", name, form)
			}
			return html.UnescapeString(m[1])
		}
		body := "incidentId=" + value("incidentId") + "&action=" + value("action") + "&t=" + value("t") + "&planHash=" + value("planHash")
		return f.do(t, call{method: "POST", target: "/approve-fix", body: body, headers: browser})
	}
	first := press(forms[1])
	if first.StatusCode != http.StatusSeeOther || f.incidents[contestedID].Plan.Hash != restart(contestedID).Hash {
		t.Fatalf("%d %s", first.StatusCode, text(t, first))
	}
	if page := text(t, f.do(t, call{method: "GET", target: first.Header.Get("Location"), headers: browser})); !strings.Contains(page, "<h1>Approved</h1>") {
		t.Errorf("where the form leads to:\n%s", page)
	}
	if res := press(forms[0]); res.StatusCode != 409 {
		t.Errorf("a second candidate: %d", res.StatusCode)
	}
	if page := text(t, f.do(t, show)); len(formOf.FindAllString(page, -1)) > 0 {
		t.Error("the link still offers a choice")
	}
	if n := len(f.incidents[contestedID].Votes); n != 1 {
		t.Errorf("%d votes; want 1", n)
	}
}

// A link to escalate or resolve, or one that is late, shows candidates at most.
func TestOnlyTheLinkToChooseGetsTokens(t *testing.T) {
	for _, action := range []incident.Action{incident.Escalate, incident.Resolve} {
		f := newContested(t)
		page := text(t, f.do(t, call{method: "GET", target: f.linkTo(contestedID, action), headers: browser}))
		forms := formOf.FindAllString(page, -1)
		if len(forms) != 1 || !strings.Contains(forms[0], `name="action" value="`+string(action)+`"`) || !strings.Contains(page, rollback(contestedID).Hash) {
			t.Errorf("%s: %d forms:\n%s", action, len(forms), page)
		}
	}
	f := newContested(t)
	c := f.claims(contestedID, incident.Approve)
	c.Expires = now
	late := f.do(t, call{method: "GET", target: link.DecidePath(c, f.links.Mint(c)), headers: browser})
	if page := text(t, late); late.StatusCode != 410 || strings.Contains(page, "<form") {
		t.Errorf("a late link: %d\n%s", late.StatusCode, page)
	}
}

func TestNoFactOfAPlanGetsIntoThePagesMarkup(t *testing.T) {
	page := func(outside string) string {
		f := newContested(t)
		inc := f.incidents[contestedID]
		state := func(more string) incident.State { return incident.State{"revision": outside + more} }
		inc.Candidates = []incident.Plan{rollback(contestedID).With(incident.Draft{Actions: []string{outside}, Present: state(""), Wanted: state("2"),
			Blast: incident.Blast{Affected: 1, Of: 2, Unit: outside}, Undo: incident.Undo{Actions: []string{outside}, Wanted: state("")}}, "e")}
		f.incidents[contestedID] = inc
		return text(t, f.do(t, call{method: "GET", target: f.linkTo(contestedID, "approve"), headers: browser}))
	}
	plain, hostile := page("harmless"), page(hostileText)
	if diff := cmp.Diff(withoutText(withoutValues(plain)), withoutText(withoutValues(hostile))); diff != "" {
		t.Errorf("outside text changed the markup:\n%s", diff)
	}
	if !strings.Contains(html.UnescapeString(hostile), "<script>alert(1)</script>") {
		t.Errorf("the text is not shown as text:\n%s", hostile)
	}
}
