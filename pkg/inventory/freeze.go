package inventory

import (
	"slices"
	"strings"
	"time"
	_ "time/tzdata" // a Lambda and a container from scratch have no time zones of their own

	"github.com/robfig/cron/v3"
	"go.yaml.in/yaml/v3"

	"github.com/opsguard/opsguard/pkg/catalog"
)

// Limits of freeze windows.
const (
	maxFreezes = 100
	minFreeze  = time.Minute
	// MaxFreeze bounds how long one window lasts; a longer one is written as several.
	MaxFreeze = 31 * 24 * time.Hour
	// farFuture bounds how many windows that overlap are followed to find out when all of
	// them are over.
	farFuture = 1000
	// zoneShift is more than any time zone's clock ever jumps.
	zoneShift = 3 * time.Hour
)

// Freeze is a window that comes again and again, in which no fix begins.
type Freeze struct {
	Name     string
	Services []string // nil: all
	Except   []string // ids of fixes that may begin all the same
	For      time.Duration
	schedule cron.Schedule // of wall clocks, written as UTC
	zone     *time.Location
}

// Frozen reports whether a fix of a service may not begin now, by which window, and until
// when at least. Where several windows are open it is the one that ends last.
func (inv *Inventory) Frozen(service, fixID string, now time.Time) (name string, until time.Time, frozen bool) {
	for _, f := range inv.freezes {
		if f.Services != nil && !slices.Contains(f.Services, service) || slices.Contains(f.Except, fixID) {
			continue
		}
		if end, open := f.open(now); open && end.After(until) {
			name, until, frozen = f.Name, end, true
		}
	}
	return name, until, frozen
}

// open reports whether the window is open at that time, and until when: windows that
// overlap are one.
func (f Freeze) open(now time.Time) (until time.Time, open bool) {
	at := now.In(f.zone)
	wall := time.Date(at.Year(), at.Month(), at.Day(), at.Hour(), at.Minute(), at.Second(), at.Nanosecond(), time.UTC)
	begin, later := wall.Add(-f.For-zoneShift), 0
	for {
		if begin = f.schedule.Next(begin); begin.IsZero() {
			return until, open
		}
		from := f.instant(begin)
		end := from.Add(f.For)
		switch {
		case !from.After(now):
			if now.Before(end) {
				open = true
			}
		case !open, from.After(until), later == farFuture:
			return until, open
		default:
			later++
		}
		if open && end.After(until) {
			until = end
		}
	}
}

// instant is when a wall clock of the zone shows that time. A time that a zone's clock
// skips begins when it jumps, or an hour before; one that comes twice begins the first
// time. So a freeze is never left out because clocks are changed.
func (f Freeze) instant(wall time.Time) time.Time {
	t := time.Date(wall.Year(), wall.Month(), wall.Day(), wall.Hour(), wall.Minute(), wall.Second(), 0, f.zone)
	if first := t.Add(-time.Hour); first.In(f.zone).Hour() == t.Hour() && first.In(f.zone).Day() == t.Day() {
		return first
	}
	return t
}

// freezes reads the section of that name.
//
//	freezes:
//	  - {name: weekend, services: all, cron: "0 18 * * FRI", for: 62h, timezone: Europe/Berlin}
func (r *reader) freezes(f field) []Freeze {
	if !r.is(f.node, yaml.SequenceNode, f.path, "a list") {
		return nil
	}
	if len(f.node.Content) > maxFreezes {
		r.at(f.node, f.path, "has %d entries; at most %d", len(f.node.Content), maxFreezes)
		return nil
	}
	var all []Freeze
	for i, child := range f.node.Content {
		one := r.freeze(field{key: child, node: child, path: item(f.path, i)})
		if slices.ContainsFunc(all, func(other Freeze) bool { return other.Name == one.Name && one.Name != "" }) {
			r.at(child, item(f.path, i), "the name %s stands twice", quote(one.Name))
		}
		all = append(all, one)
	}
	return all
}

func (r *reader) freeze(f field) Freeze {
	var z Freeze
	fields, ok := r.known(f.node, f.path, "name", "services", "cron", "for", "timezone", "except")
	if !ok {
		return z
	}
	for _, name := range []string{"name", "services", "cron", "for", "timezone"} {
		if _, found := fields[name]; !found {
			r.at(f.key, f.path, "has no %s", name)
		}
	}
	if name, found := fields["name"]; found {
		z.Name, _ = r.text(name.node, name.path)
		if why := badName(z.Name); why != "" {
			r.at(name.node, name.path, "%s", why)
		}
	}
	if services, found := fields["services"]; found {
		z.Services = r.frozenServices(services)
	}
	if spec, found := fields["cron"]; found {
		z.schedule = r.cron(spec)
	}
	if d, found := fields["for"]; found {
		z.For, _ = r.duration(d.node, d.path, minFreeze, MaxFreeze, time.Second)
	}
	if zone, found := fields["timezone"]; found {
		z.zone = r.zone(zone)
	}
	if except, found := fields["except"]; found {
		z.Except = r.texts(except.node, except.path, func(id string) string {
			if _, known := catalog.Lookup(id); known {
				return ""
			}
			return "is not in the catalogue; known: " + strings.Join(catalog.IDs(), ", ")
		})
	}
	return z
}

// frozenServices reads the word all, or a list of services of this file.
func (r *reader) frozenServices(f field) []string {
	if f.node.Kind == yaml.ScalarNode {
		if f.node.Value != "all" {
			r.at(f.node, f.path, "must be a list of services, or all")
		}
		return nil
	}
	names := r.texts(f.node, f.path, badName)
	if f.node.Kind == yaml.SequenceNode && len(f.node.Content) == 0 {
		r.at(f.node, f.path, "is empty; write all, or name services")
	}
	r.needs = append(r.needs, needed{"", f, names})
	return append([]string{}, names...)
}

// cron reads an expression of five fields.
func (r *reader) cron(f field) cron.Schedule {
	const form = `five fields: minute, hour, day of the month, month, day of the week, for instance "0 18 * * FRI"`
	text, ok := r.text(f.node, f.path)
	if !ok {
		return nil
	}
	if len(strings.Fields(text)) != 5 || strings.ContainsAny(text, "=@") {
		r.at(f.node, f.path, "is %s; give %s", quote(text), form)
		return nil
	}
	schedule, err := cron.NewParser(cron.Minute | cron.Hour | cron.Dom | cron.Month | cron.Dow).Parse(text)
	switch {
	case err != nil:
		r.at(f.node, f.path, "is %s, which cannot be read (%s); give %s", quote(text), err, form)
		return nil
	case schedule.Next(time.Date(2000, 1, 1, 0, 0, 0, 0, time.UTC)).IsZero():
		r.at(f.node, f.path, "is %s, which never comes", quote(text))
		return nil
	}
	if spec, ok := schedule.(*cron.SpecSchedule); ok {
		spec.Location = time.UTC // of wall clocks: the zone comes after it
	}
	return schedule
}

func (r *reader) zone(f field) *time.Location {
	text, ok := r.text(f.node, f.path)
	if !ok {
		return nil
	}
	zone, err := time.LoadLocation(text)
	if err != nil || text == "" || text == "Local" {
		r.at(f.node, f.path, "is %s; give a time zone's name, such as Europe/Berlin or UTC", quote(text))
		return nil
	}
	return zone
}
