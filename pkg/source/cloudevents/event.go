package cloudevents

import (
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/opsguard/opsguard/pkg/intake"
)

// event is a CloudEvent, however it came.
type event struct {
	path       string            // where it stands in the body
	attributes map[string]string // by name, extensions too; never data
	data       intake.Value
	leftOut    string // what is said of data that is no text
}

// Names under which document puts what is not in the event as such. No attribute can have
// them, because theirs are made of small letters and digits.
const (
	extensions = "_extensions" // attributes that the specification does not define
	leftOut    = "_leftOut"    // that data is not shown, and why
	numbered   = "_numbered"   // severitynumber as a word
	typeState  = "_state"      // the last word of type, if it is a state
	trouble    = "_trouble"    // what tells one trouble of a subject from another
)

func coreAttributes() []string {
	return []string{"specversion", "id", "source", "type", "subject", "time", "datacontenttype", "dataschema"}
}

// recoveredWords are the states that senders write for what is over.
func recoveredWords() []string {
	return []string{"resolved", "recovered", "recovery", "closed", "cleared", "ok", "normal", "up", "healthy", "inactive", "fixed"}
}

// ignoredWords are the states of what is no alert.
func ignoredWords() []string {
	return []string{"acknowledged", "acknowledgement", "silenced", "snoozed", "assigned", "commented", "test", "ping"}
}

// firingWords end the type of an event that begins a trouble, as recoveredWords end that of
// its end: com.example.disk.raised and com.example.disk.cleared.
func firingWords() []string {
	return []string{"firing", "fired", "triggered", "raised", "opened", "active", "activated", "problem", "failed", "alarm", "down"}
}

// document is the event in the JSON format, with what the default paths look for. states
// are the words of the states that are known.
func (e event) document(states []string) map[string]any {
	d := map[string]any{}
	others := map[string]any{}
	for name, value := range e.attributes {
		d[name] = value
		if !slices.Contains(coreAttributes(), name) {
			others[name] = value
		}
	}
	d[extensions] = others
	if e.data.Has() {
		d["data"] = e.data
	}
	if e.leftOut != "" {
		d[leftOut] = e.leftOut
	}
	d[numbered] = severityNumber(e.attributes["severitynumber"])
	stem, word := stemOf(e.attributes["type"])
	if slices.Contains(states, word) {
		d[typeState] = word
	} else if !slices.Contains(firingWords(), word) {
		stem = e.attributes["type"]
	}
	d[trouble] = stem
	if id := e.data.First("fingerprint", "dedupKey", "dedup_key", "alertId", "alert_id", "incidentId", "incident_id"); id != "" &&
		e.data.IsObject() {
		d[trouble] = id
	}
	return d
}

// stemOf cuts the last word off a type: com.example.disk and cleared.
func stemOf(kind string) (stem, word string) {
	i := strings.LastIndexAny(kind, ".:/")
	if i < 0 {
		return kind, ""
	}
	return kind[:i], strings.ToLower(kind[i+1:])
}

// severityNumber is the word for a number of the severity extension, whose ranges are
// those of OpenTelemetry's logs data model; "" for none.
func severityNumber(text string) string {
	n, err := strconv.Atoi(text)
	switch {
	case err != nil || n < 1 || n > 24:
		return ""
	case n >= 21:
		return "fatal"
	case n >= 17:
		return "error"
	case n >= 13:
		return "warn"
	}
	return "info"
}

// labels are the attributes as their headers are named, because "source" means another
// thing in match, and what data holds, by its path.
func (e event) labels() map[string]string {
	const mostOfData = 40
	all := map[string]string{}
	for name, value := range e.attributes {
		all["ce-"+name] = value
	}
	leaves, _ := e.data.Leaves(mostOfData)
	for _, l := range leaves {
		if l.Path != "" {
			all[l.Path] = l.Text
		}
	}
	return intake.Labels(all)
}

// check refuses an event that lacks what every event must have. refuse is told the
// attribute.
func (e event) check(refuse func(name, what string)) {
	if v := e.attributes["specversion"]; v != "1.0" {
		if v == "" {
			refuse("specversion", "is missing; this is no CloudEvent")
		} else {
			refuse("specversion", "is not known; events of version 1.0 are read")
		}
		return
	}
	for _, name := range []string{"id", "source", "type"} {
		if e.attributes[name] == "" {
			refuse(name, "is missing; a CloudEvent must have it")
		}
	}
}

// isAttribute holds a name to what the specification allows, and not to its length.
func isAttribute(name string) bool {
	return name != "" && strings.Trim(name, "abcdefghijklmnopqrstuvwxyz0123456789") == ""
}

// isJSON reports whether a media type declares JSON, as a missing one does.
func isJSON(mediaType string) bool {
	return mediaType == "" || strings.HasSuffix(mediaType, "/json") || strings.HasSuffix(mediaType, "+json")
}

// content reads bytes of data by their media type. What is no text is described.
func content(raw []byte, mediaType string) (data intake.Value, described string, err error) {
	switch {
	case len(raw) == 0:
		return intake.Of("", nil), "", nil
	case isJSON(mediaType):
		data, err = intake.ReadJSON(raw)
		return data, "", err
	case isText(raw):
		return intake.Of("", string(raw)), "", nil
	}
	return intake.Of("", nil), fmt.Sprintf("%d bytes of %s, which are not shown", len(raw), mediaType), nil
}
