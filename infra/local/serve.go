package local

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"runtime/debug"
	"sync"
	"time"

	"github.com/opsguard/opsguard/pkg/incident"
	"github.com/opsguard/opsguard/pkg/steps"
)

// gcPercent lets the small heap of this process grow further before it is
// collected: a quarter of the CPU time of an alert went into collecting a few MiB
// over and over. With 10,000 waiting incidents it costs some 16 MiB.
const gcPercent = 400

// stopPatience is how long a stop waits for requests and steps that are under
// way. What takes longer is cut off and, being a step, runs again at the next
// start.
const stopPatience = 4 * time.Second

// stepPatience is what of stopPatience is kept for steps, however long requests and
// scheduled runs take.
const stepPatience = time.Second

// Serve listens and works until ctx ends, then stops cleanly within 5 s.
func (rt *Runtime) Serve(ctx context.Context, ready func(addr string)) error {
	defer debug.SetGCPercent(debug.SetGCPercent(gcPercent))
	listener, err := net.Listen("tcp", rt.settings.Addr)
	if err != nil {
		return fmt.Errorf("OPSGUARD_ADDR: cannot listen on %s: %w; stop what listens there, or choose another address with --addr", rt.settings.Addr, errors.Unwrap(err))
	}
	callers := limited(listener, connectionLimit(openFiles()))
	server := &http.Server{
		Handler: callers.handler(rt.handler), ConnState: callers.state, ErrorLog: slog.NewLogLogger(rt.log.Handler(), slog.LevelWarn),
		ReadHeaderTimeout: 5 * time.Second, ReadTimeout: 30 * time.Second,
		WriteTimeout: time.Minute, IdleTimeout: 2 * time.Minute, MaxHeaderBytes: 64 << 10,
	}
	var jobs sync.WaitGroup
	working, stopJobs := context.WithCancel(context.Background())
	jobs.Go(func() { watchStore(working, rt.db, rt.log) })
	jobs.Go(func() { rt.asker.run(working, rt.store, rt.people) })
	jobs.Go(func() { rt.store.tell(working, rt.reconcile) })
	jobs.Go(func() {
		every(working, rt.settings.ReconcileInterval, "reconcile", rt.log, func(ctx context.Context) error {
			rt.warnOfClock()
			_, err := rt.reconcile.Handle(ctx)
			return err
		})
	})
	jobs.Go(func() {
		every(working, rt.settings.HealthInterval, "health-check", rt.log, func(ctx context.Context) error { _, err := rt.healthCheck.Handle(ctx); return err })
	})
	control := rt.serveControl()
	failed := make(chan error, 1)
	go func() { failed <- server.Serve(callers) }()
	ready(listener.Addr().String())
	rt.tellWaiting(ctx)
	select {
	case err = <-failed:
	case <-ctx.Done():
	}
	patience, cancel := context.WithTimeout(context.Background(), stopPatience)
	defer cancel()
	callersPatience, cancelCallers := context.WithTimeout(patience, stopPatience-stepPatience)
	defer cancelCallers()
	stopJobs()
	if control != nil {
		jobs.Go(func() { control.Shutdown(callersPatience) })
	}
	if err := server.Shutdown(callersPatience); err != nil {
		rt.log.Warn("some requests were cut off", "error", err.Error())
	}
	waitFor(callersPatience, &jobs)
	err = errors.Join(err, rt.Close(patience))
	rt.log.Info("OpsGuard has stopped; what is open carries on at the next start")
	return err
}

// muchSetBack is more than what keeping time over a network sets a clock back by.
const muchSetBack = time.Minute

// warnOfClock tells that the times in records are not the wall clock's.
func (rt *Runtime) warnOfClock() {
	if by := rt.clock.SetBack(); by > muchSetBack {
		rt.log.Warn("the clock was set back; deadlines and records go on as if it was not, until it catches up or OpsGuard is restarted",
			"by", by.Round(time.Second).String())
	}
}

// tellWaiting reminds whoever starts the process of what waits for a person: the
// terminal that showed it may be gone.
func (rt *Runtime) tellWaiting(ctx context.Context) {
	page, err := rt.store.List(ctx, steps.ListQuery{Tenant: tenant, Status: incident.WaitingForApproval, Limit: 100})
	if err != nil || len(page.Incidents) == 0 {
		return
	}
	count := fmt.Sprint(len(page.Incidents))
	if page.NextCursor != "" {
		count += " or more"
	}
	rt.log.Info("incidents wait for a person", "count", count, "see", rt.settings.PublicURL+"/incidents?status=WAITING_FOR_APPROVAL")
}

// waitFor waits for a group, but not beyond ctx.
func waitFor(ctx context.Context, group *sync.WaitGroup) {
	done := make(chan struct{})
	go func() { group.Wait(); close(done) }()
	select {
	case <-done:
	case <-ctx.Done():
	}
}

// Close stops the engine, letting running steps finish until ctx ends, and
// closes the store.
func (rt *Runtime) Close(ctx context.Context) error {
	var err error
	if rt.engine != nil {
		err = rt.engine.Close(ctx)
	}
	rt.closeStore()
	return err
}

func (rt *Runtime) closeStore() {
	if rt.writer != nil {
		rt.writer.Close()
	}
	if rt.db != nil {
		if err := rt.db.Close(); err != nil {
			rt.log.Warn("the store was not closed cleanly", "error", err.Error())
		}
	}
}
