package datadog

import (
	"strings"

	"github.com/opsguard/opsguard/pkg/incident"
	"github.com/opsguard/opsguard/pkg/intake"
)

func (in notification) evidence(a incident.Alert, c change, labels map[string]string) string {
	var e intake.Evidence
	e.Line(word(c) + " " + in.title() + " (" + string(a.Severity) + ")")
	e.Add("status", in.text("status"))
	e.Add("metric", in.text("metric"))
	e.Add("query", in.text("query"))
	e.Add("scope", in.text("scope"))
	e.AddTime("time", a.Timestamp)
	if a.Recovered {
		return e.String()
	}
	e.Add("transition", in.text("transition"))
	e.AddAll(labels, "metric", "monitor", "org")
	e.Add("graph", in.text("snapshot"))
	e.Block(in.text("message"))
	in.addLogs(&e)
	return e.String()
}

func word(c change) string {
	switch c {
	case warning:
		return "WARNING"
	case noData:
		return "NO DATA"
	case recovery:
		return "RECOVERED"
	}
	return "ALERT"
}

// title is the event's title without the transition that it begins with.
func (in notification) title() string {
	title := in.text("title")
	if rest, found := strings.CutPrefix(title, "["); found {
		if _, after, closed := strings.Cut(rest, "] "); closed {
			return after
		}
	}
	return title
}

// maxRows is how many rows of a sample are shown.
const maxRows = 50

// addLogs writes the sample of a monitor of logs. Datadog writes it as JSON, into a text
// where the payload has it in quotes.
func (in notification) addLogs(e *intake.Evidence) {
	sample := in.doc.At("logs")
	if text := in.text("logs"); text != "" {
		read, err := intake.ReadJSON([]byte(text))
		if err != nil {
			e.Block(text)
			return
		}
		sample = read
	}
	for _, row := range sample.At("rows").List(maxRows) {
		e.Line(strings.TrimSpace(strings.Join(row.At("items").Texts(maxRows), " ") + " " + row.At("message").Written()))
	}
}
