package lockfile

import (
	"errors"
	"strings"

	"golang.org/x/mod/modfile"
	"golang.org/x/mod/module"
	"golang.org/x/mod/semver"
)

// readGoMod reads the modules that are required, with what replaces them. What is replaced
// by a folder is the program's own.
func readGoMod(data []byte, into *collector) error {
	file, err := modfile.Parse("go.mod", data, nil)
	var all modfile.ErrorList
	if errors.As(err, &all) && len(all) > 0 {
		return badLine(all[0].Pos.Line, "is not as in a go.mod: %v", all[0].Err)
	}
	if err != nil {
		return err
	}
	replaced := map[module.Version]module.Version{}
	for _, r := range file.Replace {
		replaced[r.Old] = r.New
	}
	for _, r := range file.Require {
		it := r.Mod
		for _, old := range []module.Version{it, {Path: it.Path}} {
			if by, ok := replaced[old]; ok {
				it = by
				break
			}
		}
		if it.Version != "" {
			into.add(Go, it.Path, goVersion(it.Version))
		}
	}
	return nil
}

// readGoSum reads the modules whose code was needed. The file also keeps the sums of older
// versions that were looked at; the highest of each module is the one that is built.
func readGoSum(data []byte, into *collector) error {
	highest := map[string]string{}
	for n, line := range lines(data) {
		fields := strings.Fields(line)
		if len(fields) == 0 {
			continue
		}
		if len(fields) != 3 || !strings.HasPrefix(fields[1], "v") {
			return badLine(n, "is %s, not MODULE VERSION SUM", shown(line))
		}
		if strings.HasSuffix(fields[1], "/go.mod") {
			continue
		}
		if before, seen := highest[fields[0]]; !seen || semver.Compare(before, fields[1]) < 0 {
			highest[fields[0]] = fields[1]
		}
	}
	for path, version := range highest {
		into.add(Go, path, goVersion(version))
	}
	return nil
}

// goVersion writes a version as OSV does.
func goVersion(v string) string {
	return strings.TrimSuffix(strings.TrimPrefix(v, "v"), "+incompatible")
}
