package local

import (
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"

	"github.com/opsguard/opsguard/pkg/executor"
	"github.com/opsguard/opsguard/pkg/incident"
	"github.com/opsguard/opsguard/pkg/integration"
	"github.com/opsguard/opsguard/pkg/web"
)

var update = flag.Bool("update", false, "write the generated parts of the documents")

// document is a file of the repository that a test writes, whole or in part.
type document struct{ path string }

func documentAt(path string) document {
	return document{filepath.Join("..", "..", filepath.FromSlash(path))}
}

// is holds the document to what it must be; with -update it becomes that.
func (d document) is(t *testing.T, want string) {
	t.Helper()
	have, err := os.ReadFile(d.path)
	if err != nil && !(os.IsNotExist(err) && *update) {
		t.Fatal(err)
	}
	switch {
	case string(have) == want:
	case !*update:
		t.Errorf("%s is not what the code says; run: make docs", d.path)
	default:
		if err := os.WriteFile(d.path, []byte(want), 0o644); err != nil {
			t.Fatal(err)
		}
	}
}

// holds does the same for the lines between two markers, <!-- name --> and <!-- /name -->.
func (d document) holds(t *testing.T, name, want string) {
	t.Helper()
	text, err := os.ReadFile(d.path)
	if err != nil {
		t.Fatal(err)
	}
	begin, end := "<!-- "+name+" -->\n", "<!-- /"+name+" -->"
	before, rest, ok := strings.Cut(string(text), begin)
	_, after, ok2 := strings.Cut(rest, end)
	if !ok || !ok2 {
		t.Fatalf("%s has no place for %s", d.path, name)
	}
	d.is(t, before+begin+want+end+after)
}

// settingsTable renders the settings that a struct's tags state, nested ones too.
func settingsTable(t *testing.T, s reflect.Type) string {
	var rows strings.Builder
	for i := range s.NumField() {
		f := s.Field(i)
		name, ok := f.Tag.Lookup("env")
		if !ok {
			if f.Type.Kind() == reflect.Struct {
				rows.WriteString(settingsTable(t, f.Type))
			}
			continue
		}
		standard := f.Tag.Get("envDefault")
		if standard == "" {
			standard = f.Tag.Get("default")
		}
		help := f.Tag.Get("help")
		if standard == "" || help == "" {
			t.Errorf("%s: the field %s needs the tags default (or envDefault) and help", name, f.Name)
		}
		name = "`" + name + "`"
		if option := f.Tag.Get("flag"); option != "" {
			name += " (`" + option + "`)"
		}
		if f.Tag.Get("secret") != "" {
			help += " (secret)"
		}
		fmt.Fprintf(&rows, "| %s | %s | %s |\n", name, standard, help)
	}
	return rows.String()
}

func TestTheSettingsTableIsTheStructs(t *testing.T) {
	documentAt("docs/operating.md").holds(t, "settings", "| setting | default | |\n|---|---|---|\n"+settingsTable(t, reflect.TypeFor[Settings]()))
}

func TestTheFixesTableIsTheCatalogue(t *testing.T) {
	var rows strings.Builder
	rows.WriteString("| fix | | parameters | risk | on |\n|---|---|---|---|---|\n")
	for _, f := range executor.Table(Integrations()[integration.Executors]) {
		var params, on []string
		for _, p := range f.Params {
			params = append(params, fmt.Sprintf("`%s`, %d to %d, %d if not said", p.Name, p.Min, p.Max, p.Default))
		}
		for _, one := range f.On {
			on = append(on, one.Type)
		}
		fmt.Fprintf(&rows, "| `%s` | %s | %s | %s | %s |\n", f.ID, f.Title, strings.Join(params, "; "), f.Risk, strings.Join(on, ", "))
	}
	documentAt("docs/operating.md").holds(t, "fixes", rows.String())
}

func TestTheSeveritiesTableIsWhatIsRead(t *testing.T) {
	var rows strings.Builder
	rows.WriteString("| severity | words |\n|---|---|\n")
	for _, m := range incident.SeverityWords() {
		fmt.Fprintf(&rows, "| %s | %s |\n", m.Severity, strings.Join(m.Words, ", "))
	}
	documentAt("docs/sending.md").holds(t, "severities", rows.String())
}

func TestTheRoutesTableIsTheRouter(t *testing.T) {
	who := map[web.Access]string{
		web.AccessNone: "anybody", web.AccessIngest: "ingest", web.AccessRead: "read", web.AccessOperate: "operate",
		web.AccessLink: "operate, or a link", web.AccessSource: "the sender, by its own signature",
	}
	var rows strings.Builder
	rows.WriteString("| call | role | for |\n|---|---|---|\n")
	for _, r := range web.Routes() {
		if who[r.Access] == "" {
			t.Errorf("%s %s: the documents have no word for the access %q", r.Method, r.Pattern, r.Access)
		}
		fmt.Fprintf(&rows, "| `%s %s` | %s | %s |\n", r.Method, r.Pattern, who[r.Access], r.For)
	}
	documentAt("docs/api.md").holds(t, "routes", rows.String())
}
