package web

import (
	"crypto/rand"
	"fmt"
	"log/slog"
	"maps"
	"net/http"
	"path"
	"slices"
	"strings"
	"time"

	"github.com/opsguard/opsguard/pkg/incident"
	"github.com/opsguard/opsguard/pkg/link"
	"github.com/opsguard/opsguard/pkg/steps"
)

// Config is all that the handler needs. A part that is nil is not served: on AWS
// each function has only its own.
type Config struct {
	Ingest  Ingester
	Alerts  steps.Source // reads the body of POST /ingest-alert, one alert each; needed with Ingest
	Receive Receiver     // of other senders; served with Ingest; nil: there are none
	Decide  Decider      // needs Read, for the page of a link, and LinkKeys
	Read    Reader
	Health  Health
	Tickets Tickets // the simulated tracker
	Brake   Brake   // the kill switch
	// Keys nil is keyless mode: whoever is on this very machine may do everything,
	// and nobody else anything. The runtime must then listen on loopback only.
	Keys      KeySource
	LinkKeys  LinkKeySource
	PublicURL link.PublicURL // for Location and the page's form, which need its path
	Version   string
	Now       func() time.Time
	Log       *slog.Logger
}

func (c Config) check() error {
	some := slices.Contains(slices.Collect(maps.Values(c.parts())), true)
	for _, part := range []struct {
		name    string
		missing bool
	}{
		{"Ingest, Decide, Read, Health, Tickets and Brake", !some},
		{"Alerts", c.Ingest != nil && c.Alerts == nil},
		{"Read", c.Decide != nil && c.Read == nil}, {"LinkKeys", c.Decide != nil && c.LinkKeys == nil},
		{"PublicURL", c.PublicURL.IsZero()}, {"Now", c.Now == nil}, {"Log", c.Log == nil},
	} {
		if part.missing {
			return fmt.Errorf("web: Config.%s is missing", part.name)
		}
	}
	return nil
}

type server struct {
	Config
	mux       *http.ServeMux
	page      *decisionPage
	indexPage string
	failures  *failures
	large     largeTurns
}

// New builds the handler of the routes whose part c has. They are served without
// PublicURL's path: whoever puts a path in front takes it off again.
func New(c Config) (http.Handler, error) { return newHandler(c, table()) }

func newHandler(c Config, rows []row) (http.Handler, error) {
	if err := c.check(); err != nil {
		return nil, err
	}
	s := &server{Config: c, mux: http.NewServeMux(), page: newDecisionPage(c.PublicURL), indexPage: c.indexText(rows), failures: newFailures(c.Now()),
		large: newLargeTurns()}
	if err := s.register(rows); err != nil {
		return nil, err
	}
	return s, nil
}

// handler answers on one pattern. Without methods there is nothing at it.
func (s *server) handler(pattern string, at methods) http.HandlerFunc {
	allow := at.allow()
	return func(w http.ResponseWriter, r *http.Request) {
		x, ok := w.(*exchange)
		if !ok {
			http.Error(w, "internal error", http.StatusInternalServerError) // ServeHTTP always passes one
			return
		}
		x.r, x.route = r, pattern // r is the router's copy, with the path's values
		if err := s.dispatch(x, at, allow); err != nil {
			x.fail(err)
		}
	}
}

func (s *server) dispatch(x *exchange, at methods, allow string) error {
	if len(at) == 0 {
		return nothingHere()
	}
	method := x.r.Method
	if method == http.MethodHead {
		method = http.MethodGet
	}
	if x.at = at[method]; x.at == nil {
		return &refusal{status: http.StatusMethodNotAllowed, slug: slugMethod, allow: allow, detail: "this address takes " + allow}
	}
	if err := s.admit(x); err != nil {
		return err
	}
	return x.at.handle(s, x)
}

func nothingHere() error {
	return &refusal{status: http.StatusNotFound, slug: slugNotFound, detail: "there is nothing at this address; GET / lists what there is"}
}

// ServeHTTP answers every request, logs it in one line, and lets no panic out.
func (s *server) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	x := &exchange{ResponseWriter: w, r: r, id: rand.Text()}
	h := w.Header()
	h.Set("X-Request-Id", x.id)
	h.Set("Cache-Control", "no-store")
	h.Set("X-Content-Type-Options", "nosniff")
	h.Set("Referrer-Policy", "no-referrer")
	h.Set("Content-Security-Policy", "default-src 'none'; frame-ancestors 'none'")
	began := s.Now()
	defer func() {
		broken := recover()
		if broken != nil {
			s.recovered(x, broken)
		}
		s.logRequest(x, began)
		if broken == http.ErrAbortHandler {
			panic(broken) // net/http's own way to cut the connection
		}
	}()
	if s.Keys == nil {
		if err := fromThisMachine(r); err != nil {
			x.fail(err)
			return
		}
	}
	if !clean(r.URL.Path) { // the router would redirect it
		x.fail(nothingHere())
		return
	}
	s.mux.ServeHTTP(x, r)
}

func clean(p string) bool { return strings.HasPrefix(p, "/") && path.Clean(p) == p }

// refOf names an incident of a path or a body. A malformed id names none.
func refOf(id string) (incident.Ref, error) {
	if !incident.ValidID(id) {
		return incident.Ref{}, incident.Fail(incident.NotFound, incident.CodeNotFound, "there is no such incident; an id is INC- and 26 characters")
	}
	return incident.Ref{Tenant: incident.DefaultTenant, ID: id}, nil
}
