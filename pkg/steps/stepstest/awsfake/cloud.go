package awsfake

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"regexp"
	"slices"
	"strings"
	"sync"
	"time"
)

// What the target's roles ask for.
const (
	Account    = "123456789012"
	Region     = "eu-central-1"
	Role       = "arn:aws:iam::" + Account + ":role/opsguard-target"
	ReadRole   = Role + "-read" // has no right to change anything
	ExternalID = "opsguard-7f3a"
	// Key, Secret and Token are the process's own credentials.
	Key, Secret, Token = "AKIDOWN0000000000000", "own-secret-key-000000000000000000000000", "own-session-token-00000000"
)

// ARN names a resource of the account and Region.
func ARN(service, resource string) string {
	return "arn:aws:" + service + ":" + Region + ":" + Account + ":" + resource
}

// Fault is an error that AWS answers.
type Fault struct {
	Code   string
	Status int
}

// Refused is a fault of the caller: status 400.
func Refused(code string) *Fault { return &Fault{code, http.StatusBadRequest} }

// Call is one call that a session was allowed to make.
type Call struct {
	Action, Resource string
	In               map[string]any
}

// Session is what a role was assumed with.
type Session struct {
	Role, Name, Source, Policy, Duration string
	Calls                                []Call
}

// Cloud is one account of AWS with one service in it, beside STS.
type Cloud struct {
	// Handle does one operation, under the Cloud's lock.
	Handle func(op string, in map[string]any) (out map[string]any, refused *Fault)
	// Resource names what the operation needs a right on; "*" for those that know none.
	Resource func(op string, in map[string]any) []string

	models   map[string]model
	mu       sync.Mutex
	sessions map[string]*Session // by the key's id
	order    []*Session
	problems []string
	faults   map[string][]Fault // by operation, in order
	changes  int
}

// New makes a Cloud.
func New() (*Cloud, error) {
	all, err := load()
	return &Cloud{models: all, sessions: map[string]*Session{}, faults: map[string][]Fault{}}, err
}

// Fail makes the next calls of an operation fail, one by each fault.
func (c *Cloud) Fail(op string, faults ...Fault) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.faults[op] = append(c.faults[op], faults...)
}

// Do runs under the Cloud's lock.
func (c *Cloud) Do(change func()) {
	c.mu.Lock()
	defer c.mu.Unlock()
	change()
}

// Changes counts the calls that changed something.
func (c *Cloud) Changes() int {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.changes
}

// Sessions are those that were opened so far.
func (c *Cloud) Sessions() []Session {
	c.mu.Lock()
	defer c.mu.Unlock()
	var all []Session
	for _, s := range c.order {
		all = append(all, *s)
	}
	return all
}

// Problems are requests and answers that the models do not allow.
func (c *Cloud) Problems() []string {
	c.mu.Lock()
	defer c.mu.Unlock()
	return slices.Clone(c.problems)
}

// credential finds key, Region and service of a signed call.
var credential = regexp.MustCompile(`Credential=([A-Z0-9]+)/[0-9]{8}/([a-z0-9-]+)/([a-z0-9]+)/aws4_request, ` +
	`SignedHeaders=([a-z0-9;-]+), Signature=[0-9a-f]{64}$`)

// ServeHTTP implements http.Handler.
func (c *Cloud) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	c.mu.Lock()
	defer c.mu.Unlock()
	w.Header().Set("X-Amzn-Requestid", "11111111-2222-3333-4444-555555555555")
	body, err := io.ReadAll(r.Body)
	signed := credential.FindStringSubmatch(r.Header.Get("Authorization"))
	if err != nil || signed == nil || signed[2] != Region {
		c.problem("a call that is not signed for %s: %q", Region, r.Header.Get("Authorization"))
		w.WriteHeader(http.StatusForbidden)
		return
	}
	service := signed[3]
	m, known := c.models[service]
	if !known {
		c.problem("a call to %s", service)
		w.WriteHeader(http.StatusBadRequest)
		return
	}
	op, in, err := m.request(r, body)
	why := ""
	if err != nil {
		why = err.Error()
	} else {
		why = m.check(op.Input.Shape, op.Name, in)
	}
	if why != "" {
		c.problem("%s", why)
		m.fail(w, Fault{"ValidationError", http.StatusBadRequest})
		return
	}
	out, refused := c.serve(service, signed[1], r.Header.Get("X-Amz-Security-Token"), op, in)
	if refused != nil {
		m.fail(w, *refused)
		return
	}
	if op.Output.Shape != "" {
		if why := m.check(op.Output.Shape, op.Name, normal(out)); why != "" {
			c.problem("the answer: %s", why)
		}
	}
	out, _ = normal(out).(map[string]any)
	m.answer(w, op, out)
}

// normal makes of any Go value what JSON would be read as.
func normal(v any) any {
	text, err := json.Marshal(v)
	if err != nil {
		return fmt.Sprint(v)
	}
	var again any
	if err := json.Unmarshal(text, &again); err != nil {
		return fmt.Sprint(v)
	}
	return again
}

func (c *Cloud) problem(format string, args ...any) {
	c.problems = append(c.problems, fmt.Sprintf(format, args...))
}

func (c *Cloud) serve(service, key, token string, op operation, in map[string]any) (map[string]any, *Fault) {
	if faults := c.faults[op.Name]; len(faults) > 0 {
		c.faults[op.Name] = faults[1:]
		return nil, &faults[0]
	}
	if service == "sts" {
		return c.assume(key, token, in)
	}
	s := c.sessions[key]
	if s == nil || token != "token-of-"+key {
		return nil, &Fault{"UnrecognizedClientException", http.StatusForbidden}
	}
	action := service + ":" + op.Name
	for _, resource := range c.Resource(op.Name, in) {
		if !Allows(s.Policy, action, resource) || s.Role == ReadRole && !reading(op.Name) {
			return nil, &Fault{"AccessDeniedException", http.StatusForbidden}
		}
		s.Calls = append(s.Calls, Call{action, resource, in})
	}
	out, refused := c.Handle(op.Name, in)
	if refused == nil && !reading(op.Name) {
		c.changes++
	}
	return out, refused
}

// assume implements AssumeRole as a role does that trusts the process's own key.
func (c *Cloud) assume(key, token string, in map[string]any) (map[string]any, *Fault) {
	policy, _ := in["Policy"].(string)
	var document any
	switch {
	case key != Key || token != Token || in["RoleArn"] != Role && in["RoleArn"] != ReadRole || in["ExternalId"] != ExternalID:
		return nil, &Fault{"AccessDenied", http.StatusForbidden}
	case json.Unmarshal([]byte(policy), &document) != nil || len(policy) > 2048:
		return nil, Refused("MalformedPolicyDocument")
	}
	name, _ := in["RoleSessionName"].(string)
	source, _ := in["SourceIdentity"].(string)
	form := regexp.MustCompile(`^[\w+=,.@-]{2,64}$`)
	if !form.MatchString(name) || source != "" && !form.MatchString(source) {
		return nil, Refused("ValidationError")
	}
	role, _ := in["RoleArn"].(string)
	s := &Session{Role: role, Name: name, Source: source, Policy: policy, Duration: fmt.Sprint(in["DurationSeconds"])}
	id := fmt.Sprintf("ASIA%016d", len(c.order)+1)
	c.sessions[id], c.order = s, append(c.order, s)
	return map[string]any{
		"Credentials": map[string]any{"AccessKeyId": id, "SecretAccessKey": "secret-of-" + id, "SessionToken": "token-of-" + id,
			"Expiration": time.Date(2026, 11, 24, 10, 15, 0, 0, time.UTC).Format(time.RFC3339)},
		"AssumedRoleUser": map[string]any{"AssumedRoleId": "AROA:" + name,
			"Arn": "arn:aws:sts::" + Account + ":assumed-role/opsguard-target/" + name},
	}, nil
}

// Allows evaluates a policy as IAM does for a session: exact actions, and resources by
// text or a lone "*".
func Allows(policy, action, resource string) bool {
	var document struct {
		Statement []struct {
			Effect           string
			Action, Resource []string
		}
	}
	if json.Unmarshal([]byte(policy), &document) != nil {
		return false
	}
	for _, s := range document.Statement {
		covers := slices.Contains(s.Resource, resource) || slices.Contains(s.Resource, "*")
		if s.Effect == "Allow" && slices.Contains(s.Action, action) && covers {
			return true
		}
	}
	return false
}

func reading(op string) bool {
	return op == "AssumeRole" || strings.HasPrefix(op, "Describe") || strings.HasPrefix(op, "Get") || strings.HasPrefix(op, "List")
}

// Reads reports whether a request only looks; it leaves the body to be read.
func Reads(r *http.Request) bool {
	if _, name, ok := strings.Cut(r.Header.Get("X-Amz-Target"), "."); ok {
		return reading(name)
	}
	body, err := io.ReadAll(r.Body)
	r.Body = io.NopCloser(bytes.NewReader(body))
	if form, broken := url.ParseQuery(string(body)); err == nil && broken == nil && form.Has("Action") {
		return reading(form.Get("Action"))
	}
	return r.Method == http.MethodGet
}
