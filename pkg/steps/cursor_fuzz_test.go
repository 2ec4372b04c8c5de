package steps

import (
	"testing"

	"github.com/opsguard/opsguard/pkg/incident"
)

// A cursor that is taken is one that a list gave: it names an incident, and has
// one spelling.
func FuzzCursor(f *testing.F) {
	f.Add(MakeCursor("INC-01ARZ3NDEKTSV4RRFFQ69G5FAV"))
	f.Add("")
	f.Add("SU5DLTAx\n")
	f.Add("INC-01ARZ3NDEKTSV4RRFFQ69G5FAV")
	f.Add("////")
	f.Fuzz(func(t *testing.T, cursor string) {
		id, err := ParseCursor(cursor)
		switch {
		case err != nil && incident.KindOf(err) != incident.Invalid:
			t.Fatalf("%q: %v", cursor, err)
		case err == nil && cursor != "" && (!incident.ValidID(id) || MakeCursor(id) != cursor):
			t.Fatalf("%q is taken for %q, whose cursor is %q", cursor, id, MakeCursor(id))
		}
	})
}
