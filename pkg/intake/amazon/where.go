package amazon

import (
	"cmp"
	"net/url"
	"strings"

	"github.com/opsguard/opsguard/pkg/intake"
)

// ARN is the name of a resource of AWS, in its parts. All are empty for another text.
type ARN struct {
	Partition, Service, Region, Account, Resource string
}

// ParseARN reads arn:partition:service:region:account:resource.
func ParseARN(text string) ARN {
	parts := strings.SplitN(text, ":", 6)
	if len(parts) != 6 || parts[0] != "arn" {
		return ARN{}
	}
	return ARN{parts[1], parts[2], parts[3], parts[4], parts[5]}
}

// Name is what people call the resource of an ARN: checkout for function:checkout:$LATEST,
// shop/api for repository/shop/api/sha256:ab12, shop for loadbalancer/app/shop/50dc6c49.
// Another text is its own name.
func Name(arn string) string {
	resource := ParseARN(arn).Resource
	if resource == "" {
		return arn
	}
	if kind, rest, found := strings.Cut(resource, ":"); found && !strings.Contains(kind, "/") {
		name, _, _ := strings.Cut(rest, ":")
		return name
	}
	parts := strings.Split(resource, "/")
	switch kind := parts[0]; {
	case len(parts) == 1:
		return resource
	case kind == "repository":
		last := len(parts)
		if strings.HasPrefix(parts[last-1], "sha256:") && last > 2 {
			last--
		}
		return strings.Join(parts[1:last], "/")
	case kind == "loadbalancer" && len(parts) > 2:
		return parts[len(parts)-2]
	case kind == "targetgroup":
		return parts[1]
	}
	return parts[len(parts)-1]
}

// Console is an address in the console of a region: path with its query, and what is
// behind the #, which is not escaped.
func Console(partition, region, path, fragment string) string {
	// It comes from outside, and must not become another host.
	if region == "" || strings.Trim(region, "abcdefghijklmnopqrstuvwxyz0123456789-") != "" {
		return ""
	}
	host := region + ".console.aws.amazon.com"
	switch partition {
	case "aws-cn":
		host = region + ".console.amazonaws.cn"
	case "aws-us-gov":
		host = region + ".console.amazonaws-us-gov.com"
	}
	return intake.Link("https://" + host + "/" + path + "?region=" + url.QueryEscape(region) + "#" + fragment)
}

// Labels collects labels, of which the first value of a name counts.
type Labels map[string]string

// Add adds a label, unless its value is empty or the name has one.
func (l Labels) Add(name, value string) {
	if value = strings.TrimSpace(value); value != "" && l[name] == "" {
		l[name] = value
	}
}

// AddAll adds each of several.
func (l Labels) AddAll(pairs map[string]string) {
	for name, value := range pairs {
		l.Add(name, value)
	}
}

// Service is the name of the service by the first of the labels that has a value, or
// otherwise. The names of tags are found in any case.
func (l Labels) Service(otherwise string, names ...string) string {
	for _, name := range append(serviceTags(), names...) {
		if value := l.find(name); value != "" {
			return intake.Name(Name(value))
		}
	}
	return cmp.Or(intake.Name(otherwise), "aws")
}

func (l Labels) find(name string) string {
	if l[name] != "" {
		return l[name]
	}
	found := ""
	for other, value := range l {
		if strings.EqualFold(other, name) && (found == "" || value < found) {
			found = value
		}
	}
	return found
}

// serviceTags are the tags in which people name a service, the best first.
func serviceTags() []string {
	return []string{"service", "app", "application", "app.kubernetes.io/name", "component"}
}
