package e2e

import (
	"net/http"
	"net/url"
	"regexp"
	"strings"
	"testing"
)

var decisionLink = regexp.MustCompile(`http://[^)"\s>]*/approve-fix\?[^)"\s>]*`)

// linksOf finds the decision links in a message's JSON; action "" for all.
func linksOf(posted, action string) (found []string) {
	for _, link := range decisionLink.FindAllString(strings.ReplaceAll(posted, `\u0026`, "&"), -1) {
		if action == "" || strings.Contains(link, "action="+action+"&") {
			found = append(found, link)
		}
	}
	return found
}

// TestALinkIsGoodForItsOneWordOnly takes the links of two incidents and tries to
// get out of them what they were not made for.
func TestALinkIsGoodForItsOneWordOnly(t *testing.T) {
	d := newDiscord(t)
	target, entries := newKeys(t)
	p := serve(t, t.TempDir(), freeAddr(t), "DISCORD_WEBHOOK_URL="+d.webhook(), "OPSGUARD_API_KEYS="+entries)
	target.URL = "http://" + p.addr
	c := newClient(t, target)
	ids := []string{c.waiting(oom), c.waiting(oom)}
	c.eventually("Discord to be told twice", func() bool { posted, _ := d.messages(); return len(posted) == 2 }, p.out.String)
	posted, _ := d.messages()
	token := map[string]map[string]string{ids[0]: {}, ids[1]: {}}
	for _, message := range posted {
		for _, link := range linksOf(message, "") {
			q := parseQuery(t, link)
			token[q.Get("incidentId")][q.Get("action")] = q.Get("t")
		}
	}
	mine, other := ids[0], ids[1]
	approve := token[mine]["approve"]
	if len(token[mine]) != 3 || len(token[other]) != 3 || approve == "" {
		t.Fatalf("links: %v", token)
	}
	no := "Authorization"
	misuse := map[string]word{
		"another action":                {"incidentId": mine, "action": "escalate", "t": approve},
		"another incident":              {"incidentId": other, "action": "approve", "t": approve},
		"another incident's token":      {"incidentId": mine, "action": "approve", "t": token[other]["approve"]},
		"cut short":                     {"incidentId": mine, "action": "approve", "t": approve[:len(approve)-1]},
		"longer":                        {"incidentId": mine, "action": "approve", "t": approve + "A"},
		"padded":                        {"incidentId": mine, "action": "approve", "t": approve + "="},
		"another case":                  {"incidentId": mine, "action": "approve", "t": strings.ToUpper(approve)},
		"a line break":                  {"incidentId": mine, "action": "approve", "t": approve[:20] + "\n" + approve[20:]},
		"one character changed":         {"incidentId": mine, "action": "approve", "t": flip(approve, 10)},
		"another incident's, half each": {"incidentId": mine, "action": "approve", "t": approve[:len(approve)/2] + token[other]["approve"][len(approve)/2:]},
		"two tokens in one":             {"incidentId": mine, "action": "approve", "t": approve + approve},
		"no token":                      {"incidentId": mine, "action": "approve", "t": ""},
	}
	for name, w := range misuse {
		body, h := w.form()
		h[no] = "-"
		c.want(name, c.call("POST", "/approve-fix", body, h), http.StatusForbidden, "forbidden")
	}
	// As a key it is worth nothing either.
	for _, path := range []string{"/incidents/" + mine, "/approve-fix?incidentId=" + mine} {
		c.want("as a key", c.call("GET", path, "", header{no: "Bearer " + approve}), http.StatusForbidden, "forbidden")
	}
	for _, id := range ids {
		if got := c.incident(id); got.get("decision") != nil {
			t.Fatalf("a misused link decided: %s", got)
		}
	}
	body, h := word{"incidentId": mine, "action": "approve", "t": approve}.form()
	h[no] = "-"
	first := c.call("POST", "/approve-fix", body, h)
	c.want("as it was made", first, http.StatusOK, "")
	c.until(mine, "RESOLVED")
	again := c.call("POST", "/approve-fix", body, h)
	c.want("again", again, http.StatusOK, "")
	if first.text("by") != "link:discord" || again.text("at") != first.text("at") {
		t.Errorf("first %s, again %s", first, again)
	}
	body, h = word{"incidentId": mine, "action": "escalate", "t": token[mine]["escalate"]}.form()
	h[no] = "-"
	c.want("the link beside it, afterwards", c.call("POST", "/approve-fix", body, h), http.StatusConflict, "already-decided")
	c.end(other)
}

func parseQuery(t *testing.T, link string) url.Values {
	t.Helper()
	u, err := url.Parse(link)
	if err != nil {
		t.Fatal(err)
	}
	return u.Query()
}

// flip changes one character of a token into another of the alphabet.
func flip(token string, at int) string {
	with := "A"
	if token[at] == 'A' {
		with = "B"
	}
	return token[:at] + with + token[at+1:]
}
