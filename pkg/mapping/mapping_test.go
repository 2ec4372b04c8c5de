package mapping_test

import (
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/opsguard/opsguard/pkg/incident"
	"github.com/opsguard/opsguard/pkg/intake"
	"github.com/opsguard/opsguard/pkg/mapping"
)

const everything = `{
  "group": {"name": "shop", "url": "https://m.example/g"}, "empty": [],
  "alerts": [{"host": "db-1", "check-name": "disk", "n": 3, "big": 12345678901234567890, "yes": true, "none": null, "blank": " ",
    "tags": [{"k": "team", "v": "storage"}, {"k": "env", "v": "prod"}, {"k": "load", "v": 7}],
    "words": ["a", "b"], "o": {"z": 1, "a": "x"}}]
}`

func document(t *testing.T, raw string) intake.Value {
	t.Helper()
	v, err := intake.ReadJSON([]byte(raw))
	if err != nil {
		t.Fatal(err)
	}
	return v
}

// title reads one text as the title of the first alert.
func title(t *testing.T, text string) string {
	t.Helper()
	m, err := mapping.Fields{Service: []string{"host"}, Title: []string{text}}.Compile()
	if err != nil {
		t.Fatalf("%s: %v", text, err)
	}
	doc := document(t, everything)
	a, _, err := m.Reader(doc, mapping.Standard{Source: "s"}).Alert(doc.At("alerts").Items()[0])
	if err != nil {
		t.Fatalf("%s: %v", text, err)
	}
	first, _, _ := strings.Cut(a.ErrorLogs, "\n")
	return strings.TrimSuffix(strings.TrimPrefix(first, "ALERT "), " (high)")
}

func TestPathsLeadWhereTheySay(t *testing.T) {
	const nothing = "db-1" // the service, which heads an alert without a title
	for text, want := range map[string]string{
		"host": "db-1", "@.host": "db-1", "['check-name']": "disk", "@['check-name']": "disk", "n": "3", "big": "12345678901234567890",
		"yes":          "true",
		"$.group.name": "shop", "$['group'].name": "shop", "$.alerts[0].host": "db-1", "words[0]": "a", "words[-1]": "b",
		"words[*]": "a", "o.*": "x", "tags[1].v": "prod",
		"tags[?(@.k == 'team')].v": "storage", "tags[?(@.v > 5)].v": "7", "tags[?(@.k =~ /^e/)].v": "prod",
		"tags[?(@.k == 'x' || @.v == 7)].k": "load",
		"{host}/{['check-name']}":           "db-1/disk",
		"on {host}":                         "on db-1", "{host} of {$.group.name}!": "db-1 of shop!", "{n}{yes}": "3true",
		"nothing": nothing, "none": nothing, "blank": nothing, "host.x": nothing, "words[2]": nothing, "words[-3]": nothing,
		"words.a": nothing, "host[0]": nothing,
		"tags[?(@.k == 'x')].v": nothing, "words": nothing, "o": nothing, "on {nothing}": nothing, "{host} {o}": nothing,
		"n[*]": nothing, "$.empty[0]": nothing,
	} {
		if got := title(t, text); got != want {
			t.Errorf("%s leads to %q, want %q", text, got, want)
		}
	}
}

func TestEveryMistakeOfAMappingIsTold(t *testing.T) {
	many := strings.Split(strings.Repeat("a,", 21), ",")
	_, err := mapping.Fields{
		Service: []string{"a-b", "", "a..b", "a[1:2]", "a['x','y']"}, Title: []string{"{host", "host}", "{}", "{a{b}}"}, Message: many,
		Severity:  []string{"a[?(@.x == $.y)]", "a[?(@..x == 1)]", "a["},
		Link:      []string{strings.Repeat("a.", 30) + "a", strings.Repeat("x", 2000)},
		Timestamp: []string{"a b", "{a} {b c}"}, Recovered: []string{"OK", " "}, Ignored: []string{"ok"},
		Labels: map[string]string{"b": "x y", "a": "{"}, Severities: map[string]string{"loud": "noisy", "quiet": ""},
	}.Compile()
	var all []string
	var joined interface{ Unwrap() []error }
	if !errors.As(err, &joined) {
		t.Fatal(err)
	}
	for _, one := range joined.Unwrap() {
		var wrong *incident.Error
		if !errors.As(one, &wrong) || wrong.Kind != incident.Invalid {
			t.Fatalf("%v is not Invalid", one)
		}
		all = append(all, incident.Cut(wrong.Error(), 72))
	}
	want := []string{
		`service[0]: "a-b" is not a JSONPath: parse error at 2 in a-b; write a na`,
		`service[1]: is empty; give a path, for instance labels.service`,
		`service[2]: "a..b": step 2 is not supported; use .name, ['name'], [0], [`,
		`service[3]: "a[1:2]": step 2 is not supported; use .name, ['name'], [0],`,
		`service[4]: "a['x','y']": step 2 is not supported; use .name, ['name'], `,
		`title[0]: "{host" has a { without a }`,
		`title[1]: "host}" has a } without a {`,
		`title[2]: is empty; give a path, for instance labels.service`,
		`title[3]: "{a{b}}" has a { without a }`,
		`message: has 22 entries; at most 20`,
		`severity[0]: "a[?(@.x == $.y)]": a filter may look at what is below its `,
		`severity[1]: "a[?(@..x == 1)]": a filter may look at what is below its o`,
		`severity[2]: "a[" is not a JSONPath: not terminated at 3 in a[; write a `,
		`link[0]: "a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a"`,
		`link[1]: has 2000 bytes; at most 1000 are taken`,
		`timestamp[0]: "a b" is not a JSONPath: parse error at 2 in a b; write a `,
		`timestamp[1]: "b c" is not a JSONPath: parse error at 2 in b c; write a `,
		`recovered[1]: is empty; give a word`,
		`labels.a: "{" has a { without a }`,
		`labels.b: "x y" is not a JSONPath: parse error at 2 in x y; write a name`,
		`severities.loud: must be critical, high, medium or low`,
		`severities.quiet: must be critical, high, medium or low`,
		`state: is missing; recovered and ignored are words that stand there`,
		`identity: is missing; it is how a recovery finds its incident`,
		`ignored: holds "ok", which recovered holds too`,
	}
	if diff := cmp.Diff(want, all); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

func TestAnAlertIsReadAsTheMappingSays(t *testing.T) {
	m, err := mapping.Fields{
		Service: []string{"app", "host"}, Title: []string{"{check} on {host}", "{host} is gone"},
		Message:  []string{"output", "details", "facts", "seen {n} times", "'{absent}'"},
		Severity: []string{"level", "prio"}, Severities: map[string]string{"Worst": "critical"}, State: []string{"st"},
		Recovered: []string{"ok", "0"}, Ignored: []string{"ack"},
		Identity: []string{"host", "check"}, Link: []string{"bad", "url"}, Timestamp: []string{"at"},
		Labels: map[string]string{"host": "host", "env": "$.env", "gone": "absent"},
	}.Compile()
	if err != nil {
		t.Fatal(err)
	}
	doc := document(t, `{"env":"prod","list":[
		{"host":"db-1","check":"disk","output":"97 % of / is used","details":"line 1\nline 2","facts":{"b":[1,true],"a":"x"},"n":3,
		 "level":"???","prio":"WORST","st":2,"bad":"javascript:x","url":"https://m.example/1","at":1795144364},
		{"host":"db-1","check":"disk","st":"OK"},
		{"host":"db-2","st":0},
		{"host":"db-3","st":"Ack","check":"x"},
		{"st":"ok","output":"over"},
		{"something":"else"}]}`)
	r := m.Reader(doc, mapping.Standard{Source: "mine", Service: "mine"})
	items := doc.At("list").Items()
	read := func(i int) (incident.Alert, bool, string) {
		a, kept, err := r.Alert(items[i])
		return a, kept, fmt.Sprint(err)
	}
	got, kept, err1 := read(0)
	want := incident.Alert{
		Tenant: "default", Source: "mine", Service: "db-1", Severity: incident.Critical,
		Timestamp: time.Date(2026, 11, 20, 3, 12, 44, 0, time.UTC),
		Identity:  "db-1/disk", Link: "https://m.example/1", Labels: map[string]string{"host": "db-1", "env": "prod"},
		ErrorLogs: "ALERT disk on db-1 (critical)\nstate: 2\noutput: 97 % of / is used\n" +
			"line 1\nline 2\na: x\nb[0]: 1\nb[1]: true\nseen 3 times\n" +
			"env: prod\nhost: db-1\ntime: 2026-11-20T03:12:44.000Z",
	}
	if diff := cmp.Diff(want, got); diff != "" || !kept {
		t.Errorf("kept %v, %s (-want +got):\n%s", kept, err1, diff)
	}
	if a, kept, _ := read(1); !kept || !a.Recovered || a.Identity != want.Identity {
		t.Errorf("its recovery is %+v", a)
	}
	if a, _, _ := read(2); !a.Recovered || a.Identity != "db-2/" ||
		!strings.HasPrefix(a.ErrorLogs, "ALERT db-2 is gone (high)\nstate: 0\n") {
		t.Errorf("a number as its state, and no check: %+v", a)
	}
	if _, kept, err := read(3); kept || err != "<nil>" {
		t.Errorf("a message that is no alert: kept %v, %s", kept, err)
	}
	if _, _, err := read(4); err != "list[4]: says that it is over, but not what: nothing stands where identity looks" {
		t.Error(err)
	}
	const strange = "list[5]: holds nothing that the mapping reads; compare it with services.yaml, or see: opsguard sources try"
	if _, _, err := read(5); err != strange {
		t.Error(err)
	}
}

func TestWithoutAMappingNothingIsLost(t *testing.T) {
	m, err := mapping.Fields{}.Compile()
	if err != nil {
		t.Fatal(err)
	}
	doc := document(t, `{"a":{"b":"x"},"t":"l 1\nl 2"}`)
	a, kept, err := m.Reader(doc, mapping.Standard{Source: "mine", Service: "mine"}).Alert(doc)
	if err != nil || !kept || a.Service != "mine" || a.Identity != "" || a.Severity != incident.High {
		t.Errorf("%+v, %v", a, err)
	}
	if diff := cmp.Diff("ALERT mine (high)\na.b: x\nt:\nl 1\nl 2", a.ErrorLogs); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	if diff := cmp.Diff(map[string]string{"a.b": "x", "t": "l 1 l 2"}, a.Labels); diff != "" {
		t.Errorf("labels (-want +got):\n%s", diff)
	}
}

func TestTheListOfAlertsIsWhatThePathLeadsTo(t *testing.T) {
	for _, test := range []struct {
		path, raw    string
		alerts, more int
		exists       bool
	}{
		{"$", `{"a":1}`, 1, 0, true}, {"$", `[{},{}]`, 2, 0, true}, {"$", `[]`, 0, 0, true}, {"$", `7`, 1, 0, true},
		{"$.a", `{"a":[{},{},{}]}`, 3, 0, true}, {"a", `{"a":[{}]}`, 1, 0, true}, {"$.a[*]", `{"a":[{},{},{}]}`, 3, 0, true},
		{"$.a", `{"a":{"x":1}}`, 1, 0, true},
		{"$.g[*].a", `{"g":[{"a":[1,2]},{},{"a":[3]}]}`, 3, 0, true}, {"$.a", `{}`, 0, 0, false}, {"$.a", `{"a":null}`, 0, 0, false},
		{"$.a", `{"a":[]}`, 0, 0, true},
		{"$.a[?(@.x == 1)]", `{"a":[{"x":1},{"x":2},{"x":1}]}`, 2, 0, true},
		{"$.a", `{"a":[` + strings.Repeat("1,", 1499) + `1]}`, 1000, 500, true},
	} {
		list, err := mapping.ParseList(test.path)
		if err != nil {
			t.Fatal(err)
		}
		doc := document(t, test.raw)
		alerts, more := list.Alerts(doc)
		if len(alerts) != test.alerts || more != test.more || list.Exists(doc) != test.exists {
			t.Errorf("%s of %.40s: %d alerts and %d more, there %v", test.path, test.raw, len(alerts), more, list.Exists(doc))
		}
	}
	if _, err := mapping.ParseList("$..a"); err == nil {
		t.Error("a path that looks everywhere is taken")
	}
}

func TestFollowingPathsCostsNoMoreThanTheDocumentIsLarge(t *testing.T) {
	m, err := mapping.Fields{
		Service: []string{"$.all[*].x[*].y", "$.all[?(@.z == 1)].y"}, Title: []string{"$.all[?(@.z == 2)]"}, Message: []string{"$.all[*]"},
	}.Compile()
	if err != nil {
		t.Fatal(err)
	}
	doc := document(t, `{"all":[`+strings.Repeat(`{"q":[[]]},`, 50_000)+`1]}`)
	r := m.Reader(doc, mapping.Standard{Source: "mine", Service: "mine"})
	// If each alert looked through the document again, this would take minutes.
	for _, alert := range doc.At("all").Items()[:1000] {
		a, _, err := r.Alert(alert)
		if err != nil {
			t.Fatal(err)
		}
		if n := strings.Count(a.ErrorLogs, "\n"); n > 100 {
			t.Fatalf("%d lines are read of one path, want 100 at most", n)
		}
	}
}

func FuzzAlert(f *testing.F) {
	f.Add([]byte(everything), "tags[?(@.k == 'team')].v", "{host}/{n}")
	f.Add([]byte(`[{"a":[[[]]]}]`), "a[*][0][-1]", "$[0].a")
	f.Fuzz(func(t *testing.T, raw []byte, path, text string) {
		doc, err := intake.ReadJSON(raw)
		if err != nil {
			return
		}
		m, err := mapping.Fields{
			Service: []string{path}, Title: []string{text}, Message: []string{path, text}, State: []string{text}, Recovered: []string{"ok"},
			Identity: []string{path, text}, Link: []string{path}, Timestamp: []string{path}, Labels: map[string]string{"l": path},
		}.Compile()
		if err != nil {
			if incident.KindOf(err) != incident.Invalid {
				t.Fatalf("%q, %q: %v", path, text, err)
			}
			return
		}
		a, kept, err := m.Reader(doc, mapping.Standard{Source: "s", Service: "s"}).Alert(doc)
		if err != nil && incident.KindOf(err) != incident.Invalid {
			t.Fatalf("%q: %v", raw, err)
		}
		if err == nil && kept && a.Validate() != nil {
			t.Fatalf("%q: taken, but %v", raw, a.Validate())
		}
	})
}

// What is read of the whole body stands in the evidence of each alert.
func TestWhatAlertsShareDoesNotMultiplyTheBody(t *testing.T) {
	m, err := mapping.Fields{Service: []string{"s"}, Message: []string{"m", "$.shared"}}.Compile()
	if err != nil {
		t.Fatal(err)
	}
	body := `{"shared":"` + strings.Repeat(`line\n`, 40_000) + `","alerts":[` + strings.Repeat(`{"s":"a","m":"own"},`, 499) + `{"s":"a","m":"own"}]}`
	document, err := intake.ReadJSON([]byte(body))
	if err != nil {
		t.Fatal(err)
	}
	reader, total := m.Reader(document, mapping.Standard{Source: "x", Service: "s"}), 0
	for i, one := range document.At("alerts").Items() {
		a, _, err := reader.Alert(one)
		if err != nil || !strings.Contains(a.ErrorLogs, "m: own") || i == 0 && len(a.ErrorLogs) < 190_000 {
			t.Fatalf("%d: %v, %.100s", i, err, a.ErrorLogs)
		}
		total += len(a.ErrorLogs)
	}
	if total > 10<<20 {
		t.Errorf("%d bytes of evidence from a body of %d", total, len(body))
	}
}
