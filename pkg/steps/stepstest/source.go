package stepstest

import (
	"bytes"
	"fmt"
	"net/http"
	"strings"
	"testing"

	"github.com/opsguard/opsguard/pkg/incident"
	"github.com/opsguard/opsguard/pkg/integration"
	"github.com/opsguard/opsguard/pkg/steps"
)

// Sent is a request that a sender makes, as its documents show it.
type Sent struct {
	Name    string
	Request steps.Request
	Alerts  int // how many alerts it holds
	// Unsigned: the sender does not authenticate by itself, and the source takes its
	// requests from nobody.
	Unsigned bool
}

// SourceContract holds a source to what ingest rests on.
func SourceContract(t *testing.T, d integration.Descriptor[steps.Source], v Vendor, sent ...Sent) {
	promisesOfADescriptor(t, integration.Sources, d.Type, v)
	if len(sent) == 0 {
		t.Fatal("give at least one request")
	}
	for _, s := range sent {
		o := open(t, integration.Sources, d, v)
		t.Run(s.Name+" is read", func(t *testing.T) {
			batch, err := o.It.Parse(t.Context(), s.Request)
			if err != nil || len(batch.Alerts) != s.Alerts {
				t.Fatalf("%d alerts, %v; want %d", len(batch.Alerts), err, s.Alerts)
			}
			for i, a := range batch.Alerts {
				if err := a.Validate(); err != nil || a.Tenant != incident.DefaultTenant || a.Source == "" {
					t.Errorf("alert %d is not valid: %v, %+v", i, err, a)
				}
			}
		})
		t.Run(s.Name+" is taken from its sender only", func(t *testing.T) {
			if err := o.It.Authenticate(t.Context(), s.Request); (err == nil) == s.Unsigned {
				t.Errorf("as it was sent: %v", err)
			}
			forged := map[string]steps.Request{
				"no headers":   {Header: http.Header{}, Body: s.Request.Body},
				"another body": {Header: s.Request.Header, Body: append(bytes.Clone(s.Request.Body), ' ')},
			}
			for what, r := range forged {
				err := o.It.Authenticate(t.Context(), r)
				o.noSecrets(t, what, err)
				if err == nil {
					t.Errorf("with %s it is taken", what)
				}
			}
		})
		t.Run(s.Name+" damaged is refused by name or read, never worse", func(t *testing.T) { o.survivesDamage(t, s) })
	}
}

// survivesDamage: no body makes a source panic, or give an alert that is not valid.
func (o opened[T]) survivesDamage(t *testing.T, s Sent) {
	source, ok := any(o.It).(steps.Source)
	if !ok {
		t.Fatal("not a source")
	}
	bodies := map[string][]byte{
		"nothing": nil, "null": []byte("null"), "an array": []byte("[]"), "a number": []byte("7"), "deep": []byte(strings.Repeat(`{"a":[`, 50_000)),
		"twice": append(bytes.Clone(s.Request.Body), s.Request.Body...), "not UTF-8": append([]byte(`{"a":"`), 0xff, 0xfe, '"', '}'),
		"every text a number": bytes.ReplaceAll(s.Request.Body, []byte(`:"`), []byte(`:7,"x":"`)),
	}
	for cut := 0; cut < len(s.Request.Body); cut += 1 + len(s.Request.Body)/200 {
		bodies[fmt.Sprintf("cut at %d", cut)] = s.Request.Body[:cut]
	}
	for name, body := range bodies {
		batch, err := source.Parse(t.Context(), steps.Request{Header: s.Request.Header, Body: body})
		if err != nil && incident.KindOf(err) != incident.Invalid {
			t.Errorf("%s: %v (%s), want Invalid", name, err, incident.KindOf(err))
		}
		for _, a := range batch.Alerts {
			if err := a.Validate(); err != nil {
				t.Errorf("%s: an alert that is not valid: %v", name, err)
			}
		}
		for _, err := range batch.Refused {
			if incident.KindOf(err) != incident.Invalid {
				t.Errorf("%s: refused by %v (%s)", name, err, incident.KindOf(err))
			}
		}
	}
}
