package local

import (
	"context"
	"log/slog"
	"time"

	"github.com/opsguard/opsguard/infra/local/bolt"
)

// tellDamage logs what the opening of the store found, and what is met later.
func (rt *Runtime) tellDamage() {
	rt.db.LogTo(rt.log)
	for _, note := range rt.db.Opened {
		rt.log.Warn("store: " + note)
	}
	tell := func(f bolt.Finding) {
		rt.log.Error("the store is damaged: "+f.What, "bucket", f.Bucket, "key", f.Key, "incidentId", f.IncidentID)
	}
	findings, count := rt.db.Damage.Known()
	for i, f := range findings {
		if i == maxTold {
			rt.log.Error("the store is damaged in more places; opsguard store check names them", "places", count)
			break
		}
		tell(f)
	}
	rt.db.Damage.TellTo(tell)
}

// maxTold bounds how many damaged records the start logs by name.
const maxTold = 50

// watchEvery is how often the store's file is looked for. Every write looks too; this
// is for a process in which nothing happens.
const watchEvery = 500 * time.Millisecond

// watchStore says when the store's file is no longer in its place, and when it is
// back, until ctx ends.
func watchStore(ctx context.Context, db *bolt.File, log *slog.Logger) {
	tick := time.NewTicker(watchEvery)
	defer tick.Stop()
	missing := false
	for {
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
		err := db.Look()
		switch {
		case err != nil && !missing:
			log.Error("nothing is accepted while the store's file is not in its place; before you stop OpsGuard, copy what stillReadable names, or what it holds is lost", "error", err.Error(),
				"stillReadable", db.Descriptor())
		case err == nil && missing:
			log.Info("the store's file is in its place again", "store", db.Path())
		}
		missing = err != nil
	}
}
