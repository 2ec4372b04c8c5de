package amazon

import (
	"strings"
	"time"

	"github.com/opsguard/opsguard/pkg/intake"
)

// maxResources bounds how many resources of an event are read.
const maxResources = 100

// Event is an event of EventBridge, by "AWS service events" in its user guide.
type Event struct {
	Kind      string // detail-type
	Account   string
	Region    string
	Time      time.Time
	Resources []string // ARNs, or ids
	Detail    intake.Value
}

// ReadEvent reads a document as an event of that AWS service, such as aws.health. It is
// false if the document is no event at all. An event of another service is a mistake of
// its field source.
func ReadEvent(doc intake.Value, service string) (Event, bool) {
	if !doc.At("detail-type").Has() {
		return Event{}, false
	}
	if doc.At("source").Text() != service {
		doc.At("source").Refuse("must be %s; each service of AWS has a source of its own", service)
	}
	e := Event{
		Kind: doc.At("detail-type").Text(), Account: doc.At("account").Written(), Region: doc.At("region").Written(),
		Time: Time(doc.At("time")), Detail: doc.At("detail"),
	}
	for _, r := range doc.At("resources").Some(maxResources) {
		if text := r.Written(); text != "" {
			e.Resources = append(e.Resources, text)
		}
	}
	return e, true
}

// layouts are the forms in which services of AWS write a time.
func layouts() []string {
	return []string{
		time.RFC3339, "2006-01-02T15:04:05.999-0700", // most; CloudWatch
		time.RFC1123, "Mon, 2 Jan 2006 15:04:05 MST", // Health
		"Mon Jan 2 15:04:05.999 MST 2006", "Jan 2, 2006, 3:04:05 PM", // Inspector, now and before
	}
}

// Time reads a time in any form that AWS writes. What cannot be read is the zero time: an
// alert is not lost for it.
func Time(v intake.Value) time.Time {
	text := strings.TrimSpace(v.Written())
	for _, layout := range layouts() {
		if at, err := time.Parse(layout, text); err == nil {
			return intake.Plausible(at)
		}
	}
	return time.Time{}
}
