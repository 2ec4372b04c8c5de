package inventory

import (
	"errors"
	"fmt"
	"net/url"
	"slices"
	"strings"
	"time"

	"go.yaml.in/yaml/v3"

	"github.com/opsguard/opsguard/pkg/catalog"
	"github.com/opsguard/opsguard/pkg/incident"
	"github.com/opsguard/opsguard/pkg/integration"
	"github.com/opsguard/opsguard/pkg/rules"
)

// Limits of services.yaml.
const (
	MaxFile = 1 << 20 // bytes; some thousand services

	MaxQuorum = 10
	// MinApprovalTimeout leaves a person a second and a half. The last quarter of the
	// wait is for delivering a late decision (incident.DeadlineFor).
	MinApprovalTimeout = 2 * time.Second
	// MaxApprovalTimeout stays a day below one year, the longest that a Standard
	// execution of Step Functions may last (AWS, "Step Functions service quotas").
	MaxApprovalTimeout = 364 * 24 * time.Hour
	// MaxLatencyLimit bounds maxLatency: a health check must end within one probe.
	MaxLatencyLimit = 10 * time.Second

	minLatency   = time.Millisecond
	maxURL       = 2048 // bytes
	maxAttribute = 32   // of one target
)

// Load reads services.yaml. It is strict: an unknown or repeated field, a value of
// the wrong type, an anchor, a second document, an empty file or one above
// MaxFile is refused. The error lists every problem on a line of its own, as
// "services.yaml:LINE: path: what is wrong". types are the integrations that the
// program opens; what it does not open is checked for its form only.
func Load(data []byte, types integration.Types) (*Inventory, error) {
	if len(data) > MaxFile {
		return nil, problems{{0, "", fmt.Sprintf("is %d bytes; at most %d (1 MiB) are read", len(data), MaxFile)}}
	}
	root, err := parse(data)
	if err != nil {
		return nil, err
	}
	r := &reader{types: types, entriesOf: map[integration.Kind][]integration.Entry{}, matchOf: map[string]matcher{}}
	r.plain(root, "")
	services := r.document(root)
	if len(r.problems) > 0 {
		return nil, r.problems
	}
	return &Inventory{services: services, entries: r.entriesOf, matchers: inOrder(r.matchers), joined: joinedBy(services),
		freezes: r.frozen, breaker: r.breaker, atOnce: r.atOnce, rules: rules.With(r.rules)}, nil
}

func (r *reader) document(root *yaml.Node) map[string]Service {
	names := []string{"services"}
	for _, kind := range sections() {
		names = append(names, string(kind))
	}
	names = append(names, "freezes", "breaker", "groups", "rules")
	top, ok := r.known(root, "", names...)
	if !ok {
		return nil
	}
	for _, kind := range sections() {
		if f, found := top[string(kind)]; found {
			r.entriesOf[kind] = r.entries(f, kind)
		}
	}
	if f, found := top["freezes"]; found {
		r.frozen = r.freezes(f)
	}
	if f, found := top["breaker"]; found {
		r.breaker = r.breakerOf(f)
	}
	if f, found := top["rules"]; found {
		r.rules = r.rulesOf(f)
	}
	list, found := top["services"]
	if !found {
		r.at(root, "services", "is missing; list the services below it")
		return nil
	}
	entries, _ := r.fields(list.node, list.path)
	services := make(map[string]Service, len(entries))
	for _, entry := range entries {
		if why := badName(entry.name); why != "" {
			r.at(entry.key, entry.path, "the service's name %s", why)
		}
		services[entry.name] = r.service(entry)
	}
	r.checkNeeds(services)
	if f, found := top["groups"]; found {
		r.atOnce = r.groups(f, services)
	}
	return services
}

// needed is what one service says that it depends on.
type needed struct {
	by    string
	field field
	names []string
}

// checkNeeds holds dependsOn to services that are listed, wherever in the file.
func (r *reader) checkNeeds(services map[string]Service) {
	for _, n := range r.needs {
		for _, name := range n.names {
			if _, listed := services[name]; !listed {
				r.at(n.field.node, n.field.path, "%s is not listed under services", quote(name))
			}
			if name == n.by {
				r.at(n.field.node, n.field.path, "names the service itself")
			}
		}
	}
}

func (r *reader) service(entry field) Service {
	s := Service{Name: entry.name, Approval: Approval{Quorum: 1}}
	fields, ok := r.known(entry.node, entry.path, "owner", "target", "fixes", "health", "approval", "notify", "tracker", "dependsOn", "match", "breaker",
		"dependencies", "acceptedVulnerabilities")
	if !ok {
		return s
	}
	if owner, found := fields["owner"]; !found {
		r.at(entry.key, entry.path, "has no owner; name the team that looks after it")
	} else if text, ok := r.text(owner.node, owner.path); ok {
		if why := badName(text); why != "" {
			r.at(owner.node, owner.path, "%s", why)
		}
		s.Owner = text
	}
	if target, found := fields["target"]; !found {
		r.at(entry.key, entry.path, "has no target; say what a fix acts on, for instance {type: simulated}")
	} else {
		s.Target = r.target(target, entry.name)
	}
	if fixes, found := fields["fixes"]; found {
		s.Fixes = r.texts(fixes.node, fixes.path, r.badFix(s.Target.Type))
	}
	if health, found := fields["health"]; found {
		s.Health = r.health(health)
	}
	if approval, found := fields["approval"]; found {
		s.Approval = r.approval(approval, s.Fixes)
	}
	if notify, found := fields["notify"]; found {
		s.Notify = r.named(notify, integration.Channels)
		if notify.node.Kind == yaml.SequenceNode && len(notify.node.Content) == 0 {
			r.at(notify.node, notify.path, "is empty; leave it out to tell every channel")
		}
	}
	if needs, found := fields["dependsOn"]; found {
		s.DependsOn = r.texts(needs.node, needs.path, badName)
		r.needs = append(r.needs, needed{entry.name, needs, s.DependsOn})
	}
	if match, found := fields["match"]; found {
		s.Match = r.match(match, entry.name)
	}
	if breaker, found := fields["breaker"]; found {
		s.Breaker = r.breakerOf(breaker)
	}
	if made, found := fields["dependencies"]; found {
		s.Dependencies = r.dependencies(made)
	}
	if accepted, found := fields["acceptedVulnerabilities"]; found {
		s.Accepted = r.accepted(accepted)
	}
	if tracker, found := fields["tracker"]; found {
		s.Tracker = r.tracker(tracker)
	}
	return s
}

func (r *reader) tracker(f field) string {
	name, ok := r.text(f.node, f.path)
	if ok && !r.listed(integration.Trackers, name) {
		r.at(f.node, f.path, "%s is not listed under %s", quote(name), integration.Trackers)
	}
	return name
}

// badName holds a name to the rule for an alert's serverName, which is where it
// has to match; "" if it does.
func badName(name string) string {
	probe := incident.Alert{Service: name, Severity: incident.High, Recovered: true}
	var wrong *incident.Error
	if errors.As(probe.Validate(), &wrong) {
		return wrong.Message
	}
	return ""
}

// badFix refuses what is not in the catalogue, and what the target's executor cannot do.
func (r *reader) badFix(targetType string) func(id string) string {
	executor, opened := integration.Find(r.types[integration.Executors], targetType)
	return func(id string) string {
		if _, known := catalog.Lookup(id); !known {
			return "is not in the catalogue; known: " + strings.Join(catalog.IDs(), ", ")
		}
		if _, able := executor.Able(id); opened && !able {
			var can []string
			for _, a := range executor.Abilities {
				can = append(can, a.Fix)
			}
			return fmt.Sprintf("cannot be done on a target of type %s; it can do: %s", targetType, strings.Join(can, ", "))
		}
		return ""
	}
}

// target reads the type and, as the target's attributes, every other key. Their
// meaning is the executor's; here they are text: as written in the file, or packed where
// an attribute is a list or a mapping.
func (r *reader) target(f field, service string) incident.Target {
	t := incident.Target{Service: service}
	fields, ok := r.fields(f.node, f.path)
	if !ok {
		return t
	}
	for _, attr := range fields {
		if attr.name == "type" {
			text, ok := r.text(attr.node, attr.path)
			if ok && !isSlug(text) {
				r.at(attr.node, attr.path, "is %s; give the name of an executor, for instance simulated", quote(text))
			}
			t.Type = text
			continue
		}
		if value, ok := r.attribute(attr); ok {
			if t.Attributes == nil {
				t.Attributes = map[string]string{}
			}
			t.Attributes[attr.name] = value
		}
	}
	if !slices.ContainsFunc(fields, func(a field) bool { return a.name == "type" }) {
		r.at(f.key, f.path, "has no type; name an executor, for instance simulated")
	}
	t.Lock = r.lock(t)
	if isSlug(t.Type) {
		r.settings(f, integration.Executors, integration.Entry{Type: t.Type, Settings: attributes(fields, t)})
	}
	if len(t.Attributes) > maxAttribute {
		r.at(f.key, f.path, "has %d attributes; at most %d", len(t.Attributes), maxAttribute)
	}
	return t
}

// lock is the key under which the target is taken for a fix: two services that name the
// same thing share it, also where one of them allows more.
func (r *reader) lock(t incident.Target) string {
	executor, opened := integration.Find(r.types[integration.Executors], t.Type)
	if !opened || len(executor.Names) == 0 {
		return ""
	}
	named := incident.Target{Service: t.Service, Type: t.Type, Attributes: map[string]string{}}
	for _, name := range executor.Names {
		if value, given := t.Attributes[name]; given {
			named.Attributes[name] = value
		}
	}
	return named.Key()
}

// attributes are the target's attributes as settings of its executor.
func attributes(fields []field, t incident.Target) []integration.Setting {
	var all []integration.Setting
	for _, f := range fields {
		if value, taken := t.Attributes[f.name]; taken {
			all = append(all, integration.Setting{Name: f.name, Line: f.key.Line, Value: integration.Unpack(value)})
		}
	}
	return all
}

func (r *reader) attribute(f field) (string, bool) {
	r.noSecret(f.node, f.path)
	if !isAttributeName(f.name) {
		r.at(f.key, f.path, "is not a good attribute name; use letters and digits, a small letter first")
		return "", false
	}
	if f.node.Kind == yaml.SequenceNode || f.node.Kind == yaml.MappingNode {
		v, ok := r.value(f)
		return v.Pack(), ok
	}
	if !r.is(f.node, yaml.ScalarNode, f.path, "one value") {
		return "", false
	}
	if f.node.Tag == "!!null" {
		r.at(f.node, f.path, "is empty; give a value")
		return "", false
	}
	if why := badName(f.node.Value); why != "" {
		r.at(f.node, f.path, "%s", why)
		return "", false
	}
	return f.node.Value, true
}

// badURL never repeats the address: one with credentials must not get into a log.
func badURL(text string) string {
	u, err := url.Parse(text)
	switch {
	case len(text) > maxURL:
		return fmt.Sprintf("has %d bytes; give at most %d", len(text), maxURL)
	case err != nil:
		return "is not a URL"
	case u.Scheme != "http" && u.Scheme != "https":
		return "must begin with http:// or https://"
	case u.User != nil:
		return "holds credentials; a health check must work without any"
	case u.Hostname() == "":
		return "names no host"
	case u.Fragment != "":
		return "has a fragment (#...), which is never sent; remove it"
	}
	return ""
}

func (r *reader) approval(f field, fixes []string) Approval {
	a := Approval{Quorum: 1}
	fields, ok := r.known(f.node, f.path, "quorum", "timeout", "approvers", "twoPersonFixes")
	if !ok {
		return a
	}
	if q, found := fields["quorum"]; found {
		if n, ok := r.integer(q.node, q.path, 1, MaxQuorum); ok {
			a.Quorum = n
		}
	}
	if d, found := fields["timeout"]; found {
		a.Timeout, _ = r.duration(d.node, d.path, MinApprovalTimeout, MaxApprovalTimeout, time.Second)
	}
	if who, found := fields["approvers"]; found {
		a.Approvers = r.texts(who.node, who.path, badKeyName)
		if who.node.Kind == yaml.SequenceNode && len(who.node.Content) == 0 {
			r.at(who.node, who.path, "is empty; leave it out to let any operator decide")
		}
	}
	if two, found := fields["twoPersonFixes"]; found {
		a.TwoPersonFixes = r.texts(two.node, two.path, func(id string) string {
			if slices.Contains(fixes, id) {
				return ""
			}
			return "is not among this service's fixes"
		})
	}
	needed := a.Quorum
	if len(a.TwoPersonFixes) > 0 {
		needed = max(twoPeople, needed)
	}
	if n := len(a.Approvers); n > 0 && n < needed {
		r.at(f.key, f.path, "needs %d different people, but names %d in approvers; nothing could ever be approved", needed, n)
	}
	return a
}

// badKeyName refuses what cannot be the name of an operator's key: an approver who
// cannot exist would leave a fix that nobody can approve.
func badKeyName(name string) string {
	if incident.ValidKeyName(name) {
		return ""
	}
	return "cannot be the name of an operator's key: use 1 to 64 letters, digits, or . _ @ -"
}
