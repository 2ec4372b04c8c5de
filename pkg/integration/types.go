package integration

import (
	"errors"
	"fmt"
	"slices"
	"strings"
)

// Types is what is known of each kind. Where a kind is missing, the program does
// not open it, and what services.yaml says of it is checked for its form only.
type Types map[Kind][]Type

// ValidName reports whether s can name a type or an entry: 2 to 64 small
// letters, digits and hyphens, beginning with a letter and not ending with a
// hyphen: what fits a link, a log and a key.
func ValidName(s string) bool {
	if len(s) < 2 || len(s) > 64 || s[0] < 'a' || s[0] > 'z' || s[len(s)-1] == '-' {
		return false
	}
	for _, c := range []byte(s) {
		if (c < 'a' || c > 'z') && (c < '0' || c > '9') && c != '-' {
			return false
		}
	}
	return true
}

// CheckTypes refuses a list that cannot serve: a malformed name, a missing doc, a
// setting without help, two types of one name.
func CheckTypes(kind Kind, types []Type) error {
	var problems []error
	report := func(t Type, format string, args ...any) {
		problems = append(problems, fmt.Errorf("integration: %s/%s: %s", kind, t.Name, fmt.Sprintf(format, args...)))
	}
	seen := map[string]bool{}
	for _, t := range types {
		switch {
		case !ValidName(t.Name):
			report(t, "the name must be 2 to 64 small letters, digits and hyphens")
		case seen[t.Name]:
			report(t, "is described twice; give each type its own name")
		}
		seen[t.Name] = true
		if strings.TrimSpace(t.Doc) == "" {
			report(t, "has no doc; say in a sentence what it connects to")
		}
		for _, f := range t.Fields {
			if f.Help == "" {
				report(t, "the setting %s has no help tag", f.Name)
			}
			if f.Kind == "" {
				report(t, "the setting %s is of a type that services.yaml cannot hold", f.Name)
			}
		}
		for _, name := range t.Names {
			if !slices.ContainsFunc(t.Fields, func(f Field) bool { return f.Name == name }) {
				report(t, "is named by the setting %s, which it does not have", name)
			}
		}
		for i, a := range t.Abilities {
			switch {
			case a.Fix == "" || a.Does == "" || a.Verifies == "" || a.Rights == "":
				report(t, "the fix %q is not described; say what it does, what it is verified by and which rights it needs", a.Fix)
			case i > 0 && t.Abilities[i-1].Fix == a.Fix:
				report(t, "the fix %s is described twice", a.Fix)
			}
		}
	}
	return errors.Join(problems...)
}

// Find returns the type of that name.
func Find(types []Type, name string) (Type, bool) {
	i := slices.IndexFunc(types, func(t Type) bool { return t.Name == name })
	if i < 0 {
		return Type{}, false
	}
	return types[i], true
}

// UnknownType words the refusal of a type that is in no list.
func UnknownType(name string, types []Type) string {
	var known []string
	for _, t := range types {
		known = append(known, t.Name)
	}
	return fmt.Sprintf("type %q is not built in; known: %s", name, strings.Join(known, ", "))
}

// CheckSettings reports every setting that the type would refuse.
func (t Type) CheckSettings(settings []Setting) []Problem {
	_, problems := t.decode(settings)
	return problems
}
