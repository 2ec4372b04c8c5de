package steps

import (
	"errors"

	"github.com/opsguard/opsguard/pkg/incident"
)

// BatchView is a batch as people are shown it: what would be kept of each alert,
// redacted, and why each other one would be refused.
type BatchView struct {
	Alerts  []AlertView   `json:"alerts"`
	Refused []RefusedView `json:"refused"`
}

// AlertView is one alert of a BatchView. Absent texts are null.
type AlertView struct {
	Service   string            `json:"service"` // unless a match in services.yaml says another
	Severity  incident.Severity `json:"severity"`
	State     string            `json:"state"`     // firing or recovered
	Timestamp *string           `json:"timestamp"` // RFC 3339, UTC, milliseconds
	Identity  *string           `json:"identity"`  // what makes two alerts of this sender the same trouble
	DedupKey  *string           `json:"dedupKey"`
	Link      *string           `json:"link"`
	Labels    map[string]string `json:"labels"` // what a match can use
	ErrorLogs string            `json:"errorLogs"`
}

// RefusedView is one alert, or a whole body, that was refused.
type RefusedView struct {
	Field  *string `json:"field"`
	Detail string  `json:"detail"`
}

// Describe shows what would become of the batch.
func (b Batch) Describe() BatchView {
	v := BatchView{Alerts: []AlertView{}, Refused: []RefusedView{}}
	for _, a := range b.Alerts {
		labels := a.Labels
		if labels == nil {
			labels = map[string]string{}
		}
		a = clean(a)
		one := AlertView{
			Service: a.Service, Severity: a.Severity, State: "firing", Identity: orNil(a.Identity), DedupKey: orNil(a.DedupKey),
			Link: orNil(a.Link), Labels: labels, ErrorLogs: a.ErrorLogs,
		}
		if a.Recovered {
			one.State = "recovered"
		}
		if !a.Timestamp.IsZero() {
			one.Timestamp = orNil(incident.FormatTime(a.Timestamp))
		}
		v.Alerts = append(v.Alerts, one)
	}
	for _, err := range b.Refused {
		v.Refused = append(v.Refused, Refusal(err))
	}
	return v
}

// Refusal shows why something was refused.
func Refusal(err error) RefusedView {
	var wrong *incident.Error
	if !errors.As(err, &wrong) {
		return RefusedView{Detail: "it cannot be read"}
	}
	return RefusedView{orNil(wrong.Field), wrong.Error()}
}

func orNil(s string) *string {
	if s == "" {
		return nil
	}
	return &s
}
