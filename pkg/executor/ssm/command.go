package ssm

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/opsguard/opsguard/pkg/executor/internal/awsapi"
	"github.com/opsguard/opsguard/pkg/incident"
	"github.com/opsguard/opsguard/pkg/steps"
)

const (
	limit = 30 * time.Minute
	// deliverWithin is how long Systems Manager tries to reach a node, in seconds.
	deliverWithin = 300
)

// nodeArn is the resource of a node: an instance is EC2's, another node is Systems
// Manager's own.
func (r runbook) nodeArn(id string) string {
	if strings.HasPrefix(id, "mi-") {
		return r.Target.ARN("ssm", "managed-instance/"+id)
	}
	return r.Target.ARN("ec2", "instance/"+id)
}

func (r runbook) plan(present incident.State, _ incident.Proposal) (incident.Draft, error) {
	on := strings.Split(present["nodes"], ",")
	bad := func(id string) bool { return !nodeForm().MatchString(id) }
	if slices.ContainsFunc(on, bad) || len(on) > maxNodes || !hashForm().MatchString(present["sha256"]) {
		return incident.Draft{}, awsapi.Cannot("it is not known which document would run, or on which nodes")
	}
	rights := []string{awsapi.Right("ssm:SendCommand", r.arn)}
	for _, id := range on {
		rights = append(rights, awsapi.Right("ssm:SendCommand", r.nodeArn(id)))
	}
	input := "no parameters"
	if r.Incident != "" {
		input = r.Incident + "=the incident's id"
	}
	return incident.Draft{
		Actions: []string{fmt.Sprintf("ssm SendCommand document=%s version=%s sha256=%s nodes=%s with %s",
			r.Document, r.Version, present["sha256"], present["nodes"], input)},
		Wanted: incident.State{"command": "successful on every node"},
		Undo:   incident.Undo{Not: "what a runbook did, only its author knows how to undo"}, Limit: limit,
		Blast: incident.Blast{Affected: len(on), Of: len(on), Unit: "nodes"}, Rights: rights,
	}, nil
}

// mark is the comment by which a command is found again whose answer was lost.
func mark(key string) string { return "opsguard " + key }

func (r runbook) send(ctx context.Context, at *awsapi.Session, o steps.Order) (incident.State, string, error) {
	on := strings.Split(o.Plan.Present["nodes"], ",")
	in := map[string]any{
		"DocumentName": r.Document, "DocumentVersion": r.Version, "DocumentHash": o.Plan.Present["sha256"], "DocumentHashType": "Sha256",
		"InstanceIds": on, "TimeoutSeconds": deliverWithin, "Comment": mark(o.Key), "MaxErrors": "0",
	}
	if r.Incident != "" {
		in["Parameters"] = map[string]any{r.Incident: []string{o.Ref.ID}}
	}
	var out struct {
		Command struct {
			ID string `json:"CommandId"`
		}
	}
	err := at.Change(ctx, func() error { return at.JSON(ctx, awsapi.Right("ssm:SendCommand", r.arn), prefix, in, &out) })
	did := fmt.Sprintf("Systems Manager runs version %s of %s on %d nodes, as command %s", r.Version, r.Document, len(on), out.Command.ID)
	return incident.State{"command": out.Command.ID}, did, err
}

// command is the shape Command.
type command struct {
	ID        string `json:"CommandId"`
	Comment   string
	Status    string
	Targets   int `json:"TargetCount"`
	Completed int `json:"CompletedCount"`
	Errors    int `json:"ErrorCount"`
}

func (r runbook) verify(ctx context.Context, at *awsapi.Session, o steps.Order) (awsapi.Seen, error) {
	c, err := r.find(ctx, at, o)
	switch {
	case awsapi.CodeOf(err) == "InvalidCommandId" || err == nil && c.ID == "":
		return at.NotShown(o, "Systems Manager does not show the command"), nil
	case err != nil:
		return awsapi.Seen{}, err
	}
	nodes := len(strings.Split(o.Plan.Present["nodes"], ","))
	switch c.Status {
	case "Success":
		if c.Completed < nodes || c.Errors > 0 {
			return awsapi.NotVerified("the command ended on %d of %d nodes, with %d errors", c.Completed, nodes, c.Errors)
		}
		return awsapi.Verified("the command succeeded on %d nodes", nodes)
	case "Failed", "Cancelled", "TimedOut":
		return awsapi.NotVerified("the command ended %s, with %d errors on %d nodes; its output in Systems Manager says why",
			c.Status, c.Errors, nodes)
	}
	return awsapi.Settling("the command is under way: %d of %d nodes are done", c.Completed, nodes)
}

// find reads the command of the receipt; where that was lost, the one with the fix's mark.
func (r runbook) find(ctx context.Context, at *awsapi.Session, o steps.Order) (command, error) {
	in := map[string]any{"CommandId": o.Receipt["command"]}
	if o.Receipt["command"] == "" {
		in = map[string]any{"MaxResults": 50, "Filters": []any{
			map[string]any{"key": "DocumentName", "value": r.Document},
			map[string]any{"key": "InvokedAfter", "value": o.StartedAt.Add(-time.Minute).UTC().Format(time.RFC3339)},
		}}
	}
	var out struct{ Commands []command }
	if err := at.JSON(ctx, commands(), prefix, in, &out); err != nil {
		return command{}, err
	}
	for _, c := range out.Commands {
		if c.ID != "" && (c.ID == o.Receipt["command"] || c.Comment == mark(o.Key)) {
			return c, nil
		}
	}
	return command{}, nil
}
