package sns

import (
	"net/url"
	"regexp"
	"slices"
	"strings"
	"sync"
)

// home is where SNS itself is for a topic: the only host that is ever called for one.
type home struct {
	host  string
	names []string // of which the signing certificate must have one
}

// pattern compiles when it is first asked for: every function that takes alerts links it.
func pattern(text string) func() *regexp.Regexp {
	return sync.OnceValue(func() *regexp.Regexp { return regexp.MustCompile(text) })
}

var (
	topicARN = pattern(`^arn:(aws|aws-cn|aws-us-gov):sns:([a-z]{2}(?:-[a-z]+){1,3}-[0-9]{1,2}):[0-9]{12}:[A-Za-z0-9_-]{1,256}(?:\.fifo)?$`)
	certPath = pattern(`^/SimpleNotificationService-[A-Za-z0-9]{1,64}\.pem$`)
)

// ValidTopic reports whether an ARN is a topic's.
func ValidTopic(arn string) bool { return topicARN().MatchString(arn) }

// homeOf tells a topic's home by its ARN. The names are those that AWS's own SDK for Java
// expects of the certificate in the regions of each partition.
func homeOf(topic string) (home, bool) {
	m := topicARN().FindStringSubmatch(topic)
	if m == nil {
		return home{}, false
	}
	partition, region, domain := m[1], m[2], "amazonaws.com"
	if partition == "aws-cn" {
		domain += ".cn"
	}
	h := home{host: "sns." + region + "." + domain}
	h.names = []string{"sns-signing." + region + "." + domain, "sns-" + region + "." + domain, h.host}
	switch partition {
	case "aws":
		h.names = append(h.names, "sns.amazonaws.com")
	case "aws-us-gov":
		h.names = append(h.names, "sns-us-gov-west-1.amazonaws.com")
	}
	return h, true
}

// address parses an address of this home: https, the host itself, no port, nobody's name.
func (h home) address(text string) (*url.URL, bool) {
	u, err := url.Parse(text)
	if err != nil || u.Scheme != "https" || u.Host != h.host || u.User != nil || u.Opaque != "" || u.Fragment != "" || u.RawFragment != "" {
		return nil, false
	}
	return u, true
}

// certificate is the address of a signing certificate, if the text is one.
func (h home) certificate(text string) (string, bool) {
	u, ok := h.address(text)
	if !ok || u.RawQuery != "" || u.ForceQuery || !certPath().MatchString(u.EscapedPath()) {
		return "", false
	}
	return u.String(), true
}

// confirmation is the address that confirms a subscription to the topic, if the text is one.
func (h home) confirmation(text, topic string) (string, bool) {
	u, ok := h.address(text)
	if !ok || u.EscapedPath() != "/" && u.EscapedPath() != "" {
		return "", false
	}
	query, err := url.ParseQuery(u.RawQuery)
	if err != nil || !slices.Equal(query["Action"], []string{"ConfirmSubscription"}) || !slices.Equal(query["TopicArn"], []string{topic}) {
		return "", false
	}
	if len(query["Token"]) != 1 || len(query) != 3 {
		return "", false
	}
	return u.String(), true
}

// issuer is the address of the certificate of an authority, as a certificate names it. It
// may be plain http, as such addresses are: what comes from there proves itself.
func issuer(text string) (string, bool) {
	u, err := url.Parse(text)
	if err != nil || u.Scheme != "http" && u.Scheme != "https" || u.User != nil || u.Port() != "" || u.Opaque != "" {
		return "", false
	}
	host := u.Hostname()
	last := host[strings.LastIndexByte(host, '.')+1:]
	// The last part of a name has letters; that of an address has none, or a colon.
	if !strings.Contains(host, ".") || strings.ContainsAny(host, ":[]%") || strings.Trim(last, "0123456789") == "" {
		return "", false
	}
	return u.String(), true
}
