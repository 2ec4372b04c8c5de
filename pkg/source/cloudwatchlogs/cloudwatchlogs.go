// Package cloudwatchlogs reads what a subscription filter of Amazon CloudWatch Logs
// delivers: lines of a log group that matched a pattern, packed or plain. It follows
// "Log group-level subscription filters" in the user guide of CloudWatch Logs and
// "Process CloudWatch Logs with Lambda" in that of Lambda. Start at Integration.
package cloudwatchlogs

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/opsguard/opsguard/pkg/incident"
	"github.com/opsguard/opsguard/pkg/intake"
	"github.com/opsguard/opsguard/pkg/intake/amazon"
	"github.com/opsguard/opsguard/pkg/integration"
	"github.com/opsguard/opsguard/pkg/steps"
)

// Name is what services.yaml calls the type.
const Name = "cloudwatch-logs"

// Settings are what services.yaml says of a source.
type Settings = amazon.Settings

// Source is safe for concurrent use.
type Source struct{ *amazon.Sender }

// Integration describes the source.
func Integration() integration.Descriptor[steps.Source] {
	return integration.New(Name, "reads log lines that a subscription filter of Amazon CloudWatch Logs delivers", Open)
}

// Open opens the source. It calls nobody.
func Open(env integration.Env, s Settings) (steps.Source, error) {
	return &Source{amazon.NewSender(env, s)}, nil
}

// maxEvents bounds how many lines of one delivery are read.
const maxEvents = 10_000

// Parse reads one delivery: the lines of a log group that matched a filter.
func (s *Source) Parse(_ context.Context, r steps.Request) (steps.Batch, error) {
	doc, says, err := amazon.Open(r.Body)
	if err != nil || !says {
		return steps.Batch{}, err
	}
	data, err := unpacked(doc)
	if err != nil {
		return steps.Batch{}, err
	}
	switch data.At("messageType").Text() {
	case "CONTROL_MESSAGE": // asks whether anybody listens
		return steps.Batch{}, data.Err()
	case "DATA_MESSAGE":
	default:
		data.At("messageType").Refuse("must be DATA_MESSAGE or CONTROL_MESSAGE; this is not what CloudWatch Logs sends")
	}
	d := read(data)
	if err := data.Err(); err != nil {
		return steps.Batch{}, err
	}
	alert := d.alert()
	return steps.One(alert, alert.Validate())
}

// delivery is what a subscription filter delivered.
type delivery struct {
	owner, group, stream string
	filters              []string
	first, last          time.Time
	lines                []string
	level                string // of the first line that names one
}

func read(v intake.Value) delivery {
	d := delivery{owner: v.At("owner").Written(), group: v.At("logGroup").Text(), stream: v.At("logStream").Written()}
	for _, f := range v.At("subscriptionFilters").Some(intake.MaxLabels) {
		if name := f.Written(); name != "" {
			d.filters = append(d.filters, name)
		}
	}
	for _, e := range v.At("logEvents").Some(maxEvents) {
		line := strings.TrimRight(e.At("message").Written(), " \t\r\n")
		if line == "" {
			continue
		}
		at := milliseconds(e.At("timestamp").Written())
		if d.first.IsZero() {
			d.first = at
		}
		if d.level == "" {
			d.level = level(line)
		}
		d.last, d.lines = at, append(d.lines, line)
	}
	if len(d.lines) == 0 {
		v.At("logEvents").Refuse("holds no message")
	}
	return d
}

func milliseconds(text string) time.Time {
	n, err := strconv.ParseInt(text, 10, 64)
	if err != nil {
		return time.Time{}
	}
	return intake.Plausible(time.UnixMilli(n))
}

// level is what a line that is a JSON object says of its severity, "" for another line.
func level(line string) string {
	if !strings.HasPrefix(line, "{") {
		return ""
	}
	doc, err := intake.ReadJSON([]byte(line))
	if err != nil {
		return ""
	}
	return doc.First("level", "severity", "levelname", "log.level")
}

func (d delivery) alert() incident.Alert {
	text := strings.Join(d.lines, "\n")
	labels := map[string]string{
		"account": d.owner, "logGroup": d.group, "logStream": d.stream, "subscriptionFilter": strings.Join(d.filters, ","),
		"service": serviceOf(d.group),
	}
	// CloudWatch Logs has no name for the trouble, so it is the filter and the kind of error.
	// The line itself may hold a secret, so only its hash goes into the identity.
	shape := sha256.Sum256([]byte(incident.ShapeOf(text)))
	identity := append(append([]string{d.owner, d.group}, d.filters...), hex.EncodeToString(shape[:8]))
	a := incident.Alert{
		Tenant: incident.DefaultTenant, Source: Name, Service: intake.Name(labels["service"]), Severity: intake.Severity(incident.High, d.level),
		Timestamp: d.first, Identity: intake.Identity(identity...), Labels: intake.Labels(labels),
	}
	if a.Service == "" {
		a.Service = Name
	}
	var e intake.Evidence
	e.Line(fmt.Sprintf("LOGS %s: %s matched (%s)", d.group, counted(len(d.lines)), a.Severity))
	e.Add("filter", strings.Join(d.filters, ", "))
	e.Add("stream", d.stream)
	e.AddTime("from", d.first)
	if d.last.After(d.first) {
		e.Add("to", incident.FormatTime(d.last))
	}
	e.Add("account", d.owner)
	e.Block(text)
	a.ErrorLogs = e.String()
	return a
}

func counted(lines int) string {
	if lines == 1 {
		return "1 line"
	}
	return strconv.Itoa(lines) + " lines"
}

// serviceOf is the service that a log group is usually named after: orders for
// /aws/lambda/orders, shop for /aws/rds/cluster/shop/error, api for /ecs/api.
func serviceOf(group string) string {
	parts := strings.FieldsFunc(group, func(r rune) bool { return r == '/' })
	if len(parts) < 2 || parts[0] != "aws" {
		if len(parts) == 0 {
			return group
		}
		return parts[len(parts)-1]
	}
	switch rest := parts[2:]; {
	case len(rest) == 0:
		return parts[1]
	case parts[1] == "rds" && len(rest) > 1: // instance or cluster, then its name
		return rest[1]
	default:
		return rest[0]
	}
}
