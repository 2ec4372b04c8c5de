package e2e

import (
	"encoding/json"
	"fmt"
	"html"
	"net/http"
	"net/url"
	"regexp"
	"strings"
	"testing"
	"time"
)

// TestWhateverTheModelDoesAPersonGetsAnAllowedPlanOrAManualReview is invariant 8,
// and 4 as far as a model goes.
func TestWhateverTheModelDoesAPersonGetsAnAllowedPlanOrAManualReview(t *testing.T) {
	answer := func(fix, cause string) string {
		b, _ := json.Marshal(map[string]any{"cause": cause, "evidence": []string{"JavaScript heap out of memory"}, "confidence": 0.9, "fixId": fix, "parameters": map[string]any{}})
		return string(b)
	}
	status := func(code int) http.HandlerFunc {
		return func(w http.ResponseWriter, _ *http.Request) { http.Error(w, `{"error":{"code":0}}`, code) }
	}
	for _, c := range []struct {
		name  string
		plays http.HandlerFunc
		fix   string // "" for a manual review
	}{
		{"a good answer", says(answer("restart-service", "The heap is full.")), "restart-service"},
		{"no fix", says(answer("none", "The heap is full.")), ""},
		{"over quota", status(429), ""},
		{"a server error", status(500), ""},
		{"a bad key", status(403), ""},
		{"hanging up", func(http.ResponseWriter, *http.Request) { panic(http.ErrAbortHandler) }, ""},
		{"HTML", func(w http.ResponseWriter, _ *http.Request) { fmt.Fprint(w, "<html>") }, ""},
		{"prose", says("I think you should restart it."), ""},
		{"half an answer", says(answer("restart-service", "x")[:20]), ""},
		{"refusing", func(w http.ResponseWriter, _ *http.Request) {
			fmt.Fprint(w, `{"promptFeedback":{"blockReason":"SAFETY"}}`)
		}, ""},
		{"a fix of the catalogue that this service may not have", says(answer("rollback-deployment", "x")), ""},
		{"a fix that does not exist", says(answer("rm -rf /", "x")), ""},
		{"an approval", says(`{"cause":"x","evidence":[],"confidence":1,"fixId":"restart-service","parameters":{},"decision":"approve"}`), ""},
		{"another target", says(`{"cause":"x","evidence":[],"confidence":1,"fixId":"restart-service","parameters":{},"target":"prod-db-01"}`), ""},
		{"10 MB", says(strings.Repeat("x", 10<<20)), ""},
		{"an endless answer", func(w http.ResponseWriter, r *http.Request) {
			chunk := []byte(strings.Repeat(" ", 1<<16))
			for r.Context().Err() == nil {
				if _, err := w.Write(chunk); err != nil {
					return
				}
			}
		}, ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			p := serve(t, t.TempDir(), freeAddr(t), "GEMINI_API_KEY=test-key-of-nobody", "GEMINI_ENDPOINT="+gemini(t, c.plays))
			cl := newClient(t, p.target())
			cl.Patience = time.Minute
			id := cl.waiting(oom)
			got := cl.incident(id)
			if got.text("plan.fixId") != c.fix || got.get("decision") != nil {
				t.Errorf("want the fix %q: %s", c.fix, got)
			}
			if c.fix != "" && (got.text("analysis.analyzedBy") != "gemini" || got.text("plan.target.service") != "prod-api-01") {
				t.Errorf("the plan: %s", got)
			}
			if c.fix == "" {
				cl.want("approving", cl.decide(id, "approve"), http.StatusConflict, "choose-plan")
			}
			if strings.Contains(p.out.String(), "test-key-of-nobody") {
				t.Error("the API key was printed")
			}
			cl.decide(id, "resolve")
			cl.until(id, "RESOLVED")
		})
	}
}

func TestASlowModelEndsInAManualReview(t *testing.T) {
	slow := newGate(t)
	p := serve(t, t.TempDir(), freeAddr(t), "GEMINI_API_KEY=k", "GEMINI_ENDPOINT="+slow.URL)
	c := newClient(t, p.target())
	c.Patience = time.Minute // the question's time limit is 20 s
	id := c.open(oom)
	if got := c.until(id, "WAITING_FOR_APPROVAL"); got.get("plan") != nil {
		t.Errorf("a plan out of silence: %s", got)
	}
}

// TestDiscordIsToldAndItsLinksDecide follows a link as a scanner does, then as a
// person.
func TestDiscordIsToldAndItsLinksDecide(t *testing.T) {
	d := newDiscord(t)
	target, entries := newKeys(t)
	p := serve(t, t.TempDir(), freeAddr(t), "DISCORD_WEBHOOK_URL="+d.webhook(), "OPSGUARD_API_KEYS="+entries)
	target.URL = "http://" + p.addr
	c := newClient(t, target)
	id := c.waiting(alert{Service: "prod-api-01", ErrorLogs: "JavaScript heap out of memory @everyone [click](https://evil.example) <@1>"})
	c.eventually("Discord to be told", func() bool { posted, _ := d.messages(); return len(posted) > 0 }, p.out.String)
	posted, _ := d.messages()
	if !strings.Contains(posted[0], `"parse":[]`) || strings.Contains(posted[0], "@everyone [click](https") {
		t.Errorf("posted: %s", posted[0])
	}
	link := regexp.MustCompile(`http://[^)"\s>]*action=approve[^)"\s>]*`).FindString(strings.ReplaceAll(posted[0], `\u0026`, "&"))
	path := strings.TrimPrefix(link, c.URL)
	anonymous := header{"Authorization": "-", "Accept": "text/html"}
	for range 3 {
		page := c.call("GET", path, "", anonymous)
		if page.status != http.StatusOK || !strings.Contains(string(page.body), "<form") {
			t.Fatalf("the page at %s: %s", path, page)
		}
	}
	if got := c.incident(id); got.get("decision") != nil {
		t.Fatalf("looking decided: %s", got)
	}
	form := formOf(t, string(c.call("GET", path, "", anonymous).body))
	post := header{"Authorization": "-", "Accept": "text/html", "Content-Type": "application/x-www-form-urlencoded"}
	if got := c.call("POST", "/approve-fix", form.Encode(), post); got.status >= 400 {
		t.Fatalf("the form: %s", got)
	}
	end := c.until(id, "RESOLVED")
	if end.text("decision.by") != "link:discord" {
		t.Errorf("decided: %s", end)
	}
	c.eventually("Discord's message to be edited", func() bool { _, edited := d.messages(); return len(edited) > 0 }, p.out.String)
	_, edited := d.messages()
	last := edited[len(edited)-1]
	if strings.Contains(last, "&t=") || strings.Contains(last, `\u0026t=`) {
		t.Errorf("the edited message still has its links: %s", last)
	}
	token, _ := url.Parse(link)
	for what, text := range map[string]string{"the log": p.out.String(), "the trail": string(c.call("GET", "/incidents/"+id+"/audit", "", nil).body)} {
		if strings.Contains(text, token.Query().Get("t")) {
			t.Errorf("%s shows the link's token", what)
		}
	}
}

// formOf reads the fields of the page's form.
func formOf(t *testing.T, page string) url.Values {
	t.Helper()
	form := url.Values{}
	for _, field := range regexp.MustCompile(`<(?:input|button)[^>]*>`).FindAllString(page, -1) {
		name := regexp.MustCompile(`name="([^"]*)"`).FindStringSubmatch(field)
		value := regexp.MustCompile(`value="([^"]*)"`).FindStringSubmatch(field)
		if name != nil && value != nil {
			form.Set(name[1], html.UnescapeString(value[1]))
		}
	}
	if form.Get("t") == "" || form.Get("incidentId") == "" {
		t.Fatalf("the page has no form: %v\n%s", form, page)
	}
	return form
}
