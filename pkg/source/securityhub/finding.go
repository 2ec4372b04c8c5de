package securityhub

import (
	"cmp"
	"net/url"
	"strconv"
	"strings"
	"time"

	"github.com/opsguard/opsguard/pkg/incident"
	"github.com/opsguard/opsguard/pkg/intake"
	"github.com/opsguard/opsguard/pkg/intake/amazon"
)

// Bounds of what is shown of a finding.
const (
	maxTypes           = 10
	maxResources       = 20
	maxVulnerabilities = 20
	maxPackages        = 5
	maxReasons         = 10
)

// finding is one finding in the AWS Security Finding Format.
type finding struct {
	doc                                                               intake.Value
	id, product, productARN, title, description, account, region      string
	label, normalized, compliance, record, workflow, control, company string
	seen                                                              time.Time
	resources                                                         []resource
	types                                                             []string
}

// resource is what a finding is about.
type resource struct {
	id, kind string
	tags     map[string]string
}

func read(v intake.Value) finding {
	f := finding{
		doc: v, id: v.At("Id").Text(), productARN: v.At("ProductArn").Written(), title: v.At("Title").Written(),
		description: v.At("Description").Written(), account: v.At("AwsAccountId").Written(), region: v.At("Region").Written(),
		label: v.At("Severity", "Label").Written(), normalized: v.At("Severity", "Normalized").Written(),
		compliance: v.At("Compliance", "Status").Written(),
		record:     v.At("RecordState").Written(), workflow: cmp.Or(v.At("Workflow", "Status").Written(), v.At("WorkflowState").Written()),
		control: cmp.Or(v.At("Compliance", "SecurityControlId").Written(), v.At("ProductFields", "ControlId").Written()),
		product: v.At("ProductName").Written(), company: v.At("CompanyName").Written(), seen: amazon.Time(v.At("LastObservedAt")),
	}
	if f.product == "" {
		f.product = v.At("ProductFields", "aws/securityhub/ProductName").Written()
	}
	if f.seen.IsZero() { // not every product says when it looked
		f.seen = amazon.Time(v.At("UpdatedAt"))
	}
	for _, t := range v.At("Types").Some(maxTypes) {
		f.types = append(f.types, t.Written())
	}
	for _, r := range v.At("Resources").Some(maxResources) {
		f.resources = append(f.resources, resource{r.At("Id").Written(), r.At("Type").Written(), r.At("Tags").Fields()})
	}
	for _, r := range v.At("Resources").Some(1) {
		f.region = cmp.Or(f.region, r.At("Region").Written())
	}
	return f
}

// identity is the finding's id, which its product chose.
func (f finding) identity() string {
	if strings.HasPrefix(f.id, "arn:") {
		return intake.Identity(f.id)
	}
	return intake.Identity(f.productARN, f.id)
}

// over says by what a finding has ended, "" if it has not: it is archived, somebody closed
// it, or its control passes.
func (f finding) over() string {
	switch {
	case f.record == "ARCHIVED":
		return f.record
	case f.workflow == "RESOLVED", f.workflow == "SUPPRESSED":
		return f.workflow
	case f.compliance == "PASSED":
		return f.compliance
	}
	return ""
}

// severity is the label, or else the number from 0 to 100 that there was before labels.
func (f finding) severity() incident.Severity {
	if s, ok := incident.SeverityOf(f.label); ok {
		return s
	}
	n, err := strconv.ParseFloat(f.normalized, 64)
	switch {
	case err != nil:
		return incident.Medium
	case n >= 90:
		return incident.Critical
	case n >= 70:
		return incident.High
	case n >= 40:
		return incident.Medium
	}
	return incident.Low
}

func (f finding) labels() amazon.Labels {
	l := amazon.Labels{}
	l.Add("account", f.account)
	l.Add("region", f.region)
	l.Add("product", f.product)
	l.Add("control", f.control)
	l.Add("type", strings.Join(f.types, ","))
	if len(f.resources) > 0 {
		l.Add("resource", f.resources[0].id)
		l.Add("resourceType", f.resources[0].kind)
		l.AddAll(f.resources[0].tags)
	}
	return l
}

func (f finding) service(l amazon.Labels) string {
	if len(f.resources) == 0 || f.resources[0].kind == "AwsAccount" {
		return l.Service(cmp.Or(f.account, f.product))
	}
	return l.Service(amazon.Name(f.resources[0].id))
}

// link is the product's own page of the finding, else the finding in Security Hub.
func (f finding) link() string {
	arn := amazon.ParseARN(f.productARN)
	// The console escapes a value in its search, and then the search.
	search := "Id=" + url.QueryEscape(`\operator\:EQUALS\:`+f.id)
	return intake.FirstLink(f.doc.At("SourceUrl").Written(),
		amazon.Console(arn.Partition, cmp.Or(f.region, arn.Region), "securityhub/home", "/findings?search="+url.QueryEscape(search)))
}

func (f finding) evidence(a incident.Alert) string {
	var e intake.Evidence
	if a.Recovered {
		e.Line(f.over() + " FINDING " + f.title)
	} else {
		e.Line("FINDING " + f.title + " (" + string(a.Severity) + ")")
	}
	e.Add("severity", cmp.Or(f.label, f.normalized))
	e.Add("product", strings.TrimSpace(f.company+" "+f.product))
	e.Add("type", strings.Join(f.types, ", "))
	e.Add("control", f.control)
	e.Add("compliance", f.compliance)
	for _, reason := range f.doc.At("Compliance", "StatusReasons").Some(maxReasons) {
		e.Add("because", reason.First("Description", "ReasonCode"))
	}
	e.Add("workflow", f.workflow)
	for _, r := range f.resources {
		e.Add("resource", strings.TrimSpace(r.kind+" "+r.id))
	}
	f.vulnerabilities(&e)
	f.action(&e)
	e.AddTime("last seen", f.seen)
	e.Add("account", f.account)
	e.Add("region", f.region)
	e.Block(f.description)
	how := f.doc.At("Remediation", "Recommendation")
	if text := how.At("Text").Written(); text != "None Provided" {
		e.Add("recommendation", text)
	}
	e.Add("recommendation at", intake.Link(how.At("Url").Written()))
	return e.String()
}

func (f finding) vulnerabilities(e *intake.Evidence) {
	for _, v := range f.doc.At("Vulnerabilities").Some(maxVulnerabilities) {
		e.Add("vulnerability", v.At("Id").Written())
		for _, p := range v.At("VulnerablePackages").Some(maxPackages) {
			text := strings.TrimSpace(p.At("Name").Written() + " " + p.At("Version").Written())
			if fixed := p.At("FixedInVersion").Written(); fixed != "" && fixed != "NotAvailable" {
				text += ", fixed in " + fixed
			}
			e.Add("package", text)
		}
	}
}

// action shows what was done, as GuardDuty tells it.
func (f finding) action(e *intake.Evidence) {
	action := f.doc.At("Action")
	e.Add("action", action.At("ActionType").Written())
	network, call := action.At("NetworkConnectionAction"), action.At("AwsApiCallAction")
	e.Add("connection", strings.Join([]string{
		network.At("ConnectionDirection").Written(),
		network.At("RemoteIpDetails", "IpAddressV4").Written(),
		network.At("RemotePortDetails", "Port").Written(),
	}, " "))
	e.Add("call", strings.TrimSpace(call.At("ServiceName").Written()+" "+call.At("Api").Written()))
	e.Add("from", call.At("RemoteIpDetails", "IpAddressV4").Written())
}
