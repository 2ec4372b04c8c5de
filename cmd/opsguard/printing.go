package main

import (
	"bytes"
	"context"
	"fmt"
	stdlog "log"
	"log/slog"
	"os"
	"os/signal"
	"syscall"
	"time"

	"github.com/opsguard/opsguard/infra/local"
	"github.com/opsguard/opsguard/infra/local/printer"
)

const (
	// mostUnprinted bounds what waits for a reader, in bytes: some 2,000 incidents, or
	// 20,000 log lines.
	mostUnprinted = 4 << 20
	// lastPrint is how long the end of the process waits for what is still to be printed.
	lastPrint = 500 * time.Millisecond
)

// printing is where serve shows incidents and logs. Nothing that prints waits for
// who reads: a terminal that was stopped must not hold up incidents, and a reader
// that left must not end the process.
type printing struct {
	out    *printer.Outlet // stdout
	queues []*printer.Queue
}

// newPrinting takes over stdout and stderr, and returns the log that goes there.
func newPrinting(s local.Settings) (*printing, *slog.Logger, error) {
	signal.Ignore(syscall.SIGPIPE) // else writing to a reader that left ends a Go program
	p := &printing{queues: []*printer.Queue{printer.New(mostUnprinted)}}
	logs := p.queues[0]
	if !sameFile(os.Stdout, os.Stderr) {
		logs = printer.New(mostUnprinted)
		p.queues = append(p.queues, logs)
	}
	stderr := logs.Outlet(os.Stderr, printer.Hooks{Lost: func(n int) []byte { return lostLines(s, n) }})
	log, err := newLog(s, stderr)
	if err != nil {
		return nil, nil, err
	}
	stdlog.SetOutput(stderr) // net/http's own lines
	p.out = p.queues[0].Outlet(os.Stdout, printer.Hooks{Lost: lostMessages, Gone: func() {
		log.Warn("nobody reads the console any more; incidents go on, see GET /incidents")
	}})
	return p, log, nil
}

// sameFile reports whether both are one terminal, pipe or file, so that what is
// printed on them has one order.
func sameFile(a, b *os.File) bool {
	one, errA := a.Stat()
	other, errB := b.Stat()
	return errA == nil && errB == nil && os.SameFile(one, other)
}

func lostMessages(n int) []byte {
	if n == 1 {
		return []byte("\n1 message was not shown; look at GET /incidents\n")
	}
	return fmt.Appendf(nil, "\n%d messages were not shown; look at GET /incidents\n", n)
}

// lostLines is a log line like the others.
func lostLines(s local.Settings, n int) []byte {
	var line bytes.Buffer
	if log, err := newLog(s, &line); err == nil {
		log.Error("log lines were not shown, because nobody read them in time", "lines", n)
	}
	return line.Bytes()
}

// close prints what is left, within a bound.
func (p *printing) close() {
	ctx, cancel := context.WithTimeout(context.Background(), lastPrint)
	defer cancel()
	for _, q := range p.queues {
		q.Close(ctx)
	}
}
