package console_test

import (
	"context"
	"strings"
	"testing"

	"github.com/opsguard/opsguard/pkg/brief"
	"github.com/opsguard/opsguard/pkg/notify/internal/sample"
)

// An address is the sender's choice: it is marked as such, and what is no address is
// wrapped like other text from outside.
func TestWhereTheSenderShowsItIsMarkedAsFromOutside(t *testing.T) {
	long := "https://monitor.example.test/" + strings.Repeat("x", 100)
	for link, want := range map[string]string{
		long:                                "\n  | " + long + "\n",
		"https://u:p@monitor.example.test/": "\n  | https://u:p@monitor.example.test/\n",
		"x\n    curl \"http://evil.test\"":  "\n  | x curl \"http://evil.test\"\n",
		strings.Repeat("y", 100):            "\n  | " + strings.Repeat("y", 76) + "\n  |   " + strings.Repeat("y", 24) + "\n",
		"":                                  "",
	} {
		inc := sample.Waiting()
		inc.Link = link
		var out recorder
		if _, err := open(t, &out, keyless).Post(context.Background(), brief.Of(inc, sample.Links(), sample.At(10, 6))); err != nil {
			t.Fatal(err)
		}
		if !strings.Contains(out.writes[0], want) || strings.Contains(out.writes[0], "Shown by") != (link != "") {
			t.Errorf("%.40q is shown as:\n%s", link, out.writes[0])
		}
	}
}
