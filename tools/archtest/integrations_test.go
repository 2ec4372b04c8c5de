package archtest

import (
	"fmt"
	"path"
	"slices"
	"strings"
	"testing"
)

// kinds says for each kind of integration where its folders and its list are, and
// which contract each member's own test must run.
func kinds() map[string]struct{ list, contract string } {
	return map[string]struct{ list, contract string }{
		"pkg/source":   {"pkg/source/source.go", "stepstest.SourceContract("},
		"pkg/notify":   {"pkg/notify/notify.go", "stepstest.ChannelContract("},
		"pkg/ticket":   {"pkg/ticket/ticket.go", "stepstest.TrackerContract("},
		"pkg/executor": {"pkg/executor/executor.go", "stepstest.ExecutorContract("},
	}
}

func TestEveryIntegrationIsListedAndKeepsItsContract(t *testing.T) {
	for _, v := range checkIntegrations(readSources(t)) {
		t.Error(v)
	}
}

// checkIntegrations reports folders of a kind that its list leaves out, and those
// whose tests do not run the kind's contract.
func checkIntegrations(files []source) []string {
	var bad []string
	for kind, k := range kinds() {
		tested, folders, list := map[string]bool{}, map[string]bool{}, ""
		for _, f := range files {
			folder := path.Dir(f.path)
			switch {
			case f.path == k.list:
				list = f.text
			case path.Dir(folder) != kind || path.Base(folder) == "internal":
			case strings.HasSuffix(f.path, "_test.go"):
				tested[folder] = tested[folder] || strings.Contains(f.text, k.contract)
			default:
				folders[folder] = true
			}
		}
		for folder := range folders {
			// A folder is named as services.yaml names the type; a Go package has no hyphen.
			if name := strings.ReplaceAll(path.Base(folder), "-", ""); !strings.Contains(list, "\t"+name+".Integration(),\n") {
				bad = append(bad, fmt.Sprintf("%s: is in no list; add a line to List in %s", folder, k.list))
			}
			if !tested[folder] {
				bad = append(bad, fmt.Sprintf("%s: no test of it runs %s...)", folder, k.contract))
			}
		}
	}
	slices.Sort(bad)
	return bad
}

// TestAnIntegrationThatIsLeftOutIsReported shows that the check can fail.
func TestAnIntegrationThatIsLeftOutIsReported(t *testing.T) {
	list := source{"pkg/notify/notify.go", "\t\tpager.Integration(),\n"}
	code, test := source{"pkg/notify/pager/pager.go", "package pager"}, source{"pkg/notify/pager/pager_test.go", "stepstest.ChannelContract(t, pager.Integration())"}
	for name, c := range map[string]struct {
		files []source
		want  string
	}{
		"listed and tested": {[]source{list, code, test}, ""},
		"with a hyphen":     {[]source{list, {"pkg/notify/pa-ger/p.go", "package pager"}, {"pkg/notify/pa-ger/p_test.go", test.text}}, ""},
		"not tested":        {[]source{list, code}, "no test of it runs stepstest.ChannelContract("},
		"not listed":        {[]source{{list.path, ""}, code, test}, "is in no list"},
		"tested otherwise":  {[]source{list, code, {test.path, "stepstest.TrackerContract(t)"}}, "no test of it runs"},
	} {
		got := strings.Join(checkIntegrations(c.files), "\n")
		if c.want == "" && got != "" || !strings.Contains(got, c.want) {
			t.Errorf("%s: %q, want %q", name, got, c.want)
		}
	}
}
