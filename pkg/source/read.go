package source

import (
	"fmt"
	"slices"
	"strings"

	"github.com/opsguard/opsguard/pkg/integration"
	"github.com/opsguard/opsguard/pkg/steps"
)

// Reader opens what reads the bodies of one kind of sender, without configuration and
// secrets: name is an entry of services.yaml, if any are given, or else a type.
func Reader(env integration.Env, name string, entries []integration.Entry) (steps.Source, error) {
	for _, e := range entries {
		if e.Name != name {
			continue
		}
		opened, err := Open(env, []integration.Entry{e})
		if err != nil {
			return nil, err
		}
		return opened[0].It, nil
	}
	list := List()
	i := slices.IndexFunc(list, func(d integration.Descriptor[steps.Source]) bool { return d.Name == name })
	if i < 0 {
		return nil, fmt.Errorf("there is no source %q; there are %s", name, strings.Join(names(list, entries), ", "))
	}
	return list[i].Bare(env)
}

// names are what Reader takes: the entries and the types.
func names(list []integration.Descriptor[steps.Source], entries []integration.Entry) []string {
	var all []string
	for _, e := range entries {
		all = append(all, e.Name)
	}
	for _, d := range list {
		all = append(all, d.Name)
	}
	return all
}
