package intake_test

import (
	"testing"

	"github.com/opsguard/opsguard/pkg/intake"
)

func TestADocumentInATextIsReadUnderTheTextsPath(t *testing.T) {
	doc, err := intake.ReadJSON([]byte(`{"Message":"{\"state\":{\"value\":7}}","broken":"{","number":7}`))
	if err != nil {
		t.Fatal(err)
	}
	inner := doc.At("Message").Document()
	if got := inner.At("state", "value").Written(); got != "7" || doc.Err() != nil {
		t.Errorf("read %q, %v", got, doc.Err())
	}
	inner.At("state", "value").Maybe()
	if want := "Message.state.value: must be a string, not a number"; doc.Err() == nil || doc.Err().Error() != want {
		t.Errorf("%v, want %s", doc.Err(), want)
	}
}

func TestATextThatHoldsNoDocumentIsAMistakeOfTheText(t *testing.T) {
	for body, want := range map[string]string{
		`{"Message":"{"}`:  "Message: must be a JSON document, written as a string",
		`{"Message":"hi"}`: "Message: must be a JSON document, written as a string",
		`{"Message":7}`:    "Message: must be a string, not a number",
		`{}`:               "Message: is missing",
	} {
		doc, err := intake.ReadJSON([]byte(body))
		if err != nil {
			t.Fatal(err)
		}
		if inner := doc.At("Message").Document(); inner.Has() || doc.Err() == nil || doc.Err().Error() != want {
			t.Errorf("%s: %v, want %s", body, doc.Err(), want)
		}
	}
}

func TestSomeOfAListIsNoMistake(t *testing.T) {
	doc, err := intake.ReadJSON([]byte(`{"list":[1,2,3],"text":"x","empty":[],"null":null}`))
	if err != nil {
		t.Fatal(err)
	}
	for name, want := range map[string]int{"list": 2, "text": 0, "empty": 0, "null": 0, "absent": 0} {
		if got := doc.At(name).Some(2); len(got) != want || doc.Err() != nil {
			t.Errorf("%s: %d items, %v; want %d", name, len(got), doc.Err(), want)
		}
	}
}
