package command

import (
	"errors"
	"maps"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/opsguard/opsguard/pkg/catalog"
	"github.com/opsguard/opsguard/pkg/incident"
)

// maxArgv bounds a command as it is shown in a plan, in bytes: longer ones belong into a
// script.
const maxArgv = 1500

// Validate implements the check of services.yaml. All mistakes are reported.
func (s Settings) Validate() error {
	var wrong []error
	if len(s.Run) == 0 {
		wrong = append(wrong, incident.BadField("run", "gives no command; write {restart-service: [systemctl, restart, shop]}"))
	}
	for _, of := range []struct {
		name string
		all  map[string][]string
	}{{"run", s.Run}, {"verify", s.Verify}, {"undo", s.Undo}} {
		for _, id := range slices.Sorted(maps.Keys(of.all)) {
			place := of.name + "." + id
			fix, known := catalog.Lookup(id)
			if !known {
				wrong = append(wrong, incident.BadField(place, "is no fix of the catalogue; known: %s", strings.Join(catalog.IDs(), ", ")))
				continue
			}
			if _, run := s.Run[id]; !run {
				wrong = append(wrong, incident.BadField(place, "has no command under run, so it would never be used; add one there"))
			}
			wrong = append(wrong, wrongArgv(place, fix, of.all[id]))
		}
	}
	if !filepath.IsAbs(s.Dir) {
		wrong = append(wrong, incident.BadField("dir", "must be the full path of a folder"))
	}
	if s.Timeout < minTimeout || s.Timeout > maxTimeout {
		wrong = append(wrong, incident.BadField("timeout", "must be %s to %s", minTimeout, maxTimeout))
	}
	if s.Within < time.Second || s.Within > incident.MaxFixLimit {
		wrong = append(wrong, incident.BadField("verifyWithin", "must be 1s to %s", incident.MaxFixLimit))
	}
	return errors.Join(wrong...)
}

// holes are the names of the parameters whose values go into an argument.
func holes(arg string) []string {
	var names []string
	for _, found := range regexp.MustCompile(`\{([A-Za-z][A-Za-z0-9]*)\}`).FindAllStringSubmatch(arg, -1) {
		names = append(names, found[1])
	}
	return names
}

func wrongArgv(place string, fix catalog.Fix, argv []string) error {
	switch {
	case len(argv) == 0 || argv[0] == "":
		return incident.BadField(place, "names no program; write a list: the program and its arguments")
	case strings.Contains(argv[0], "/") && !filepath.IsAbs(argv[0]):
		return incident.BadField(place, "gives the program by a path that depends on the folder; "+
			"write the full path, or a name that is found in %s", searchPath)
	case len(holes(argv[0])) > 0:
		return incident.BadField(place, "lets a parameter choose the program; only its arguments may hold one")
	case len(quoted(argv)) > maxArgv:
		return incident.BadField(place, "is longer than %d characters, which nobody could read before approving it; "+
			"put it into a script", maxArgv)
	}
	for _, arg := range argv {
		if strings.Contains(arg, "\x00") {
			return incident.BadField(place, "holds a zero byte")
		}
		for _, name := range holes(arg) {
			if !slices.ContainsFunc(fix.Params, func(p catalog.Param) bool { return p.Name == name }) {
				return incident.BadField(place, "holds {%s}, but the fix has %s; "+
					"there is no shell that would know other variables", name, parametersOf(fix))
			}
		}
	}
	return nil
}

func parametersOf(fix catalog.Fix) string {
	var names []string
	for _, p := range fix.Params {
		names = append(names, "{"+p.Name+"}")
	}
	if names == nil {
		return "no parameter"
	}
	return "only " + strings.Join(names, ", ")
}

// filled returns the command with the proposal's parameters in their places. Each value is
// held to the catalogue's bounds once more, so that nothing but such an integer can get in.
func filled(p incident.Proposal, argv []string) ([]string, error) {
	fix, known := catalog.Lookup(p.FixID)
	if !known {
		return nil, incident.BadField("fixId", "is not in the catalogue")
	}
	var with []string
	for _, param := range fix.Params {
		value := p.Parameters[param.Name]
		n, err := strconv.Atoi(value)
		if err != nil || strconv.Itoa(n) != value || n < param.Min || n > param.Max {
			return nil, incident.BadField("parameters."+param.Name, "is not a whole number from %d to %d", param.Min, param.Max)
		}
		with = append(with, "{"+param.Name+"}", value)
	}
	fill := strings.NewReplacer(with...)
	whole := slices.Clone(argv)
	for i := range whole[1:] {
		whole[1+i] = fill.Replace(whole[1+i])
	}
	return whole, nil
}

// quoted shows a command so that it cannot be read in two ways: each argument in quotes,
// whatever is not plain ASCII escaped.
func quoted(argv []string) string {
	all := make([]string, len(argv))
	for i, arg := range argv {
		all[i] = strconv.QuoteToASCII(arg)
	}
	return strings.Join(all, " ")
}
