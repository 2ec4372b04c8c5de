package web

import (
	"fmt"
	"net/http"
	"slices"
	"strings"
)

// Access is what a route asks of its caller. The zero value is none of them: a
// route that forgot to say is refused at the start.
type Access string

const (
	AccessNone    = Access("none")      // nothing: anybody may call it
	AccessIngest  = Access(RoleIngest)  // a key with this role
	AccessRead    = Access(RoleRead)    // a key with this role, or an operator's
	AccessOperate = Access(RoleOperate) // a key with this role
	AccessLink    = Access("link")      // an operator's key, or a decision link
	AccessSource  = Access("source")    // the sender's own authentication; no key of ours counts
)

// Part is what of Config a route is served by. A handler serves the routes whose
// part it was given.
type Part string

const (
	PartIngest  Part = "Ingest"
	PartDecide  Part = "Decide"
	PartRead    Part = "Read"
	PartHealth  Part = "Health"
	PartTickets Part = "Tickets"
	PartBrake   Part = "Brake"
)

// Route is one call of the HTTP API.
type Route struct {
	Method  string // GET serves HEAD too
	Pattern string // of net/http's ServeMux; "/" is that path alone
	Access  Access
	Part    Part
	For     string // what one does with it, for people
	// Query and Body name the parameters and the fields that it takes; one that may
	// be left out ends in "?". No Query and a Body: a query is refused.
	Query, Body []string
}

// row is a route and what serves it.
type row struct {
	Route
	handle func(*server, *exchange) error
}

// Routes is every route that there is, in the order in which people are shown
// them.
func Routes() []Route {
	var routes []Route
	for _, r := range table() {
		routes = append(routes, r.Route)
	}
	return routes
}

// table is the one place where routes are listed: the router, GET / and the tests
// are made from it. A new route is a row here and a case in roles_test.go.
func table() []row {
	decide := []string{"incidentId", "action", "t?", "note?", "planHash?"}
	alert := []string{"serverName", "errorLogs", "severity?", "timestamp?", "dedupKey?"}
	list := []string{"status?", "service?", "limit?", "cursor?"}
	return []row{
		{Route{"POST", "/ingest-alert", AccessIngest, PartIngest, "send an alert", nil, alert}, (*server).ingest},
		{Route{"POST", "/ingest/{source}", AccessSource, PartIngest, "send alerts in the form of a sender that services.yaml lists",
			nil, nil}, (*server).receive},
		{Route{"OPTIONS", "/ingest/{source}", AccessNone, PartIngest, "ask whether CloudEvents may be sent there", nil, nil}, (*server).consent},
		{Route{"GET", "/approve-fix", AccessLink, PartDecide, "decide (approve, unless action is escalate or resolve); a link shows its page",
			[]string{"incidentId", "action?", "t?"}, nil}, (*server).approveByGet},
		{Route{"POST", "/approve-fix", AccessLink, PartDecide, "decide: approve, escalate or resolve", nil, decide}, (*server).approveByPost},
		{Route{"GET", "/incidents", AccessRead, PartRead, "list incidents, the newest first", list, nil}, (*server).list},
		{Route{"GET", "/incidents/{id}", AccessRead, PartRead, "look at an incident", nil, nil}, (*server).incident},
		{Route{"GET", "/incidents/{id}/audit", AccessRead, PartRead, "check an incident's audit trail", nil, nil}, (*server).audit},
		{Route{"GET", "/brake", AccessRead, PartBrake, "see whether fixes are stopped, and who stopped them", nil, nil}, (*server).brake},
		{Route{"POST", "/brake", AccessOperate, PartBrake, "stop fixes (fixes, or all: undoing too) or let them go on (none)",
			nil, []string{"stops", "reason?"}}, (*server).setBrake},
		{Route{"GET", "/tickets", AccessRead, PartTickets, "list the simulated tracker's tickets",
			[]string{"limit?", "cursor?"}, nil}, (*server).tickets},
		{Route{"GET", "/tickets/{key}", AccessRead, PartTickets, "look at a ticket", nil, nil}, (*server).ticket},
		{Route{"GET", "/healthz", AccessNone, PartHealth, "ask whether the store works", nil, nil}, (*server).healthz},
		{Route{"GET", "/", AccessNone, PartHealth, "read this list", nil, nil}, (*server).index},
	}
}

// check refuses a row that is not whole.
func (r row) check() error {
	name := fmt.Sprintf("web: the route %s %s", r.Method, r.Pattern)
	switch {
	case !slices.Contains(strings.Fields("GET POST PUT PATCH DELETE OPTIONS"), r.Method):
		return fmt.Errorf("%s: has a method that is not served; HEAD comes with GET", name)
	case !strings.HasPrefix(r.Pattern, "/"):
		return fmt.Errorf("%s: has a pattern that does not begin with /", name)
	case !slices.Contains([]Access{AccessNone, AccessIngest, AccessRead, AccessOperate, AccessLink, AccessSource}, r.Access):
		return fmt.Errorf("%s: does not say who may call it (its Access is %q)", name, r.Access)
	case !isPart(r.Part):
		return fmt.Errorf("%s: does not say which part serves it (its Part is %q)", name, r.Part)
	case r.For == "":
		return fmt.Errorf("%s: does not say what it is for", name)
	case r.handle == nil:
		return fmt.Errorf("%s: has no handler", name)
	}
	return nil
}

// parts says of each part whether it was given.
func (c Config) parts() map[Part]bool {
	return map[Part]bool{
		PartIngest: c.Ingest != nil, PartDecide: c.Decide != nil, PartRead: c.Read != nil,
		PartHealth: c.Health != nil, PartTickets: c.Tickets != nil, PartBrake: c.Brake != nil,
	}
}

func isPart(p Part) bool {
	_, known := Config{}.parts()[p]
	return known
}

// served is a row as the router holds it.
type served struct {
	row
	query, body []string // the names that are taken, without the marks
}

func serve(r row) *served { return &served{row: r, query: unmarked(r.Query), body: unmarked(r.Body)} }

func unmarked(names []string) []string {
	var plain []string
	for _, name := range names {
		plain = append(plain, strings.TrimSuffix(name, "?"))
	}
	return plain
}

// methods is one pattern and its rows, by method.
type methods map[string]*served

// register puts the rows into the router whose part was given. The router knows
// each pattern for every method: it would answer a wrong one itself, and not with
// a problem.
func (s *server) register(rows []row) error {
	paths, given := map[string]methods{}, s.parts()
	for _, r := range rows {
		if err := r.check(); err != nil {
			return err
		}
		if !given[r.Part] {
			continue
		}
		at := paths[r.Pattern]
		if at == nil {
			at = methods{}
			paths[r.Pattern] = at
		}
		if at[r.Method] != nil {
			return fmt.Errorf("web: the route %s %s: is listed twice", r.Method, r.Pattern)
		}
		at[r.Method] = serve(r)
	}
	for pattern, at := range paths {
		routed := pattern
		if pattern == "/" {
			routed = "/{$}" // to the router, "/" is whatever no other pattern takes
		}
		s.mux.HandleFunc(routed, s.handler(pattern, at))
	}
	s.mux.HandleFunc("/", s.handler("", nil))
	return nil
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
