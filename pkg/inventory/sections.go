package inventory

import (
	"cmp"
	"slices"
	"strings"

	"go.yaml.in/yaml/v3"

	"github.com/opsguard/opsguard/pkg/incident"
	"github.com/opsguard/opsguard/pkg/integration"
)

// sections are the kinds that services.yaml lists by name, each under its own
// key. A target configures an executor where the service stands.
func sections() []integration.Kind {
	return []integration.Kind{integration.Sources, integration.Channels, integration.Trackers}
}

// entries reads one section: a mapping of names to integrations.
//
//	channels:
//	  team-shop: {type: discord, webhookUrl: {secret: SHOP_DISCORD}}
func (r *reader) entries(f field, kind integration.Kind) []integration.Entry {
	fields, ok := r.fields(f.node, f.path)
	if !ok {
		return nil
	}
	var all []integration.Entry
	for _, entry := range fields {
		if !integration.ValidName(entry.name) {
			r.at(entry.key, entry.path, "the name must be 2 to 64 small letters, digits and hyphens, a letter first")
		}
		if kind == integration.Sources && slices.Contains(reserved(), entry.name) {
			r.at(entry.key, entry.path, "the name is OpsGuard's own: its alerts would be taken for those of another sender")
		}
		e := integration.Entry{Name: entry.name, Line: entry.key.Line}
		settings, ok := r.fields(entry.node, entry.path)
		if !ok {
			continue
		}
		typed := false
		for _, s := range settings {
			if s.name == "type" {
				e.Type, _ = r.text(s.node, s.path)
				typed = true
				continue
			}
			if value, ok := r.value(s); ok {
				e.Settings = append(e.Settings, integration.Setting{Name: s.name, Line: s.key.Line, Value: value})
			}
		}
		if !typed {
			r.at(entry.key, entry.path, "has no type; say which integration it is, as in docs/integrations")
			continue
		}
		r.settings(entry, kind, e)
		all = append(all, e)
	}
	return all
}

// reserved are the names of sources that OpsGuard has itself: POST /ingest-alert, the
// health check and the floods.
func reserved() []string { return []string{"api", "health-check", "flood"} }

// value reads a setting: one value, a list of values, or a mapping of values or of lists.
func (r *reader) value(f field) (v integration.Value, ok bool) {
	switch f.node.Kind {
	case yaml.SequenceNode:
		v.List = []string{}
		for i, child := range f.node.Content {
			text, ok := r.scalar(child, item(f.path, i))
			if !ok {
				return v, false
			}
			v.List = append(v.List, text)
		}
	case yaml.MappingNode:
		fields, ok := r.fields(f.node, f.path)
		if !ok {
			return v, false
		}
		if len(fields) > 0 && fields[0].node.Kind == yaml.SequenceNode {
			v.Lists, ok = r.lists(fields)
			return v, ok
		}
		v.Map = map[string]string{}
		for _, child := range fields {
			text, ok := r.scalar(child.node, child.path)
			if !ok {
				return v, false
			}
			v.Map[child.name] = text
		}
	default:
		v.Text, ok = r.scalar(f.node, f.path)
		return v, ok
	}
	return v, true
}

// lists reads a mapping of names to lists of values.
func (r *reader) lists(fields []field) (map[string][]string, bool) {
	all := map[string][]string{}
	for _, f := range fields {
		if !r.is(f.node, yaml.SequenceNode, f.path, "a list, as the first one here") {
			return nil, false
		}
		one, ok := r.value(f)
		if !ok {
			return nil, false
		}
		all[f.name] = one.List
	}
	return all, true
}

func (r *reader) scalar(n *yaml.Node, path string) (string, bool) {
	if !r.is(n, yaml.ScalarNode, path, "one value") {
		return "", false
	}
	if n.Tag == "!!null" {
		r.at(n, path, "is empty; give a value")
		return "", false
	}
	return n.Value, true
}

// settings holds an entry to its type, where the program knows the kind.
func (r *reader) settings(at field, kind integration.Kind, e integration.Entry) {
	types, known := r.types[kind]
	if !known {
		return
	}
	t, found := integration.Find(types, e.Type)
	if !found {
		r.at(at.key, join(at.path, "type"), "%s", integration.UnknownType(e.Type, types))
		return
	}
	for _, p := range t.CheckSettings(e.Settings) {
		n := yaml.Node{Line: cmp.Or(p.Line, at.key.Line)}
		path := at.path
		if p.Setting != "" { // a setting, or a place in it such as labels.host
			name := integration.SettingOf(p.Setting)
			path = join(path, name) + strings.TrimPrefix(p.Setting, name)
		}
		r.at(&n, path, "%s", p.What)
	}
}

// listed reports whether a service may name the entry.
func (r *reader) listed(kind integration.Kind, name string) bool {
	return implicit(kind, name) || slices.ContainsFunc(r.entriesOf[kind], func(e integration.Entry) bool { return e.Name == name })
}

// named reads a list of names that must stand in a section.
func (r *reader) named(f field, kind integration.Kind) []string {
	return r.texts(f.node, f.path, func(name string) string {
		if r.listed(kind, name) {
			return ""
		}
		return "is not listed under " + string(kind)
	})
}

// implicit are the entries that a setting or the runtime makes, which a service
// may name all the same.
func implicit(kind integration.Kind, name string) bool {
	return kind == integration.Channels && (name == "console" || name == "discord") || kind == integration.Trackers && name == incident.SimulatedTracker
}
