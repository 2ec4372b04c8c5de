package intake_test

import (
	"fmt"
	"maps"
	"runtime"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"github.com/opsguard/opsguard/pkg/incident"
	"github.com/opsguard/opsguard/pkg/intake"
)

func TestANameIsFitToNameAService(t *testing.T) {
	for text, want := range map[string]string{
		"": "", " \n": "", "checkout": "checkout", " check \t out\n": "check out", "a\u0000b\u202ec\u200bd": "abcd", "a\xffb\ufffdc": "abc",
		"a\u2028b": "a b", strings.Repeat("é", 200): strings.Repeat("é", 128), strings.Repeat("x", 127) + " yz": strings.Repeat("x", 127),
		strings.Repeat("x", 126) + " yz": strings.Repeat("x", 126) + " y",
	} {
		if got := intake.Name(text); got != want {
			t.Errorf("%q becomes %q, want %q", text, got, want)
		}
	}
}

func TestWhateverASenderChoosesGivesAValidAlert(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		text := rapid.OneOf(rapid.String(), rapid.Map(rapid.SliceOf(rapid.Byte()), func(b []byte) string { return string(b) }),
			rapid.StringOfN(rapid.RuneFrom([]rune("a /\u00a0\u2028\u200b\n%é😀")), 0, 300, -1))
		var e intake.Evidence
		e.Line(text.Draw(t, "line"))
		e.Block(text.Draw(t, "block"))
		e.Line("x")
		a := incident.Alert{
			Service: intake.Name("x" + text.Draw(t, "service")), Identity: intake.Identity(text.Draw(t, "one"), text.Draw(t, "two")),
			Severity: incident.High,
			Link:     intake.Link("http://a.example/" + text.Draw(t, "link")), ErrorLogs: e.String(),
			Labels: intake.Labels(map[string]string{text.Draw(t, "label"): text.Draw(t, "value")}),
		}
		if err := a.Validate(); err != nil {
			t.Fatalf("%+v: %v", a, err)
		}
	})
}

func TestDifferentPartsNeverGiveTheSameIdentity(t *testing.T) {
	long := strings.Repeat("x", 300)
	all := [][]string{
		{}, {""}, {"", ""}, {"a"}, {"a", "b"}, {"a/b"}, {"a%2Fb"}, {"a%252Fb"}, {"a", ""}, {"", "a"}, {"a", "", "b"}, {"a//b"},
		{"a/", "b"}, {"a", "/b"},
		{" a"}, {"a "}, {"a\n"}, {"a\u200b"}, {"a\xff"}, {"a\ufffd"}, {long}, {long, ""}, {long + "/"}, {long, "a"}, {long + "a"},
		{"A"}, {"é"},
	}
	// What another identity became is an identity of its own.
	for _, parts := range slices.Clone(all) {
		all = append(all, []string{intake.Identity(parts...)}, []string{"sha256:", intake.Identity(parts...)})
	}
	seen := map[string][]string{}
	for _, parts := range all {
		if slices.ContainsFunc(slices.Collect(maps.Values(seen)), func(other []string) bool { return slices.Equal(other, parts) }) {
			continue
		}
		id := intake.Identity(parts...)
		if other, twice := seen[id]; twice {
			t.Errorf("%q and %q are both %q", other, parts, id)
		}
		seen[id] = parts
		a := incident.Alert{Service: "s", Severity: incident.High, Identity: id, Recovered: true}
		if err := a.Validate(); err != nil || id == "" {
			t.Errorf("%q gives %q: %v", parts, id, err)
		}
	}
	if got := intake.Identity("group", "1f2e3d4c5b6a7988"); got != "group/1f2e3d4c5b6a7988" {
		t.Errorf("a plain identity is not readable: %q", got)
	}
	rapid.Check(t, func(t *rapid.T) {
		parts := rapid.SliceOfN(rapid.StringOfN(rapid.RuneFrom([]rune("ab/% \u200b")), 0, 4, -1), 0, 4)
		one, two := parts.Draw(t, "one"), parts.Draw(t, "two")
		if !slices.Equal(one, two) && intake.Identity(one...) == intake.Identity(two...) {
			t.Fatalf("%q and %q are both %q", one, two, intake.Identity(one...))
		}
	})
}

func TestALinkIsOneThatAPersonCanFollowWithoutHarm(t *testing.T) {
	for address, want := range map[string]string{
		"": "", "https://grafana.example.com/d/1?x=2#y": "https://grafana.example.com/d/1?x=2#y", " http://a:3000 ": "http://a:3000",
		"HTTP://a/":           "http://a/",
		"javascript:alert(1)": "", "JaVaScRiPt://a/%0aalert(1)": "", "data:text/html,x": "", "file:///etc/passwd": "", "vbscript:x": "",
		"mailto:a@b":    "",
		"//a.example/x": "", "/d/1": "", "a.example": "", "http://": "", "http:///x": "", "http://:80/": "", "https:a.example": "",
		"http://user:secret@a.example/": "", "http://token@a.example/": "", "http://a.example\\@b.example/": "", "http://a.example\n/": "",
		"http://a.example/\u0000": "", "http://a.example/\u001b[2J": "", "http://a b.example/": "", "ht tp://a": "", "http://[::1": "",
		"http://a:port/":               "",
		`https://x"><script>.example/`: "", "http://a<b>/": "", "http://[::1%25<x>]/": "", "http://a'b/": "",
		"http://a(b)/": "", "http://*a*/": "",
		"http://a_b.example/": "http://a_b.example/", "http://[fe80::1%25en0]/": "http://[fe80::1%25en0]/",
		"http://a.example/x y": "http://a.example/x%20y", "http://a.example/?q=x y&z=ü": "http://a.example/?q=x%20y&z=%C3%BC",
		`http://a.example/?q="><script>`: "http://a.example/?q=%22%3E%3Cscript%3E",
		"http://a.example/ü#ü":           "http://a.example/%C3%BC#%C3%BC",
		"http://a.example/\u202e":        "http://a.example/%E2%80%AE", "http://[fe80::1]:80/": "http://[fe80::1]:80/",
		"http://a.example/" + strings.Repeat("x", 2031):       "http://a.example/" + strings.Repeat("x", 2031),
		"http://a.example/" + strings.Repeat("x", 2032):       "",
		"http://a.example/?" + strings.Repeat(" ", 700) + "x": "",
	} {
		if got := intake.Link(address); got != want {
			t.Errorf("%.80q becomes %.80q, want %.80q", address, got, want)
		}
	}
	if got := intake.FirstLink("", "javascript:x", "https://a.example/1", "https://a.example/2"); got != "https://a.example/1" {
		t.Errorf("the first link is %q", got)
	}
	for address, want := range map[string]string{
		"http://p/graph?g0.expr=up%20%3D%3D%200&g0.tab=1": "up == 0", "http://p/x": "", "%zz": "",
	} {
		if got := intake.Expression(address); got != want {
			t.Errorf("the expression of %s is %q, want %q", address, got, want)
		}
	}
}

func TestLabelsAreBounded(t *testing.T) {
	all := map[string]string{"": "x", "empty": " ", " spaced  name ": " a\n b ", "bidi\u202e": "\u0000x",
		strings.Repeat("n", 200): strings.Repeat("é", 600)}
	want := map[string]string{"spaced name": "a b", "bidi": "x", strings.Repeat("n", 128): strings.Repeat("é", 512)}
	if diff := cmp.Diff(want, intake.Labels(all)); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	many := map[string]string{}
	for i := range 500 {
		many[fmt.Sprintf("l%03d", i)] = "v"
	}
	got := intake.Labels(many)
	if len(got) != intake.MaxLabels || got["l063"] == "" || got["l064"] != "" {
		t.Errorf("%d labels are kept; want the first 64 by name", len(got))
	}
}

func TestTheFirstWordThatMeansASeverityCounts(t *testing.T) {
	for want, words := range map[incident.Severity][]string{
		incident.Critical: {"", "no such word", " PAGE ", "info"}, incident.Low: {"Info", "critical"}, incident.Medium: {},
		incident.High: {"P2"},
	} {
		if got := intake.Severity(incident.Medium, words...); got != want {
			t.Errorf("%q means %s, want %s", words, got, want)
		}
	}
}

// A batch's own address is asked about for each of its alerts.
func TestAnAddressThatIsTooLongIsNotLookedAt(t *testing.T) {
	long := "http://x/" + strings.Repeat("%41", 600_000)
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	if got := intake.Link(long); got != "" {
		t.Errorf("a link of %d bytes", len(got))
	}
	runtime.ReadMemStats(&after)
	if taken := after.TotalAlloc - before.TotalAlloc; taken > 100_000 {
		t.Errorf("it took %d bytes of memory", taken)
	}
	if short := "http://x/" + strings.Repeat("a", incident.MaxLink-9); intake.Link(" "+short+" ") != short {
		t.Error("the longest address is none")
	}
}
