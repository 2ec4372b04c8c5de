package web

import (
	"fmt"
	"net/http"
	"strings"
)

// indexText is what GET / shows: what this is, and of every route its call, what it
// is for and who may call it, and what it takes. On AWS other functions serve some
// of the calls, so those are listed too; only the tickets may be nowhere.
func (c Config) indexText(rows []row) string {
	var b strings.Builder
	b.WriteString("OpsGuard: nothing is changed before a person approves it.\n\n")
	if c.Keys == nil {
		b.WriteString("No key is needed: only this machine is served.")
	} else {
		b.WriteString(`Send a key as "Authorization: Bearer KEY".`)
	}
	b.WriteString(" A name that ends in ? may be left out.\n\n")
	for _, r := range rows {
		if r.Part == PartTickets && c.Tickets == nil {
			continue
		}
		needed := ""
		if c.Keys != nil || r.Access == AccessSource {
			needed = needs(r.Access)
		}
		fmt.Fprintf(&b, "%-7s %-24s %s%s\n", r.Method, r.Pattern, r.For, needed)
		if len(r.Query) > 0 {
			fmt.Fprintf(&b, "%-32s query: %s\n", "", strings.Join(r.Query, ", "))
		}
		if len(r.Body) > 0 {
			fmt.Fprintf(&b, "%-32s body: {%s}\n", "", strings.Join(r.Body, ", "))
		}
	}
	return b.String()
}

func needs(a Access) string {
	switch a {
	case AccessNone:
		return ""
	case AccessLink:
		return " [operate key or link]"
	case AccessSource:
		return " [the sender's own signature]"
	}
	return " [" + string(a) + " key]"
}

// index is GET /, for whoever opens the address to see what it is.
func (s *server) index(x *exchange) error {
	return x.send(http.StatusOK, "text/plain; charset=utf-8", []byte(s.indexPage))
}
