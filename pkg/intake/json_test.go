package intake_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/opsguard/opsguard/pkg/incident"
	"github.com/opsguard/opsguard/pkg/intake"
)

func read(t *testing.T, raw string) intake.Value {
	t.Helper()
	v, err := intake.ReadJSON([]byte(raw))
	if err != nil {
		t.Fatalf("%.200q: %v", raw, err)
	}
	return v
}

func numbered(n int) string {
	var b strings.Builder
	for i := range n {
		fmt.Fprintf(&b, `"k%d":1,`, i)
	}
	return b.String()
}

func TestADocumentThatIsDamagedOrHostileIsRefusedByName(t *testing.T) {
	long := strings.Repeat("n", 5000)
	for name, test := range map[string]struct{ raw, want string }{
		"nothing":                {"", "the body is empty; send JSON"},
		"white space":            {" \n\t", "the body is empty; send JSON"},
		"not UTF-8":              {"{\"a\":\"\xff\"}", "the body is not valid UTF-8"},
		"an overlong slash":      {"{\"a\":\"\xc0\xaf\"}", "the body is not valid UTF-8"},
		"no JSON":                {"hello", "the body is not JSON at byte 0"},
		"NaN":                    {`{"a":NaN}`, "the body is not JSON at byte 5"},
		"a byte order mark":      {"\ufeff{}", "the body is not JSON at byte 0"},
		"a name without quotes":  {`{a:1}`, "the body is not JSON at byte 1"},
		"a comma too much":       {`{"a":1,}`, "the body is not JSON at byte 7"},
		"a comma in an array":    {`[1,]`, "the body is not JSON at byte 3"},
		"a wrong bracket":        {`{"a":[1}`, "the body is not JSON at byte 7"},
		"cut in an object":       {`{"a":`, "the body ends within its JSON, after 5 bytes"},
		"cut in an array":        {`[1`, "the body ends within its JSON, after 2 bytes"},
		"cut in a text":          {`{"a":"b`, "the body ends within its JSON, after 5 bytes"},
		"cut after a name":       {`{"a"`, "the body ends within its JSON, after 4 bytes"},
		"a second document":      {`{} {}`, "the body goes on after its JSON value; send one"},
		"something after it":     {`{}x`, "the body goes on after its JSON value; send one"},
		"a bracket after it":     {`[]]`, "the body goes on after its JSON value; send one"},
		"a name twice":           {`{"a":{"b":1,"b":2}}`, "a.b: stands twice in its object"},
		"a name twice in a list": {`{"a":[{},{"b":1,"b":2}]}`, "a[1].b: stands twice in its object"},
		"a name twice, escaped":  {`{"a":1,"\u0061":2}`, "a: stands twice in its object"},
		"lone surrogates":        {`{"\ud800":1,"\udfff":2}`, "\ufffd: stands twice in its object"},
		"a long name twice":      {`{"` + long + `":1,"` + long + `":2}`, `"` + long[:64] + `": stands twice in its object`},
		"a hostile name twice":   {`{"\u001b[2J\u202e":1,"\u001b[2J\u202e":2}`, `"\x1b[2J\u202e": stands twice in its object`},
		"a name of spaces twice": {`{" ":1," ":2}`, `" ": stands twice in its object`},
		"an empty name twice":    {`{"":1,"":2}`, `"": stands twice in its object`},
		"65 levels":              {strings.Repeat("[", 65), strings.Repeat("[0]", 64) + ": is nested more than 64 levels deep"},
		"50,000 levels": {strings.Repeat(`{"a":[`, 50_000),
			"a[0]" + strings.Repeat(".a[0]", 31) + ": is nested more than 64 levels deep"},
		"levels with long names":  {strings.Repeat(`{"`+long+`":`, 70), ""},
		"300,000 values":          {"[" + strings.Repeat("1,", 300_000) + "1]", "[199999]: the body holds more than 200000 values"},
		"300,000 empty objects":   {"[" + strings.Repeat("{},", 300_000) + "{}]", "[199999]: the body holds more than 200000 values"},
		"300,000 names":           {"{" + numbered(300_000) + `"z":1}`, "k199999: the body holds more than 200000 values"},
		"300,000 values, a level": {`{"a":[` + strings.Repeat("[],", 300_000), "a[199998]: the body holds more than 200000 values"},
	} {
		_, err := intake.ReadJSON([]byte(test.raw))
		if err == nil || incident.KindOf(err) != incident.Invalid {
			t.Errorf("%s: %v, want Invalid", name, err)
			continue
		}
		if test.want != "" && err.Error() != test.want {
			t.Errorf("%s:\ngot  %v\nwant %s", name, err, test.want)
		}
		if len(err.Error()) > 1000 {
			t.Errorf("%s: the error has %d bytes", name, len(err.Error()))
		}
	}
}

func TestWhatJSONAllowsIsRead(t *testing.T) {
	for raw, want := range map[string]string{
		`null`: "null", ` true `: "true", `-1.50e+3`: "-1.50e+3", `"x"`: `"x"`, `[]`: "[]",
		`{"b":[1,{}],"a":null}`:                           `{"a":null,"b":[1,{}]}`,
		`{"A":1,"a":2}`:                                   `{"A":1,"a":2}`,
		`"\ud83d\ude00 <&>"`:                              `"😀 <&>"`,
		`12345678901234567890.12345678901234567890`:       `12345678901234567890.12345678901234567890`,
		strings.Repeat("[", 64) + strings.Repeat("]", 64): strings.Repeat("[", 64) + strings.Repeat("]", 64),
	} {
		if got := read(t, raw).JSON(); got != want {
			t.Errorf("%s is read as %s, want %s", raw, got, want)
		}
	}
	if got := read(t, `"a\ud800b"`).Text(); got != "a\ufffdb" {
		t.Errorf("a lone surrogate becomes %q; want U+FFFD, which is valid UTF-8", got)
	}
}

func TestAMistakeNamesItsPathAndTheFirstOneStays(t *testing.T) {
	const raw = `{"a":{"n":1,"t":"x","o":{}},"list":[{"s":7},"x"],"none":null,"big":["1","2","3"]}`
	for name, test := range map[string]struct {
		look func(v intake.Value)
		want string
	}{
		"missing":        {func(v intake.Value) { v.At("a", "b").Text() }, "a.b: is missing"},
		"missing below":  {func(v intake.Value) { v.At("x", "y", "z").Text() }, "x.y.z: is missing"},
		"null":           {func(v intake.Value) { v.At("none").Text() }, "none: is missing"},
		"below null":     {func(v intake.Value) { v.At("none", "x").Text() }, "none.x: is missing"},
		"a number":       {func(v intake.Value) { v.At("a", "n").Text() }, "a.n: must be a string, not a number"},
		"an object":      {func(v intake.Value) { v.At("a").Maybe() }, "a: must be a string, not an object"},
		"below a number": {func(v intake.Value) { v.At("a", "n", "x").Maybe() }, "a.n: must be an object, not a number"},
		"below a list":   {func(v intake.Value) { v.At("list", "x").Maybe() }, "list: must be an object, not an array"},
		"no list":        {func(v intake.Value) { v.At("a").List(9) }, "a: must be an array, not an object"},
		"a long list": {func(v intake.Value) { v.At("big").List(2) },
			"big: holds 3 items; the first 2 are taken, send the rest in requests of their own"},
		"no object": {func(v intake.Value) { v.At("list").Fields() }, "list: must be an object, not an array"},
		"no time": {func(v intake.Value) { v.At("a", "t").Time() },
			"a.t: must be a time in RFC 3339, like 2026-01-31T10:00:00Z"},
		"a time of a number": {func(v intake.Value) { v.At("a", "n").Time() }, "a.n: must be a string, not a number"},
		"the first one stays": {func(v intake.Value) { v.At("a", "n").Text(); v.At("nothing").Text() },
			"a.n: must be a string, not a number"},
		"nothing": {func(v intake.Value) {
			v.At("x", "y").Maybe()
			v.At("none").List(1)
			v.At("none").Fields()
			v.At("x").Time()
		}, "<nil>"},
	} {
		v := read(t, raw)
		test.look(v)
		if got := fmt.Sprint(v.Err()); got != test.want {
			t.Errorf("%s: %s, want %s", name, got, test.want)
		}
	}
}

func TestAnItemsMistakeIsItsOwn(t *testing.T) {
	v := read(t, `{"list":[{"s":7},{"s":"fine"}]}`)
	items := v.At("list").List(9)
	for _, item := range items {
		item.At("s").Text()
	}
	if got := items[0].Err().Error(); got != "list[0].s: must be a string, not a number" {
		t.Error(got)
	}
	if items[1].Err() != nil || v.Err() != nil {
		t.Errorf("the second item: %v; the document: %v", items[1].Err(), v.Err())
	}
}

func TestValuesAreShownAsTheyAreWritten(t *testing.T) {
	v := read(t, `{"t":"x","n":1.50,"b":false,"o":{"p":1},"l":[1],"e":"","z":null}`)
	if diff := cmp.Diff(map[string]string{"t": "x", "n": "1.50", "b": "false"}, v.Fields()); diff != "" {
		t.Errorf("fields (-want +got):\n%s", diff)
	}
	if got := v.First("o", "e", "z", "nothing", "n", "t"); got != "1.50" {
		t.Errorf("the first that says something is %q", got)
	}
	if got := v.Names(); !cmp.Equal(got, []string{"b", "e", "l", "n", "o", "t", "z"}) {
		t.Errorf("names %v", got)
	}
	if v.At("z").Has() || v.At("q").Has() || !v.At("b").Has() || v.At("q").JSON() != "" || (intake.Value{}).Has() {
		t.Error("what is null or absent is taken for a value, or the other way round")
	}
	many := read(t, "{"+numbered(300)+`"z":1}`).Fields()
	if len(many) != intake.MaxLabels {
		t.Errorf("%d fields of 301 are taken, want %d", len(many), intake.MaxLabels)
	}
}

func TestATimeThatCannotBeIsNone(t *testing.T) {
	for raw, want := range map[string]string{
		`"2026-11-20T04:12:44.1239+01:00"`: "2026-11-20T03:12:44.123Z",
		`"0001-01-01T00:00:00Z"`:           "", `"1970-01-01T00:00:00Z"`: "", `"9999-12-31T23:59:59-01:00"`: "", `""`: "", `null`: "",
		`"1971-01-01T00:00:00Z"`: "1971-01-01T00:00:00.000Z",
	} {
		v := read(t, raw)
		at, got := v.Time(), ""
		if !at.IsZero() {
			got = incident.FormatTime(at)
		}
		if got != want || v.Err() != nil {
			t.Errorf("%s is read as %q, %v; want %q", raw, got, v.Err(), want)
		}
	}
	if at := intake.Plausible(time.Unix(1<<60, 0)); !at.IsZero() {
		t.Errorf("an impossible time becomes %v", at)
	}
}

// The zero Value is what a source reads where it read nothing.
func TestTheZeroValueIsAbsent(t *testing.T) {
	var v intake.Value
	v.At("a", "b").Text()
	v.Refuse("is bad")
	if v.Err() != nil || v.List(1) != nil || v.Fields() != nil || v.Written() != "" || !v.Time().IsZero() {
		t.Errorf("it holds something, or fails: %v", v.Err())
	}
}
