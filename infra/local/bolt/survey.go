package bolt

import (
	"encoding/binary"
	"encoding/json"
	"hash/maphash"
	"slices"

	"github.com/opsguard/opsguard/infra/local/dbfile"
	"github.com/opsguard/opsguard/infra/local/engine"
	"github.com/opsguard/opsguard/pkg/incident"
)

// survey judges the records of a store while its file is read once: each by its
// checksum, and each bucket by the others, since a record that is gone has no
// checksum to fail. An incident has one entry in the index of statuses, one
// evidence and as many events as its version says; while it is open, its
// fingerprint is held; while people are waited for, there is a wait.
//
// Only sums and the open incidents are kept, so that a store of any size can be
// judged; who is concerned is found by reading once more, when something is.
type survey struct {
	seals  map[string]dbfile.Seal
	layout string
	seen   map[string]bool // buckets

	findings []Finding
	count    int
	kept     int // records that a rebuild takes

	seed                     maphash.Seed
	incidents, opened        uint64
	status, events, evidence uint64              // sums over what incidents say, less what is there
	held, waited             map[uint64]struct{} // hashes of incidents
	unheld                   int                 // open incidents whose fingerprint nobody holds
	buf                      []byte
}

func newSurvey(layout string) *survey {
	s := &survey{seals: map[string]dbfile.Seal{}, layout: layout, seen: map[string]bool{}, seed: maphash.MakeSeed(),
		held: map[uint64]struct{}{}, waited: map[uint64]struct{}{}}
	for _, b := range buckets {
		s.seals[string(b.name)] = b.seal
	}
	for _, name := range engine.Buckets() {
		s.seals[name] = dbfile.NewSeal(name)
	}
	return s
}

func (s *survey) find(f Finding) {
	s.count++
	if len(s.findings) < maxKept {
		s.findings = append(s.findings, f)
	}
}

// contents is what an examination calls.
func (s *survey) contents() dbfile.Contents {
	return dbfile.Contents{
		Bucket: func(name string, sequence uint64) {
			s.seen[name] = true
			if name == string(bucketMeta.name) {
				s.opened = sequence
			}
		},
		Record: func(r dbfile.Record) {
			value, ok := s.open(r)
			if !ok {
				s.find(finding(r.Bucket, r.Key, checksumFails))
				return
			}
			s.add(r.Bucket, r.Key, value)
		},
	}
}

// open checks a record and returns its value.
func (s *survey) open(r dbfile.Record) ([]byte, bool) {
	seal, known := s.seals[r.Bucket]
	switch {
	case !known:
		return nil, true // of a bucket that is not ours
	case r.Bucket == string(bucketInfo.name) && string(r.Key) == schemaKey:
		return r.Value, true // stays readable for every version
	case s.layout == firstLayout && !dbfile.Sealed(r.Value):
		return r.Value, plausible(r.Bucket, r.Value)
	}
	value, err := seal.Open(r.Key, r.Value)
	return value, err == nil
}

// plausible judges what has no checksum: most of it is JSON.
func plausible(bucket string, value []byte) bool {
	switch bucket {
	case string(bucketMeta.name):
		_, _, body, err := splitMeta(value)
		return err == nil && json.Valid(body)
	case string(bucketStatus.name):
		return len(value) == 1 && value[0] == 1
	case string(bucketInfo.name):
		return true
	}
	if slices.Contains(engine.Buckets(), bucket) {
		return engine.Plausible(bucket, value)
	}
	return json.Valid(value)
}

func (s *survey) hash(key []byte) uint64 { return maphash.Bytes(s.seed, key) }

// add weighs a good record against the others. Buckets come in the order of their
// names: dedup, events, evidence, incidents, status, waits.
func (s *survey) add(bucket string, key, value []byte) {
	switch bucket {
	case string(bucketDedup.name):
		if ref, ok := holder(key, value); ok {
			s.held[s.hash(ref)] = struct{}{}
		}
	case string(bucketEvents.name):
		s.events -= s.hash(key)
	case string(bucketEvidence.name):
		s.evidence -= s.hash(key)
	case string(bucketStatus.name):
		s.status -= s.hash(key)
	case string(bucketWaits.name):
		delete(s.waited, s.hash(key))
	case string(bucketMeta.name):
		s.incident(key, value)
	}
}

func (s *survey) incident(key, value []byte) {
	version, status, _, err := splitMeta(value)
	if err != nil {
		s.find(finding(string(bucketMeta.name), key, "it cannot be read"))
		return
	}
	s.incidents++
	h := s.hash(key)
	s.evidence += h
	s.status += s.hash(statusKey(key, status))
	for seq := int64(1); seq <= version; seq++ {
		s.buf = binary.BigEndian.AppendUint64(append(append(s.buf[:0], key...), 0), uint64(seq))
		s.events += s.hash(s.buf)
	}
	if _, ok := s.held[h]; ok {
		delete(s.held, h)
	} else if !incident.Status(status).Final() {
		s.unheld++
	}
	if incident.Status(status) == incident.WaitingForApproval {
		s.waited[h] = struct{}{}
	}
}

// holder returns the key of the incident that holds a fingerprint.
func holder(key, value []byte) ([]byte, bool) {
	var d dedup
	tenant, _, ok := cutKey(key)
	if json.Unmarshal(value, &d) != nil || !ok {
		return nil, false
	}
	return append(append(append([]byte{}, tenant...), 0), d.ID...), true
}

// adds up reports whether the buckets bear each other out.
func (s *survey) addsUp() bool {
	return s.status|s.events|s.evidence == 0 && len(s.held)+len(s.waited)+s.unheld == 0 && (s.layout == firstLayout || s.incidents == s.opened)
}

// missing names a bucket that is not there while one is that nobody knows: its name
// is damaged, and bbolt would make an empty one beside it.
func (s *survey) missing() (string, bool) {
	strange := false
	for name := range s.seen {
		if _, known := s.seals[name]; !known {
			strange = true
		}
	}
	for name := range s.seals {
		if strange && !s.seen[name] {
			return name, true
		}
	}
	return "", false
}
