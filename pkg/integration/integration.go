// Package integration is the one shape of everything that connects OpsGuard to
// an outside system: sources, channels, trackers, executors and models. Start at
// Descriptor: a kind's package lists one per type, and Open opens what
// services.yaml configures.
//
// An integration is a folder. It describes its settings as a struct, says in one
// sentence what it is, and opens from an Env, which is all of the world that it
// sees. The check of services.yaml, the documents and both runtimes read the
// descriptors. CONTRIBUTING.md shows how to add one.
package integration

import (
	"cmp"
	"context"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"slices"
	"time"

	"github.com/opsguard/opsguard/pkg/incident"
)

// Kind is a section of services.yaml, and the folder of its secrets.
type Kind string

const (
	Sources   Kind = "sources"   // who sends alerts
	Channels  Kind = "channels"  // where people are told
	Trackers  Kind = "trackers"  // where tickets are opened
	Executors Kind = "executors" // what applies fixes; configured as a service's target
	Models    Kind = "models"    // what finds causes beside the rules
	Probes    Kind = "probes"    // what looks at a service's health
)

// Env is all of the world that an integration sees. The runtime fills it in.
type Env struct {
	Secrets Secrets
	// HTTP calls addresses that services.yaml or a setting names. It follows no
	// redirect and bounds each call's time.
	HTTP *http.Client
	// Outside calls addresses that came from outside, such as a link in an alert. It
	// connects to public addresses only and follows no redirect.
	Outside *http.Client
	AWS     AWS // with which executors of AWS targets begin; zero where there is none
	// Roots are the authorities that vouch for a sender's signing certificate; nil: those
	// that the machine trusts.
	Roots   *x509.CertPool
	Now     func() time.Time
	After   func(time.Duration) <-chan time.Time
	Log     *slog.Logger
	Version string

	PublicURL string    // what links to OpsGuard start with, stage prefix included
	Console   io.Writer // where the one-machine runtime shows incidents; nil elsewhere
	Keyless   bool      // decisions need no key: see SECURITY.md
	Tickets   Tickets   // where the simulated tracker keeps its tickets; nil where none are opened

	name string // of the entry that is opened
	kind Kind
}

// Tickets keeps the tickets of a tracker that has no system of its own. Errors
// are incident.Unavailable when the store fails.
type Tickets interface {
	// PutTicket writes t unless the tenant has a ticket of that key, and returns the
	// one that stands.
	PutTicket(ctx context.Context, t incident.Ticket) (incident.Ticket, error)
	// ReplaceTicket writes t, which keeps the time at which the one of that key was
	// created. It does nothing if the tenant has none.
	ReplaceTicket(ctx context.Context, t incident.Ticket) error
}

// Name is how services.yaml names the entry that is opened; records and links
// name it so too.
func (e Env) Name() string { return e.name }

// Secret reads a secret's value as it is now. Read it for each use: a runtime
// caches it, so that a secret that was replaced reaches a running process.
func (e Env) Secret(ctx context.Context, s Secret) (string, error) {
	return e.Secrets.Secret(ctx, e.kind, s.name)
}

// Place says where a secret is looked for. Put it into an error, so that its reader
// knows what to set.
func (e Env) Place(s Secret) string { return e.Secrets.Place(e.kind, s.name) }

// check refuses an Env with a part missing, by its name.
func (e Env) check() error {
	for _, part := range []struct {
		name    string
		missing bool
	}{
		{"Secrets", e.Secrets == nil}, {"HTTP", e.HTTP == nil}, {"Outside", e.Outside == nil}, {"Now", e.Now == nil},
		{"After", e.After == nil}, {"Log", e.Log == nil}, {"Version", e.Version == ""},
	} {
		if part.missing {
			return fmt.Errorf("integration: Env.%s is missing", part.name)
		}
	}
	return nil
}

// Type is what can be known of an integration without opening it.
type Type struct {
	Name   string  // what services.yaml calls it: type: discord
	Doc    string  // one sentence for the docs: what it connects to
	Fields []Field // its settings, in the struct's order
	// AnySettings reports that every setting is taken, as text.
	AnySettings bool
	// Names are the settings of an executor that say which thing a target is; none: all do.
	// Two targets of the same names are one, whatever else is said of them: one fix at a time.
	Names []string
	// Abilities are the fixes that an executor can do, sorted by id; nil for other kinds.
	Abilities []Ability
	// OneMachine reports that it acts on the machine that OpsGuard runs on: it cannot be
	// used where OpsGuard has none, such as on AWS.
	OneMachine bool

	decode func([]Setting) (settings any, problems []Problem)
}

// Descriptor is one integration of a kind whose members are a T.
type Descriptor[T any] struct {
	Type
	open func(Env, any) (T, error)
}

// New describes an integration. S is a struct whose fields are its settings (see
// Field), or map[string]string for one that takes any. open must make no call;
// implement Checker for a check that needs one.
func New[S, T any](name, doc string, open func(Env, S) (T, error)) Descriptor[T] {
	fields, takesAny := fieldsOf[S]()
	return Descriptor[T]{
		Type: Type{Name: name, Doc: doc, Fields: fields, AnySettings: takesAny, decode: decode[S]},
		open: func(env Env, settings any) (T, error) {
			s, ok := settings.(S)
			if !ok {
				var none T
				return none, fmt.Errorf("integration: %s takes %T, not %T", name, s, settings)
			}
			return open(env, s)
		},
	}
}

// Can describes what an executor can do. Descriptions of the same fix twice, or with a
// part missing, are refused where the executors are opened.
func (d Descriptor[T]) Can(abilities ...Ability) Descriptor[T] {
	d.Abilities = slices.Clone(abilities)
	slices.SortStableFunc(d.Abilities, func(a, b Ability) int { return cmp.Compare(a.Fix, b.Fix) })
	return d
}

// OnOneMachine says that it acts on the machine that OpsGuard runs on.
func (d Descriptor[T]) OnOneMachine() Descriptor[T] {
	d.OneMachine = true
	return d
}

// NamedBy says which settings of an executor's target tell which thing it is. What is left
// out, such as a limit or a credential, must not make two targets of one.
func (d Descriptor[T]) NamedBy(settings ...string) Descriptor[T] {
	d.Names = settings
	return d
}

// Bare opens one with its defaults and without what is required: for reading what an
// integration can read by itself. What needs a secret fails.
func (d Descriptor[T]) Bare(env Env) (T, error) {
	settings, _ := d.decode(nil)
	env.name = d.Name
	return d.open(env, settings)
}

// Secrets lists the settings that are secrets.
func (t Type) Secrets() []string {
	var names []string
	for _, f := range t.Fields {
		if f.Secret {
			names = append(names, f.Name)
		}
	}
	return names
}

// Checker is for an opened integration that can check at the start whether its
// settings can work: the form of a secret, or a call that changes nothing.
type Checker interface {
	Check(ctx context.Context) error
}

// Entry is one integration as services.yaml, or a setting, configures it.
type Entry struct {
	Name     string
	Type     string
	Line     int // in services.yaml; 0 for one that a setting makes
	Settings []Setting
}

// Opened is an entry at work.
type Opened[T any] struct {
	Entry Entry
	It    T
	kind  Kind
	check func(ctx context.Context) error
}

// Check reads the entry's secrets and runs the integration's own check, if it is a
// Checker. It may make calls.
func (o Opened[T]) Check(ctx context.Context) error {
	err := o.check(ctx)
	if err != nil && o.Entry.Line > 0 {
		return fmt.Errorf("services.yaml:%d: %s.%s: %w", o.Entry.Line, o.kind, o.Entry.Name, err)
	}
	return err // the entry was made by a setting, which the error names
}

// TypesOf returns what can be known of a list without opening it.
func TypesOf[T any](list []Descriptor[T]) []Type {
	types := make([]Type, len(list))
	for i, d := range list {
		types[i] = d.Type
	}
	return types
}

// Open opens each entry by the descriptor of its type, in the order of the
// entries. The error names everything that is wrong: a descriptor without a name
// or a doc, two of one name, an entry of no known type, two entries of one name,
// a setting.
func Open[T any](env Env, kind Kind, list []Descriptor[T], entries []Entry) ([]Opened[T], error) {
	if err := env.check(); err != nil {
		return nil, err
	}
	problems := []error{CheckTypes(kind, TypesOf(list))}
	opened := make([]Opened[T], 0, len(entries))
	names := map[string]bool{}
	for _, entry := range entries {
		at := string(kind) + "." + entry.Name
		if names[entry.Name] {
			problems = append(problems, fmt.Errorf("%s: is named twice; give each its own name", at))
			continue
		}
		names[entry.Name] = true
		one, wrong := openOne(env, kind, list, entry)
		for _, err := range wrong {
			problems = append(problems, fmt.Errorf("%s: %w", at, err))
		}
		opened = append(opened, one)
	}
	if err := errors.Join(problems...); err != nil {
		return nil, err
	}
	return opened, nil
}

func openOne[T any](env Env, kind Kind, list []Descriptor[T], entry Entry) (one Opened[T], wrong []error) {
	i := slices.IndexFunc(list, func(d Descriptor[T]) bool { return d.Name == entry.Type })
	if i < 0 {
		return one, []error{errors.New(UnknownType(entry.Type, TypesOf(list)))}
	}
	settings, problems := list[i].decode(entry.Settings)
	for _, p := range problems {
		wrong = append(wrong, p)
	}
	if len(wrong) > 0 {
		return one, wrong
	}
	env.name, env.kind = entry.Name, kind
	it, err := list[i].open(env, settings)
	if err != nil {
		return one, []error{err}
	}
	return Opened[T]{Entry: entry, It: it, kind: kind, check: func(ctx context.Context) error {
		for _, secret := range secretsIn(settings) {
			if _, err := env.Secret(ctx, secret); err != nil {
				return err
			}
		}
		if c, ok := any(it).(Checker); ok {
			return c.Check(ctx)
		}
		return nil
	}}, nil
}

// Items returns what was opened, in order.
func Items[T any](opened []Opened[T]) []T {
	items := make([]T, len(opened))
	for i, o := range opened {
		items[i] = o.It
	}
	return items
}
