package intake_test

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/opsguard/opsguard/pkg/incident"
	"github.com/opsguard/opsguard/pkg/intake"
)

func TestLeavesAreEverythingThatSaysSomething(t *testing.T) {
	v := read(t, `{"b":{"d":1.50,"c":[true,null,{"x y":"z"}]},"a":"","e":" ","f":{},"g":[]}`)
	leaves, more := v.Leaves(9)
	want := []intake.Leaf{{Path: "b.c[0]", Text: "true"}, {Path: `b.c[2]."x y"`, Text: "z"}, {Path: "b.d", Text: "1.50"}}
	if diff := cmp.Diff(want, leaves); diff != "" || more != 0 {
		t.Errorf("%d more (-want +got):\n%s", more, diff)
	}
	if leaves, more := v.At("b").Leaves(2); len(leaves) != 2 || more != 1 || leaves[0].Path != "c[0]" {
		t.Errorf("%v and %d more; want the first two, by their path from there", leaves, more)
	}
	if leaves, more := read(t, `"text"`).Leaves(9); len(leaves) != 1 || leaves[0].Text != "text" || more != 0 {
		t.Errorf("a text alone is %v", leaves)
	}
	if leaves, _ := v.At("nothing").Leaves(9); leaves != nil {
		t.Errorf("nothing holds %v", leaves)
	}
}

func TestLeavesAreEvidence(t *testing.T) {
	var e intake.Evidence
	e.AddLeaves(read(t, `{"host":"db-1","check":{"output":"disk 97 %","trace":"at a\n  at b\n"},"secret":"x"}`), "secret")
	if diff := cmp.Diff("check.output: disk 97 %\ncheck.trace:\nat a\n  at b\nhost: db-1", e.String()); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	var many intake.Evidence
	many.AddLeaves(read(t, "{"+numbered(100)+`"z":1}`))
	if got := many.String(); !strings.HasSuffix(got, "\n[... 37 more fields left out ...]") {
		t.Errorf("what is left out is not told: %q", got[len(got)-80:])
	}
}

func TestMadeValuesAreReadLikeOthers(t *testing.T) {
	v := intake.Of("made", map[string]any{"type": "t", "n": json.Number("7"), "data": read(t, `{"a":[1,2.5,"x",null,true]}`)})
	if got := v.JSON(); got != `{"data":{"a":[1,2.5,"x",null,true]},"n":7,"type":"t"}` {
		t.Error(got)
	}
	want := map[string]any{"type": "t", "n": int64(7), "data": map[string]any{"a": []any{int64(1), 2.5, "x", nil, true}}}
	if diff := cmp.Diff(want, v.Plain()); diff != "" {
		t.Errorf("plain (-want +got):\n%s", diff)
	}
	v.At("data", "b").Text()
	if got := fmt.Sprint(v.Err()); got != "made.data.b: is missing" {
		t.Error(got)
	}
	if v.At("data").IsArray() || !v.At("data").IsObject() || !v.At("data", "a").IsArray() || v.At("type").IsObject() {
		t.Error("objects and arrays are mixed up")
	}
}

func TestATimeIsReadAsSendersWriteIt(t *testing.T) {
	const want = "2026-11-20T03:12:44.120Z"
	at := time.Date(2026, 11, 20, 3, 12, 44, 120e6, time.UTC)
	for _, text := range []string{want, " 2026-11-20T04:12:44.12+01:00 ", "1795144364.12", "1795144364.120999",
		fmt.Sprint(at.UnixMilli()), fmt.Sprint(at.UnixMicro()), fmt.Sprint(at.UnixNano())} {
		if got := incident.FormatTime(intake.Moment(text)); got != want {
			t.Errorf("%q is read as %s", text, got)
		}
	}
	for _, text := range []string{"", "0", "-5", "soon", "2026-11-20", "1e9", "0x10", "1795144364.x", "99999999999999999999", "1 2",
		"NaN", ".5", "31535999"} {
		if got := intake.Moment(text); !got.IsZero() {
			t.Errorf("%q is read as %v", text, got)
		}
	}
}
