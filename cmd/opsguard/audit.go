package main

import (
	"context"
	"fmt"
	"io"
	"os"

	"github.com/opsguard/opsguard/infra/local"
)

type auditCommand struct {
	Verify verifyCommand `cmd:"" help:"Recompute audit trails and name the first bad event of each. Exit status: 0 whole, 1 bad, 2 could not check."`
}

type verifyCommand struct {
	where
	All bool     `help:"Check every incident."`
	IDs []string `arg:"" optional:"" name:"incident" help:"Incidents to check, INC-..."`
}

// Exit statuses that scripts rely on.
const (
	auditWhole     = 0
	auditBad       = 1
	auditUnchecked = 2
)

// Run ends the process itself unless all is whole: main has one status for every
// failure, and a trail that is bad must not look like one that could not be read.
func (c verifyCommand) Run(ctx context.Context) error {
	if status := c.verify(ctx, os.Stdout, os.Stderr); status != auditWhole {
		os.Exit(status)
	}
	return nil
}

// verify prints what is bad and a summary to out, and to failed why something
// could not be checked.
func (c verifyCommand) verify(ctx context.Context, out, failed io.Writer) (status int) {
	settings, _, err := c.load()
	if err == nil && !c.All && len(c.IDs) == 0 {
		err = fmt.Errorf("name incidents (INC-...), or check all of them with --all")
	}
	var report local.AuditReport
	if err == nil {
		report, err = local.AuditVerify(ctx, settings, local.AuditQuery{All: c.All, IDs: c.IDs})
	}
	if err != nil {
		fmt.Fprintln(failed, "opsguard: audit verify:", err)
		return auditUnchecked
	}
	for _, bad := range report.Bad {
		where := bad.IncidentID
		if bad.Seq > 0 {
			where = fmt.Sprintf("%s event %d", bad.IncidentID, bad.Seq)
		}
		fmt.Fprintf(out, "%s: %s\n", where, bad.Why)
	}
	for _, damaged := range report.Damaged {
		fmt.Fprintf(out, "the store is damaged: %s\n", damaged)
	}
	for _, u := range report.Unchecked {
		fmt.Fprintf(failed, "%q could not be checked: %s\n", u.IncidentID, u.Why)
	}
	fmt.Fprintf(out, "%d checked, %d whole, %d bad, %d could not be checked\n",
		report.Checked, report.Checked-len(report.Bad), len(report.Bad), len(report.Unchecked))
	switch {
	case len(report.Bad)+len(report.Damaged) > 0:
		return auditBad
	case len(report.Unchecked) > 0:
		return auditUnchecked
	}
	return auditWhole
}
