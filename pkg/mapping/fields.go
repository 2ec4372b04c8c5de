// Package mapping reads alerts out of a sender's JSON by paths that services.yaml gives.
// Start at Fields: a source fills it from its settings, Compile checks it once, and
// Reader.Alert reads one alert.
//
// A path is a JSONPath in which each step goes one level down: names, indexes, * and
// filters. It begins at the alert, or with $ at the whole body. Whoever writes
// services.yaml is trusted; the document is not, and following a path costs no more
// than the document is large.
package mapping

import (
	"errors"
	"fmt"
	"maps"
	"math"
	"slices"
	"strings"

	"github.com/opsguard/opsguard/pkg/incident"
	"github.com/opsguard/opsguard/pkg/intake"
)

// Fields says where an alert's fields stand. Each text is a path or words with paths in
// braces. Of several, the first that leads to something counts, but Identity joins all
// of its texts and Message shows all of them.
type Fields struct {
	Service, Title, Message, Severity, State, Identity, Link, Timestamp []string
	// Labels are a label's name -> its text; none: every field by its path.
	Labels map[string]string
	// Severities are a word of the sender -> critical, high, medium or low.
	Severities map[string]string
	// Recovered are the states of an alert that is over.
	Recovered []string
	// Ignored are the states of a message that is no alert.
	Ignored []string
}

// Mapping is Fields that were checked. It never changes.
type Mapping struct {
	service, title, message, severity, state, identity, link, timestamp texts
	labels                                                              map[string]text
	severities                                                          map[string]incident.Severity
	recovered, ignored                                                  []string
}

const maxTexts = 20 // of one setting

// States are the words of the states that do not fire, in small letters.
func (m *Mapping) States() []string { return slices.Concat(m.recovered, m.ignored) }

// Compile refuses what cannot be read, all of it: each error is an incident.Error whose
// field is the setting's name.
func (f Fields) Compile() (*Mapping, error) {
	c := compiler{}
	m := &Mapping{
		service: c.texts("service", f.Service), title: c.texts("title", f.Title), message: c.texts("message", f.Message),
		severity: c.texts("severity", f.Severity), state: c.texts("state", f.State), identity: c.texts("identity", f.Identity),
		link: c.texts("link", f.Link), timestamp: c.texts("timestamp", f.Timestamp),
		labels: map[string]text{}, severities: map[string]incident.Severity{},
		recovered: c.words("recovered", f.Recovered), ignored: c.words("ignored", f.Ignored),
	}
	for _, name := range slices.Sorted(maps.Keys(f.Labels)) {
		m.labels[name] = c.text("labels."+name, f.Labels[name])
	}
	if len(f.Labels) > intake.MaxLabels {
		c.refuse("labels", "has %d entries; at most %d", len(f.Labels), intake.MaxLabels)
	}
	for _, word := range slices.Sorted(maps.Keys(f.Severities)) {
		severity, err := incident.ParseSeverity(f.Severities[word])
		if err != nil || f.Severities[word] == "" {
			c.refuse("severities."+word, "must be critical, high, medium or low")
		}
		m.severities[fold(word)] = severity
	}
	if len(f.Recovered)+len(f.Ignored) > 0 && len(f.State) == 0 {
		c.refuse("state", "is missing; recovered and ignored are words that stand there")
	}
	if len(f.Recovered) > 0 && len(f.Identity) == 0 {
		c.refuse("identity", "is missing; it is how a recovery finds its incident")
	}
	if i := slices.IndexFunc(m.recovered, func(w string) bool { return slices.Contains(m.ignored, w) }); i >= 0 {
		c.refuse("ignored", "holds %q, which recovered holds too", m.recovered[i])
	}
	return m, errors.Join(c.problems...)
}

// compiler collects what is wrong.
type compiler struct{ problems []error }

func (c *compiler) refuse(field, format string, args ...any) {
	c.problems = append(c.problems, incident.BadField(field, format, args...))
}

func (c *compiler) text(field, s string) text {
	t, err := parseText(s)
	if err != nil {
		c.refuse(field, "%s", err)
	}
	return t
}

func (c *compiler) texts(field string, all []string) texts {
	if len(all) > maxTexts {
		c.refuse(field, "has %d entries; at most %d", len(all), maxTexts)
		return nil
	}
	var ts texts
	for i, s := range all {
		ts = append(ts, c.text(fmt.Sprintf("%s[%d]", field, i), s))
	}
	return ts
}

func (c *compiler) words(field string, all []string) []string {
	var words []string
	for i, w := range all {
		if fold(w) == "" {
			c.refuse(fmt.Sprintf("%s[%d]", field, i), "is empty; give a word")
		}
		words = append(words, fold(w))
	}
	return words
}

// fold makes words of a sender alike that differ in case or in the space around them.
func fold(word string) string { return strings.ToLower(strings.TrimSpace(word)) }

// List is the path of a list of alerts.
type List struct{ path path }

// ParseList compiles the path that leads from the whole body to its alerts.
func ParseList(s string) (List, error) {
	p, err := parsePath(s)
	if err == nil && len(s) > maxExpression {
		err = fmt.Errorf("has %d bytes; at most %d are taken", len(s), maxExpression)
	}
	return List{p}, err
}

// Exists reports whether the path leads to something, be it an empty list.
func (l List) Exists(document intake.Value) bool {
	return len(follow(document, l.path.steps, 1, nil)) > 0
}

// Alerts returns the alerts of a document: what the path leads to, or the items of the
// arrays that it leads to. more is how many there are beyond intake.MaxAlerts.
func (l List) Alerts(document intake.Value) (alerts []intake.Value, more int) {
	for _, v := range follow(document, l.path.steps, math.MaxInt, nil) {
		one := []intake.Value{v}
		if v.IsArray() {
			one = v.Items()
		}
		alerts = append(alerts, one...)
	}
	if n := len(alerts) - intake.MaxAlerts; n > 0 {
		return alerts[:intake.MaxAlerts], n
	}
	return alerts, 0
}
