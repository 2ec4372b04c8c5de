package bolt_test

import (
	"context"
	"testing"
	"time"

	"go.etcd.io/bbolt"

	"github.com/opsguard/opsguard/pkg/incident"
)

// take commits a change of the first incident that takes a hold.
func (o *opened) take(hold *incident.Hold) error {
	inc, err := o.Load(context.Background(), ref(1))
	o.must(err)
	c, err := inc.Propose(incident.Analysis{AnalyzedBy: incident.ByNone}, nil, now)
	o.must(err)
	c.Take = hold
	return o.Commit(context.Background(), c)
}

func TestATargetWhoseHolderIsDamagedIsNotTaken(t *testing.T) {
	dir := filled(t)
	hold := &incident.Hold{Target: "simulated/shop", Ref: ref(1), From: time.Now(), Until: time.Now().Add(time.Minute)}
	o := openStore(t, dir)
	key := []byte(incident.DefaultTenant + "\x00simulated/shop")
	o.must(o.db.Update(func(tx *bbolt.Tx) error { return tx.Bucket([]byte("targets")).Put(key, []byte("noise")) }))
	if err := o.take(hold); incident.CodeOf(err) != incident.CodeTargetBusy {
		t.Errorf("while it is damaged: %v", err)
	}
	o.close()
	if err := openStore(t, dir).take(hold); incident.CodeOf(err) != incident.CodeTargetBusy {
		t.Errorf("just after a restart, when a fix may still run somewhere: %v", err)
	}
}

func TestAGroupWhosePlacesAreDamagedLetsNobodyIn(t *testing.T) {
	dir := filled(t)
	hold := &incident.Hold{Target: "simulated/shop", Ref: ref(1), From: time.Now(), Until: time.Now().Add(time.Minute),
		AtOnce: incident.AtOnce{Group: "web", Max: 1, Of: 2}}
	o := openStore(t, dir)
	key := []byte(incident.DefaultTenant + "\x00group:web")
	o.must(o.db.Update(func(tx *bbolt.Tx) error { return tx.Bucket([]byte("targets")).Put(key, []byte("noise")) }))
	if err := o.take(hold); incident.CodeOf(err) != incident.CodeTargetBusy {
		t.Errorf("while it is damaged: %v", err)
	}
	o.close()
	o = openStore(t, dir)
	if err := o.take(hold); incident.CodeOf(err) != incident.CodeTargetBusy || incident.HolderOf(err) != "" {
		t.Errorf("just after a restart, when a fix may still run somewhere: %v", err)
	}
	hold.From = time.Now().Add(incident.MaxHoldTime + time.Minute)
	hold.Until = hold.From.Add(time.Minute)
	if err := o.take(hold); err != nil {
		t.Errorf("when no earlier fix can run any more: %v", err)
	}
}
