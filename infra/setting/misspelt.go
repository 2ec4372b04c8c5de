package setting

import (
	"errors"
	"fmt"
	"reflect"
	"slices"
	"strings"
)

// Names are the variables that the struct that into points to is read from.
func Names(into any) []string {
	var names []string
	t := reflect.TypeOf(into).Elem()
	for i := range t.NumField() {
		if name := t.Field(i).Tag.Get("env"); name != "" {
			names = append(names, name)
		}
	}
	return names
}

// farthest is how many letters a misspelt name may differ from a setting's. Names that
// differ more are taken to be somebody else's.
const farthest = 2

// Misspelt names each variable of environ that nearly is a setting: one that is
// ignored would leave OpsGuard on a default that nobody chose. Secrets that
// services.yaml names are no settings.
func Misspelt(environ, known []string) error {
	var wrong []error
	for _, entry := range environ {
		name, _, _ := strings.Cut(entry, "=")
		if !strings.HasPrefix(name, "OPSGUARD_") || strings.HasPrefix(name, "OPSGUARD_SECRET_") || slices.Contains(known, name) {
			continue
		}
		for _, setting := range known {
			if distance(name, setting) <= farthest {
				wrong = append(wrong, fmt.Errorf("%s: there is no such setting; did you mean %s?", name, setting))
				break
			}
		}
	}
	return errors.Join(wrong...)
}

// distance is Levenshtein's: how many letters to change, add or leave out.
func distance(a, b string) int {
	row := make([]int, len(b)+1)
	for j := range row {
		row[j] = j
	}
	for i := range len(a) {
		diagonal := row[0]
		row[0] = i + 1
		for j := range len(b) {
			change := diagonal
			if a[i] != b[j] {
				change++
			}
			diagonal = row[j+1]
			row[j+1] = min(change, row[j]+1, row[j+1]+1)
		}
	}
	return row[len(b)]
}
