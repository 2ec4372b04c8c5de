package intake_test

import (
	"testing"

	"github.com/opsguard/opsguard/pkg/intake"
)

func TestAMistakeInAPartThatIsOnlyShownCostsNothing(t *testing.T) {
	doc := read(t, `{"shown":"text","needed":{"id":7}}`)
	if got := doc.At("shown").Apart().At("below").Written(); got != "" {
		t.Errorf("below a text is %q", got)
	}
	if err := doc.Err(); err != nil {
		t.Errorf("the document is refused: %v", err)
	}
	doc.At("needed", "id").Text()
	if doc.Err() == nil {
		t.Error("a mistake in a part that is needed is not told")
	}
}

func TestASignatureThatIsNoHexIsNone(t *testing.T) {
	for _, text := range []string{"", "abc", "xy", "v1=00"} {
		if got := intake.Hex(text); len(got) != 0 {
			t.Errorf("%q is %x", text, got)
		}
	}
	if got := string(intake.Hex("4f4B")); got != "OK" {
		t.Errorf("4f4B is %q", got)
	}
}

func TestABodyHasOneName(t *testing.T) {
	name := intake.BodyName([]byte("a"))
	if name == "" || name != intake.BodyName([]byte("a")) || name == intake.BodyName([]byte("a ")) {
		t.Errorf("the name of a body is %q", name)
	}
}
