package awsapi

import (
	"context"
	"encoding/json"
	"encoding/xml"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/opsguard/opsguard/pkg/incident"
	"github.com/opsguard/opsguard/pkg/integration"
)

// JSON makes a call of the protocol json 1.1: ECS and Systems Manager. right is the action
// and the resource, as in a plan's Rights; errors name it where AWS denies it. prefix is
// the service's target prefix.
func (s *Session) JSON(ctx context.Context, right, prefix string, in, out any) error {
	body, err := json.Marshal(in)
	if err != nil {
		return incident.Bad("the call could not be written")
	}
	service, action := split(right)
	h := http.Header{"Content-Type": {"application/x-amz-json-1.1"}, "X-Amz-Target": {prefix + "." + action}}
	answer, err := s.do(ctx, right, http.MethodPost, "/", h, body)
	if err == nil && json.Unmarshal(answer, out) != nil {
		return unreadable(service)
	}
	return err
}

// Query makes a call of the protocols query and ec2: STS, Auto Scaling, RDS, EC2. out may
// be nil where nothing of the answer matters.
func (s *Session) Query(ctx context.Context, right, version string, in url.Values, out any) error {
	service, action := split(right)
	in.Set("Action", action)
	in.Set("Version", version)
	h := http.Header{"Content-Type": {"application/x-www-form-urlencoded; charset=utf-8"}}
	answer, err := s.do(ctx, right, http.MethodPost, "/", h, []byte(in.Encode()))
	if err == nil && out != nil && xml.Unmarshal(answer, out) != nil {
		return unreadable(service)
	}
	return err
}

// REST makes a call of the protocol rest-json: Lambda, EKS. path is escaped already and may
// have a query; in may be nil.
func (s *Session) REST(ctx context.Context, right, method, path string, in, out any) error {
	var body []byte
	h := http.Header{}
	if in != nil {
		var err error
		if body, err = json.Marshal(in); err != nil {
			return incident.Bad("the call could not be written")
		}
		h.Set("Content-Type", "application/json")
	}
	service, _ := split(right)
	answer, err := s.do(ctx, right, method, path, h, body)
	if err == nil && json.Unmarshal(answer, out) != nil {
		return unreadable(service)
	}
	return err
}

// split reads service and action of a right.
func split(right string) (service, action string) {
	action, _, _ = strings.Cut(right, " on ")
	service, action, _ = strings.Cut(action, ":")
	return service, action
}

func unreadable(service string) error {
	return incident.Unavail(vendor(service)+" answered what cannot be read", nil)
}

// vendor is how errors name a service.
func vendor(service string) string {
	known := map[string]string{
		"sts": "AWS STS", "ecs": "Amazon ECS", "lambda": "AWS Lambda", "autoscaling": "EC2 Auto Scaling",
		"ec2": "Amazon EC2", "eks": "Amazon EKS", "rds": "Amazon RDS", "ssm": "AWS Systems Manager",
	}
	if name, ok := known[service]; ok {
		return name
	}
	return "AWS"
}

// throttleWaits are the waits before a call that was throttled is made again. It is
// certain that a throttled call did nothing, so a change is repeated like any other.
func throttleWaits() []time.Duration { return []time.Duration{time.Second, 3 * time.Second} }

// do makes a call, again if it is throttled. Errors are *Refused where AWS answered a
// refusal with a code.
func (s *Session) do(ctx context.Context, right, method, path string, h http.Header, body []byte) ([]byte, error) {
	for _, wait := range throttleWaits() {
		answer, err := s.send(ctx, right, method, path, h.Clone(), body)
		if CodeOf(err) == "" || !throttled(err) {
			return answer, err
		}
		select {
		case <-s.env.After(wait):
		case <-ctx.Done():
			return nil, err
		}
	}
	return s.send(ctx, right, method, path, h.Clone(), body)
}

// send signs and sends once.
func (s *Session) send(ctx context.Context, right, method, path string, h http.Header, body []byte) ([]byte, error) {
	service, _ := split(right)
	base := strings.TrimSuffix(s.env.AWS.Endpoint, "/")
	if base == "" {
		base = s.endpoint(service)
	}
	u, err := url.Parse(base + path)
	if err != nil {
		return nil, incident.Bad(
			"the address of %s is no URL; AWS_ENDPOINT_URL must be like http://127.0.0.1:4566", vendor(service))
	}
	sign(h, method, u, body, s.key, service, s.Region, s.env.Now())
	status := 0
	answer, err := s.env.Exchange(ctx, integration.Call{
		Vendor: vendor(service), Method: method, URL: u.String(), Header: h, Body: body, RequestID: "X-Amzn-Requestid",
		Judge: func(code int, _ []byte) string { status = code; return "" },
	})
	if err == nil {
		return answer.Body, nil
	}
	return nil, s.refusal(right, status, answer, err)
}
