package web

import (
	"crypto/rand"
	"fmt"
	"log/slog"
	"net/http"
	"path"
	"slices"
	"strings"
	"time"

	"github.com/opsguard/opsguard/pkg/incident"
	"github.com/opsguard/opsguard/pkg/link"
	"github.com/opsguard/opsguard/pkg/steps"
)

// Config is all that the handler needs. Tickets and Keys may be nil.
type Config struct {
	Ingest  Ingester
	Alerts  steps.Source // reads the body of POST /ingest-alert, one alert each
	Decide  Decider
	Read    Reader
	Health  Health
	Tickets Tickets // nil: there is no simulated tracker to read
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
	for _, part := range []struct {
		name    string
		missing bool
	}{
		{"Ingest", c.Ingest == nil}, {"Alerts", c.Alerts == nil}, {"Decide", c.Decide == nil}, {"Read", c.Read == nil}, {"Health", c.Health == nil},
		{"LinkKeys", c.LinkKeys == nil}, {"PublicURL", c.PublicURL.IsZero()}, {"Now", c.Now == nil}, {"Log", c.Log == nil},
	} {
		if part.missing {
			return fmt.Errorf("web: Config.%s is missing", part.name)
		}
	}
	return nil
}

type server struct {
	Config
	mux  *http.ServeMux
	page *decisionPage
}

// New builds the handler. Routes are served without PublicURL's path: whoever
// puts a path in front takes it off again.
func New(c Config) (http.Handler, error) {
	if err := c.check(); err != nil {
		return nil, err
	}
	page := newDecisionPage(c.PublicURL)
	s := &server{Config: c, mux: http.NewServeMux(), page: page}
	s.route("/{$}", methods{http.MethodGet: s.index})
	s.route("/healthz", methods{http.MethodGet: s.healthz})
	s.route("/ingest-alert", methods{http.MethodPost: s.keyed(RoleIngest, s.ingest)})
	s.route("/approve-fix", methods{http.MethodGet: s.approveByGet, http.MethodPost: s.approveByPost})
	s.route("/incidents", methods{http.MethodGet: s.keyed(RoleRead, s.list)})
	s.route("/incidents/{id}", methods{http.MethodGet: s.keyed(RoleRead, s.incident)})
	s.route("/incidents/{id}/audit", methods{http.MethodGet: s.keyed(RoleRead, s.audit)})
	if c.Tickets != nil {
		s.route("/tickets", methods{http.MethodGet: s.keyed(RoleRead, s.tickets)})
		s.route("/tickets/{key}", methods{http.MethodGet: s.keyed(RoleRead, s.ticket)})
	}
	s.route("/", nil)
	return s, nil
}

// endpoint answers, or says by its error why not.
type endpoint func(*exchange) error

// methods has the endpoints of one route.
type methods map[string]endpoint

// route registers a path for every method: the router would answer a wrong one
// itself, and not with a problem. HEAD is GET.
func (s *server) route(pattern string, m methods) {
	s.mux.HandleFunc(pattern, func(w http.ResponseWriter, r *http.Request) {
		x, ok := w.(*exchange)
		if !ok {
			http.Error(w, "internal error", http.StatusInternalServerError) // ServeHTTP always passes one
			return
		}
		x.r = r // the router's copy, with the path's values
		if err := s.dispatch(x, pattern, m); err != nil {
			x.fail(err)
		}
	})
}

func (s *server) dispatch(x *exchange, pattern string, m methods) error {
	if len(m) == 0 {
		return &refusal{status: http.StatusNotFound, slug: slugNotFound, detail: "there is nothing at this address; GET / lists what there is"}
	}
	x.route = strings.TrimSuffix(pattern, "{$}")
	method := x.r.Method
	if method == http.MethodHead {
		method = http.MethodGet
	}
	handle, ok := m[method]
	if !ok {
		return &refusal{status: http.StatusMethodNotAllowed, slug: slugMethod, allow: m.allow(), detail: "this address takes " + m.allow()}
	}
	return handle(x)
}

func (m methods) allow() string {
	var names []string
	for name := range m {
		names = append(names, name)
		if name == http.MethodGet {
			names = append(names, http.MethodHead)
		}
	}
	slices.Sort(names)
	return strings.Join(names, ", ")
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
		x.fail(s.dispatch(x, "", nil))
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
