package mapping

import (
	"maps"
	"slices"

	"github.com/opsguard/opsguard/pkg/incident"
	"github.com/opsguard/opsguard/pkg/intake"
)

// Standard is what holds for an alert that does not say it.
type Standard struct {
	Source  string // how incidents name the sender
	Service string
}

// Reader reads the alerts of one document. It is for one goroutine.
type Reader struct {
	mapping  *Mapping
	document intake.Value
	standard Standard
	seen     map[string][]intake.Value
	spent    *int // bytes of evidence
}

// A body has 2 MiB, so that more evidence than mostEvidence is what its alerts share. Then
// each has leastEvidence of its own.
const (
	mostEvidence  = 8 << 20
	leastEvidence = 4 << 10
)

// within cuts an alert's evidence to what the document may still have.
func (r Reader) within(evidence string) string {
	evidence = intake.CutMiddle(evidence, max(leastEvidence, mostEvidence-*r.spent))
	*r.spent += len(evidence)
	return evidence
}

// Reader begins to read a document.
func (m *Mapping) Reader(document intake.Value, standard Standard) Reader {
	return Reader{m, document, standard, map[string][]intake.Value{}, new(int)}
}

// Alert reads one alert of the document. kept is false for a message that is no alert.
// The alert is valid; an error is Invalid and names the place.
func (r Reader) Alert(alert intake.Value) (a incident.Alert, kept bool, err error) {
	m, standard := r.mapping, r.standard
	if !alert.Has() {
		alert.Refuse("is null; an alert is expected here")
		return a, true, alert.Err()
	}
	from := at{r.document, alert, r.seen}
	state := m.state.first(from)
	if slices.Contains(m.ignored, fold(state)) {
		return a, false, nil
	}
	if m.strange(from) {
		alert.Refuse("holds nothing that the mapping reads; compare it with services.yaml, or see: opsguard sources try")
		return a, true, alert.Err()
	}
	a = incident.Alert{
		Tenant: incident.DefaultTenant, Source: standard.Source, Service: intake.Name(m.service.first(from)),
		Severity: m.severityOf(from), Timestamp: intake.Moment(m.timestamp.first(from)), Identity: m.identityOf(from),
		Link: m.linkOf(from), Labels: m.labelsOf(from), Recovered: slices.Contains(m.recovered, fold(state)),
	}
	if a.Service == "" {
		a.Service = intake.Name(standard.Service)
	}
	if a.Recovered && a.Identity == "" {
		alert.Refuse("says that it is over, but not what: nothing stands where identity looks")
		return a, true, alert.Err()
	}
	a.ErrorLogs = r.within(m.evidence(a, from, state))
	return a, true, a.Validate()
}

// strange reports that none of the paths that tell an alert lead anywhere: it is another
// kind of document.
func (m *Mapping) strange(from at) bool {
	all := slices.Concat(m.service, m.title, m.identity, m.message)
	return len(all) > 0 && !slices.ContainsFunc(all, func(t text) bool {
		if p, single := t.single(); single {
			return len(p.find(from)) > 0
		}
		return t.read(from) != ""
	})
}

func (m *Mapping) severityOf(from at) incident.Severity {
	for _, t := range m.severity {
		word := t.read(from)
		if severity, found := m.severities[fold(word)]; found {
			return severity
		}
		if severity, found := incident.SeverityOf(word); found {
			return severity
		}
	}
	return incident.High
}

// identityOf joins the texts. One that is not there stays empty, so that the others keep
// their places; if none is there, there is no identity.
func (m *Mapping) identityOf(from at) string {
	parts, found := make([]string, len(m.identity)), false
	for i, t := range m.identity {
		parts[i] = t.read(from)
		found = found || parts[i] != ""
	}
	if !found {
		return ""
	}
	return intake.Identity(parts...)
}

func (m *Mapping) linkOf(from at) string {
	var all []string
	for _, t := range m.link {
		all = append(all, t.read(from))
	}
	return intake.FirstLink(all...)
}

func (m *Mapping) labelsOf(from at) map[string]string {
	all := map[string]string{}
	for name, t := range m.labels {
		all[name] = t.read(from)
	}
	if len(m.labels) == 0 {
		leaves, _ := from.alert.Leaves(intake.MaxLabels)
		for _, l := range leaves {
			all[l.Path] = l.Text
		}
	}
	return intake.Labels(all)
}

// evidence is the headline, the message or else everything, and what services.yaml says
// are labels.
func (m *Mapping) evidence(a incident.Alert, from at, state string) string {
	var e intake.Evidence
	title := m.title.first(from)
	if title == "" {
		title = a.Service
	}
	e.Line("ALERT " + title + " (" + string(a.Severity) + ")")
	e.Add("state", state)
	said := false
	for _, t := range m.message {
		said = t.addTo(&e, from) || said
	}
	if !said {
		e.AddLeaves(from.alert)
	} else {
		for _, name := range slices.Sorted(maps.Keys(m.labels)) {
			e.Add(name, a.Labels[intake.LabelName(name)])
		}
	}
	e.AddTime("time", a.Timestamp)
	return e.String()
}
