package discord_test

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/opsguard/opsguard/pkg/brief"
	"github.com/opsguard/opsguard/pkg/incident"
	"github.com/opsguard/opsguard/pkg/integration"
	"github.com/opsguard/opsguard/pkg/notify/discord"
	"github.com/opsguard/opsguard/pkg/notify/internal/sample"
	"github.com/opsguard/opsguard/pkg/steps"
	"github.com/opsguard/opsguard/pkg/steps/stepstest"
)

var update = flag.Bool("update", false, "rewrite the golden files")

// clock fires at once and keeps what it was asked to wait for.
type clock struct{ waits []time.Duration }

func (c *clock) after(d time.Duration) <-chan time.Time {
	c.waits = append(c.waits, d)
	fired := make(chan time.Time, 1)
	fired <- time.Time{}
	return fired
}

// opened opens the channel with this webhook.
func opened(t *testing.T, webhook string, after func(time.Duration) <-chan time.Time) integration.Opened[steps.Channel] {
	t.Helper()
	env := stepstest.Env(stepstest.Secrets{"HOOK": webhook})
	env.After = after
	return stepstest.Open(t, env, integration.Channels, discord.Integration(), integration.SecretSetting("webhookUrl", "HOOK"))
}

func open(t *testing.T, f *fake, c *clock, query string) steps.Channel {
	t.Helper()
	return opened(t, f.URL+path+query, c.after).It
}

func word(inc incident.Incident) brief.Brief { return brief.Of(inc, sample.Links(), sample.At(10, 6)) }

// together words incidents that people are told of in one message.
func together(inc incident.Incident, others ...incident.Incident) brief.Brief {
	b := word(inc)
	for _, o := range others {
		b.Others = append(b.Others, brief.OtherOf(o, sample.Links(), sample.At(10, 6)))
	}
	return b
}

func TestMessagesAreTheGoldenOnes(t *testing.T) {
	group := together(sample.Waiting(), sample.Review(), sample.Approved(), sample.TimedOut(), sample.Waiting(), sample.Waiting(), sample.Waiting())
	group.MoreOthers = 30
	for name, b := range map[string]brief.Brief{
		"waiting": word(sample.Waiting()), "review": word(sample.Review()), "approved": word(sample.Approved()), "simulated": word(sample.Simulated()),
		"timed_out": word(sample.TimedOut()), "together": group, "real": word(sample.Real()), "settling": word(sample.Settling()),
		"undone": word(sample.Undone()), "contested": word(sample.Contested()),
	} {
		t.Run(name, func(t *testing.T) {
			f := newFake(t)
			id, err := open(t, f, &clock{}, "").Post(context.Background(), b)
			if err != nil {
				t.Fatal(err)
			}
			got, file := f.message(id).text(), filepath.Join("testdata", name+".txt")
			if *update {
				if err := os.WriteFile(file, []byte(got), 0o644); err != nil {
					t.Fatal(err)
				}
			}
			want, err := os.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(string(want), got); diff != "" {
				t.Errorf("message differs from %s (-want +got):\n%s", file, diff)
			}
		})
	}
}

func TestADecisionTakesTheLinksAway(t *testing.T) {
	f := newFake(t)
	c := open(t, f, &clock{}, "")
	id, err := c.Post(context.Background(), word(sample.Waiting()))
	if err != nil {
		t.Fatal(err)
	}
	links := sample.Links()
	for _, l := range []string{links.Approve, links.Escalate, links.Resolve} {
		if !strings.Contains(f.message(id).text(), "]("+l+")") {
			t.Errorf("the message offers no link %s", l)
		}
	}
	for name, inc := range map[string]incident.Incident{"approved": sample.Approved(), "closed": sample.Simulated(), "timed out": sample.TimedOut()} {
		if err := c.Edit(context.Background(), id, word(inc)); err != nil {
			t.Fatal(err)
		}
		if got := f.message(id).text(); strings.Contains(got, "approve-fix") {
			t.Errorf("%s: the message still offers a link that decides:\n%s", name, got)
		}
	}
}

func TestOnlyATrackersHTTPSURLIsALink(t *testing.T) {
	for u, want := range map[string]string{
		"https://jira.example.test/browse/OPS-12": "jira OPS-12 ([open it](https://jira.example.test/browse/OPS-12))",
		"https://a:b@jira.example.test/":          "jira OPS-12\n> https\\://a\\:b\\@jira.example.test/",
		"javascript:alert(1)":                     "jira OPS-12\n> javascript\\:alert(1)",
		"https://jira.example.test/)](x":          "jira OPS-12\n> https\\://jira.example.test/)\\](x",
		"":                                        "jira OPS-12",
	} {
		inc := sample.TimedOut()
		inc.Ticket.URL = u
		f := newFake(t)
		id, err := open(t, f, &clock{}, "").Post(context.Background(), word(inc))
		if err != nil {
			t.Fatal(err)
		}
		if got := f.message(id).text(); !strings.Contains(got, "Ticket\n"+want+"\n") {
			t.Errorf("%q: want %q in:\n%s", u, want, got)
		}
	}
}

func TestAThreadIsKept(t *testing.T) {
	f := newFake(t)
	c := open(t, f, &clock{}, "?thread_id=42")
	id, err := c.Post(context.Background(), word(sample.Waiting()))
	if err != nil {
		t.Fatal(err)
	}
	if err := c.Edit(context.Background(), id, word(sample.Approved())); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff([]string{"thread_id=42&wait=true", "thread_id=42"}, f.queries); diff != "" {
		t.Errorf("queries (-want +got):\n%s", diff)
	}
}

func TestEveryAnswerIsJudged(t *testing.T) {
	gone := `{"message":"Unknown Webhook","code":10015}`
	for _, tc := range []struct {
		a    answer
		kind incident.Kind
		says string
	}{
		{answer{status: 200, body: `{"id":"12"}`}, "", ""},
		{answer{status: 200, body: `{"id":"../12"}`}, incident.Invalid, "no message id"},
		{answer{status: 200, body: `<html>`}, incident.Invalid, "no message id"},
		{answer{status: 204}, incident.Invalid, "no message id"},
		{answer{status: 200, body: strings.Repeat(" ", 10<<20)}, incident.Invalid, "no message id"},
		{answer{status: 302, header: map[string]string{"Location": "http://evil.test/"}}, incident.Invalid, "redirect"},
		{answer{status: 307, header: map[string]string{"Location": "http://evil.test/"}}, incident.Invalid, "redirect"},
		{answer{status: 400, body: `{"message":"Invalid Form Body","code":50035}`}, incident.Invalid, "refused the message (400, code 50035)"},
		{answer{status: 401, body: `{"message":"Invalid Webhook Token","code":50027}`}, incident.Invalid, "replace HOOK"},
		{answer{status: 403}, incident.Invalid, "replace HOOK"},
		{answer{status: 404, body: gone}, incident.Invalid, "replace HOOK"},
		{answer{status: 404, body: `{"message":"Unknown Message","code":10008}`}, incident.Invalid, "deleted"},
		{answer{status: 405}, incident.Invalid, "405"},
		{answer{status: 408}, incident.Unavailable, "408"},
		{answer{status: 413}, incident.Invalid, "413"},
		{answer{status: 500}, incident.Unavailable, "500"},
		{answer{status: 502, body: "<html>"}, incident.Unavailable, "502"},
		{answer{status: 503}, incident.Unavailable, "503"},
		{answer{status: 599}, incident.Unavailable, "599"},
	} {
		t.Run(fmt.Sprintf("%d %.20s", tc.a.status, tc.a.body), func(t *testing.T) {
			f := newFake(t, tc.a)
			_, err := open(t, f, &clock{}, "").Post(context.Background(), word(sample.Waiting()))
			if tc.kind == "" && err == nil {
				return
			}
			if incident.KindOf(err) != tc.kind || !strings.Contains(err.Error(), tc.says) {
				t.Errorf("got %v (%s), want %s saying %q", err, incident.KindOf(err), tc.kind, tc.says)
			}
			noSecret(t, err)
			if f.calls != 1 {
				t.Errorf("%d calls, want 1: repeating is the state machine's", f.calls)
			}
		})
	}
}

func noSecret(t *testing.T, err error) {
	t.Helper()
	for e := err; e != nil; e = errors.Unwrap(e) {
		if s := fmt.Sprintf("%v %+v %#v", e, e, e); strings.Contains(s, token) || strings.Contains(s, webhookID) {
			t.Errorf("the error shows the webhook: %s", s)
		}
	}
}

func TestANetworkThatFailsShowsNoURL(t *testing.T) {
	f := newFake(t)
	c := open(t, f, &clock{}, "")
	f.Close()
	_, err := c.Post(context.Background(), word(sample.Waiting()))
	if incident.KindOf(err) != incident.Unavailable {
		t.Errorf("got %v, want Unavailable", err)
	}
	noSecret(t, err)
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	err = c.Edit(ctx, "12", word(sample.Waiting()))
	if incident.KindOf(err) != incident.Unavailable || !errors.Is(err, context.Canceled) {
		t.Errorf("got %v, want Unavailable for a caller who gave up", err)
	}
	noSecret(t, err)
}

func TestEditRefusesAnIDThatIsNone(t *testing.T) {
	f := newFake(t)
	for _, id := range []string{"", "../../1/x", "12?wait=true", "1e3", strings.Repeat("1", 21)} {
		if err := open(t, f, &clock{}, "").Edit(context.Background(), id, word(sample.Waiting())); incident.KindOf(err) != incident.Invalid {
			t.Errorf("%q: got %v, want Invalid", id, err)
		}
	}
	if f.calls != 0 {
		t.Errorf("%d calls, want none", f.calls)
	}
}

func TestCheckHoldsTheWebhookToItsForm(t *testing.T) {
	const base = "https://discord.com/api/webhooks/1/secret-token"
	for _, u := range []string{"", "discord.com/api/webhooks/1/secret-token", "http://discord.com/api/webhooks/1/secret-token", "https://discord.com/", "https://discord.com/api/webhooks/x/secret-token",
		"https://discord.com/api/webhooks/1", "https://u:secret-token@discord.com/api/webhooks/1/t", base + "/slack", base + "#f", base + "?wait=true", base + "?thread_id=x", base + "?thread_id=1&thread_id=2", base + "\n", base + "/../../x"} {
		ch := opened(t, u, time.After)
		err := ch.Check(t.Context())
		if err == nil || !strings.Contains(err.Error(), "HOOK") || strings.Contains(err.Error(), "secret-token") {
			t.Errorf("%q: got %v, want an error that names the secret and hides the URL", u, err)
		}
		if _, err := ch.It.Post(t.Context(), word(sample.Waiting())); incident.KindOf(err) != incident.Unavailable {
			t.Errorf("%q: posting: %v, want Unavailable: the secret may be put right", u, err)
		}
	}
	for _, u := range []string{base, base + "/", "https://discord.com/api/v10/webhooks/1/secret-token?thread_id=7", "http://127.0.0.1:99/api/webhooks/1/t", "http://localhost/webhooks/1/t", "http://[::1]/webhooks/1/t"} {
		if err := opened(t, u, time.After).Check(t.Context()); err != nil {
			t.Errorf("%q: %v", u, err)
		}
	}
}

// One other incident can always be decided on from the message, also with the long
// addresses of API Gateway.
func TestOneOtherKeepsItsLinks(t *testing.T) {
	links := sample.Links()
	for _, l := range []*string{&links.Approve, &links.Escalate, &links.Resolve, &links.View} {
		*l = strings.Replace(*l, "https://ops.example.test/", "https://abcdefghij.execute-api.ap-southeast-2.amazonaws.com/production/", 1)
	}
	b := brief.Of(sample.Waiting(), links, sample.At(10, 6))
	other := sample.Waiting()
	other.ID = "INC-01JZ0000000000000000000009"
	b.Others = []brief.Other{brief.OtherOf(other, links, sample.At(10, 6))}
	for _, more := range []int{0, 40} {
		b.MoreOthers = more
		f := newFake(t)
		id, err := open(t, f, &clock{}, "").Post(context.Background(), b)
		if err != nil {
			t.Fatal(err)
		}
		if e := f.message(id).Embeds; len(e) < 2 || !strings.Contains(e[1].Description, links.Approve) || !strings.Contains(e[1].Description, links.Resolve) {
			t.Errorf("%d more: the other has no links: %+v", more, e)
		}
	}
}
