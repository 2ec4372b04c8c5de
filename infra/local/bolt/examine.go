package bolt

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"sort"
	"strings"

	"github.com/opsguard/opsguard/infra/local/dbfile"
	"github.com/opsguard/opsguard/pkg/incident"
)

// Report is what is wrong with a store.
type Report struct {
	Findings  []Finding `json:"findings"` // at most 1000
	Count     int       `json:"count"`    // how many there are
	Incidents int       `json:"incidents"`
	// Notes are not damage, or none any more.
	Notes []string `json:"notes"`

	broken  bool // what is wrong is in the file's structure
	renamed bool // a bucket's name is damaged
	opened  int  // how many incidents were ever opened, as far as that is known
	exam    *dbfile.Examination
	layout  string
}

// Whole reports whether nothing is wrong.
func (r *Report) Whole() bool { return r.Count == 0 }

// examine reads a store through. The error says why that could not be done; of a
// file whose end is missing there is a report too.
func examine(f *dbfile.File) (*Report, error) {
	layout, err := layoutIn(f)
	if err != nil {
		return nil, err
	}
	s := newSurvey(layout)
	exam, err := f.Examine(s.contents())
	if exam == nil {
		return nil, err
	}
	if !s.addsUp() {
		n := newNamer(s)
		if again, err := f.Examine(n.contents()); again == nil {
			return nil, err
		}
		n.judge()
	}
	r := &Report{Findings: []Finding{}, Notes: []string{}, Incidents: int(s.incidents), opened: int(s.opened), exam: exam, layout: layout}
	for _, flaw := range exam.Broken {
		r.Findings = append(r.Findings, brokenPart(flaw))
	}
	var missing string
	if missing, r.renamed = s.missing(); r.renamed {
		r.Findings = append(r.Findings, Finding{Bucket: missing, What: "the bucket is not there, and one that nobody knows is"})
	}
	r.broken = len(r.Findings) > 0
	r.Count = len(r.Findings) + s.count
	r.Findings = append(r.Findings, s.findings...)
	if exam.LastWriteInDoubt {
		r.Notes = append(r.Notes, "one of the two pages that name the newest state is damaged; if it was the newer one, what was written last is missing")
	}
	return r, err
}

// layoutIn returns the layout of a store that has not been opened yet. It refuses one
// that this version does not know, before anything is judged by it.
func layoutIn(f *dbfile.File) (string, error) {
	have := string(f.Find(string(bucketInfo.name), schemaKey))
	var twin string
	if v, err := bucketInfo.seal.Open([]byte(twinKey), f.Find(string(bucketInfo.name), twinKey)); err == nil {
		_ = json.Unmarshal(v, &twin) // then there is none
	}
	return agreed(have, twin)
}

// agreed returns the layout that the two records of it tell: the plain one, which
// every version reads, and the one with a checksum, which the first layout lacks.
// Where they differ, the one with the checksum is right.
func agreed(have, twin string) (string, error) {
	switch {
	case twin == "" && (have == "" || have == firstLayout):
		return firstLayout, nil
	case twin == schema, twin == inUse, twin == "" && (have == schema || have == inUse):
		return schema, nil
	case twin != "":
		have = twin
	}
	return "", fmt.Errorf("%w: the store has layout %s, this opsguard knows %s; use the version that wrote it", errNewer, have, schema)
}

var errNewer = errors.New("not opened")

// brokenPart is damage to the file's structure in words.
func brokenPart(flaw dbfile.Flaw) Finding {
	f := Finding{Bucket: flaw.Bucket, What: flaw.What}
	if flaw.Page != 0 {
		f.Key = fmt.Sprintf("page %d", flaw.Page)
	}
	return f
}

// namer finds who is concerned when the sums of a survey differ. It keeps a few
// words about every incident.
type namer struct {
	s         *survey
	incidents map[string]*traces // by the key of the record
}

// traces is what the buckets tell of one incident.
type traces struct {
	there, bad             bool // its record
	version, events        int64
	status                 string
	statuses               []string
	evidence, held, waited bool
	badEvents              int64
	badEvidence, badWait   bool
}

func newNamer(s *survey) *namer { return &namer{s, map[string]*traces{}} }

func (n *namer) at(key []byte) *traces {
	t := n.incidents[string(key)]
	if t == nil {
		t = &traces{}
		n.incidents[string(key)] = t
	}
	return t
}

func (n *namer) contents() dbfile.Contents {
	return dbfile.Contents{Bucket: func(string, uint64) {}, Record: func(r dbfile.Record) {
		if value, ok := n.s.open(r); ok {
			n.good(r.Bucket, r.Key, value)
		} else {
			n.bad(r.Bucket, r.Key)
		}
	}}
}

func (n *namer) good(bucket string, key, value []byte) {
	switch bucket {
	case string(bucketMeta.name):
		t := n.at(key)
		var err error
		t.version, t.status, _, err = splitMeta(value)
		t.there, t.bad = err == nil, err != nil
	case string(bucketEvents.name):
		if len(key) > 9 {
			n.at(key[:len(key)-9]).events++
		}
	case string(bucketEvidence.name):
		n.at(key).evidence = true
	case string(bucketWaits.name):
		n.at(key).waited = true
	case string(bucketDedup.name):
		if ref, ok := holder(key, value); ok {
			n.at(ref).held = true
		}
	case string(bucketStatus.name):
		if ref, status, ok := splitStatusKey(key); ok {
			t := n.at(ref)
			t.statuses = append(t.statuses, status)
		}
	}
}

// bad remembers whose record is damaged, so that it is not told as lost too.
func (n *namer) bad(bucket string, key []byte) {
	switch bucket {
	case string(bucketMeta.name):
		n.at(key).bad = true
	case string(bucketEvents.name):
		if len(key) > 9 {
			n.at(key[:len(key)-9]).badEvents++
		}
	case string(bucketEvidence.name):
		n.at(key).badEvidence = true
	case string(bucketWaits.name):
		n.at(key).badWait = true
	}
}

// judge adds to the survey's findings what is missing.
func (n *namer) judge() {
	keys := make([]string, 0, len(n.incidents))
	for key := range n.incidents {
		keys = append(keys, key)
	}
	sort.Strings(keys)
	known := 0
	for _, key := range keys {
		t := n.incidents[key]
		if t.there || t.bad {
			known++
		}
		_, id, _ := cutKey([]byte(key))
		switch {
		case t.there:
			n.bornOut(string(id), t)
		case t.bad: // told as a bad record
		default:
			if what := t.remains(); what != "" && incident.ValidID(string(id)) {
				known++
				n.s.find(lost(string(bucketMeta.name), string(id), "its record is lost; there is still "+what))
			}
		}
	}
	if more := int(n.s.opened) - known; more > 0 && n.s.layout != firstLayout {
		n.s.find(Finding{Bucket: string(bucketMeta.name), What: fmt.Sprintf("%s opened of which nothing is left", pluralf(more, "incident was", "incidents were"))})
	}
}

// remains says what is left of an incident whose record is gone.
func (t *traces) remains() string {
	var left []string
	for _, part := range []struct {
		there bool
		what  string
	}{{len(t.statuses) > 0, strings.Join(t.statuses, " and ") + " in the lists by status"}, {t.events > 0, pluralf(int(t.events), "event", "events")},
		{t.evidence, "its evidence"}, {t.waited, "its wait"}, {t.held, "its fingerprint"}} {
		if part.there {
			left = append(left, part.what)
		}
	}
	return strings.Join(left, ", ")
}

// bornOut checks what belongs to an incident whose record is good.
func (n *namer) bornOut(id string, t *traces) {
	if t.events+t.badEvents < t.version {
		n.s.find(lost(string(bucketEvents.name), id, fmt.Sprintf("%d of its %d events are lost", t.version-t.events-t.badEvents, t.version)))
	} else if t.events > t.version {
		n.s.find(lost(string(bucketEvents.name), id, fmt.Sprintf("there are %d events, and its record knows of %d", t.events, t.version)))
	}
	if !t.evidence && !t.badEvidence {
		n.s.find(lost(string(bucketEvidence.name), id, "its evidence is lost"))
	}
	open := !incident.Status(t.status).Final()
	if open && !t.held {
		n.s.find(lost(string(bucketDedup.name), id, "nothing holds its fingerprint: the same trouble opens another incident"))
	}
	if incident.Status(t.status) == incident.WaitingForApproval && !t.waited && !t.badWait {
		n.s.find(lost(string(bucketWaits.name), id, "its wait is lost: a decision cannot be delivered, and it ends at its deadline"))
	}
	if len(t.statuses) != 1 || t.statuses[0] != t.status {
		n.s.find(lost(string(bucketStatus.name), id, fmt.Sprintf("the lists by status have it as %q, and it is %s", strings.Join(t.statuses, ","), t.status)))
	}
}

// cutKey splits a key after its first part, which is the tenant.
func cutKey(key []byte) (tenant, rest []byte, ok bool) { return bytes.Cut(key, []byte{0}) }

// statusKey is the key in the index of statuses for the key of a record.
func statusKey(key []byte, status string) []byte {
	tenant, id, _ := cutKey(key)
	k := make([]byte, 0, len(key)+len(status)+1)
	k = append(append(append(k, tenant...), 0), status...)
	return append(append(k, 0), id...)
}

// splitStatusKey is its reverse.
func splitStatusKey(key []byte) (ref []byte, status string, ok bool) {
	tenant, rest, ok := cutKey(key)
	at, id, ok2 := cutKey(rest)
	return append(append(append([]byte{}, tenant...), 0), id...), string(at), ok && ok2
}

// explain says in words for the operator why a store could not be read through.
func explain(path string, err error) error {
	if errors.Is(err, errNewer) {
		return fmt.Errorf("%s: %w", path, err)
	}
	if errors.Is(err, dbfile.ErrTruncated) {
		return fmt.Errorf("%s is damaged: %w; restore it from a backup, or save what is left with: opsguard store salvage", path, err)
	}
	return fmt.Errorf("%s is damaged or not an OpsGuard store (%w); restore it from a backup, or move it away and begin with an empty one: opsguard store init", path, unwrapPath(err))
}
