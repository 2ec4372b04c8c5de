// Package api reads the body of OpsGuard's own call, POST /ingest-alert. Start at
// Integration.
package api

import (
	"context"
	"errors"
	"maps"
	"strings"
	"time"

	"github.com/opsguard/opsguard/pkg/body"
	"github.com/opsguard/opsguard/pkg/incident"
	"github.com/opsguard/opsguard/pkg/integration"
	"github.com/opsguard/opsguard/pkg/steps"
)

// Name is the source of an alert that came by POST /ingest-alert.
const Name = "api"

// Source reads POST /ingest-alert.
type Source struct{}

// Integration describes the source.
func Integration() integration.Descriptor[steps.Source] {
	return integration.New(Name, "reads the body of POST /ingest-alert, which a key with the role ingest may call", Open)
}

// Open opens the source.
func Open(integration.Env, struct{}) (steps.Source, error) { return Source{}, nil }

// Authenticate refuses everybody: only a key opens POST /ingest-alert, and this
// body has no signature by which it could be taken elsewhere.
func (Source) Authenticate(context.Context, steps.Request) error {
	return incident.Fail(incident.Forbidden, incident.CodeForbidden, "this body is taken at POST /ingest-alert, with a key")
}

// Parse reads one alert:
//
//	{serverName, errorLogs, severity?, timestamp?, dedupKey?}
//
// all of them strings, timestamp in RFC 3339. Null is the same as not sent. So is
// an optional field that a form sends empty, because forms send every field. The
// alert that it returns is valid.
func (Source) Parse(_ context.Context, r steps.Request) (steps.Batch, error) {
	kind, ok := body.KindOf(r.Header.Get("Content-Type"))
	if !ok {
		return steps.Batch{}, incident.BadField("Content-Type", "must be application/json or a form")
	}
	return steps.One(parse(kind, r.Body))
}

func parse(kind body.Kind, raw []byte) (incident.Alert, error) {
	v, err := body.Read(kind, raw, "serverName", "errorLogs", "severity", "timestamp", "dedupKey")
	if err != nil {
		return incident.Alert{}, err
	}
	if kind == body.Form {
		maps.DeleteFunc(v, func(field, value string) bool {
			return value == "" && field != "serverName" && field != "errorLogs"
		})
	}
	a := incident.Alert{Tenant: incident.DefaultTenant, Source: Name}
	if a.Service, err = required(v, "serverName", "name the service, as in services.yaml"); err != nil {
		return incident.Alert{}, err
	}
	if a.ErrorLogs, err = required(v, "errorLogs", "send the error lines"); err != nil {
		return incident.Alert{}, err
	}
	if a.Severity, err = severity(v); err != nil {
		return incident.Alert{}, err
	}
	if a.Timestamp, err = timestamp(v); err != nil {
		return incident.Alert{}, err
	}
	a.DedupKey = v["dedupKey"]
	if err := a.Validate(); err != nil {
		return incident.Alert{}, asSent(err)
	}
	return a, nil
}

// asSent names the service as this call's body does.
func asSent(err error) error {
	var wrong *incident.Error
	if errors.As(err, &wrong) && wrong.Field == "service" {
		named := *wrong
		named.Field = "serverName"
		return &named
	}
	return err
}

func required(v body.Values, field, what string) (string, error) {
	s, sent := v[field]
	if !sent {
		return "", incident.BadField(field, "is missing; %s", what)
	}
	return s, nil
}

// severity defaults only where the field was not sent: an empty one is a
// sender's mistake.
func severity(v body.Values) (incident.Severity, error) {
	s, sent := v["severity"]
	if sent && s == "" {
		return "", incident.BadField("severity", "is empty; send critical, high, medium or low, or leave it out")
	}
	switch s {
	case "page", "error", "warning", "info": // what alerting rules usually say
		meant, _ := incident.SeverityOf(s)
		return meant, nil
	}
	return incident.ParseSeverity(s)
}

// timestamp takes what can be written again as UTC with four digits for the
// year; the zero time if it was not sent.
func timestamp(v body.Values) (time.Time, error) {
	s, sent := v["timestamp"]
	if !sent {
		return time.Time{}, nil
	}
	var at time.Time
	// UnmarshalText is strict about RFC 3339 where time.Parse is not, but for a
	// comma before the fraction.
	if err := at.UnmarshalText([]byte(s)); err != nil || strings.Contains(s, ",") {
		return time.Time{}, incident.BadField("timestamp", "must be RFC 3339, like 2026-01-31T10:00:00Z")
	}
	if year := at.UTC().Year(); year < 1970 || year > 9999 {
		return time.Time{}, incident.BadField("timestamp", "must lie between the years 1970 and 9999")
	}
	return incident.Stamp(at), nil
}
