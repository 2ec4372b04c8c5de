package intake_test

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/opsguard/opsguard/pkg/intake"
)

func TestFlatNamesWhatIsNestedByDots(t *testing.T) {
	v := read(t, `{"a":{"b":{"c":1},"d":true},"list":["x",2,null,""],"objects":[{"y":1}],"none":null,"e":""}`)
	want := map[string]string{"a.b.c": "1", "a.d": "true", "list": "x, 2"}
	if diff := cmp.Diff(want, v.Flat()); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	if got := read(t, `"text"`).Flat(); len(got) != 0 {
		t.Errorf("a text has fields: %v", got)
	}
	if err := v.Err(); err != nil {
		t.Errorf("looking is a mistake: %v", err)
	}
}

func TestTextsTakesAListOrOneText(t *testing.T) {
	for doc, want := range map[string][]string{
		`["a",1,{},"b","c"]`: {"a", "1", "b"}, `"one"`: {"one"}, `null`: nil, `{}`: nil,
	} {
		if diff := cmp.Diff(want, read(t, doc).Texts(3)); diff != "" {
			t.Errorf("%s (-want +got):\n%s", doc, diff)
		}
	}
}

func TestANumberIsATimeInTheUnitOfItsSize(t *testing.T) {
	at := time.Date(2026, 11, 20, 3, 12, 44, 0, time.UTC)
	for doc, want := range map[string]time.Time{
		`1795144364`: at, `"1795144364"`: at, `1795144364000`: at, `"1795144364000"`: at, `1795144364.5`: at.Add(500 * time.Millisecond),
		`1795144364120000`: at.Add(120 * time.Millisecond), `1795144364120000000`: at.Add(120 * time.Millisecond), `1e300`: {},
		`0`: {}, `-5`: {}, `1605133931151000000000000`: {}, `"soon"`: {}, `null`: {}, `1e400`: {}, `"NaN"`: {}, `"Inf"`: {}, `"-Inf"`: {},
	} {
		if got := read(t, doc).Epoch(); !got.Equal(want) {
			t.Errorf("%s is %s, want %s", doc, got, want)
		}
	}
}

func TestSecondsReadsOnlyWholeSecondsOfOurTime(t *testing.T) {
	if got, want := intake.Seconds("1795144364"), time.Date(2026, 11, 20, 3, 12, 44, 0, time.UTC); !got.Equal(want) {
		t.Errorf("%s, want %s", got, want)
	}
	for _, text := range []string{"", "0", "-1", "1.5", "9223372036854775807", "now"} {
		if got := intake.Seconds(text); !got.IsZero() {
			t.Errorf("%q is %s", text, got)
		}
	}
}

func TestOfPairsWithOneNameTheFirstCounts(t *testing.T) {
	got := intake.Merge(map[string]string{"a": "1", "b": ""}, map[string]string{"a": "2", "b": "3"}, nil)
	if diff := cmp.Diff(map[string]string{"a": "1", "b": "3"}, got); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

func TestTheServiceIsTheBestLabel(t *testing.T) {
	labels := map[string]string{"namespace": "shop", "deployment": "api", "service": " "}
	if got := intake.ServiceOf(labels); got != "api" {
		t.Errorf("%q", got)
	}
	if got := intake.ServiceOf(nil); got != "" {
		t.Errorf("of nothing: %q", got)
	}
}

func TestABlockHasPlainLineEnds(t *testing.T) {
	var e intake.Evidence
	e.Block("one\r\n  two\r\n\r\n")
	if got := e.String(); got != "one\n  two" {
		t.Errorf("%q", got)
	}
}
