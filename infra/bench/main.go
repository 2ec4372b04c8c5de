// Command bench measures the one-machine runtime from outside and prints one
// table: it builds cmd/opsguard, runs it as a process on the loopback interface
// with temporary data directories, and loads it over HTTP. It is a benchmark,
// not a test: a figure over its aim is marked, and the exit status stays 0. It
// fails only if something could not be measured. The load generator runs on the
// same cores as what it measures, so the figures are what is left beside it.
package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/signal"
	"time"
)

// limit ends a run that got stuck; a whole one takes about half of it.
const limit = 4 * time.Minute

func main() {
	if err := run(); err != nil {
		fmt.Fprintln(os.Stderr, "bench:", err)
		os.Exit(1)
	}
}

func run() (err error) {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	ctx, cancel := context.WithTimeout(ctx, limit)
	defer cancel()
	b, err := newBench(ctx)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, b.close()) }()
	for _, measure := range []func(context.Context) error{b.start, b.bare, b.ingest, b.bareAgain, b.joins, b.lifecycles, b.waiting} {
		if err := measure(ctx); err != nil {
			return err
		}
	}
	fmt.Print(b.table())
	return nil
}
