package bolt_test

import (
	"bytes"
	"context"
	"encoding/binary"
	"path/filepath"
	"testing"
	"time"

	"go.etcd.io/bbolt"

	"github.com/opsguard/opsguard/infra/local/bolt"
	"github.com/opsguard/opsguard/pkg/incident"
)

func planOf(r incident.Ref) *incident.Plan {
	p := incident.Plan{FixID: "restart-service", Title: "Restart", Risk: "low", FixDigest: "d",
		Target: incident.Target{Service: "shop", Type: "simulated"}, Parameters: map[string]string{}}.Freeze(r)
	return &p
}

// approved opens an incident whose fix on the one target shop is approved.
func (o *opened) approved(n int, at time.Time) {
	inc := o.commit(incident.Open(incident.New{Ref: ref(n), Alert: alert(n), By: incident.Local, ApprovalTimeout: time.Hour, Now: at}), nil)
	inc = o.commit(inc.Propose(incident.Analysis{AnalyzedBy: incident.ByRules}, &incident.Proposal{FixID: "restart-service", Parameters: map[string]string{}}, at))
	inc = o.commit(inc.Planned(incident.Planning{Plan: planOf(ref(n))}, at))
	inc = o.commit(inc.Await(incident.Ask{Token: incident.NewTaskToken("token"), EnteredAt: at, Now: at}))
	o.commit(inc.Vote(incident.Vote{Action: incident.Approve, By: incident.KeyActor("anna"), At: at, PlanHash: inc.Plan.Hash},
		incident.Verdict{Allowed: true, Decides: true}, at))
}

func (o *opened) claim(n int, at time.Time) error {
	inc, err := o.Load(context.Background(), ref(n))
	o.must(err)
	c, err := inc.Claim(incident.Claimer{Runner: "r"}, inc.Plan, at)
	if err != nil {
		return err
	}
	return o.Commit(context.Background(), c)
}

const pageSize = 4096

// newest is the page of the newest state, and u64 a number in it: 16 bytes of header,
// then magic, version, page size and flags of 4 bytes, the root page, its sequence, the
// free list, the high-water mark and the transaction.
func newest(file []byte) (page int, u64 func(offset int) uint64) {
	at := func(page, offset int) uint64 { return binary.NativeEndian.Uint64(file[page*pageSize+offset:]) }
	if at(1, 64) > at(0, 64) {
		page = 1
	}
	return page, func(offset int) uint64 { return at(page, offset) }
}

func clearPage(file []byte, page uint64) {
	clear(file[page*pageSize : min(len(file), int(page+1)*pageSize)])
}

// TestNoFixBeginsTwiceOverADamagedStore damages a store in which incident 500 has begun
// a fix on the target of incident 501 as its last write, in ways that make the opened
// store forget the one or the other.
func TestNoFixBeginsTwiceOverADamagedStore(t *testing.T) {
	for name, harm := range map[string]func(t *testing.T, dir string){
		"the page of the newest state": func(t *testing.T, dir string) {
			hit(t, dir, func(file []byte) []byte { p, _ := newest(file); file[p*pageSize+70] ^= 0xff; return file })
		},
		"the root page, with the holds in it": func(t *testing.T, dir string) {
			hit(t, dir, func(file []byte) []byte { _, u64 := newest(file); clearPage(file, u64(32)); return file })
		},
		"a hold, and a page elsewhere": func(t *testing.T, dir string) {
			raw(t, dir, flip("targets", "shop"))
			leaf := firstLeaf(t, dir)
			hit(t, dir, func(file []byte) []byte { clearPage(file, leaf); return file })
		},
		"all newest pages, and salvage": func(t *testing.T, dir string) {
			used := usedPages(t, dir)
			hit(t, dir, func(file []byte) []byte {
				_, u64 := newest(file)
				root, free := u64(32), u64(48)
				for _, page := range used {
					if at := file[page*pageSize : min(len(file), int(page+1)*pageSize)]; page == root || page == free || bytes.Contains(at, []byte("EXECUTING_FIX")) {
						clearPage(file, page)
					}
				}
				return file
			})
			if _, err := bolt.OpenFile(dir); err == nil {
				t.Fatal("it opens without being asked to salvage")
			}
			if _, err := bolt.Salvage(dir); err != nil {
				t.Fatal(err)
			}
		},
	} {
		t.Run(name, func(t *testing.T) {
			dir := t.TempDir()
			o := openStore(t, dir)
			at := time.Now()
			o.openMany(200)
			o.approved(501, at)
			o.approved(500, at)
			o.must(o.claim(500, at))
			o.close()
			harm(t, dir)
			for range 2 { // it stays so over another start
				o = openStore(t, dir)
				for _, n := range []int{500, 501} {
					if _, err := o.Load(context.Background(), ref(n)); err != nil {
						continue // the record is lost: nothing can claim by it
					}
					if err := o.claim(n, time.Now()); err == nil {
						t.Errorf("the fix of incident %d begins", n)
					}
				}
				o.close()
			}
			o = openStore(t, dir)
			later := time.Now().Add(incident.MaxHoldTime + 2*time.Second)
			o.approved(900, later)
			if err := o.claim(900, later); err != nil {
				t.Errorf("a fix that is approved when no earlier one can run: %v", err)
			}
		})
	}
}

// pages calls look with every page of a store and its kind.
func pages(t *testing.T, dir string, look func(id uint64, kind string)) {
	t.Helper()
	db, err := bbolt.Open(filepath.Join(dir, bolt.FileName), 0o600, &bbolt.Options{ReadOnly: true, PreLoadFreelist: true})
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	err = db.View(func(tx *bbolt.Tx) error {
		for id := 2; ; id++ {
			p, err := tx.Page(id)
			if err != nil || p == nil {
				return err
			}
			look(uint64(id), p.Type)
		}
	})
	if err != nil {
		t.Fatal(err)
	}
}

func firstLeaf(t *testing.T, dir string) (leaf uint64) {
	pages(t, dir, func(id uint64, kind string) {
		if kind == "leaf" && id > 20 && leaf == 0 {
			leaf = id
		}
	})
	return leaf
}

func usedPages(t *testing.T, dir string) (used []uint64) {
	pages(t, dir, func(id uint64, kind string) {
		if kind != "free" {
			used = append(used, id)
		}
	})
	return used
}
