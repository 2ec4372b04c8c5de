package incident

import (
	"cmp"
	"encoding/json"
	"slices"
	"strings"
	"testing"
	"time"
	"unicode/utf16"

	"pgregory.net/rapid"
)

func TestFingerprintIgnoresWhatVaries(t *testing.T) {
	same := [][2]string{
		{"2026-01-02T03:04:05Z ERROR pid 123 heap out of memory at 0x7ffe12", "2026-02-03T04:05:06Z ERROR pid 9 heap out of memory at 0xdeadbeef"},
		{"starting\nERROR: connect ECONNREFUSED 10.0.0.1:5432", "warming up\nERROR: connect ECONNREFUSED 10.0.0.7:5432"},
		{"Error: request 3f2504e0-4f89-11d3-9a0c-0305e82c3301 failed", "Error: request 11111111-4f89-11d3-9a0c-0305e82c3302 failed"},
		{"Error:   a  b", "error: a b"},
	}
	for _, c := range same {
		a, b := testAlert(), testAlert()
		a.ErrorLogs, b.ErrorLogs = c[0], c[1]
		if a.Fingerprint() != b.Fingerprint() {
			t.Errorf("%q and %q are two troubles: %q, %q", c[0], c[1], ShapeOf(c[0]), ShapeOf(c[1]))
		}
	}
	base := testAlert()
	for name, change := range map[string]func(*Alert){
		"tenant": func(a *Alert) { a.Tenant = "x" }, "source": func(a *Alert) { a.Source = "x" },
		"server": func(a *Alert) { a.Service = "x" }, "logs": func(a *Alert) { a.ErrorLogs = "disk full" },
		"key":                 func(a *Alert) { a.DedupKey = "x" },
		"a key like the line": func(a *Alert) { a.DedupKey = ShapeOf(a.ErrorLogs) },
		"shifted":             func(a *Alert) { a.Source, a.Service = "apip", "rod-api-01" },
	} {
		other := base
		change(&other)
		if other.Fingerprint() == base.Fingerprint() {
			t.Errorf("another %s has the same fingerprint", name)
		}
	}
}

func TestValidateNamesTheField(t *testing.T) {
	for _, c := range []struct {
		name  string
		make  func(*Alert)
		field string
	}{
		{"good", func(*Alert) {}, ""},
		{"no server", func(a *Alert) { a.Service = "" }, "service"},
		{"128 characters", func(a *Alert) { a.Service = strings.Repeat("ä", 128) }, ""},
		{"129 characters", func(a *Alert) { a.Service = strings.Repeat("a", 129) }, "service"},
		{"NUL in server", func(a *Alert) { a.Service = "a\x00b" }, "service"},
		{"bidi in server", func(a *Alert) { a.Service = "a\u202eb" }, "service"},
		{"space around server", func(a *Alert) { a.Service = " a" }, "service"},
		{"not UTF-8", func(a *Alert) { a.Service = "a\xff" }, "service"},
		{"no logs", func(a *Alert) { a.ErrorLogs = "" }, "errorLogs"},
		{"blank logs", func(a *Alert) { a.ErrorLogs = " \n\t" }, "errorLogs"},
		{"200 KiB", func(a *Alert) { a.ErrorLogs = strings.Repeat("x", MaxErrorLogs) }, ""},
		{"200 KiB and 1", func(a *Alert) { a.ErrorLogs = strings.Repeat("x", MaxErrorLogs+1) }, "errorLogs"},
		{"NUL in logs is data", func(a *Alert) { a.ErrorLogs = "a\x00b" }, ""},
		{"logs not UTF-8", func(a *Alert) { a.ErrorLogs = "a\xff" }, "errorLogs"},
		{"long key", func(a *Alert) { a.DedupKey = strings.Repeat("k", 257) }, "dedupKey"},
		{"odd severity", func(a *Alert) { a.Severity = "urgent" }, "severity"},
	} {
		a := testAlert()
		c.make(&a)
		err := a.Validate()
		field := ""
		if e, ok := err.(*Error); ok {
			field = e.Field
		}
		if field != c.field {
			t.Errorf("%s: blames %q (%v), want %q", c.name, field, err, c.field)
		}
	}
}

func TestValidID(t *testing.T) {
	for id, want := range map[string]bool{
		"INC-01ARZ3NDEKTSV4RRFFQ69G5FAV": true, "INC-7ZZZZZZZZZZZZZZZZZZZZZZZZZ": true,
		"INC-8ZZZZZZZZZZZZZZZZZZZZZZZZZ": false, "INC-01arz3ndektsv4rrffq69g5fav": false,
		"INC-01ARZ3NDEKTSV4RRFFQ69G5FAI": false, "INC-01ARZ3NDEKTSV4RRFFQ69G5FA": false,
		"01ARZ3NDEKTSV4RRFFQ69G5FAV": false, "": false, "INC-": false, "INC-01ARZ3NDEKTSV4RRFFQ69G5FA\x00": false,
	} {
		if ValidID(id) != want {
			t.Errorf("ValidID(%q) = %v", id, !want)
		}
	}
}

// The example of RFC 8785 §3.2.3 in the shapes that are hashed: names are sorted
// by UTF-16 code units, so U+1F600 (a surrogate pair, D83D...) stands before U+FB33.
func TestCanonicalJSONFollowsRFC8785(t *testing.T) {
	got := canonical(map[string]any{
		"\u20ac": "Euro Sign", "\r": "Carriage Return", "\ufb33": "Hebrew Letter Dalet With Dagesh",
		"1": "One", "\U0001f600": "Emoji: Grinning Face", "\u0080": "Control", "\u00f6": "Latin Small Letter O With Diaeresis",
	})
	want := "{\"\\r\":\"Carriage Return\",\"1\":\"One\",\"\u0080\":\"Control\",\"\u00f6\":\"Latin Small Letter O With Diaeresis\",\"\u20ac\":\"Euro Sign\",\"\U0001f600\":\"Emoji: Grinning Face\",\"\ufb33\":\"Hebrew Letter Dalet With Dagesh\"}"
	if got != want {
		t.Errorf("got  %s\nwant %s", got, want)
	}
	if got, want := canonical("\u20ac$\u000f\nA'B\"\\/\b\f\t</>\u2028"), "\"\u20ac$\\u000f\\nA'B\\\"\\\\/\\b\\f\\t</>\u2028\""; got != want {
		t.Errorf("got %s, want %s", got, want)
	}
}

func TestNamesAreOrderedByTheirUTF16CodeUnits(t *testing.T) {
	near := rapid.StringOf(rapid.SampledFrom([]rune{'a', 'b', 0xd7ff, 0xe000, 0xfb33, 0xffff, 0x10000, 0x103ff, 0x10400, 0x1f600, 0x10ffff}))
	rapid.Check(t, func(t *rapid.T) {
		name := rapid.OneOf(near, rapid.String())
		a, b := name.Draw(t, "a"), name.Draw(t, "b")
		want := slices.Compare(utf16.Encode([]rune(a)), utf16.Encode([]rune(b)))
		if got := compareUTF16(a, b); cmp.Compare(got, 0) != want {
			t.Fatalf("%q and %q: %d, want %d", a, b, got, want)
		}
	})
}

func TestCanonicalJSONIsJSONOfTheSameValue(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		in := rapid.MapOf(rapid.String(), rapid.String()).Draw(t, "map")
		var out map[string]string
		if err := json.Unmarshal([]byte(canonical(in)), &out); err != nil || len(out) != len(in) {
			t.Fatalf("%v: %s", err, canonical(in))
		}
		for k, v := range in {
			if out[k] != v {
				t.Fatalf("%q: %q became %q", k, v, out[k])
			}
		}
	})
}

func TestPlanHashCoversWhatWouldRun(t *testing.T) {
	base := Plan{FixID: "scale-out", FixDigest: "d", Target: Target{Service: "a", Type: "ecs", Attributes: map[string]string{"cluster": "c"}}, Parameters: map[string]string{"instances": "1"}}
	for name, change := range map[string]func(*Plan, *Ref){
		"incident": func(_ *Plan, r *Ref) { r.ID = "INC-01ARZ3NDEKTSV4RRFFQ69G5FAW" }, "tenant": func(_ *Plan, r *Ref) { r.Tenant = "x" },
		"service": func(p *Plan, _ *Ref) { p.Target.Service = "b" }, "type": func(p *Plan, _ *Ref) { p.Target.Type = "ec2" },
		"attribute": func(p *Plan, _ *Ref) { p.Target.Attributes = map[string]string{"cluster": "d"} },
		"digest":    func(p *Plan, _ *Ref) { p.FixDigest = "e" }, "fix": func(p *Plan, _ *Ref) { p.FixID = "x" },
		"parameter": func(p *Plan, _ *Ref) { p.Parameters = map[string]string{"instances": "2"} },
	} {
		p, ref := base, testRef()
		change(&p, &ref)
		if p.HashFor(ref) == base.HashFor(testRef()) {
			t.Errorf("another %s has the same hash", name)
		}
	}
}

func TestChainNamesTheFirstBadEvent(t *testing.T) {
	inc := waiting(t, testPlan("d1"))
	var events []Event
	replay := Open(New{Ref: testRef(), Alert: testAlert(), By: SourceActor("api"), ApprovalTimeout: 4 * time.Hour, Now: epoch})
	events = append(events, replay.Event)
	c, _ := replay.Incident.Propose(Analysis{AnalyzedBy: ByRules, Cause: "c"}, &Proposal{FixID: "restart-service", Parameters: map[string]string{}}, epoch)
	events = append(events, c.Event)
	c, _ = c.Incident.Planned(Planning{Plan: testPlan("d1")}, epoch)
	events = append(events, c.Event)
	c, _ = c.Incident.Await(Ask{Token: NewTaskToken("tok"), EnteredAt: epoch, Now: epoch})
	events = append(events, c.Event)
	elsewhere := New{Ref: Ref{DefaultTenant, "INC-01ARZ3NDEKTSV4RRFFQ69G5FAW"}, Alert: testAlert(), By: SourceActor("api"), ApprovalTimeout: 4 * time.Hour, Now: epoch}
	foreign := Open(elsewhere).Event
	for _, tc := range []struct {
		name string
		make func([]Event) []Event
		bad  int64
	}{
		{"whole", func(e []Event) []Event { return e }, 0},
		{"changed detail", func(e []Event) []Event { e[1].Details = map[string]string{"cause": "another"}; return e }, 2},
		{"changed actor", func(e []Event) []Event { e[0].Actor = "key:mallory"; return e }, 1},
		{"changed time", func(e []Event) []Event { e[1].Time = e[1].Time.Add(time.Millisecond); return e }, 2},
		{"changed and rehashed", func(e []Event) []Event { e[1].Actor = "x"; e[1].Hash = e[1].HashFor(testRef()); return e }, 3},
		{"last one changed and rehashed", func(e []Event) []Event { e[3].Actor = "x"; e[3].Hash = e[3].HashFor(testRef()); return e }, 4},
		{"missing", func(e []Event) []Event { return append(e[:1], e[2:]...) }, 2},
		{"reordered", func(e []Event) []Event { e[0], e[1] = e[1], e[0]; return e }, 1},
		{"cut off", func(e []Event) []Event { return e[:2] }, 3},
		{"all gone", func(e []Event) []Event { return nil }, 1},
		{"one too many", func(e []Event) []Event { return append(e, Event{Seq: 5}) }, 5},
		{"from another incident", func(e []Event) []Event { e[0] = foreign; return e }, 1},
	} {
		bad := VerifyChain(inc, tc.make(append([]Event{}, events...)))
		var got int64
		if bad != nil {
			got = bad.Seq
		}
		if got != tc.bad {
			t.Errorf("%s: first bad event %d, want %d", tc.name, got, tc.bad)
		}
	}
}

func TestTargetKeysDoNotCollide(t *testing.T) {
	a := Target{Service: "s", Type: "ecs", Attributes: map[string]string{"a": "x/b=y"}}
	b := Target{Service: "s", Type: "ecs", Attributes: map[string]string{"a": "x", "b": "y"}}
	if a.Key() == b.Key() {
		t.Errorf("both are %q", a.Key())
	}
	same := Target{Service: "other", Type: "ecs", Attributes: map[string]string{"b": "y", "a": "x"}}
	if b.Key() != same.Key() {
		t.Errorf("two services on one target have the keys %q and %q", b.Key(), same.Key())
	}
}

func TestWordsOfOtherSystemsMeanOneSeverity(t *testing.T) {
	seen := map[string]Severity{}
	for _, m := range SeverityWords() {
		if _, err := ParseSeverity(string(m.Severity)); err != nil || !slices.Contains(m.Words, string(m.Severity)) {
			t.Errorf("%q: %v; its own word must be among %v", m.Severity, err, m.Words)
		}
		for _, word := range m.Words {
			if other, twice := seen[word]; twice || word != strings.ToLower(word) {
				t.Errorf("%q means %s and %s, or is not in small letters", word, other, m.Severity)
			}
			seen[word] = m.Severity
			for _, written := range []string{word, strings.ToUpper(word), " " + word + "\n"} {
				if got, ok := SeverityOf(written); got != m.Severity || !ok {
					t.Errorf("%q means %q, %v; want %s", written, got, ok, m.Severity)
				}
			}
		}
	}
	for _, word := range []string{"", " ", "p6", "criticality", "1", "sev"} {
		if got, ok := SeverityOf(word); ok {
			t.Errorf("%q means %s", word, got)
		}
	}
}
