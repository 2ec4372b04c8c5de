package body

import (
	"encoding/json"
	"maps"
	"net/url"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/google/go-cmp/cmp"

	"github.com/opsguard/opsguard/pkg/incident"
)

var names = []string{"a", "b", "c"}

func TestKindOf(t *testing.T) {
	for header, want := range map[string]Kind{
		"application/json":                                JSON,
		"application/json; charset=utf-8":                 JSON,
		"Application/JSON;charset=\"UTF-8\"":              JSON,
		"application/json; charset=utf8":                  JSON,
		"application/x-www-form-urlencoded":               Form,
		"application/x-www-form-urlencoded;charset=UTF-8": Form,
		"":                                 0,
		"text/plain":                       0,
		"application/json; charset=latin1": 0,
		"application/problem+json":         0,
		"multipart/form-data; boundary=x":  0,
		"application/json, text/plain":     0,
		"application/json;;;":              0,
		";":                                0,
	} {
		if got, ok := KindOf(header); got != want || ok != (want != 0) {
			t.Errorf("%q: %v, %v; want %v", header, got, ok, want)
		}
	}
}

func TestReadTakes(t *testing.T) {
	for name, test := range map[string]struct {
		kind Kind
		raw  string
		want Values
	}{
		"empty object":       {JSON, `{}`, Values{}},
		"space everywhere":   {JSON, " \r\n\t{ \"a\" : \"1\" ,\n\"b\":\"2\" } \n", Values{"a": "1", "b": "2"}},
		"null is not sent":   {JSON, `{"a":null,"b":""}`, Values{"b": ""}},
		"escapes":            {JSON, `{"a":"\"\\\/\b\f\n\r\t\u0041\u00e9\u0000x"}`, Values{"a": "\"\\/\b\f\n\r\tAé\x00x"}},
		"surrogate pair":     {JSON, `{"a":"x\ud83d\ude00y"}`, Values{"a": "x😀y"}},
		"raw characters":     {JSON, `{"a":"é😀\u2028"}`, Values{"a": "é😀\u2028"}},
		"escaped name":       {JSON, `{"\u0061":"1"}`, Values{"a": "1"}},
		"replacement char":   {JSON, `{"a":"\ufffd"}`, Values{"a": "\ufffd"}},
		"braces in a string": {JSON, `{"a":"}],\\\"{"}`, Values{"a": `}],\"{`}},

		"form":                {Form, "a=1&b=2+3%2B4", Values{"a": "1", "b": "2 3+4"}},
		"form, empty input":   {Form, "a=1&b=&c", Values{"a": "1", "b": "", "c": ""}},
		"form, blank pairs":   {Form, "&&a=1&", Values{"a": "1"}},
		"form, equals":        {Form, "a=1=2", Values{"a": "1=2"}},
		"form, escaped name":  {Form, "%61=1", Values{"a": "1"}},
		"form, line breaks":   {Form, "a=1%0D%0A2", Values{"a": "1\r\n2"}},
		"form, semicolon":     {Form, "a=1;b=2", Values{"a": "1;b=2"}},
		"form, trailing line": {Form, "a=1\n", Values{"a": "1\n"}},
	} {
		got, err := Read(test.kind, []byte(test.raw), names...)
		if err != nil {
			t.Errorf("%s: %v", name, err)
		}
		if diff := cmp.Diff(test.want, got); diff != "" {
			t.Errorf("%s (-want +got):\n%s", name, diff)
		}
	}
}

func TestReadRefusesBrokenSyntaxAndSaysWhere(t *testing.T) {
	for name, test := range map[string]struct {
		kind      Kind
		raw, want string
	}{
		"empty":              {JSON, "", "the body is empty; send one JSON object"},
		"blank":              {JSON, " \n", "the body is empty; send one JSON object"},
		"byte order mark":    {JSON, "\ufeff{}", "the body begins with a byte order mark; send UTF-8 without one"},
		"cut off":            {JSON, `{"a":"1`, "the body has broken JSON (it breaks off) at line 1, character 8"},
		"missing comma":      {JSON, "{\"a\":\"é\"\n  \"b\":\"2\"}", `the body has broken JSON (invalid character '"' after object key:value pair) at line 2, character 3`},
		"trailing comma":     {JSON, `{"a":"1",}`, "the body has broken JSON (invalid character '}' looking for beginning of object key string) at line 1, character 10"},
		"bare word":          {JSON, `{"a":yes}`, "the body has broken JSON (invalid character 'y' looking for beginning of value) at line 1, character 6"},
		"single quotes":      {JSON, `{'a':'1'}`, `the body has broken JSON (invalid character '\'' looking for beginning of object key string) at line 1, character 2`},
		"raw line break":     {JSON, "{\"a\":\"1\n2\"}", `the body has broken JSON (a raw control character in a string; write \n for a line break, \t for a tab) at line 1, character 8`},
		"raw NUL":            {JSON, "{\"a\":\"\x00\"}", `the body has broken JSON (a raw control character in a string; write \n for a line break, \t for a tab) at line 1, character 7`},
		"bad escape":         {JSON, `{"a":"\x"}`, "the body has broken JSON (invalid character 'x' in string escape code) at line 1, character 8"},
		"two objects":        {JSON, `{} {}`, "the body has more than one JSON value, the second at line 1, character 4"},
		"array":              {JSON, `[{"a":"1"}]`, "the body must be one JSON object, not an array"},
		"string":             {JSON, `"a"`, "the body must be one JSON object, not a string"},
		"number":             {JSON, `-1`, "the body must be one JSON object, not a number"},
		"true":               {JSON, `true`, "the body must be one JSON object, not true or false"},
		"null":               {JSON, `null`, "the body must be one JSON object, not null"},
		"invalid UTF-8":      {JSON, "{\"a\":\"é\xff\"}", "the body has a byte that is not UTF-8 at line 1, character 8"},
		"encoded surrogate":  {JSON, "{\"a\":\"\xed\xa0\x80\"}", "the body has a byte that is not UTF-8 at line 1, character 7"},
		"high half":          {JSON, `{"a":"x\ud800y"}`, `the body has half a surrogate pair (\ud800 to \udfff), which is no character, at line 1, character 8`},
		"low half":           {JSON, `{"a":"\udc00"}`, `the body has half a surrogate pair (\ud800 to \udfff), which is no character, at line 1, character 7`},
		"two high halves":    {JSON, `{"a":"\ud800\ud800"}`, `the body has half a surrogate pair (\ud800 to \udfff), which is no character, at line 1, character 7`},
		"half in a name":     {JSON, `{"\ud800":1}`, `the body has half a surrogate pair (\ud800 to \udfff), which is no character, at line 1, character 3`},
		"half, then escape":  {JSON, `{"a":"\ud800\n"}`, `the body has half a surrogate pair (\ud800 to \udfff), which is no character, at line 1, character 7`},
		"deeper than memory": {JSON, strings.Repeat("[", 100_000), "the body has broken JSON (invalid character '[' exceeded max depth) at line 1, character 10001"},

		"form, empty":      {Form, "\n", "the body is empty; send the fields a, b, c"},
		"JSON as a form":   {Form, ` {"a":"1"}`, `the body looks like JSON but was sent as a form; add the header "Content-Type: application/json"`},
		"form, bad name":   {Form, "%zz=1", "the form has a field name with a broken %-escape"},
		"form, name bytes": {Form, "%ff=1", "the form has a field name with a broken %-escape"},
		"form, raw bytes":  {Form, "a=\xff", "the body has a byte that is not UTF-8 at line 1, character 3"},
	} {
		got, err := Read(test.kind, []byte(test.raw), names...)
		if err == nil || err.Error() != test.want || incident.KindOf(err) != incident.Invalid {
			t.Errorf("%s: got  %v\nwant %s", name, err, test.want)
		}
		if got != nil {
			t.Errorf("%s: values %v of a body that cannot be read", name, got)
		}
	}
}

// A body whose syntax is sound is read to its end, so that a caller can see who
// sent it before saying what is wrong.
func TestReadRefusesFieldsByNameAndReturnsTheRest(t *testing.T) {
	long := strings.Repeat("x", 10_000)
	for name, test := range map[string]struct {
		kind      Kind
		raw, want string
		rest      Values
	}{
		"number":          {JSON, `{"a":1,"b":"2"}`, "a: must be a string, not a number", Values{"b": "2"}},
		"boolean":         {JSON, `{"a":false,"b":"2"}`, "a: must be a string, not true or false", Values{"b": "2"}},
		"object":          {JSON, `{"a":{"b":"9","x":[{}]} ,"b":"2"}`, "a: must be a string, not an object", Values{"b": "2"}},
		"array":           {JSON, `{"a":["]",[1,2],"\""],"b":"2"}`, "a: must be a string, not an array", Values{"b": "2"}},
		"last":            {JSON, `{"b":"2","a":1.5e3}`, "a: must be a string, not a number", Values{"b": "2"}},
		"unknown":         {JSON, `{"x":{"a":"9"},"b":"2"}`, "x: is not a field of this call; it takes a, b, c", Values{"b": "2"}},
		"unknown null":    {JSON, `{"x":null,"b":"2"}`, "x: is not a field of this call; it takes a, b, c", Values{"b": "2"}},
		"other case":      {JSON, `{"A":"1","b":"2"}`, "A: is not a field of this call; it takes a, b, c", Values{"b": "2"}},
		"long name":       {JSON, `{"` + long + `":1}`, "a name of 10000 characters, which is not shown since it may be a secret, is not a field of this call; it takes a, b, c", Values{}},
		"a key as a name": {JSON, `{"Ogk_x":1,"b":"2"}`, "a name of 5 characters, which is not shown since it may be a secret, is not a field of this call; it takes a, b, c", Values{"b": "2"}},
		"twice":           {JSON, `{"a":"1","b":"2","a":"3"}`, "a: was sent twice; send it once", Values{"b": "2"}},
		"twice, escaped":  {JSON, `{"a":"1","\u0061":"3"}`, "a: was sent twice; send it once", Values{}},
		"null, then text": {JSON, `{"a":null,"a":"3"}`, "a: was sent twice; send it once", Values{}},
		"first of two":    {JSON, `{"x":1,"a":2}`, "x: is not a field of this call; it takes a, b, c", Values{}},

		"form, unknown":    {Form, "x=1&b=2", "x: is not a field of this call; it takes a, b, c", Values{"b": "2"}},
		"form, twice":      {Form, "a=1&b=2&a=3", "a: was sent twice; send it once", Values{"b": "2"}},
		"form, bad escape": {Form, "a=100%&b=2", "a: has a broken %-escape; write a percent sign as %25", Values{"b": "2"}},
		"form, not UTF-8":  {Form, "a=%ff&b=2", "a: is not valid UTF-8", Values{"b": "2"}},
	} {
		got, err := Read(test.kind, []byte(test.raw), names...)
		if err == nil || err.Error() != test.want || incident.KindOf(err) != incident.Invalid {
			t.Errorf("%s: got  %v\nwant %s", name, err, test.want)
		}
		if diff := cmp.Diff(test.rest, got); diff != "" {
			t.Errorf("%s (-want +got):\n%s", name, diff)
		}
	}
}

// Whatever is taken as JSON, the standard library reads the same way.
func FuzzReadJSON(f *testing.F) {
	for _, seed := range []string{
		`{}`, `{"a":"1","b":null}`, `{"a":"\ud83d\ude00\n\/"}`, `{"a":"\ud800"}`, `{"a":[{"b":"]"}],"b":"2"}`, `{"a":1}{"a":2}`, "{\"a\":\"\xff\"}", `{"a":"1","a":"2"}`,
	} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, raw []byte) {
		got, err := Read(JSON, raw, names...)
		if err != nil {
			if incident.KindOf(err) != incident.Invalid || !utf8.ValidString(err.Error()) {
				t.Fatalf("%q: %v", raw, err)
			}
			return
		}
		var std map[string]*string
		if err := json.Unmarshal(raw, &std); err != nil {
			t.Fatalf("%q: taken, but %v", raw, err)
		}
		want := Values{}
		for name, value := range std {
			if value != nil {
				want[name] = *value
			}
		}
		if !maps.Equal(got, want) {
			t.Fatalf("%q:\ngot  %q\nwant %q", raw, got, want)
		}
	})
}

func FuzzReadForm(f *testing.F) {
	for _, seed := range []string{"a=1&b=2", "a=%ff", "a=1&a=2", "%61=+", "a;b", "a=%", "&=&=", "c"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, raw string) {
		got, err := Read(Form, []byte(raw), names...)
		if err != nil {
			if incident.KindOf(err) != incident.Invalid || !utf8.ValidString(err.Error()) {
				t.Fatalf("%q: %v", raw, err)
			}
			return
		}
		form := url.Values{}
		for name, value := range got {
			form.Set(name, value)
		}
		again, err := Read(Form, []byte(form.Encode()), names...)
		if len(got) > 0 && (err != nil || !maps.Equal(got, again)) {
			t.Fatalf("%q: %q comes back as %q, %v", raw, got, again, err)
		}
	})
}

func TestReadQuery(t *testing.T) {
	got, err := ReadQuery("a=1&b=%20", names...)
	if diff := cmp.Diff(Values{"a": "1", "b": " "}, got); diff != "" || err != nil {
		t.Errorf("%v (-want +got):\n%s", err, diff)
	}
	if got, err := ReadQuery("", names...); len(got) != 0 || err != nil {
		t.Errorf("no query: %v, %v", got, err)
	}
	if _, err := ReadQuery("x=1"); err == nil || err.Error() != "x: does not belong into the address; send everything in the body" {
		t.Errorf("a query where none belongs: %v", err)
	}
	for query, want := range map[string]string{
		"x=1":     "x: is not a field of this call; it takes a, b, c",
		"a=1&a=1": "a: was sent twice; send it once",
		"%=1":     "the query has a field name with a broken %-escape",
		"a=%":     "a: has a broken %-escape; write a percent sign as %25",
	} {
		if _, err := ReadQuery(query, names...); err == nil || err.Error() != want {
			t.Errorf("%s: got %v; want %s", query, err, want)
		}
	}
}
