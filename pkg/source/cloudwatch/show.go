package cloudwatch

import (
	"maps"
	"net/url"
	"slices"
	"strings"

	"github.com/opsguard/opsguard/pkg/incident"
	"github.com/opsguard/opsguard/pkg/intake"
	"github.com/opsguard/opsguard/pkg/intake/amazon"
)

// serviceDimensions are those that usually name the service, the best first.
func serviceDimensions() []string {
	return []string{
		"Service", "ServiceName", "FunctionName", "DBClusterIdentifier", "DBInstanceIdentifier", "StateMachineArn", "QueueName", "TableName",
		"LoadBalancer", "LoadBalancerName", "TargetGroup", "ApiName", "ApiId", "CacheClusterId", "ReplicationGroupId", "StreamName", "TopicName",
		"BucketName", "FileSystemId", "DomainName", "AutoScalingGroupName", "ClusterName", "CanaryName", "InstanceId",
	}
}

// labels are what services.yaml can find the service by: the dimensions of the metrics
// under their own names, and where the alarm is.
func (a alarm) labels() amazon.Labels {
	l := amazon.Labels{}
	l.Add("alarm", a.name)
	l.Add("account", a.account)
	l.Add("region", a.region)
	l.AddAll(a.attributes)
	for _, m := range a.metrics {
		l.Add("namespace", m.namespace)
		l.Add("metric", m.name)
		l.AddAll(m.dimensions)
	}
	return l
}

func (a alarm) service(l amazon.Labels) string {
	named := maps.Clone(l)
	for _, name := range []string{"LoadBalancer", "TargetGroup"} { // app/shop/50dc6c495c0c9188, targetgroup/shop/73e2d6bc24d8a067
		if parts := strings.Split(named[name], "/"); len(parts) == 3 {
			named[name] = parts[1]
		}
	}
	return named.Service(a.name, serviceDimensions()...)
}

func (a alarm) link() string {
	if a.arn == "" {
		return ""
	}
	arn := amazon.ParseARN(a.arn)
	return amazon.Console(arn.Partition, arn.Region, "cloudwatch/home", "alarmsV2:alarm/"+url.PathEscape(a.name))
}

// described is the word after "severity" in the description: severity=critical, or
// severity: critical.
func (a alarm) described() string {
	words := strings.FieldsFunc(strings.ToLower(a.description), func(r rune) bool { return strings.ContainsRune(" \t\r\n=:,;[](){}\"'.", r) })
	if i := slices.Index(words, "severity"); i >= 0 && i+1 < len(words) {
		return words[i+1]
	}
	return ""
}

func (a alarm) evidence(severity incident.Severity) string {
	var e intake.Evidence
	if a.state == stateOK {
		e.Line(a.state + " " + a.name)
	} else {
		e.Line(a.state + " " + a.name + " (" + string(severity) + ")")
	}
	e.Add("description", a.description)
	e.Add("reason", a.reason)
	if a.evaluation == "PARTIAL_DATA" {
		e.Add("partial data", "more series matched than CloudWatch evaluates; there may be others in this state")
	} else {
		e.Add("evaluation", a.evaluation)
	}
	for _, m := range a.metrics {
		e.Add(strings.TrimSpace("metric "+a.idOf(m)), m.String())
	}
	e.Add("threshold", a.threshold)
	e.Add("latest values", strings.Join(a.values, ", "))
	e.Add("rule", a.rule)
	e.Add("because of", strings.Join(a.children, ", "))
	e.Add("series", a.contributor)
	e.AddAll(a.attributes)
	e.Add("actions", a.quiet)
	if !a.at.IsZero() {
		e.Add("state", strings.TrimPrefix(a.before+" -> ", " -> ")+a.state+" at "+incident.FormatTime(a.at))
	}
	e.Add("account", a.account)
	e.Add("region", a.region)
	return e.String()
}

// idOf is a metric's id, where there are several to tell apart.
func (a alarm) idOf(m metric) string {
	if len(a.metrics) < 2 {
		return ""
	}
	return m.id
}

// String is the metric as a person reads it.
func (m metric) String() string {
	var parts []string
	add := func(text string) {
		if strings.TrimSpace(text) != "" {
			parts = append(parts, strings.TrimSpace(text))
		}
	}
	add(m.expression)
	if m.label != "" {
		add("(" + m.label + ")")
	}
	add(m.namespace + " " + m.name)
	add(strings.ToLower(m.stat))
	if m.period != "" {
		add("over " + m.period + " s")
	}
	for _, name := range slices.Sorted(maps.Keys(m.dimensions)) {
		add(name + "=" + m.dimensions[name])
	}
	return strings.Join(parts, " ")
}
