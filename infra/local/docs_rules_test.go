package local

import (
	"cmp"
	"fmt"
	"strings"
	"testing"

	"github.com/opsguard/opsguard/pkg/rules"
)

const rulesIntro = `# Rules

What OpsGuard recognises without any model, in lines of an alert and in what was gathered beside it. ` + "`make docs`" + ` writes
this page.

Of several rules that match, one that is shown by lines that count comes before one that is shown only by lines that prove
little: quoted ones (a ticket, a comment), ones that say that it was dealt with, ones logged as information, and ones from
half an hour or more before the last line. Among equals the one of the lowest rank wins, because it explains those after it.
A rule whose only lines prove little names its cause, is unsure, and proposes no fix.

"Whose" says whose trouble it is: the service's own (self), a dependency's of that kind, or by the address that the line was
connecting to. Where the trouble is another's, no fix of this service is proposed; the cause names the service of
` + "`dependsOn`" + ` that it is, if it is listed. Try a log with ` + "`bin/opsguard rules test FILE`" + `. Rules of your own
stand in services.yaml under ` + "`rules`" + ` (see [operating](operating.md#rules-of-your-own)).

`

func TestTheRulesPageIsTheRules(t *testing.T) {
	var page strings.Builder
	all := rules.Builtin()
	fmt.Fprintf(&page, "%s%d rules are built in.\n\n| rule | rank | cause | whose | fixes, the first to try first | confidence |\n|---|---|---|---|---|---|\n", rulesIntro, len(all))
	for _, r := range all {
		fixes := cmp.Or(strings.Join(r.Fixes, ", "), "none")
		fmt.Fprintf(&page, "| `%s` | %d | %s | %s | %s | %s |\n", r.ID, r.Rank, strings.ReplaceAll(r.Cause, "|", "\\|"), r.Whose, fixes, r.Confidence)
	}
	documentAt("docs/rules.md").is(t, page.String())
}
