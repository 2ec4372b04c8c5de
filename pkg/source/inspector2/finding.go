package inspector2

import (
	"cmp"
	"strconv"
	"strings"
	"time"

	"github.com/opsguard/opsguard/pkg/incident"
	"github.com/opsguard/opsguard/pkg/intake"
	"github.com/opsguard/opsguard/pkg/intake/amazon"
)

// Bounds of what is shown of a finding.
const (
	maxResources = 100
	maxPackages  = 20
	maxSteps     = 20
	maxTags      = 10
)

// finding is one finding of Inspector.
type finding struct {
	arn, status, severity, kind, title, description, recommendation string
	account, score, exploit, fix, epss                              string
	seen                                                            time.Time
	resource                                                        resource
	others                                                          int // resources beside the first
	doc                                                             intake.Value
}

// resource is what a finding is about.
type resource struct {
	id, kind, region string
	name             string // of a function or a repository; "" for others
	tags             map[string]string
	image            []string // tags of a container image
	platform         string
}

func read(v intake.Value) finding {
	f := finding{
		doc: v, arn: v.At("findingArn").Text(), status: v.At("status").Text(), severity: v.At("severity").Written(), kind: v.At("type").Written(),
		title: v.At("title").Written(), description: v.At("description").Written(), account: v.At("awsAccountId").Written(),
		recommendation: v.At("remediation", "recommendation", "text").Written(), score: v.At("inspectorScore").Written(),
		exploit: v.At("exploitAvailable").Written(), fix: v.At("fixAvailable").Written(), epss: v.At("epss", "score").Written(),
		seen: amazon.Time(v.At("lastObservedAt")),
	}
	if f.recommendation == "None Provided" {
		f.recommendation = ""
	}
	resources := v.At("resources").Some(maxResources)
	if f.others = len(resources) - 1; f.others >= 0 {
		f.resource = resourceOf(resources[0])
	}
	return f
}

func resourceOf(v intake.Value) resource {
	details := v.At("details")
	image, function, instance := details.At("awsEcrContainerImage"), details.At("awsLambdaFunction"), details.At("awsEc2Instance")
	r := resource{
		id: v.At("id").Written(), kind: v.At("type").Written(), region: v.At("region").Written(), tags: v.At("tags").Fields(),
		name:     cmp.Or(image.At("repositoryName").Written(), function.At("functionName").Written()),
		platform: cmp.Or(image.At("platform").Written(), function.At("runtime").Written(), instance.At("platform").Written()),
	}
	for _, tag := range image.At("imageTags").Some(maxTags) {
		r.image = append(r.image, tag.Written())
	}
	return r
}

func (f finding) vulnerability() string {
	return f.doc.At("packageVulnerabilityDetails", "vulnerabilityId").Written()
}

func (f finding) labels() amazon.Labels {
	l := amazon.Labels{}
	l.Add("account", f.account)
	l.Add("region", f.resource.region)
	l.Add("resource", f.resource.id)
	l.Add("resourceType", f.resource.kind)
	l.Add("name", f.resource.name)
	l.Add("imageTag", strings.Join(f.resource.image, ","))
	l.Add("type", f.kind)
	l.Add("vulnerability", f.vulnerability())
	l.AddAll(f.resource.tags)
	return l
}

func (f finding) service(l amazon.Labels) string {
	return l.Service(cmp.Or(f.resource.name, amazon.Name(f.resource.id), f.title))
}

// link leads to where the vulnerability is explained: Inspector documents no address of
// a finding. Else it is the list of findings.
func (f finding) link() string {
	arn := amazon.ParseARN(f.arn)
	return intake.FirstLink(f.doc.At("packageVulnerabilityDetails", "sourceUrl").Written(),
		amazon.Console(arn.Partition, arn.Region, "inspector/v2/home", "/findings/all"))
}

func (f finding) evidence(a incident.Alert) string {
	var e intake.Evidence
	if a.Recovered {
		e.Line(f.status + " FINDING " + f.title)
	} else {
		e.Line("FINDING " + f.title + " (" + string(a.Severity) + ")")
	}
	e.Add("severity", strings.TrimSpace(f.severity+" "+f.score))
	e.Add("type", f.kind)
	e.Add("resource", strings.TrimSpace(f.resource.kind+" "+f.resource.id))
	if f.others > 0 {
		e.Add("other resources", strconv.Itoa(f.others))
	}
	e.Add("name", f.resource.name)
	e.Add("image tags", strings.Join(f.resource.image, ", "))
	e.Add("platform", f.resource.platform)
	e.Add("exploit known", f.exploit)
	e.Add("EPSS", f.epss)
	e.Add("fix available", f.fix)
	f.packages(&e)
	f.network(&e)
	f.code(&e)
	e.AddTime("last seen", f.seen)
	e.Add("account", f.account)
	e.Add("region", f.resource.region)
	e.Block(f.description)
	e.Add("recommendation", f.recommendation)
	return e.String()
}

func (f finding) packages(e *intake.Evidence) {
	details := f.doc.At("packageVulnerabilityDetails")
	for _, p := range details.At("vulnerablePackages").Some(maxPackages) {
		text := strings.TrimSpace(p.At("name").Written() + " " + p.At("version").Written())
		if fixed := p.At("fixedInVersion").Written(); fixed != "" && fixed != "NotAvailable" {
			text += ", fixed in " + fixed
		}
		if path := p.At("filePath").Written(); path != "" {
			text += ", in " + path
		}
		e.Add("package", text)
		if how := p.At("remediation").Written(); how != "NotAvailable" {
			e.Add("remediation", how)
		}
	}
}

func (f finding) network(e *intake.Evidence) {
	details := f.doc.At("networkReachabilityDetails")
	if !details.Has() {
		return
	}
	ports := details.At("openPortRange", "begin").Written()
	if end := details.At("openPortRange", "end").Written(); end != ports {
		ports += "-" + end
	}
	e.Add("reachable", strings.TrimSpace(details.At("protocol").Written()+" "+ports))
	var path []string
	for _, step := range details.At("networkPath", "steps").Some(maxSteps) {
		path = append(path, step.At("componentId").Written())
	}
	e.Add("path", strings.Join(path, " -> "))
}

func (f finding) code(e *intake.Evidence) {
	details := f.doc.At("codeVulnerabilityDetails")
	if !details.Has() {
		return
	}
	file := details.At("filePath")
	e.Add("detector", details.At("detectorName").Written())
	e.Add("file", file.At("filePath").Written()+":"+file.At("startLine").Written())
}
