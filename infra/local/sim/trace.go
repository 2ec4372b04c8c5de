package sim

import (
	"encoding/hex"
	"fmt"
	"hash/fnv"
	"strings"
	"time"

	"github.com/opsguard/opsguard/pkg/incident"
)

// line is one thing that happened.
type line struct {
	at     time.Duration
	actor  string
	call   string
	about  string
	result string
}

// note adds to the trace.
func (w *World) note(actor, call, about, result string) {
	w.trace = append(w.trace, line{w.clock, actor, call, about, result})
}

// name is a short name of an incident: its number in this world.
func (w *World) name(ref incident.Ref) string {
	if ref.ID == "" {
		return ""
	}
	name, ok := w.names[ref.ID]
	if !ok {
		name = fmt.Sprintf("I%d", len(w.names)+1)
		w.names[ref.ID] = name
	}
	return name
}

// hash is equal for equal traces.
func (w *World) hash() string {
	h := fnv.New128a()
	for _, l := range w.trace {
		fmt.Fprintf(h, "%d\x00%s\x00%s\x00%s\x00%s\n", l.at, l.actor, l.call, l.about, l.result)
	}
	return hex.EncodeToString(h.Sum(nil))
}

// text is the trace for a reader: virtual time, who, what call about which
// incident, and what it answered.
func (w *World) text() string {
	var b strings.Builder
	fmt.Fprintf(&b, "world: %+v\n", w.profile)
	for _, l := range w.trace {
		fmt.Fprintf(&b, "%14s  %-22s %-16s %-4s %s\n", l.at.Round(time.Microsecond), l.actor, l.call, l.about, l.result)
	}
	return b.String()
}

func told(err error) string {
	var b strings.Builder
	b.WriteString("! ")
	if kind := incident.KindOf(err); kind != "" {
		b.WriteString(string(kind) + "/" + string(incident.CodeOf(err)) + ": ")
	}
	b.WriteString(err.Error())
	return b.String()
}
