package bolt_test

import (
	"bytes"
	"compress/gzip"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"go.etcd.io/bbolt"

	"github.com/opsguard/opsguard/infra/local/bolt"
	"github.com/opsguard/opsguard/infra/local/commit"
	"github.com/opsguard/opsguard/infra/local/dbfile"
	"github.com/opsguard/opsguard/pkg/incident"
	"github.com/opsguard/opsguard/pkg/steps"
)

var now = time.Date(2026, 11, 27, 3, 0, 0, 0, time.UTC)

// id is the id of incident n; higher numbers are newer.
func id(n int) string { return fmt.Sprintf("INC-01ARZ3NDEKTSV4RRFFQ69G5%03d", n) }

func ref(n int) incident.Ref { return incident.Ref{Tenant: incident.DefaultTenant, ID: id(n)} }

func alert(n int) incident.Alert {
	return incident.Alert{Tenant: incident.DefaultTenant, Source: "api", Service: "shop", ErrorLogs: "out of memory", Severity: incident.High, DedupKey: fmt.Sprint(n)}
}

// opened is a store in use.
type opened struct {
	t   *testing.T
	dir string
	db  *bolt.File
	w   *commit.Writer
	*bolt.Store
}

func openStore(t *testing.T, dir string) *opened {
	t.Helper()
	db, err := bolt.OpenFile(dir)
	if err != nil {
		t.Fatal(err)
	}
	o := &opened{t: t, dir: dir, db: db, w: commit.New(db)}
	o.Store = bolt.New(db, o.w)
	t.Cleanup(o.close)
	return o
}

func (o *opened) close() { o.w.Close(); o.db.Close() }

func (o *opened) must(err error) {
	o.t.Helper()
	if err != nil {
		o.t.Fatal(err)
	}
}

func (o *opened) commit(c incident.Change, err error) incident.Incident {
	o.t.Helper()
	o.must(err)
	o.must(o.Commit(context.Background(), c))
	return c.Incident
}

func (o *opened) open(n int) incident.Incident {
	return o.commit(incident.Open(incident.New{Ref: ref(n), Alert: alert(n), By: incident.Local, ApprovalTimeout: time.Hour, Now: now}), nil)
}

// filled makes a store with three incidents: 1 is DETECTED, 2 waits for people, 3 is
// ESCALATED; and a ticket, and a target that is held. It is closed.
func filled(t *testing.T) (dir string) {
	t.Helper()
	dir = t.TempDir()
	o := openStore(t, dir)
	for n := 1; n <= 3; n++ {
		inc := o.open(n)
		if n > 1 {
			inc = o.commit(inc.Await(incident.Ask{ManualReason: "look", Token: incident.NewTaskToken("token"), EnteredAt: now, Now: now}))
		}
		if n == 3 {
			inc = o.commit(inc.Settle(incident.ReasonApprovalTimeout, now))
			o.commit(inc.Close("no tracker", now))
		}
	}
	_, err := o.PutTicket(context.Background(), incident.Ticket{Tenant: incident.DefaultTenant, Key: "SIM-1", IncidentID: id(3)})
	o.must(err)
	o.close()
	raw(t, dir, func(tx *bbolt.Tx) error {
		key := []byte(incident.DefaultTenant + "\x00simulated/shop")
		return tx.Bucket([]byte("targets")).Put(key, dbfile.NewSeal("targets").Close(key, []byte(`{"target":"simulated/shop"}`)))
	})
	return dir
}

// raw changes a store as somebody does who can write the file.
func raw(t *testing.T, dir string, change func(*bbolt.Tx) error) {
	t.Helper()
	db, err := bbolt.Open(filepath.Join(dir, bolt.FileName), 0o600, nil)
	if err != nil {
		t.Fatal(err)
	}
	if err := errors.Join(db.Update(change), db.Close()); err != nil {
		t.Fatal(err)
	}
}

// keyWith returns the first key of a bucket that has a part.
func keyWith(tx *bbolt.Tx, bucket, part string) []byte {
	c := tx.Bucket([]byte(bucket)).Cursor()
	for k, _ := c.First(); k != nil; k, _ = c.Next() {
		if bytes.Contains(k, []byte(part)) {
			return bytes.Clone(k)
		}
	}
	panic("no key of " + bucket + " has " + part)
}

// flip changes one byte in the middle of a record, which stays well-formed JSON where
// a letter is hit.
func flip(bucket, part string) func(*bbolt.Tx) error {
	return func(tx *bbolt.Tx) error {
		k := keyWith(tx, bucket, part)
		v := bytes.Clone(tx.Bucket([]byte(bucket)).Get(k))
		v[len(v)/2] ^= 1
		return tx.Bucket([]byte(bucket)).Put(k, v)
	}
}

// drop deletes a record.
func drop(bucket, part string) func(*bbolt.Tx) error {
	return func(tx *bbolt.Tx) error { return tx.Bucket([]byte(bucket)).Delete(keyWith(tx, bucket, part)) }
}

// rename puts a record under a key of zeros.
func rename(bucket, part string) func(*bbolt.Tx) error {
	return func(tx *bbolt.Tx) error {
		b, k := tx.Bucket([]byte(bucket)), keyWith(tx, bucket, part)
		v := bytes.Clone(b.Get(k))
		return errors.Join(b.Delete(k), b.Put(make([]byte, len(k)), v))
	}
}

// TestEveryDamagedRecordIsNamed damages one record at a time. The store check names
// it before the start, the start does, and all that is not concerned goes on.
func TestEveryDamagedRecordIsNamed(t *testing.T) {
	for _, c := range []struct {
		name   string
		harm   func(*bbolt.Tx) error
		want   string // what names it
		healed bool   // the start puts it right
		hidden string // the incident that lists cannot show
	}{
		{"a record is changed", flip("incidents", id(2)), "incidents " + id(2) + ": its checksum", false, id(2)},
		{"a record is gone", drop("incidents", id(2)), "incidents " + id(2) + ": its record is lost", false, id(2)},
		{"a record's key is zeroed", rename("incidents", id(2)), "incidents " + id(2) + ": its record is lost", false, id(2)},
		{"a record is under another's key", func(tx *bbolt.Tx) error {
			b := tx.Bucket([]byte("incidents"))
			return b.Put(keyWith(tx, "incidents", id(1)), bytes.Clone(b.Get(keyWith(tx, "incidents", id(2)))))
		}, "incidents " + id(1) + ": its checksum", false, id(1)},
		{"an event is changed", flip("events", id(3)), "events " + id(3) + " 1: its checksum", false, ""},
		{"an event is gone", drop("events", id(3)), "events " + id(3) + ": 1 of its 4 events are lost", false, ""},
		{"an evidence is changed", flip("evidence", id(1)), "evidence " + id(1) + ": its checksum", false, ""},
		{"an evidence is gone", drop("evidence", id(1)), "evidence " + id(1) + ": its evidence is lost", false, ""},
		{"a wait is changed", flip("waits", id(2)), "waits " + id(2) + ": its checksum", false, ""},
		{"a wait is gone", drop("waits", id(2)), "waits " + id(2) + ": its wait is lost", false, ""},
		{"a ticket is changed", flip("tickets", "SIM-1"), "tickets SIM-1: its checksum", false, ""},
		{"an entry of the lists is changed", flip("status", id(2)), "status WAITING_FOR_APPROVAL " + id(2), true, ""},
		{"an entry of the lists is gone", drop("status", id(2)), "status " + id(2), true, ""},
		{"a fingerprint is gone", drop("dedup", alert(2).Fingerprint()), "dedup " + id(2) + ": nothing holds its fingerprint", true, ""},
		{"who holds a target is changed", flip("targets", "shop"), "targets simulated/shop: its checksum", true, ""},
		{"the store's id is changed", flip("opsguard", "id"), "opsguard id: its checksum", false, ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			dir := filled(t)
			raw(t, dir, c.harm)
			report, err := bolt.Check(dir)
			if err != nil {
				t.Fatal(err)
			}
			if report.Whole() || !names(report.Findings, c.want) {
				t.Errorf("the check: %v; want %q", report.Findings, c.want)
			}
			o := openStore(t, dir)
			known, count := o.db.Damage.Known()
			if c.healed {
				if again, err := o.db.Check(); err != nil || !again.Whole() || count != 0 || !strings.Contains(strings.Join(o.db.Opened, "\n"), c.want) {
					t.Errorf("it was not put right: %v %v, %q", err, again, o.db.Opened)
				}
			} else if count == 0 || !names(known, c.want) {
				t.Errorf("the start: %v; want %q", known, c.want)
			}
			o.goesOn(c.hidden)
		})
	}
}

func names(findings []bolt.Finding, want string) bool {
	return slices.ContainsFunc(findings, func(f bolt.Finding) bool { return strings.HasPrefix(f.String(), want) })
}

// goesOn checks that lists leave out and name one incident and no other, and that
// alerts are accepted: those of other incidents join them, that of the hidden one opens
// a new one.
func (o *opened) goesOn(hidden string) {
	o.t.Helper()
	ctx := context.Background()
	page, err := o.List(ctx, steps.ListQuery{Tenant: incident.DefaultTenant, Limit: 10})
	o.must(err)
	var want, got, damaged []string
	for n := 3; n >= 1; n-- {
		if id(n) != hidden {
			want = append(want, id(n))
		}
	}
	for _, inc := range page.Incidents {
		got = append(got, inc.ID)
	}
	if hidden != "" {
		damaged = []string{hidden}
	}
	if !slices.Equal(got, want) || !slices.Equal(page.Damaged, damaged) {
		o.t.Errorf("the list has %v and names %v; want %v and %v", got, page.Damaged, want, damaged)
	}
	for _, status := range []incident.Status{incident.Detected, incident.WaitingForApproval, incident.Escalated} {
		if _, err := o.List(ctx, steps.ListQuery{Tenant: incident.DefaultTenant, Status: status, Limit: 10}); err != nil {
			o.t.Errorf("the list of %s: %v", status, err)
		}
	}
	for n := 1; n <= 2; n++ {
		joined, err := o.Join(ctx, incident.DefaultTenant, alert(n).Fingerprint(), incident.Latest{At: now})
		if id(n) != hidden {
			if err != nil || joined.ID != id(n) {
				o.t.Errorf("a repeat of %s: %v %v", id(n), joined, err)
			}
			continue
		}
		if incident.KindOf(err) != incident.NotFound {
			o.t.Errorf("a repeat of the damaged one joins %v %v; it must open a new one", joined, err)
		}
		c := incident.Open(incident.New{Ref: ref(n + 100), Alert: alert(n), By: incident.Local, ApprovalTimeout: time.Hour, Now: now})
		o.must(o.Commit(ctx, c))
		if joined, err := o.Join(ctx, incident.DefaultTenant, alert(n).Fingerprint(), incident.Latest{At: now}); err != nil || joined.ID != id(n+100) {
			o.t.Errorf("the next repeat: %v %v", joined, err)
		}
	}
}

// TestADamagedHolderDoesNotKeepAnIncidentFromEnding: what is beside an incident may be
// damaged, and it still ends and shows.
func TestADamagedHolderDoesNotKeepAnIncidentFromEnding(t *testing.T) {
	o := openStore(t, filled(t))
	key := []byte(incident.DefaultTenant + "\x00" + alert(2).Fingerprint())
	o.must(o.db.Update(func(tx *bbolt.Tx) error { return tx.Bucket([]byte("dedup")).Put(key, []byte("noise")) }))
	inc, err := o.Load(context.Background(), ref(2))
	o.must(err)
	inc = o.commit(inc.Settle(incident.ReasonApprovalTimeout, now))
	o.commit(inc.Close("no tracker", now))
	if _, count := o.db.Damage.Known(); count != 1 {
		t.Errorf("%d places are known to be damaged, want the one that was met", count)
	}
	if report, err := o.db.Check(); err != nil || !report.Whole() {
		t.Errorf("after the end: %v %v", report, err)
	}
}

func TestAStoreOfTheFirstLayoutIsBroughtUpToDate(t *testing.T) {
	for _, cut := range []string{"", "events", "incidents"} {
		dir := firstLayout(t)
		if report, err := bolt.Check(dir); err != nil || !report.Whole() || report.Incidents != 6 {
			t.Fatalf("before: %v %v", report, err)
		}
		if cut != "" { // a crash in the middle: one bucket has its checksums, the layout's record does not say so yet
			raw(t, dir, func(tx *bbolt.Tx) error {
				b, seal := tx.Bucket([]byte(cut)), dbfile.NewSeal(cut)
				type record struct{ k, v []byte }
				var all []record
				err := b.ForEach(func(k, v []byte) error {
					all = append(all, record{bytes.Clone(k), seal.Close(k, v)})
					return nil
				})
				for _, r := range all {
					err = errors.Join(err, b.Put(r.k, r.v))
				}
				return err
			})
		}
		o := openStore(t, dir)
		if len(o.db.Opened) != 1 || !strings.Contains(o.db.Opened[0], "every record has a checksum") {
			t.Errorf("the start said %q", o.db.Opened)
		}
		report, err := o.db.Check()
		if err != nil || !report.Whole() || report.Incidents != 6 {
			t.Fatalf("cut off in %q: %v %v", cut, report, err)
		}
		page, err := o.List(context.Background(), steps.ListQuery{Tenant: incident.DefaultTenant, Limit: 10})
		o.must(err)
		for _, inc := range page.Incidents {
			events, err := o.Events(context.Background(), inc.Ref)
			if bad := incident.VerifyChain(inc, events); err != nil || bad != nil {
				t.Errorf("%s: %v %v", inc.ID, err, bad)
			}
		}
		if len(page.Incidents) != 6 {
			t.Errorf("%d incidents are listed", len(page.Incidents))
		}
		o.close()
		if again := openStore(t, dir); len(again.db.Opened) != 0 {
			t.Errorf("the next start said %q", again.db.Opened)
		}
	}
}

// firstLayout unpacks a store that an OpsGuard without checksums wrote: six incidents,
// four of which wait.
func firstLayout(t *testing.T) (dir string) {
	t.Helper()
	packed, err := os.Open("testdata/layout1.db.gz")
	if err != nil {
		t.Fatal(err)
	}
	defer packed.Close()
	text, err := gzip.NewReader(packed)
	if err != nil {
		t.Fatal(err)
	}
	file, err := io.ReadAll(text)
	dir = t.TempDir()
	if err = errors.Join(err, os.WriteFile(filepath.Join(dir, bolt.FileName), file, 0o600)); err != nil {
		t.Fatal(err)
	}
	return dir
}

// What an alert said last is shown beside an incident, and does not hide it when it is damaged.
func TestADamagedLatestEvidenceHidesNothing(t *testing.T) {
	dir := filled(t)
	o := openStore(t, dir)
	says := incident.Latest{At: now, Logs: "disk full", Digest: "other"}
	_, err := o.Join(t.Context(), incident.DefaultTenant, alert(1).Fingerprint(), says)
	o.must(err)
	o.close()
	raw(t, dir, flip("latest", id(1)))
	o = openStore(t, dir)
	if l, err := o.Latest(t.Context(), ref(1)); err != nil || l.Logs != "" || !l.At.IsZero() {
		t.Errorf("%+v, %v", l, err)
	}
	if _, count := o.db.Damage.Known(); count == 0 {
		t.Error("the damage is not told")
	}
}
