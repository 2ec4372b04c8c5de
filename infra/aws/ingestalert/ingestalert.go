// Package ingestalert opens the step that takes alerts, which two functions share: the
// one that people send them to and the one that finds them itself.
package ingestalert

import (
	"context"
	"crypto/rand"
	"time"

	"github.com/oklog/ulid/v2"

	"github.com/opsguard/opsguard/infra/aws"
	"github.com/opsguard/opsguard/infra/aws/records"
	"github.com/opsguard/opsguard/infra/aws/workflow"
	"github.com/opsguard/opsguard/infra/setting"
	"github.com/opsguard/opsguard/pkg/dynamo"
	"github.com/opsguard/opsguard/pkg/incident"
	"github.com/opsguard/opsguard/pkg/steps"
)

// Settings are those of a function that opens incidents.
type Settings struct {
	ApprovalTimeout time.Duration `env:"OPSGUARD_APPROVAL_TIMEOUT" envDefault:"4h" help:"how long people may take to decide; a service's own wins; 2 s at least"`
}

// FlowSettings are those of the functions that open many incidents.
type FlowSettings struct {
	IncidentsPerHour int `env:"OPSGUARD_INCIDENTS_PER_HOUR" envDefault:"20" help:"new incidents that a service may open in an hour, critical ones apart; alerts of more are counted in its flood incident; 0: no bound"`
}

// Open binds ingest-alert.
func Open(ctx context.Context, f aws.Function) (steps.IngestAlert, error) {
	ingest, _, err := open(ctx, f)
	return ingest, err
}

// OpenBounded is Open of a step that also keeps what came of each service, and bounds its
// incidents.
func OpenBounded(ctx context.Context, f aws.Function) (steps.IngestAlert, error) {
	ingest, _, err := OpenHealth(ctx, f)
	return ingest, err
}

// OpenHealth is OpenBounded that also gives what keeps the memory of the health check.
func OpenHealth(ctx context.Context, f aws.Function) (steps.IngestAlert, steps.HealthMemory, error) {
	var s FlowSettings
	if err := setting.Load(&s); err != nil {
		return steps.IngestAlert{}, nil, err
	}
	if err := setting.CheckIncidentsPerHour(s.IncidentsPerHour); err != nil {
		return steps.IngestAlert{}, nil, err
	}
	ingest, store, err := open(ctx, f)
	if err != nil {
		return steps.IngestAlert{}, nil, err
	}
	ingest.Flows, ingest.PerHour = store, s.IncidentsPerHour
	return ingest, store, nil
}

func open(ctx context.Context, f aws.Function) (steps.IngestAlert, *dynamo.Store, error) {
	var s Settings
	if err := setting.Load(&s); err != nil {
		return steps.IngestAlert{}, nil, err
	}
	if err := setting.CheckApprovalTimeout(s.ApprovalTimeout); err != nil {
		return steps.IngestAlert{}, nil, err
	}
	store, err := records.Open(ctx, f)
	if err != nil {
		return steps.IngestAlert{}, nil, err
	}
	machine, err := workflow.Open(ctx, f)
	if err != nil {
		return steps.IngestAlert{}, nil, err
	}
	inv, err := aws.Inventory(nil)
	if err != nil {
		return steps.IngestAlert{}, nil, err
	}
	ingest := steps.IngestAlert{Store: store, Workflow: machine, Inventory: inv, NewID: newID, Timeout: s.ApprovalTimeout, Now: f.Now, Log: f.Log}
	return ingest, store, nil
}

// newID makes an incident's id: its time, and 80 random bits.
func newID() string {
	return incident.IDFromULID(ulid.MustNew(ulid.Now(), rand.Reader).String())
}
