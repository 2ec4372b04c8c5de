package steps

import (
	"cmp"
	"context"
	"fmt"
	"log/slog"
	"net/http"
	"runtime/debug"
	"sync"

	"github.com/opsguard/opsguard/pkg/incident"
)

// ReceiveAlerts is the side of ingest-alert that senders call in their own words:
// the source of that name says whose request it is and what it holds, and each
// alert is ingested like any other.
type ReceiveAlerts struct {
	Sources map[string]Source // by the name that services.yaml gives them
	Ingest  interface {
		Handle(ctx context.Context, in IngestInput) (Ingested, error)
	}
	Services ServiceFinder
	Seen     *Deliveries
	AtOnce   int // how many alerts of one request are taken at the same time; 0: atOnce
	Log      *slog.Logger
}

// ServiceFinder finds the service that an alert is about by its labels:
// inventory.Inventory.
type ServiceFinder interface {
	ServiceFor(source string, labels map[string]string) (name string, found bool)
}

// Received is what became of a request.
type Received struct {
	By      incident.Actor // the sender, as it is recorded
	Taken   []Ingested     // one for each alert that was kept, in order
	Refused []error        // one for each alert that was refused; Invalid, naming the field
	Again   bool           // the signed request was taken before; nothing was done
}

// Handle answers NotFound for a source that is not configured and Forbidden for a
// request that is not the sender's. It is Invalid only if nothing of the request
// could be kept, and Unavailable if an alert could not be stored: the others are
// tried all the same, the sender sends all of them again, and those that were kept
// are counted once more.
func (s ReceiveAlerts) Handle(ctx context.Context, name string, r Request) (Received, error) {
	source, known := s.Sources[name]
	if !known {
		return Received{}, notConfigured()
	}
	if err := source.Authenticate(ctx, r); err != nil {
		if incident.KindOf(err) == incident.Unavailable { // the secret cannot be read at the moment
			return Received{}, err
		}
		// The caller logs it: anybody can send such requests, so their number is limited there.
		refused := incident.Fail(incident.Forbidden, incident.CodeForbidden, "the request is not the sender's")
		refused.Err = err
		return Received{}, refused
	}
	got := Received{By: incident.SourceActor(name)}
	delivery := deliveryOf(name, source, r)
	if got.Again = s.Seen.has(delivery); got.Again {
		return got, nil
	}
	if greeter, ok := source.(Greeter); ok {
		if greeted, err := greeter.Greet(ctx, r); greeted || err != nil {
			return got, err
		}
	}
	batch, err := source.Parse(ctx, r)
	if err != nil {
		return Received{}, err
	}
	if got, err = s.take(ctx, name, batch); err == nil {
		s.Seen.add(delivery)
		s.logRefused(ctx, name, got.Refused)
	}
	return got, err
}

// Consent answers a sender that asks whether it may send, which nobody has to prove: what
// it sends then, it must. NotFound for a source that is not configured; nil for one whose
// senders do not ask.
func (s ReceiveAlerts) Consent(name string, r Request) (http.Header, error) {
	source, known := s.Sources[name]
	if !known {
		return nil, notConfigured()
	}
	if c, asked := source.(Consenter); asked {
		return c.Consent(r)
	}
	return nil, nil
}

func notConfigured() error {
	return incident.Fail(incident.NotFound, incident.CodeNotFound, "no such source is configured")
}

// maxRefusal bounds what of a refusal gets into the log, in bytes.
const maxRefusal = 512

// logRefused tells whoever runs OpsGuard of alerts that are refused beside others: the
// sender is told too, but most senders read nothing of an answer that is 2xx.
func (s ReceiveAlerts) logRefused(ctx context.Context, name string, refused []error) {
	if len(refused) == 0 {
		return
	}
	s.Log.WarnContext(ctx, "alerts of a request were refused", "source", name, "refused", len(refused),
		"first", incident.Cut(refused[0].Error(), maxRefusal))
}

// Event takes what another way than HTTP brought and has authenticated, such as an
// event that AWS hands to the function itself.
func (s ReceiveAlerts) Event(ctx context.Context, name string, source Source, r Request) (Received, error) {
	batch, err := source.Parse(ctx, r)
	if err != nil {
		return Received{}, err
	}
	return s.take(ctx, name, batch)
}

// atOnce is how many alerts of one request are taken at the same time, where AtOnce does
// not say: they wait for the table together.
const atOnce = 32

func (s ReceiveAlerts) take(ctx context.Context, name string, batch Batch) (Received, error) {
	by := incident.SourceActor(name)
	results := make([]taken, len(batch.Alerts))
	turns := make(chan struct{}, cmp.Or(s.AtOnce, atOnce))
	var group sync.WaitGroup
	for _, same := range s.byTrouble(name, batch.Alerts) {
		turns <- struct{}{}
		group.Go(func() {
			defer func() { <-turns }()
			for _, i := range same { // firing and recovered, in the sender's order
				results[i] = s.one(ctx, IngestInput{Alert: batch.Alerts[i], By: by})
			}
		})
	}
	group.Wait()
	return s.sum(ctx, name, batch, results)
}

// taken is what became of one alert.
type taken struct {
	done Ingested
	err  error
}

// one takes one alert. A panic costs that alert, as it would cost a request of its own,
// and not the process.
func (s ReceiveAlerts) one(ctx context.Context, in IngestInput) (t taken) {
	defer func() {
		if p := recover(); p != nil {
			s.Log.ErrorContext(ctx, "taking an alert panicked", "source", in.Alert.Source, "type", fmt.Sprintf("%T", p), "stack", string(debug.Stack()))
			t = taken{err: incident.Unavail("the alert could not be taken", nil)}
		}
	}()
	t.done, t.err = s.Ingest.Handle(ctx, in)
	return t
}

// byTrouble completes the alerts and groups them by what they are about, each group in
// the order in which it came.
func (s ReceiveAlerts) byTrouble(name string, alerts []incident.Alert) [][]int {
	var groups [][]int
	at := map[string]int{}
	for i := range alerts {
		a := &alerts[i]
		a.Tenant, a.Source = incident.DefaultTenant, name // never what the request says
		if service, found := s.Services.ServiceFor(name, a.Labels); found {
			a.Service = service
		}
		fingerprint := a.Fingerprint()
		n, known := at[fingerprint]
		if !known {
			n = len(groups)
			at[fingerprint], groups = n, append(groups, nil)
		}
		groups[n] = append(groups[n], i)
	}
	return groups
}

func (s ReceiveAlerts) sum(ctx context.Context, name string, batch Batch, results []taken) (Received, error) {
	got := Received{By: incident.SourceActor(name), Refused: batch.Refused}
	var failed error
	for i, r := range results {
		switch {
		case incident.KindOf(r.err) == incident.Invalid:
			got.Refused = append(got.Refused, r.err)
		case r.err != nil: // the rest was tried all the same
			s.Log.ErrorContext(ctx, "an alert of a batch could not be taken", "source", name, "service", batch.Alerts[i].Service, "error", r.err.Error())
			failed = r.err
		default:
			got.Taken = append(got.Taken, r.done)
		}
	}
	if failed != nil {
		return got, incident.Unavail("not every alert could be taken; send them again", failed)
	}
	if len(got.Taken) == 0 && len(got.Refused) > 0 {
		return got, got.Refused[0]
	}
	return got, nil
}
