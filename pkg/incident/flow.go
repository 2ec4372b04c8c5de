package incident

import (
	"crypto/sha256"
	"encoding/hex"
	"maps"
	"slices"
	"strings"
	"time"
)

// Limits of what is remembered of a service.
const (
	maxKnown      = 20  // shapes
	maxFolded     = 32  // shapes
	maxFlowShape  = 256 // bytes of one shape
	maxFlowSource = 256 // bytes of source and service
	maxSources    = 16
)

// Flow is what came of one service lately: how many incidents were opened in this
// hour, of which shapes they are, and what was folded into the flood. It is a memory
// that helps, not a record: where it is lost, a trouble may be opened twice, or the
// hour counted from the beginning. It holds at most 20 KiB.
type Flow struct {
	Version  int64     `json:"version"` // counts changes, for stores that need a lock
	Hour     time.Time `json:"hour"`    // the beginning of the hour that is counted
	Opened   int       `json:"opened"`  // new incidents in it that are not critical
	Critical int       `json:"critical"`
	Sources  []Share   `json:"sources"` // what each source has of both
	Known    []Known   `json:"known"`   // the newest first
	Folded   []Folded  `json:"folded"`  // in this hour, in the order of coming
	Others   int64     `json:"others"`  // folded alerts of other shapes
}

// Share is how many of the incidents in this hour one source opened.
type Share struct {
	Source   string `json:"source"`
	Opened   int    `json:"opened"`
	Critical int    `json:"critical"`
}

// Known is the shape of an incident that was opened. A * in it may have been learned.
type Known struct {
	Sender      string `json:"sender"` // source and service
	Shape       string `json:"shape"`
	Fingerprint string `json:"fingerprint"`
}

// Folded is a shape that came while the service was flooded.
type Folded struct {
	Shape string `json:"shape"`
	Count int64  `json:"count"`
}

// Meeting is what a service's flow says of an alert that no open incident has.
type Meeting struct {
	// Fingerprint is under which the alert is to be joined or opened: its own, or that
	// of the trouble that it turned out to be.
	Fingerprint string
	// Flood: too many incidents were opened in this hour. The alert belongs to the
	// service's one flood incident, which has this Fingerprint.
	Flood bool
}

// Meet takes notice of an alert whose fingerprint no open incident holds. perHour
// bounds the incidents that an hour may open; critical ones have as many for
// themselves, so that a flood of warnings hides none. Each source may open a quarter of
// it whatever others did, so that a flood of one hides nothing of another. 0: no bound.
// t is the alert's trouble. of is the service, or the name under which several have this
// flow together.
func (f *Flow) Meet(a Alert, t Trouble, of string, perHour int, now time.Time) Meeting {
	f.Version++
	if hour := now.UTC().Truncate(time.Hour); !hour.Equal(f.Hour) {
		f.Hour, f.Opened, f.Critical, f.Sources, f.Folded, f.Others = hour, 0, 0, nil, nil, 0
	}
	m := Meeting{Fingerprint: t.Fingerprint}
	shape := Cut(t.Shape, maxFlowShape)
	if shape != "" {
		if known, found := f.recognise(sender(a), shape); found {
			m.Fingerprint = known
			return m
		}
	}
	opened, own := f.counts(a)
	if perHour > 0 && *opened >= perHour && *own >= max(1, perHour/4) {
		m.Fingerprint, m.Flood = FloodFingerprint(a.Tenant, of), true
		if shape == "" {
			shape = Cut(ShapeOf(a.ErrorLogs), maxFlowShape)
		}
		f.fold(shape)
		return m
	}
	*opened++
	*own++
	if shape != "" {
		f.Known = append([]Known{{sender(a), shape, m.Fingerprint}}, f.Known[:min(len(f.Known), maxKnown-1)]...)
	}
	return m
}

// counts are where an incident of this severity is counted: for all, and for its source.
// A source beyond those that are told apart has no share of its own.
func (f *Flow) counts(a Alert) (all, own *int) {
	i := slices.IndexFunc(f.Sources, func(s Share) bool { return s.Source == a.Source })
	if i < 0 && len(f.Sources) < maxSources {
		i, f.Sources = len(f.Sources), append(f.Sources, Share{Source: a.Source})
	}
	share := &Share{Opened: f.Opened, Critical: f.Critical}
	if i >= 0 {
		share = &f.Sources[i]
	}
	if a.Severity == Critical {
		return &f.Critical, &share.Critical
	}
	return &f.Opened, &share.Opened
}

// sender tells apart whose shapes may be one: of one source and one service.
func sender(a Alert) string { return Cut(a.Source+"/"+a.Service, maxFlowSource) }

// floodMark keeps the fingerprints of floods apart from those of alerts.
const floodMark = "flood"

// FloodFingerprint is that of a service's flood incident.
func FloodFingerprint(tenant, service string) string {
	sum := sha256.Sum256([]byte(floodMark + "\x00" + tenant + "\x00" + service))
	return hex.EncodeToString(sum[:])
}

func (f *Flow) fold(shape string) {
	i := slices.IndexFunc(f.Folded, func(one Folded) bool { return one.Shape == shape })
	switch {
	case i >= 0:
		f.Folded[i].Count++
	case len(f.Folded) < maxFolded:
		f.Folded = append(f.Folded, Folded{shape, 1})
	default:
		f.Others++
	}
}

// recognise finds a known shape that differs from this one only where it may: in words
// that hold a *, or in one word that took two other values before. The third value of
// one word makes it vary, so that what Shape cannot know, such as a user's name, opens
// two incidents and not a thousand.
func (f *Flow) recognise(sender, shape string) (fingerprint string, found bool) {
	words := strings.Fields(shape)
	near := map[int][]int{} // by the one word that differs: which known shapes
	for i, k := range f.Known {
		if k.Sender != sender {
			continue
		}
		if k.Shape == shape {
			return k.Fingerprint, true
		}
		at, varies, ok := differs(strings.Fields(k.Shape), words)
		switch {
		case !ok:
		case varies:
			return k.Fingerprint, true
		default:
			near[at] = append(near[at], i)
		}
	}
	for _, at := range slices.Sorted(maps.Keys(near)) { // in order, so that the same alerts always come to the same
		known := near[at]
		if len(known) < 2 {
			continue
		}
		first := known[len(known)-1] // the oldest: its incident goes on
		learned := strings.Fields(f.Known[first].Shape)
		learned[at] = string(wild)
		f.Known[first].Shape = strings.Join(learned, " ")
		return f.Known[first].Fingerprint, true
	}
	return "", false
}

// leastAlike is how many words two shapes must have in common, without those that vary,
// before one of them may be taken for the other.
const leastAlike = 3

// differs compares two shapes word by word. It is ok if they are alike but for one
// word, at; or if all that differs are words of known that vary.
func differs(known, words []string) (at int, varies, ok bool) {
	if len(known) != len(words) {
		return 0, false, false
	}
	alike, others, fixed := 0, 0, 0
	for i, w := range words {
		switch {
		case known[i] == w && !strings.ContainsRune(w, wild):
			alike++
		case known[i] == w:
		case strings.ContainsRune(known[i], wild):
			others++
		default:
			others++
			fixed++
			at = i
		}
	}
	if alike < leastAlike || others > max(1, len(words)/4) || fixed > 1 || fixed == 1 && others > 1 {
		return 0, false, false
	}
	return at, fixed == 0, true
}

// Clone returns a copy that shares nothing.
func (f Flow) Clone() Flow {
	f.Sources, f.Known, f.Folded = slices.Clone(f.Sources), slices.Clone(f.Known), slices.Clone(f.Folded)
	return f
}
