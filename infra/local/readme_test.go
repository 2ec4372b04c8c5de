package local

import (
	"flag"
	"fmt"
	"os"
	"reflect"
	"strings"
	"testing"
)

var update = flag.Bool("update", false, "write the README's settings table anew")

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

func TestTheReadmesSettingsTableIsTheStructs(t *testing.T) {
	const readme, begin, end = "../../README.md", "<!-- settings -->\n", "<!-- /settings -->"
	text, err := os.ReadFile(readme)
	if err != nil {
		t.Fatal(err)
	}
	before, rest, ok := strings.Cut(string(text), begin)
	_, after, ok2 := strings.Cut(rest, end)
	if !ok || !ok2 {
		t.Fatal("the README has no place for the table")
	}
	want := before + begin + "| setting | default | |\n|---|---|---|\n" + settingsTable(t, reflect.TypeFor[Settings]()) + end + after
	if string(text) == want {
		return
	}
	if !*update {
		t.Fatal("the README's settings table is not what the structs say; go test ./infra/local -update")
	}
	if err := os.WriteFile(readme, []byte(want), 0o644); err != nil {
		t.Fatal(err)
	}
}
