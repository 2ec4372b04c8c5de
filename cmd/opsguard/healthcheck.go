package main

import (
	"context"
	"fmt"
	"io"
	"os"
	"strings"
	"text/tabwriter"

	"github.com/opsguard/opsguard/infra/local"
	"github.com/opsguard/opsguard/pkg/inventory"
	"github.com/opsguard/opsguard/pkg/steps"
)

type healthCheckCommand struct {
	where
	JSON bool `help:"Print the whole report."`
}

// Exit statuses that scripts rely on.
const (
	healthWell       = 0
	healthUnwell     = 1
	healthIncomplete = 2
)

// Run ends the process itself unless all is well: that something is wrong must not look
// like something that could not be looked at.
func (c healthCheckCommand) Run(ctx context.Context) error {
	if status := c.check(ctx, os.Stdout, os.Stderr); status != healthWell {
		os.Exit(status)
	}
	return nil
}

func (c healthCheckCommand) check(ctx context.Context, out, errs io.Writer) int {
	settings, log, err := c.load()
	if err != nil {
		fmt.Fprintln(errs, "opsguard:", err)
		return healthIncomplete
	}
	report, err := local.HealthCheck(ctx, settings, local.Deps{Version: version, Console: os.Stderr, Log: log})
	if err != nil {
		fmt.Fprintln(errs, "opsguard:", err)
		return healthIncomplete
	}
	return printHealth(out, report, c.JSON)
}

// printHealth prints the report and returns the exit status that says it. What is unwell
// counts for more than what could not be looked at.
func printHealth(out io.Writer, r steps.HealthReport, asJSON bool) int {
	var err error
	if asJSON {
		err = printJSON(out, r)
	} else {
		err = healthTable(out, r)
	}
	switch {
	case !r.Well():
		return healthUnwell
	case err != nil, !r.Complete():
		return healthIncomplete
	}
	return healthWell
}

func healthTable(out io.Writer, r steps.HealthReport) error {
	fmt.Fprintf(out, "%d services probed, %d unwell; %d looked through for vulnerabilities (%d packages, %d of unknown version or kind), "+
		"%d found\n",
		r.Checked, len(r.Unhealthy), r.Scanned, r.Packages, r.LeftOut, len(r.Vulnerable))
	w := tabwriter.NewWriter(out, 0, 0, 2, ' ', 0)
	for _, u := range r.Unhealthy {
		fmt.Fprintf(w, "UNWELL\t%s\t%s\t%s\t%s\n", u.Service, u.Check, u.Detail, u.IncidentID)
	}
	for _, v := range r.Vulnerable {
		fmt.Fprintf(w, "VULNERABLE\t%s\t%s\t%s\t%s\n", v.Service, v.ID, describe(v), v.IncidentID)
	}
	for _, a := range r.Accepted {
		fmt.Fprintf(w, "accepted\t%s\t%s\tuntil %s: %s\t\n", a.Service, a.ID, inventory.LastDay(a.Until), a.Reason)
	}
	for _, g := range r.Gaps {
		fmt.Fprintf(w, "NOT CHECKED\t%s\t\t%s\t\n", g.Service, g.What)
	}
	for _, n := range r.Notes {
		fmt.Fprintf(w, "note\t%s\t\t%s\t\n", n.Service, n.What)
	}
	return w.Flush()
}

// describe is a vulnerability in a line.
func describe(v steps.VulnerabilityIssue) string {
	var parts []string
	for _, p := range v.Packages {
		fix := "no version mends it yet"
		if p.FixedIn != "" {
			fix = "mended in " + p.FixedIn
		}
		parts = append(parts, p.Name+" "+p.Version+", "+fix)
	}
	said := v.Severity + "; " + strings.Join(parts, "; ")
	if v.KnownExploited {
		said += "; exploited in the wild"
	}
	if v.EPSS > 0 {
		said += fmt.Sprintf("; EPSS %.2f", v.EPSS)
	}
	return said
}
