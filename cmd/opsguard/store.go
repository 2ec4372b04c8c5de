package main

import (
	"context"
	"fmt"
	"io"
	"os"

	"github.com/opsguard/opsguard/infra/local"
)

type storeCommand struct {
	Check   storeCheckCommand   `cmd:"" help:"Read the whole store, also while OpsGuard serves, and name what is damaged. Exit status: 0 whole, 1 damaged, 2 could not check."`
	Init    storeInitCommand    `cmd:"" help:"Make an empty store where the old one is gone and not to be restored."`
	Salvage storeSalvageCommand `cmd:"" help:"Make a store that cannot be opened again, of what can be read of it. The damaged file is kept."`
}

type storeCheckCommand struct{ whereStore }

// whereStore is the flag of commands that need no services.
type whereStore struct {
	DataDir string `help:"Data directory (OPSGUARD_DATA_DIR)." placeholder:"DIR"`
}

func (w whereStore) settings() (local.Settings, error) {
	s, _, err := where{DataDir: w.DataDir}.load()
	return s, err
}

// Exit statuses that scripts rely on.
const (
	storeWhole     = 0
	storeDamaged   = 1
	storeUnchecked = 2
)

// Run ends the process itself unless all is whole, as audit verify does.
func (c storeCheckCommand) Run(ctx context.Context) error {
	if status := c.check(ctx, os.Stdout, os.Stderr); status != storeWhole {
		os.Exit(status)
	}
	return nil
}

// check prints what is damaged and a summary to out, and to failed why it could not
// be told.
func (c storeCheckCommand) check(ctx context.Context, out, failed io.Writer) (status int) {
	settings, err := c.settings()
	if err != nil {
		fmt.Fprintln(failed, "opsguard: store check:", err)
		return storeUnchecked
	}
	report, err := local.StoreCheck(ctx, settings)
	if err != nil {
		fmt.Fprintln(failed, "opsguard: store check:", err)
		return storeUnchecked
	}
	for _, f := range report.Findings {
		fmt.Fprintln(out, f)
	}
	for _, note := range report.Notes {
		fmt.Fprintln(out, "note:", note)
	}
	if more := report.Count - len(report.Findings); more > 0 {
		fmt.Fprintf(out, "and %d more\n", more)
	}
	fmt.Fprintf(out, "%d incidents, %d damaged places\n", report.Incidents, report.Count)
	if !report.Whole() {
		return storeDamaged
	}
	return storeWhole
}

type storeInitCommand struct{ whereStore }

func (c storeInitCommand) Run() error {
	settings, err := c.settings()
	if err != nil {
		return err
	}
	if err := local.StoreInit(settings); err != nil {
		return err
	}
	_, err = fmt.Println("There is an empty store in", settings.DataDir)
	return err
}

type storeSalvageCommand struct{ whereStore }

func (c storeSalvageCommand) Run() error {
	settings, err := c.settings()
	if err != nil {
		return err
	}
	kept, err := local.StoreSalvage(settings)
	if err != nil {
		return err
	}
	_, err = fmt.Printf("The store was made again of what can be read; the damaged file is %s. What is missing: opsguard store check\n", kept)
	return err
}
