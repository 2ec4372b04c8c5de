package bolt

import (
	"encoding/binary"
	"fmt"
	"strconv"
	"strings"
	"sync"
	"unicode"

	"github.com/opsguard/opsguard/pkg/incident"
)

// Finding is one thing that is wrong with a store.
type Finding struct {
	Bucket     string `json:"bucket"`     // "" where that cannot be told
	Key        string `json:"key"`        // in readable form; "" if it is not about one record
	IncidentID string `json:"incidentId"` // "" if it is not about one incident
	What       string `json:"what"`

	raw string // the record's key
}

func (f Finding) String() string {
	return strings.TrimLeft(strings.TrimSpace(f.Bucket+" "+f.Key)+": "+f.What, ": ")
}

// finding is about one record.
func finding(bucket string, key []byte, what string) Finding {
	return Finding{bucket, readable(bucket, key), incidentOf(bucket, key), what, string(key)}
}

// lost is about an incident that the records of one bucket do not bear out.
func lost(bucket, id, what string) Finding { return Finding{bucket, id, id, what, ""} }

// parts splits a key as the bucket's keys are made: the tenant comes first, and an
// event's number last.
func parts(bucket string, key []byte) []string {
	text := string(key)
	if bucket == string(bucketEvents.name) && len(text) > 9 && text[len(text)-9] == 0 {
		seq := binary.BigEndian.Uint64(key[len(key)-8:])
		return append(strings.Split(text[:len(text)-9], "\x00"), strconv.FormatUint(seq, 10))
	}
	return strings.Split(text, "\x00")
}

// maxReadable bounds one part of a key in words, in bytes.
const maxReadable = 120

// readable is a key in words: the default tenant goes without saying, and what is
// not printable is quoted.
func readable(bucket string, key []byte) string {
	split := parts(bucket, key)
	if len(split) > 1 && split[0] == incident.DefaultTenant {
		split = split[1:]
	}
	for i, part := range split {
		part = incident.Cut(part, maxReadable)
		if part == "" || strings.ContainsFunc(part, func(r rune) bool { return r == unicode.ReplacementChar || !unicode.IsGraphic(r) }) {
			part = strconv.QuoteToASCII(part)
		}
		split[i] = part
	}
	return strings.Join(split, " ")
}

// incidentOf returns the id of the incident that a key is about, "" if none.
func incidentOf(bucket string, key []byte) string {
	at := map[string]int{
		string(bucketMeta.name): 1, string(bucketStatus.name): 2, string(bucketEvents.name): 1, string(bucketEvidence.name): 1, string(bucketWaits.name): 1,
		"engine/running": 0, "engine/ended": 0,
	}
	i, known := at[bucket]
	if split := parts(bucket, key); known && i < len(split) && incident.ValidID(split[i]) {
		return split[i]
	}
	return ""
}

// maxKept bounds how many findings are kept and told.
const maxKept = 1000

// Damage is what is known to be wrong with an open store: what the examination at
// the start found, and what was met since.
type Damage struct {
	mu    sync.Mutex
	known map[Finding]bool
	all   []Finding
	count int
	tell  func(Finding)
}

// note adds findings, each once.
func (d *Damage) note(findings ...Finding) {
	d.mu.Lock()
	defer d.mu.Unlock()
	for _, f := range findings {
		if d.known[f] {
			continue
		}
		d.count++
		if len(d.all) == maxKept {
			continue
		}
		if d.known == nil {
			d.known = map[Finding]bool{}
		}
		d.known[f] = true
		d.all = append(d.all, f)
		if d.tell != nil {
			d.tell(f)
		}
	}
}

// replace forgets what was known: the store has been examined as a whole.
func (d *Damage) replace(findings []Finding, count int) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.known, d.all, d.count = map[Finding]bool{}, nil, count
	for _, f := range findings {
		d.known[f] = true
		d.all = append(d.all, f)
	}
}

// Known returns what is wrong, at most 1000 findings, and how much that is.
func (d *Damage) Known() (findings []Finding, count int) {
	d.mu.Lock()
	defer d.mu.Unlock()
	return append([]Finding{}, d.all...), d.count
}

// TellTo says who hears of damage that is met from now on, once of each.
func (d *Damage) TellTo(tell func(Finding)) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.tell = tell
}

// Unlisted reports whether a finding is about an incident that lists leave out: its
// record is damaged or lost.
func Unlisted(f Finding) bool { return f.Bucket == string(bucketMeta.name) && f.IncidentID != "" }

func pluralf(n int, one, many string) string {
	if n == 1 {
		return "1 " + one
	}
	return fmt.Sprintf("%d %s", n, many)
}
