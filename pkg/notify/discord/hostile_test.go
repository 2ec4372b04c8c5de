package discord_test

import (
	"context"
	"regexp"
	"slices"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"github.com/opsguard/opsguard/pkg/brief"
	"github.com/opsguard/opsguard/pkg/incident"
	"github.com/opsguard/opsguard/pkg/notify/internal/sample"
)

// ours is the markdown that the messages are made of themselves, once escapes are
// taken away.
var ours = regexp.MustCompile(`\*\*(WAITINGxFORxAPPROVAL|ESCALATED|RESOLVED|Why|Evidence|CRITICAL|HIGH|MEDIUM|LOW|simulated: nothing will be changed)\*\*` +
	`|\[([Oo]pen|Approve(: the fix runs)?|Choose|Look and choose a fix|Escalate(: open a ticket)?|Resolve(: it is dealt with)?)\]\(https://ops\.example\.test/[A-Za-z0-9=&?/.-]+\)|<t:[0-9]+:[fR]>`)

// escapes are the pairs that Discord shows as their second character.
var escapes = regexp.MustCompile(`\\[^0-9A-Za-z\s]`)

// markup is what Discord would read as such.
var markup = regexp.MustCompile("[\\\\`*_~|<\\[\\]@]|://|:[A-Za-z0-9_+-]+:|^([#>+-]|[0-9]+[.)])")

// live finds markdown in a message that is neither ours nor escaped.
func live(text string) string {
	// A letter takes the place of a pair, so that what follows does not come to stand
	// at the start of a line.
	rest := ours.ReplaceAllString(escapes.ReplaceAllString(text, "x"), "")
	for _, l := range strings.Split(rest, "\n") {
		if bad := markup.FindString(strings.TrimPrefix(l, "> ")); bad != "" {
			return bad + " in " + l
		}
	}
	return ""
}

// check posts a text everywhere that it can stand; the fake holds the limits.
func check(t *testing.T, fail func(string, ...any), text string) {
	for name, inc := range map[string]incident.Incident{"closed": sample.Hostile(text), "waiting": sample.HostileWaiting(text), "review": sample.HostileReview(text),
		"real": sample.HostileReal(text), "contested": sample.HostileContested(text)} {
		f := newFake(t)
		id, err := open(t, f, &clock{}, "").Post(context.Background(), together(inc, sample.HostileWaiting(text), sample.HostileReview(text), sample.Hostile(text)))
		f.Close()
		if err != nil {
			fail("%s: %v", name, err)
			return
		}
		got := f.message(id).text()
		if bad := live(got); bad != "" {
			fail("%s: live markdown %q in:\n%s", name, bad, got)
		}
		if name != "closed" && !strings.Contains(got, sample.Links().Escalate) {
			fail("%s: the links were crowded out", name)
		}
	}
}

func TestOutsideTextIsLiteral(t *testing.T) {
	for name, text := range map[string]string{
		"everyone":      "@everyone @here <@80351110224678912> <@!1> <@&165511591545143296> <#103735883630395392>",
		"masked link":   "[Approve](https://evil.test/) <https://evil.test> https://evil.test www.evil.test",
		"code":          "```\n@everyone\n``` `x` ``y``",
		"emphasis":      "**Decision** __x__ ~~y~~ ||z|| _a_ *b* ***c***",
		"blocks":        "# Decision\n## x\n-# small\n> quote\n>>> quote\n- item\n1. item",
		"heading":       "## Decision",
		"subtext":       "-# small",
		"quote":         "> quote",
		"quote to end":  ">>> quote",
		"list":          "- item",
		"plus list":     "+ item",
		"numbers":       "12. item",
		"numbers, )":    "1) item",
		"emoji, time":   ":smile: <:mmLol:216154654256398347> <a:b1nzy:392938283556143104> <t:1618953630:R> </airhorn:816437322781949972> <id:customize>",
		"escapes":       `\\[x](https://evil.test) \@everyone \\\`,
		"10 kB of logs": strings.Repeat("ERROR [pool-1] java.lang.OutOfMemoryError: Java heap space <init>(Foo.java:12)\n", 125),
		"10 kB special": strings.Repeat("*", 10_000),
		"astral":        strings.Repeat("🔥", 5_000),
		"long word":     strings.Repeat("a", 10_000),
		"empty":         "",
		"space":         "   \n\t ",
	} {
		t.Run(name, func(t *testing.T) { check(t, t.Fatalf, text) })
	}
}

func TestNoTextIsLiveOrOverTheLimits(t *testing.T) {
	piece := rapid.SampledFrom([]string{"*", "_", "`", "\\", "[x](https://e.test)", "<@1>", "@everyone", "a", " ", "\n", "🔥", "é", "# ", "https://", "||"})
	rapid.Check(t, func(r *rapid.T) {
		text := strings.Join(rapid.SliceOfN(piece, 0, 400).Draw(r, "text"), "")
		check(t, r.Fatalf, text)
	})
}

// Each channel's fields have shares of the room; this fills every one of them, with
// text that doubles when escaped.
func TestTheFullestMessagesFit(t *testing.T) {
	long := strings.Repeat("*", 3_000)
	long20 := map[string]string{}
	for _, c := range "abcdefghijklmnopqrst" {
		long20[string(c)+long] = long
	}
	for name, inc := range map[string]incident.Incident{"closed": sample.Hostile(long), "waiting": sample.HostileWaiting(long), "review": sample.HostileReview(long),
		"real": sample.HostileReal(long), "contested": sample.HostileContested(long)} {
		b := word(inc)
		if inc.Plan != nil {
			inc.Plan.Title, inc.Plan.FixID, inc.Plan.Parameters = long, long, long20
			inc.Plan.Target.Attributes = long20
			b = word(inc)
			b.Decision, b.Outcome, b.Escalated = strings.Repeat("*", 600*min(1, len(b.Decision))), strings.Repeat("*", 600*min(1, len(b.Outcome))), strings.Repeat("*", 600*min(1, len(b.Escalated)))
			b.Steps = slices.Repeat(b.Steps, 10)
		}
		b.Approvals = slices.Repeat([]string{long}, 10)
		for _, l := range []*string{&b.Links.Approve, &b.Links.Choose, &b.Links.Escalate, &b.Links.Resolve, &b.Links.View} {
			if *l != "" {
				*l = "https://ops.example.test/" + strings.Repeat("a", 530)
			}
		}
		other := brief.OtherOf(sample.HostileWaiting(long), b.Links, sample.At(10, 6))
		b.Others, b.MoreOthers = slices.Repeat([]brief.Other{other}, 12), 1_000_000
		f := newFake(t)
		id, err := open(t, f, &clock{}, "").Post(context.Background(), b)
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		if last := f.message(id).Embeds; !strings.HasPrefix(last[len(last)-1].Title, "and ") {
			t.Errorf("%s: it does not say how many more there are", name)
		}
		if d := f.message(id).Embeds[0].Description; size(d) < 1_000 || strings.Count(d, "\n> ") != 6 {
			t.Errorf("%s: cause and evidence were crowded out: %d units", name, size(d))
		}
	}
}

func TestALinkTooLongIsNotPosted(t *testing.T) {
	f := newFake(t)
	b := word(sample.Waiting())
	b.Links.Approve = "https://ops.example.test/" + strings.Repeat("a", 2_000)
	b.Links.Escalate = "https://ops.example.test/) @everyone"
	id, err := open(t, f, &clock{}, "").Post(context.Background(), b)
	if err != nil {
		t.Fatal(err)
	}
	got := f.message(id).text()
	if n := strings.Count(got, "this link is too long for Discord"); n != 2 || strings.Contains(got, "aaaa") || strings.Contains(got, "@everyone") {
		t.Errorf("%d links were replaced, want 2:\n%s", n, got)
	}
}

// Discord opens an invite without a scheme in content, whatever is escaped; in embeds it opens none.
func TestContentHoldsNoTextFromOutside(t *testing.T) {
	const invite = "discord.gg/evil42"
	for name, inc := range map[string]incident.Incident{"closed": sample.Hostile(invite), "waiting": sample.HostileWaiting(invite), "review": sample.HostileReview(invite),
		"real": sample.HostileReal(invite), "contested": sample.HostileContested(invite)} {
		f := newFake(t)
		id, err := open(t, f, &clock{}, "").Post(context.Background(), together(inc, sample.HostileWaiting(invite), sample.Hostile(invite)))
		if err != nil {
			t.Fatal(err)
		}
		if got := f.message(id); strings.Contains(*got.Content, "evil42") || !strings.Contains(got.text(), "evil42") {
			t.Errorf("%s: the invite must stand in the embeds alone: content %q", name, *got.Content)
		}
	}
}
