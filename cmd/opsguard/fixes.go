package main

import (
	"cmp"
	"fmt"
	"io"
	"os"
	"strings"
	"text/tabwriter"

	"github.com/opsguard/opsguard/pkg/catalog"
	"github.com/opsguard/opsguard/pkg/executor"
	"github.com/opsguard/opsguard/pkg/integration"
)

type fixesCommand struct {
	Fix  string `arg:"" optional:"" help:"Only this fix."`
	JSON bool   `name:"json" help:"Print JSON, for programs."`
}

func (c fixesCommand) Run() error {
	return c.list(executor.Table(integration.TypesOf(executor.List())), os.Stdout)
}

func (c fixesCommand) list(table []executor.Fix, out io.Writer) error {
	if c.Fix != "" {
		fix, known := find(table, c.Fix)
		if !known {
			return fmt.Errorf("there is no fix %q; opsguard fixes lists them", c.Fix)
		}
		table = []executor.Fix{fix}
	}
	if c.JSON {
		return printJSON(out, viewFixes(table))
	}
	return printFixes(table, out)
}

func find(table []executor.Fix, id string) (executor.Fix, bool) {
	for _, fix := range table {
		if fix.ID == id {
			return fix, true
		}
	}
	return executor.Fix{}, false
}

// notUndone is what people read where an ability names no undoing.
const notUndone = "cannot be undone"

// printFixes writes a block for each fix: what it is, then what it does on each type of
// target.
func printFixes(table []executor.Fix, out io.Writer) error {
	w := tabwriter.NewWriter(out, 0, 0, 2, ' ', 0)
	for i, fix := range table {
		if i > 0 {
			fmt.Fprintln(w)
		}
		fmt.Fprintf(w, "%s: %s, risk %s\n", fix.ID, fix.Title, fix.Risk)
		for _, p := range fix.Params {
			fmt.Fprintf(w, "  with %s\t%s\n", p.Name, said(p))
		}
		if len(fix.On) == 0 {
			fmt.Fprintln(w, "  nothing here can apply it")
		}
		for _, on := range fix.On {
			fmt.Fprintf(w, "  on %s\t%s\n", on.Type, on.Does)
			fmt.Fprintf(w, "    undo\t%s\n", cmp.Or(on.Undo, notUndone))
			fmt.Fprintf(w, "    verifies\t%s\n", on.Verifies)
			fmt.Fprintf(w, "    rights\t%s\n", on.Rights)
		}
	}
	return w.Flush()
}

func said(p catalog.Param) string {
	return fmt.Sprintf("%d to %d, %d if not said: %s", p.Min, p.Max, p.Default, strings.TrimSuffix(p.Description, "."))
}

type fixesView struct {
	Fixes []fixView `json:"fixes"`
}

type fixView struct {
	FixID        string       `json:"fixId"`
	Title        string       `json:"title"`
	Description  string       `json:"description"`
	Risk         catalog.Risk `json:"risk"`
	Verification string       `json:"verification"`
	Parameters   []paramView  `json:"parameters"`
	Targets      []fixOnView  `json:"targets"`
}

type paramView struct {
	Name        string       `json:"name"`
	Kind        catalog.Kind `json:"kind"`
	Min         int          `json:"min"`
	Max         int          `json:"max"`
	Default     int          `json:"default"`
	Description string       `json:"description"`
}

type fixOnView struct {
	Type     string  `json:"type"`
	Does     string  `json:"does"`
	Undo     *string `json:"undo"` // null: it cannot be undone
	Verifies string  `json:"verifies"`
	Rights   string  `json:"rights"`
}

func viewFixes(table []executor.Fix) fixesView {
	all := fixesView{Fixes: []fixView{}}
	for _, fix := range table {
		v := fixView{fix.ID, fix.Title, fix.Description, fix.Risk, fix.Verification, []paramView{}, []fixOnView{}}
		for _, p := range fix.Params {
			v.Parameters = append(v.Parameters, paramView{p.Name, p.Kind, p.Min, p.Max, p.Default, p.Description})
		}
		for _, on := range fix.On {
			one := fixOnView{Type: on.Type, Does: on.Does, Verifies: on.Verifies, Rights: on.Rights}
			if on.Undo != "" {
				one.Undo = &on.Undo
			}
			v.Targets = append(v.Targets, one)
		}
		all.Fixes = append(all.Fixes, v)
	}
	return all
}
