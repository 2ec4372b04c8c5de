package sim

import (
	"context"
	"encoding/json"
	"strings"

	"github.com/opsguard/opsguard/pkg/brief"
	"github.com/opsguard/opsguard/pkg/incident"
	"github.com/opsguard/opsguard/pkg/steps"
)

// unstarted is a workflow that loses the starts of some executions for good.
type unstarted struct{ Workflow }

func (u unstarted) Start(ctx context.Context, ref incident.Ref, input json.RawMessage) error {
	if strings.HasSuffix(ref.ID, "A") {
		return nil
	}
	return u.Workflow.Start(ctx, ref, input)
}

// blind is a workflow that takes every execution for ended.
type blind struct{ Workflow }

func (blind) Describe(context.Context, incident.Ref) (steps.ExecutionStatus, error) {
	return steps.ExecutionEnded, nil
}

// hasty is a workflow that is asked once only in a run of reconcile.
type hasty struct {
	reconcileWorkflow
	answers map[incident.Ref]steps.ExecutionStatus
}

type reconcileWorkflow interface {
	steps.Starter
	steps.Describer
}

func (h hasty) Describe(ctx context.Context, ref incident.Ref) (steps.ExecutionStatus, error) {
	if status, asked := h.answers[ref]; asked {
		return status, nil
	}
	status, err := h.reconcileWorkflow.Describe(ctx, ref)
	if err == nil {
		h.answers[ref] = status
	}
	return status, err
}

// loud is a channel that logs what it posts, links and all.
type loud struct {
	steps.Channel
	log func(string)
}

func (l loud) Post(ctx context.Context, b brief.Brief) (string, error) {
	l.log(b.Links.Approve)
	return l.Channel.Post(ctx, b)
}

// guesser is a model that answers for one that failed.
type guesser struct{ steps.Analyst }

func (g guesser) Analyze(ctx context.Context, q steps.Question) (steps.Answer, error) {
	a, err := g.Analyst.Analyze(ctx, q)
	if err != nil && len(q.Fixes) > 0 {
		return steps.Answer{Cause: "a guess", FixID: q.Fixes[0].ID}, nil
	}
	return a, err
}

// raw is a store of ingest-alert that keeps what the sender wrote.
type raw struct {
	ingestStore
	logs string
}

type ingestStore interface {
	steps.Incidents
	steps.Dedup
}

func (r raw) Commit(ctx context.Context, c incident.Change) error {
	if c.Evidence != nil {
		c.Evidence = &incident.Evidence{Logs: r.logs}
	}
	return r.ingestStore.Commit(ctx, c)
}

func otherPlants() []plant {
	return []plant{
		{"an execution is never started", invNeverLost, Hooks{Workflow: func(w Workflow) Workflow { return unstarted{w} }}},
		{"reconcile ends what still runs", invReconcile, Hooks{Workflow: func(w Workflow) Workflow { return blind{w} }}},
		{"reconcile does not look twice", invReconcile, Hooks{Steps: func(s *Steps) {
			s.Reconcile.Workflow = hasty{s.Reconcile.Workflow, map[incident.Ref]steps.ExecutionStatus{}}
		}}},
		{"an escalation is lost with the ticket that failed", invNeverLost, Hooks{Steps: func(s *Steps) {
			ticket := s.Ticket
			s.CreateTicket = func(ctx context.Context, in steps.CreateTicketInput) (steps.CreateTicketOutput, error) {
				out, err := ticket.Handle(ctx, in)
				if err != nil {
					return steps.CreateTicketOutput{}, nil
				}
				return out, nil
			}
		}}},
		{"a model that failed still leads to a fix", invModel, Hooks{Steps: func(s *Steps) {
			if s.Analyze.Analyst != nil {
				s.Analyze.Analyst = guesser{s.Analyze.Analyst}
			}
		}}},
		{"secrets are stored as they came", invSecrets, Hooks{Steps: func(s *Steps) {
			ingest := s.Ingest
			s.IngestAlert = func(ctx context.Context, in steps.IngestInput) (steps.Ingested, error) {
				step := ingest
				step.Store = raw{ingest.Store, in.Alert.ErrorLogs}
				return step.Handle(ctx, in)
			}
		}}},
		{"a decision link is logged", invTokens, Hooks{Steps: func(s *Steps) {
			for n, ch := range s.Wait.People.Channels {
				s.Wait.People.Channels[n] = loud{ch, func(link string) { s.Wait.Log.Info("posted", "link", link) }}
			}
		}}},
		{"the task token outlives the incident", invTokens, Hooks{Store: func(m *Memory) Store {
			return hookedStore{Memory: m, commit: func(c incident.Change) error {
				c.FreeWait = false
				return m.Commit(context.Background(), c)
			}}
		}}},
	}
}
