package link

import (
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/opsguard/opsguard/pkg/brief"
	"github.com/opsguard/opsguard/pkg/incident"
)

func mustMaker(t testing.TB, keys Keys, text string) Maker {
	t.Helper()
	u, err := ParsePublicURL(text)
	if err != nil {
		t.Fatal(err)
	}
	m, err := NewMaker(keys, u)
	if err != nil {
		t.Fatal(err)
	}
	return m
}

func waiting() incident.Incident {
	return incident.Incident{
		Ref:    someClaims().Ref,
		Status: incident.WaitingForApproval,
		Plan:   &incident.Plan{Hash: strings.Repeat("0f", 32)},
		Asked:  &incident.Asked{Deadline: deadline},
	}
}

func TestLinksLeadToTheirOwnAction(t *testing.T) {
	keys := mustKeys(t, keyA)
	links := mustMaker(t, keys, "https://api.example.com/prod/").Links(waiting(), "discord")
	if want := "https://api.example.com/prod/incidents/" + waiting().ID; links.View != want {
		t.Errorf("view: %s; want %s", links.View, want)
	}
	for action, link := range map[incident.Action]string{
		incident.Approve: links.Approve, incident.Escalate: links.Escalate, incident.Resolve: links.Resolve,
	} {
		u, err := url.Parse(link)
		if err != nil {
			t.Fatal(err)
		}
		if got := u.Scheme + "://" + u.Host + u.Path; got != "https://api.example.com/prod/approve-fix" {
			t.Errorf("%s leads to %s", action, got)
		}
		q := u.Query()
		if q.Get("incidentId") != waiting().ID || q.Get("action") != string(action) || len(q) != 3 {
			t.Errorf("%s has the query %v", action, q)
		}
		want := someClaims()
		want.Action = action
		got, err := keys.Verify(q.Get("t"), deadline.Add(-time.Second))
		if diff := cmp.Diff(want, got); diff != "" || err != nil {
			t.Errorf("%s, %v (-want +got):\n%s", action, err, diff)
		}
	}
}

func TestLinksFitIntoChat(t *testing.T) {
	stage := "https://abcdefghij.execute-api.us-east-1.amazonaws.com/Prod"
	links := mustMaker(t, mustKeys(t, keyA), stage).Links(waiting(), "discord")
	for _, link := range []string{links.Approve, links.Escalate, links.Resolve} {
		if len(link) >= 300 {
			t.Errorf("%d characters: %s", len(link), link)
		}
	}
}

func TestLinksOfferOnlyWhatCanBeDecided(t *testing.T) {
	manual := waiting()
	manual.Plan = nil
	detected := waiting()
	detected.Asked, detected.Status = nil, incident.Detected
	decided := waiting()
	decided.Decision = &incident.Decision{Action: incident.Approve}
	closed := waiting()
	closed.Status = incident.Escalated
	contested := manual
	contested.Candidates = []incident.Plan{{Hash: strings.Repeat("0f", 32)}}
	type offers struct{ Approve, Choose, Escalate, Resolve, View bool }
	for name, test := range map[string]struct {
		inc  incident.Incident
		want offers
	}{
		"waiting":       {waiting(), offers{true, false, true, true, true}},
		"manual review": {manual, offers{false, false, true, true, true}},
		"candidates":    {contested, offers{false, true, true, true, true}},
		"detected":      {detected, offers{View: true}},
		"decided":       {decided, offers{View: true}},
		"closed":        {closed, offers{View: true}},
	} {
		l := mustMaker(t, mustKeys(t, keyA), "http://localhost:3000").Links(test.inc, "console")
		got := offers{l.Approve != "", l.Choose != "", l.Escalate != "", l.Resolve != "", l.View != ""}
		if got != test.want {
			t.Errorf("%s: offers %+v; want %+v", name, got, test.want)
		}
	}
}

// The link that shows the candidates names none of them, so it cannot approve one.
func TestTheLinkToChooseIsOfNoPlan(t *testing.T) {
	keys := mustKeys(t, keyA)
	contested := waiting()
	contested.Plan, contested.Candidates = nil, []incident.Plan{*waiting().Plan}
	u, err := url.Parse(mustMaker(t, keys, "http://localhost:3000").Links(contested, "discord").Choose)
	if err != nil {
		t.Fatal(err)
	}
	got, err := keys.Verify(u.Query().Get("t"), deadline.Add(-time.Second))
	if err != nil || got.PlanHash != "" || got.Action != incident.Approve || u.Query().Get("action") != "approve" {
		t.Errorf("%+v %v", got, err)
	}
}

func TestNewMakerRefusesWhatNobodyCouldFollow(t *testing.T) {
	u, err := ParsePublicURL("http://localhost:3000")
	if err != nil {
		t.Fatal(err)
	}
	if _, err := NewMaker(Keys{}, u); err == nil || !strings.Contains(err.Error(), "keys") {
		t.Errorf("no keys: %v", err)
	}
	if _, err := NewMaker(mustKeys(t, keyA), PublicURL{}); err == nil || !strings.Contains(err.Error(), "url") {
		t.Errorf("no URL: %v", err)
	}
}

func TestParsePublicURL(t *testing.T) {
	for text, want := range map[string][2]string{
		"http://localhost:3000":         {"http://localhost:3000", ""},
		"http://localhost:3000/":        {"http://localhost:3000", ""},
		"http://[::1]:3000":             {"http://[::1]:3000", ""},
		"https://api.example.com/Prod/": {"https://api.example.com/Prod", "/Prod"},
		"https://api.example.com/a%20b": {"https://api.example.com/a%20b", "/a%20b"},
	} {
		u, err := ParsePublicURL(text)
		if err != nil || u.String() != want[0] || u.Path("") != want[1] || u.Path("/x") != want[1]+"/x" {
			t.Errorf("%s: %q, prefix %q, %v; want %q", text, u, u.Path(""), err, want)
		}
	}
	for _, text := range []string{
		"", "localhost:3000", "/prod", "ftp://example.com", "http://", "http://:3000", "http://me:secret@example.com", "ftp://me:secret@example.com",
		"http://example.com?x=1", "http://example.com/?", "http://example.com#x", "http://example.com/#", "http://exa mple.com", "javascript:alert(1)", "http://secret\x7f",
	} {
		_, err := ParsePublicURL(text)
		if err == nil || !strings.HasPrefix(err.Error(), "OPSGUARD_PUBLIC_URL: ") {
			t.Errorf("%q: %v; want an error that names the setting", text, err)
		} else if strings.Contains(err.Error(), "secret") {
			t.Errorf("%q: %v shows what it holds", text, err)
		}
	}
}

var _ interface {
	Links(incident.Incident, string) brief.Links
} = Maker{}
