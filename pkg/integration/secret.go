package integration

import (
	"context"
	"fmt"
)

// Secret names a secret. It never holds the value, so it may be printed.
type Secret struct{ name string }

// NamedSecret refuses a name that could not be looked up everywhere.
func NamedSecret(name string) (Secret, error) {
	if !validSecret(name) {
		return Secret{}, fmt.Errorf("names its secret in a form that cannot be looked up; use 1 to 64 capital letters, digits and _, a letter first")
	}
	return Secret{name}, nil
}

// validSecret holds a name to what an environment variable and an SSM parameter
// can both end with.
func validSecret(name string) bool {
	if name == "" || len(name) > 64 || name[0] < 'A' || name[0] > 'Z' {
		return false
	}
	for _, c := range []byte(name) {
		if (c < 'A' || c > 'Z') && (c < '0' || c > '9') && c != '_' {
			return false
		}
	}
	return true
}

// SecretSetting writes a secret's name as services.yaml does, for entries that a
// setting makes.
func SecretSetting(setting, name string) Setting {
	return Setting{Name: setting, Value: Value{Map: map[string]string{"secret": name}}}
}

// IsZero reports that no secret is named.
func (s Secret) IsZero() bool { return s.name == "" }

// String is the secret's name.
func (s Secret) String() string { return s.name }

// Secrets looks secrets up. Implementations answer an error that names the secret
// and where it was looked for, and never its value: incident.Unavailable where
// looking failed, incident.Invalid where there is none.
type Secrets interface {
	Secret(ctx context.Context, kind Kind, name string) (string, error)
	// Place says where the secret is looked for, in the words that an operator sets:
	// an environment variable, a setting, an SSM parameter.
	Place(kind Kind, name string) string
}
