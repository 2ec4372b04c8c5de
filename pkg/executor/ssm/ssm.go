// Package ssm runs a runbook: one Command document of AWS Systems Manager, of the
// account's own, in one numbered version. Start at Integration; awsapi, which it is made
// of, says how it gets its rights.
//
// AWS's own documents are refused, for AWS-RunShellScript and its like run whatever they
// are given. So are $LATEST and $DEFAULT, which could be another document tomorrow. The
// plan holds the document's hash, and Systems Manager refuses the call if the document has
// another. No text reaches the document but the incident's id, and only where services.yaml
// names the parameter for it. Calls are those of the AWS Systems Manager API Reference,
// 2014-11-06.
package ssm

import (
	"context"
	"errors"
	"regexp"
	"slices"
	"strings"
	"sync"

	"github.com/opsguard/opsguard/pkg/executor/internal/awsapi"
	"github.com/opsguard/opsguard/pkg/incident"
	"github.com/opsguard/opsguard/pkg/integration"
	"github.com/opsguard/opsguard/pkg/steps"
)

// Settings are a target's attributes in services.yaml.
type Settings struct {
	awsapi.Target
	Document  string   `setting:"document" help:"the name of a Command document of the account's own"`
	Version   string   `setting:"documentVersion" help:"the document's version, a number"`
	Instances []string `setting:"instances" default:"" help:"ids of the managed nodes on which it runs, 10 at most; either this or tag"`
	Tag       string   `setting:"tag" default:"" help:"KEY=VALUE: it runs on the nodes with this tag, 10 at most; either this or instances"`
	Incident  string   `setting:"incidentParameter" default:"" help:"the document's parameter that gets the incident's id; none if left out"`
}

// maxNodes bounds the nodes of one run: each has a right of its own in the session policy.
const maxNodes = 10

var (
	documentForm  = sync.OnceValue(func() *regexp.Regexp { return regexp.MustCompile(`^[A-Za-z0-9_.-]{3,128}$`) })
	versionForm   = sync.OnceValue(func() *regexp.Regexp { return regexp.MustCompile(`^[1-9][0-9]{0,8}$`) })
	parameterForm = sync.OnceValue(func() *regexp.Regexp { return regexp.MustCompile(`^([A-Za-z][A-Za-z0-9]{0,63})?$`) })
	nodeForm      = sync.OnceValue(func() *regexp.Regexp { return regexp.MustCompile(`^(i-([0-9a-f]{8}|[0-9a-f]{17})|mi-[0-9a-f]{17})$`) })
	tagForm       = sync.OnceValue(func() *regexp.Regexp { return regexp.MustCompile(`^[\w.:/+@-]{1,128}=[\w.:/+@-]{1,256}$`) })
	hashForm      = sync.OnceValue(func() *regexp.Regexp { return regexp.MustCompile(`^[0-9a-f]{64}$`) })
)

// Validate implements the check of settings.
func (s Settings) Validate() error {
	bad := []error{s.Target.Validate(),
		awsapi.OneName("document", s.Document, documentForm(), "the name of a document of the account's own, not an ARN"),
		awsapi.OneName("documentVersion", s.Version, versionForm(), "a number; $LATEST and $DEFAULT could be another document tomorrow"),
		awsapi.OneName("incidentParameter", s.Incident, parameterForm(), "a parameter's name")}
	if foreign(s.Document) {
		bad = append(bad, incident.BadField("document",
			"is one of AWS's own, which run whatever they are given; write a document that does one thing"))
	}
	if (len(s.Instances) == 0) == (s.Tag == "") {
		bad = append(bad, incident.BadField("instances", "give either instances or tag"))
	}
	if s.Tag != "" && !tagForm().MatchString(s.Tag) {
		bad = append(bad, incident.BadField("tag", "must be KEY=VALUE"))
	}
	if len(s.Instances) > maxNodes {
		bad = append(bad, incident.BadField("instances", "must be %d at most", maxNodes))
	}
	for _, id := range s.Instances {
		if !nodeForm().MatchString(id) {
			bad = append(bad, incident.BadField("instances", "must be ids of instances, i-..., or of managed nodes, mi-..."))
			break
		}
	}
	return errors.Join(bad...)
}

// foreign reports names that AWS keeps for itself: Systems Manager, CreateDocument, Name.
func foreign(document string) bool {
	low := strings.ToLower(document)
	return strings.HasPrefix(low, "aws") || strings.HasPrefix(low, "amazon") || strings.HasPrefix(low, "amzn")
}

const (
	run    = "run-runbook"
	prefix = "AmazonSSM"
)

// Integration describes the executor.
func Integration() integration.Descriptor[steps.Executor] {
	return integration.New("ssm", "runs a Command document of the account's own by AWS Systems Manager", Open).NamedBy("region", "instances", "tag").Can(
		integration.Ability{Fix: run,
			Does:     "runs one version of one document on the nodes that services.yaml names, with no input but the incident's id",
			Verifies: "the command succeeded on every node",
			Rights: "ssm:SendCommand on the document and on each node; ssm:DescribeDocument on the document; " +
				"ssm:DescribeInstanceInformation, ssm:ListCommands"})
}

type runbook struct {
	Settings
	arn string // of the document
}

// Open opens the executor for one document and its nodes.
func Open(env integration.Env, s Settings) (steps.Executor, error) {
	r := runbook{s, s.Target.ARN("ssm", "document/"+s.Document)}
	return awsapi.New(env, s.Target, awsapi.Fix{ID: run, Look: r.look, Plan: r.plan, Act: r.send, Verify: r.verify,
		Reads: []string{r.reads(), nodes(), commands()}}), nil
}

func (r runbook) reads() string { return awsapi.Right("ssm:DescribeDocument", r.arn) }
func nodes() string             { return awsapi.Right("ssm:DescribeInstanceInformation", "*") }
func commands() string          { return awsapi.Right("ssm:ListCommands", "*") }

// look reads the document, and which nodes it would run on.
func (r runbook) look(ctx context.Context, at *awsapi.Session, _ incident.Proposal) (incident.State, error) {
	hash, err := r.document(ctx, at)
	if err != nil {
		return nil, err
	}
	found, err := r.online(ctx, at)
	if err != nil {
		return nil, err
	}
	return incident.State{"document": r.Document, "version": r.Version, "sha256": hash, "nodes": strings.Join(found, ",")}, nil
}

// document is the shape DocumentDescription; it returns the document's hash.
func (r runbook) document(ctx context.Context, at *awsapi.Session) (string, error) {
	var out struct {
		Document struct {
			Name       string
			Owner      string
			Status     string
			Version    string `json:"DocumentVersion"`
			Type       string `json:"DocumentType"`
			Hash       string
			HashType   string
			Parameters []struct{ Name string }
		}
	}
	if err := at.JSON(ctx, r.reads(), prefix, map[string]any{"Name": r.Document, "DocumentVersion": r.Version}, &out); err != nil {
		return "", err
	}
	d := out.Document
	takes := func(p struct{ Name string }) bool { return p.Name == r.Incident }
	switch {
	case d.Name != r.Document || d.Version != r.Version:
		return "", awsapi.Missing("there is no version %s of the document %s; check the target in services.yaml", r.Version, r.Document)
	case d.Owner != at.Account():
		return "", awsapi.Cannot("the document is not the account's own")
	case d.Status != "Active" || d.Type != "Command":
		return "", awsapi.Cannot("the document is not an active document of the type Command")
	case d.HashType != "Sha256" || !hashForm().MatchString(strings.ToLower(d.Hash)):
		return "", awsapi.Cannot("Systems Manager names no SHA-256 of the document, so it could not be held to it")
	case r.Incident != "" && !slices.ContainsFunc(d.Parameters, takes):
		return "", awsapi.Cannot("the document has no parameter %s; check incidentParameter in services.yaml", r.Incident)
	}
	return strings.ToLower(d.Hash), nil
}

// online returns the nodes on which it would run, sorted. All of them must be reachable.
func (r runbook) online(ctx context.Context, at *awsapi.Session) ([]string, error) {
	filter := map[string]any{"Key": "InstanceIds", "Values": r.Instances}
	if key, value, ok := strings.Cut(r.Tag, "="); ok {
		filter = map[string]any{"Key": "tag:" + key, "Values": []string{value}}
	}
	var out struct {
		List []struct {
			ID   string `json:"InstanceId"`
			Ping string `json:"PingStatus"`
		} `json:"InstanceInformationList"`
		Next string `json:"NextToken"`
	}
	if err := at.JSON(ctx, nodes(), prefix, map[string]any{"Filters": []any{filter}, "MaxResults": 50}, &out); err != nil {
		return nil, err
	}
	var found []string
	for _, n := range out.List {
		if !nodeForm().MatchString(n.ID) || n.Ping != "Online" {
			return nil, awsapi.Cannot("a node of the target is not online in Systems Manager; look at its agent")
		}
		found = append(found, n.ID)
	}
	slices.Sort(found)
	switch {
	case len(found) == 0 || r.Tag == "" && len(found) != len(r.Instances):
		return nil, awsapi.Missing("Systems Manager does not manage every node of the target; " +
			"check the target in services.yaml, and the nodes' agent")
	case len(found) > maxNodes || out.Next != "":
		return nil, awsapi.Cannot("the tag is on more than %d nodes; name fewer in services.yaml", maxNodes)
	}
	return found, nil
}
