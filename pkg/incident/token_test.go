package incident

import (
	"fmt"
	"strings"
	"testing"
)

func TestTaskTokenNeverPrints(t *testing.T) {
	const secret = "AQCEAAAAKgAAAAMAAAAA"
	tok := NewTaskToken(secret)
	for _, s := range []string{fmt.Sprint(tok), fmt.Sprintf("%v %+v %#v %s %q", tok, tok, tok, tok, tok), mustJSON(t, Wait{Token: tok}), fmt.Sprintf("%+v", Wait{Token: tok}), tok.LogValue().String()} {
		if want := secret; s == "" || strings.Contains(s, want) {
			t.Errorf("the token shows: %s", s)
		}
	}
}
