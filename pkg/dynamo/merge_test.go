package dynamo

import (
	"slices"
	"testing"
)

func TestAPageHoldsOnlyWhatNoPartitionCanStillComeBefore(t *testing.T) {
	items := func(ids ...string) (all []item) {
		for _, id := range ids {
			all = append(all, item{attrID: text(id)})
		}
		return all
	}
	for name, test := range map[string]struct {
		parts []part
		limit int
		want  []string
		next  string
	}{
		"all have ended":             {[]part{{items: items("9", "1"), ended: true}, {items: items("5"), ended: true}}, 9, []string{"9", "5", "1"}, ""},
		"one has more after 5":       {[]part{{items: items("9", "1"), ended: true}, {items: items("5"), seen: "5"}}, 9, []string{"9", "5"}, "5"},
		"one looked at 6 in vain":    {[]part{{items: items("9", "1"), ended: true}, {items: nil, seen: "6"}}, 9, []string{"9"}, "6"},
		"more than the page holds":   {[]part{{items: items("9", "7"), seen: "7"}, {items: items("8"), ended: true}}, 2, []string{"9", "8"}, "8"},
		"as many as the page holds":  {[]part{{items: items("9", "7"), ended: true}}, 2, []string{"9", "7"}, ""},
		"nothing certain, but a way": {[]part{{items: items("1"), ended: true}, {items: nil, seen: "6"}}, 9, nil, "6"},
	} {
		got, next := (&spread{order: attrID, limit: test.limit, parts: test.parts}).merge()
		var ids []string
		for _, it := range got {
			ids = append(ids, stringOf(it, attrID))
		}
		if !slices.Equal(ids, test.want) || next != test.next {
			t.Errorf("%s: %v, then %q; want %v, then %q", name, ids, next, test.want, test.next)
		}
	}
}
