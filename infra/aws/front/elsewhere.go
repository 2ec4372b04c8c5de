package front

import (
	"context"

	"github.com/opsguard/opsguard/pkg/incident"
	"github.com/opsguard/opsguard/pkg/link"
	"github.com/opsguard/opsguard/pkg/steps"
	"github.com/opsguard/opsguard/pkg/web"
)

// elsewhere stands for what another function serves. API Gateway's routes never
// lead here; should somebody route wrongly, the caller is told, and nothing done.
type elsewhere struct{}

func errElsewhere() error {
	return incident.Fail(incident.NotFound, incident.CodeNotFound, "another function serves this address")
}

type (
	noIngester struct{ elsewhere }
	noDecider  struct{ elsewhere }
)

func (noIngester) Handle(context.Context, steps.IngestInput) (steps.Ingested, error) {
	return steps.Ingested{}, errElsewhere()
}

func (noDecider) Handle(context.Context, steps.ApproveFixInput) (steps.ApproveFixOutput, error) {
	return steps.ApproveFixOutput{}, errElsewhere()
}

func (elsewhere) Incident(context.Context, incident.Ref) (incident.Incident, error) {
	return incident.Incident{}, errElsewhere()
}

func (elsewhere) List(context.Context, steps.ListQuery) (steps.Page, error) {
	return steps.Page{}, errElsewhere()
}

func (elsewhere) Audit(context.Context, incident.Ref) (incident.Incident, []incident.Event, error) {
	return incident.Incident{}, nil, errElsewhere()
}

func (elsewhere) Ping(context.Context) error { return errElsewhere() }

// fillIn puts elsewhere where a part is missing.
func (f *front) fillIn() {
	c := &f.config
	if c.Ingest == nil {
		c.Ingest = noIngester{}
	}
	if f.decide == nil {
		f.decide = func(link.PublicURL) web.Decider { return noDecider{} }
	}
	if c.Read == nil {
		c.Read = elsewhere{}
	}
	if c.Health == nil {
		c.Health = elsewhere{}
	}
}
