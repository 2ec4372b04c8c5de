package e2e

import (
	"bytes"
	endian "encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"go.etcd.io/bbolt"

	"github.com/opsguard/opsguard/infra/local/dbfile"
	"github.com/opsguard/opsguard/pkg/incident"
)

// tampered is one incident's part of the store, opened by somebody who can write
// the file and makes the checksums fit.
type tampered struct {
	t   *testing.T
	tx  *bbolt.Tx
	ref incident.Ref
}

func (s tampered) eventKey(seq int64) []byte {
	return endian.BigEndian.AppendUint64([]byte(s.ref.Tenant+"\x00"+s.ref.ID+"\x00"), uint64(seq))
}

func (s tampered) get(bucket string, k []byte) []byte {
	v, err := dbfile.NewSeal(bucket).Open(k, s.tx.Bucket([]byte(bucket)).Get(k))
	s.must(err)
	return v
}

func (s tampered) put(bucket string, k, v []byte) {
	s.must(s.tx.Bucket([]byte(bucket)).Put(k, dbfile.NewSeal(bucket).Close(k, v)))
}

func (s tampered) event(seq int64) (e incident.Event) {
	s.must(json.Unmarshal(s.get("events", s.eventKey(seq)), &e))
	return e
}

func (s tampered) putEvent(seq int64, e incident.Event) {
	b, err := json.Marshal(e)
	s.must(err)
	s.put("events", s.eventKey(seq), b)
}

func (s tampered) remove(seqs ...int64) {
	for _, seq := range seqs {
		s.must(s.tx.Bucket([]byte("events")).Delete(s.eventKey(seq)))
	}
}

// record rewrites META: its version, its status, and the incident in JSON.
func (s tampered) record(change func(*incident.Incident)) {
	k := []byte(s.ref.Tenant + "\x00" + s.ref.ID)
	v := s.get("incidents", k)
	var inc incident.Incident
	s.must(json.Unmarshal(v[9+int(v[8]):], &inc))
	change(&inc)
	body, err := json.Marshal(inc)
	s.must(err)
	v = endian.BigEndian.AppendUint64(nil, uint64(inc.Version))
	v = append(append(append(v, byte(len(inc.Status))), inc.Status...), body...)
	s.put("incidents", k, v)
}

func (s tampered) must(err error) {
	if err != nil {
		s.t.Helper()
		s.t.Fatal(err)
	}
}

// forgery is one way to falsify a trail of eight events: detected, analyzed,
// approval-requested, notified, decided, fix-started, fix-finished, resolved.
type forgery struct {
	name string
	do   func(forged, other tampered)
	seq  int64 // where it must be found; 0 for nowhere
	why  string
	// chain: the events alone give it away, so that GET .../audit shows it too. The
	// rest only shows when record and trail are compared as of one moment.
	chain bool
}

var forgeries = []forgery{
	{"nothing", func(tampered, tampered) {}, 0, "", true},
	{"who decided is changed", func(s, _ tampered) {
		e := s.event(6)
		e.Actor = incident.KeyActor("ben")
		s.putEvent(6, e)
	}, 6, "was changed", true},
	{"a detail is changed and the event hashed anew", func(s, _ tampered) {
		e := s.event(6)
		e.Details["note"] = "anna told me to"
		e.Hash = e.HashFor(s.ref)
		s.putEvent(6, e)
	}, 7, "does not follow", true},
	{"a time is changed in the first event", func(s, _ tampered) {
		e := s.event(1)
		e.Time = e.Time.Add(-60e9)
		s.putEvent(1, e)
	}, 1, "was changed", true},
	{"an event in the middle is removed", func(s, _ tampered) { s.remove(5) }, 5, "missing or reordered", true},
	{"the first event is removed", func(s, _ tampered) { s.remove(1) }, 1, "missing or reordered", true},
	{"two events are exchanged", func(s, _ tampered) {
		a, b := s.event(5), s.event(6)
		s.putEvent(5, b)
		s.putEvent(6, a)
	}, 5, "missing or reordered", true},
	{"two events are exchanged and renumbered", func(s, _ tampered) {
		a, b := s.event(5), s.event(6)
		a.Seq, b.Seq = 6, 5
		s.putEvent(5, b)
		s.putEvent(6, a)
	}, 5, "does not follow", true},
	{"the last event is cut off", func(s, _ tampered) { s.remove(9) }, 9, "cut off", true},
	{"all after the decision is cut off", func(s, _ tampered) { s.remove(7, 8, 9) }, 7, "cut off", true},
	{"the whole trail is gone", func(s, _ tampered) { s.remove(1, 2, 3, 4, 5, 6, 7, 8, 9) }, 1, "cut off", true},
	{"the decision of another incident is moved here", func(s, o tampered) { s.putEvent(6, o.event(6)) }, 6, "does not follow", true},
	{"the first event of another incident is moved here", func(s, o tampered) { s.putEvent(1, o.event(1)) }, 1, "another incident", true},
	{"the whole trail of another incident is moved here, head and all", func(s, o tampered) {
		for seq := int64(1); seq <= 9; seq++ {
			s.putEvent(seq, o.event(seq))
		}
		s.record(func(inc *incident.Incident) { inc.HeadHash = o.event(9).Hash })
	}, 1, "another incident", true},
	{"an event is there twice", func(s, _ tampered) { s.putEvent(10, s.event(9)) }, 10, "missing or reordered", true},
	{"the head in the record is changed", func(s, _ tampered) {
		s.record(func(inc *incident.Incident) { inc.HeadHash = strings.Repeat("0", 64) })
	}, 9, "is not the head", true},
	{"the record claims one event more", func(s, _ tampered) {
		s.record(func(inc *incident.Incident) { inc.Version++ })
	}, 10, "cut off", true},
	{"an event is added", func(s, _ tampered) {
		e := incident.Event{Seq: 10, Time: s.event(9).Time, Actor: incident.System, Action: incident.EventFixLate, Details: map[string]string{}, PrevHash: s.event(9).Hash}
		e.Hash = e.HashFor(s.ref)
		s.putEvent(10, e)
	}, 10, "after the incident's head", false},
	{"the record is set back to before the end", func(s, _ tampered) {
		s.record(func(inc *incident.Incident) { inc.Version, inc.HeadHash = 8, s.event(8).Hash })
	}, 9, "after the incident's head", false},
	{"the record names another who decided", func(s, _ tampered) {
		s.record(func(inc *incident.Incident) { inc.Decision.By = incident.KeyActor("ben") })
	}, 6, `it was decided by "key:ben"`, false},
	{"the record names another plan", func(s, _ tampered) {
		s.record(func(inc *incident.Incident) { inc.Plan.FixID = "rollback-deployment" })
	}, 3, "the plan hashes to", false},
	{"the record claims that the fix was real", func(s, _ tampered) {
		s.record(func(inc *incident.Incident) { inc.Attempt.Outcome = incident.Fixed })
	}, 8, `the fix ended "fixed", the trail says "simulated"`, false},
	{"the record claims a ticket", func(s, _ tampered) {
		s.record(func(inc *incident.Incident) { inc.Ticket = &incident.Ticket{Tracker: "simulated", Key: "SIM-1"} })
	}, 9, `the ticket is "SIM-1"`, false},
	{"the evidence is changed", func(s, _ tampered) {
		s.put("evidence", []byte(s.ref.Tenant+"\x00"+s.ref.ID), []byte(`{"logs":"all was well"}`))
	}, 1, "the evidence hashes to", false},
	{"the evidence is gone", func(s, _ tampered) {
		s.must(s.tx.Bucket([]byte("evidence")).Delete([]byte(s.ref.Tenant + "\x00" + s.ref.ID)))
	}, 1, "the evidence hashes to", false},
	{"the record claims another end", func(s, _ tampered) {
		s.record(func(inc *incident.Incident) { inc.Status = incident.Escalated })
	}, 9, `the status is "ESCALATED"`, false},
}

// tamper applies every forgery to an incident of its own.
func tamper(t *testing.T, dir string, ids []string, other string) {
	db, err := bbolt.Open(filepath.Join(dir, "opsguard.db"), 0o600, nil)
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	at := func(tx *bbolt.Tx, id string) tampered {
		return tampered{t, tx, incident.Ref{Tenant: incident.DefaultTenant, ID: id}}
	}
	if err := db.Update(func(tx *bbolt.Tx) error {
		for n, f := range forgeries {
			f.do(at(tx, ids[n]), at(tx, other))
		}
		return nil
	}); err != nil {
		t.Fatal(err)
	}
}

// auditVerify runs the command and returns what it printed and its exit status.
func auditVerify(t *testing.T, dir string, args ...string) (out, failed string, status int) {
	t.Helper()
	return command(t, append([]string{"audit", "verify", "--data-dir", dir}, args...)...)
}

// command runs the built program and returns what it printed and its exit status.
func command(t *testing.T, args ...string) (out, failed string, status int) {
	t.Helper()
	path, err := binary()
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command(path, args...)
	cmd.Env = cleanEnv(atOnce)
	var stdout, stderr bytes.Buffer
	cmd.Stdout, cmd.Stderr = &stdout, &stderr
	var exit *exec.ExitError
	if err := cmd.Run(); err != nil && !errors.As(err, &exit) {
		t.Fatal(err)
	}
	return stdout.String(), stderr.String(), cmd.ProcessState.ExitCode()
}

// TestAFalsifiedTrailIsNamedWhereItIsFalse holds `opsguard audit verify`, with
// and without a serving process, and GET .../audit to a store that somebody wrote
// to behind OpsGuard's back.
func TestAFalsifiedTrailIsNamedWhereItIsFalse(t *testing.T) {
	dir, addr := t.TempDir(), freeAddr(t)
	p := serve(t, dir, addr)
	c := newClient(t, p.target())
	var ids []string
	for range len(forgeries) + 1 { // the last one lends its events
		id := c.waiting(oom)
		c.decide(id, "approve")
		ids = append(ids, id)
	}
	for _, id := range ids {
		c.until(id, "RESOLVED")
	}
	other := ids[len(forgeries)]
	if out, _, status := auditVerify(t, dir, "--all"); status != 0 || !strings.HasPrefix(out, fmt.Sprintf("%d checked, %d whole, 0 bad", len(ids), len(ids))) {
		t.Fatalf("before anything was changed: %d %q", status, out)
	}
	p.kill()
	tamper(t, dir, ids, other)

	alone, _, status := auditVerify(t, dir, "--all")
	if status != 1 {
		t.Errorf("exit status %d, want 1", status)
	}
	for n, f := range forgeries {
		_, line, _ := strings.Cut("\n"+alone, "\n"+ids[n]+" ")
		line, _, _ = strings.Cut(line, "\n")
		if f.seq == 0 && line != "" || f.seq != 0 && (!strings.HasPrefix(line, fmt.Sprintf("event %d: ", f.seq)) || !strings.Contains(line, f.why)) {
			t.Errorf("%s: %q; want event %d, %q", f.name, line, f.seq, f.why)
		}
	}
	if want := fmt.Sprintf("%d checked, 2 whole, %d bad, 0 could not be checked\n", len(ids), len(ids)-2); !strings.HasSuffix(alone, want) || strings.Count(alone, "\n") != len(ids)-1 {
		t.Errorf("it printed\n%s\nwant a line for each bad one and %q", alone, want)
	}

	c = newClient(t, serve(t, dir, addr).target())
	if serving, _, status := auditVerify(t, dir, "--all"); status != 1 || serving != alone {
		t.Errorf("while it serves: %d\n%s\nwant what it said alone\n%s", status, serving, alone)
	}
	for n, f := range forgeries {
		got := c.call("GET", "/incidents/"+ids[n]+"/audit", "", nil)
		var seq any
		if f.seq != 0 {
			seq = float64(f.seq)
		}
		if f.chain && (got.get("valid") != (f.seq == 0) || got.get("firstBadSeq") != seq) {
			t.Errorf("%s: GET audit says valid %v, firstBadSeq %v; want %v", f.name, got.get("valid"), got.get("firstBadSeq"), seq)
		}
	}
}

func TestAuditVerifyTellsBadFromUnchecked(t *testing.T) {
	dir := t.TempDir()
	p := serve(t, dir, freeAddr(t))
	c := newClient(t, p.target())
	open := c.waiting(oom) // a trail that still grows is whole as well
	none := "INC-01ARZ3NDEKTSV4RRFFQ69G5FAV"
	check := func(when string) {
		t.Helper()
		for _, try := range []struct {
			name, want string
			args       []string
			status     int
		}{
			{"one that is whole", "1 checked, 1 whole, 0 bad, 0 could not", []string{open}, 0},
			{"one that is not there", "0 checked, 0 whole, 0 bad, 1 could not", []string{none}, 2},
			{"nonsense", "1 checked, 1 whole, 0 bad, 1 could not", []string{"INC-1\x1b[2J", open}, 2},
			{"nothing", "", nil, 2},
		} {
			out, failed, status := auditVerify(t, dir, try.args...)
			if status != try.status || !strings.HasPrefix(out, try.want) || (status == 2) != (failed != "") || strings.Contains(out+failed, "\x1b") {
				t.Errorf("%s, %s: %d %q %q; want %d %q", when, try.name, status, out, failed, try.status, try.want)
			}
		}
	}
	check("while it serves")
	p.kill()
	before, err := os.ReadFile(filepath.Join(dir, "opsguard.db"))
	if err != nil {
		t.Fatal(err)
	}
	check("alone")
	if after, err := os.ReadFile(filepath.Join(dir, "opsguard.db")); err != nil || !bytes.Equal(before, after) {
		t.Errorf("checking wrote to the store (%v)", err)
	}
	empty := t.TempDir()
	if _, failed, status := auditVerify(t, empty, "--all"); status != 2 || !strings.Contains(failed, "no store") {
		t.Errorf("an empty directory: %d %q", status, failed)
	}
	damaged := t.TempDir()
	if err := os.WriteFile(filepath.Join(damaged, "opsguard.db"), before[:len(before)/2], 0o600); err != nil {
		t.Fatal(err)
	}
	if _, failed, status := auditVerify(t, damaged, "--all"); status != 2 || strings.Contains(failed, "goroutine") {
		t.Errorf("half a store: %d %q", status, failed)
	}
}
