// Command bench measures the one-machine runtime from outside and prints one
// table: it builds cmd/opsguard, runs it as a process on the loopback interface
// with temporary data directories, and loads it over HTTP. It is a benchmark,
// not a test: a figure over its aim is marked, and the exit status stays 0. It
// fails only if something could not be measured. The load generator runs on the
// same cores as what it measures, so the figures are what is left beside it.
//
// -only start,ingest,lives,fixes,storm,waiting measures a part.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"os"
	"os/signal"
	"slices"
	"strings"
	"time"
)

// limit ends a run that got stuck; on a quiet machine a whole one takes a third of it.
const limit = 9 * time.Minute

func main() {
	if err := run(); err != nil {
		fmt.Fprintln(os.Stderr, "bench:", err)
		os.Exit(1)
	}
}

// part is what can be measured on its own.
type part struct {
	name    string
	measure func(*bench, context.Context) error
}

var parts = []part{
	{"start", (*bench).start},
	{"ingest", (*bench).ingest},
	{"lives", (*bench).lives},
	{"fixes", (*bench).fixes},
	{"storm", (*bench).storm},
	{"waiting", (*bench).waiting},
}

func run() (err error) {
	only := flag.String("only", "", "parts to measure, comma between; all if empty: "+names(parts))
	flag.Parse()
	chosen, err := choose(*only)
	if err != nil {
		return err
	}
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	ctx, cancel := context.WithTimeout(ctx, limit)
	defer cancel()
	b, err := newBench(ctx)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, b.close()) }()
	for _, p := range chosen {
		if err := p.measure(b, ctx); err != nil {
			return b.explain(p.name, err)
		}
	}
	fmt.Print(b.table())
	return nil
}

func choose(only string) ([]part, error) {
	if only == "" {
		return parts, nil
	}
	var chosen []part
	for name := range strings.SplitSeq(only, ",") {
		i := slices.IndexFunc(parts, func(p part) bool { return p.name == name })
		if i < 0 {
			return nil, fmt.Errorf("-only: there is no part %q; there are %s", name, names(parts))
		}
		chosen = append(chosen, parts[i])
	}
	return chosen, nil
}

func names(all []part) string {
	var list []string
	for _, p := range all {
		list = append(list, p.name)
	}
	return strings.Join(list, ", ")
}
