package scan

import (
	"context"
	"fmt"
	"strings"

	"github.com/opsguard/opsguard/pkg/inventory"
	"github.com/opsguard/opsguard/pkg/lockfile"
)

// list reads the packages that a dependency names.
func (s *Scanner) list(ctx context.Context, d inventory.Dependency) (lockfile.List, error) {
	var data []byte
	var err error
	file := d.File()
	switch {
	case d.Path != "":
		if data, err = readFile(d.Path, lockfile.MaxFile); err != nil {
			return lockfile.List{}, fmt.Errorf("%s: %w", d.Path, err)
		}
	case d.URL != "":
		// A copy is not used in place of what cannot be read: it is of another day, and then
		// nobody would know.
		if data, err = s.get.get(ctx, page{vendor: shown(d), url: d.URL, max: lockfile.MaxFile}); err != nil {
			return lockfile.List{}, err
		}
	default:
		if data, err = s.sbom(ctx, d); err != nil {
			return lockfile.List{}, fmt.Errorf("%s: %w", d.Image, err)
		}
		file = "SBOM"
	}
	list, err := lockfile.Parse(file, data)
	if err != nil {
		return list, fmt.Errorf("%s: %w", shown(d), err)
	}
	return list, nil
}

// shown is how people are told of a dependency. The query of an address may hold a secret.
func shown(d inventory.Dependency) string {
	where, _, _ := strings.Cut(d.Where(), "?")
	return where
}
