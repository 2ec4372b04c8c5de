package sim

import (
	"encoding/json"
	"maps"
	"slices"
	"strings"

	"github.com/opsguard/opsguard/pkg/incident"
)

// checkAnswers: what somebody was told of a decision stands.
func (w *World) checkAnswers() {
	for _, a := range w.answers {
		if a.err != nil {
			continue
		}
		inc := w.memory.meta[a.in.Ref]
		got, stands := a.out.Decision, inc.Decision
		switch {
		case got == nil && !slices.ContainsFunc(inc.Votes, func(v incident.Vote) bool { return v.By == a.in.By && v.Action == a.in.Action }):
			w.blame(invDecision, "%s: %s was told that their vote counts, and it is gone", w.name(a.in.Ref), a.in.By)
		case got != nil && inc.Resolution != nil && got.Action == incident.Resolve && got.By == inc.Resolution.By && got.At.Equal(inc.Resolution.At):
		case got != nil && (stands == nil || got.Action != stands.Action || got.By != stands.By || !got.At.Equal(stands.At)):
			w.blame(invDecision, "%s: %s was told that %s by %s stands; it is %v", w.name(a.in.Ref), a.in.By, got.Action, got.By, stands)
		}
	}
}

// checkAlerts: every alert that was accepted is counted in an incident that
// exists, and none is counted that nobody sent.
func (w *World) checkAlerts() {
	accepted, unheard := map[string]int64{}, map[string]int64{}
	for _, s := range w.sendings {
		switch {
		case !s.accepted:
			unheard[s.print]++
			continue
		case w.memory.meta[ref(s.id)].Version == 0:
			w.blame(invNeverLost, "an alert was accepted into an incident that does not exist")
		}
		accepted[s.id]++
	}
	for at, inc := range w.memory.meta {
		inc = w.memory.counted(inc)
		sure, most := accepted[at.ID], accepted[at.ID]+unheard[inc.Fingerprint]
		if inc.Occurrences < sure || inc.Occurrences > most {
			w.blame(invNeverLost, "%s: it counts %d alerts; %d were accepted, %d more may have been", w.name(at), inc.Occurrences, sure, most-sure)
		}
	}
	for print, d := range w.memory.dedup {
		if !w.memory.meta[d.ref].HoldsFingerprint() {
			w.blame(invNeverLost, "%s: it is over and still holds the fingerprint %.8s, so its alerts are lost", w.name(d.ref), print.text)
		}
	}
}

// checkWrites: a fingerprint has one incident at a time that is open, or was escalated a
// while ago; and a task token is
// only ever replaced by a newer one.
func (w *World) checkWrites() {
	open := map[string]incident.Ref{}
	waits := map[incident.Ref]incident.Wait{}
	for _, written := range w.writes {
		c := written.change
		at := c.Incident.Ref
		switch c.Event.Action {
		case incident.EventDetected:
			if other, taken := open[c.Incident.Fingerprint]; taken {
				w.blame(invNeverLost, "%s was opened while %s had the same trouble", w.name(at), w.name(other))
			}
			open[c.Incident.Fingerprint] = at
		case incident.EventResolved, incident.EventReleased:
			if open[c.Incident.Fingerprint] == at {
				delete(open, c.Incident.Fingerprint)
			}
		}
		if c.Wait == nil {
			continue
		}
		old, stored := waits[at]
		if older := c.Wait.EnteredAt.Compare(old.EnteredAt); stored && (older < 0 || older == 0 && c.Wait.RetryCount < old.RetryCount) {
			w.blame(invNewest, "%s: a task token of retry %d was replaced by one of retry %d", w.name(at), old.RetryCount, c.Wait.RetryCount)
		}
		waits[at] = *c.Wait
	}
}

// checkTold: whoever was to be told was: each message that a record names says something
// of its incident.
func (w *World) checkTold() {
	for at, inc := range w.memory.meta {
		if inc.Asked == nil || inc.Asked.NotifiedAt == nil {
			continue
		}
		told := slices.ContainsFunc(w.sent, func(m message) bool {
			return m.about == at || slices.ContainsFunc(m.others, func(o message) bool { return o.about == at })
		})
		if !told {
			w.blame(invNeverLost, "%s: its record says that people were told, and no message says anything of it", w.name(at))
		}
	}
}

// checkSaid: secrets and tokens stand nowhere they should not, and text from
// outside brings nothing invisible with it.
func (w *World) checkSaid() {
	var kept []any
	for at, inc := range w.memory.meta {
		kept = append(kept, inc, w.memory.events[at], w.memory.evidence[at])
	}
	store := w.dump(kept...)
	executions := w.dump(w.engine.execs)
	var said strings.Builder
	for _, m := range w.sent {
		said.WriteString(m.text)
	}
	for _, a := range w.answers {
		if a.err != nil {
			said.WriteString(a.err.Error())
		}
	}
	places := map[string]string{"the store": store, "a message": said.String(), "the log": w.logText.String(), "an execution": executions}
	for _, place := range slices.Sorted(maps.Keys(places)) {
		text := places[place]
		for _, secret := range w.secrets {
			if strings.Contains(text, secret) {
				w.blame(invSecrets, "a secret of an alert stands in %s", place)
				break
			}
		}
		if place != "an execution" && strings.Contains(text, "tasktoken.") {
			w.blame(invTokens, "a task token stands in %s", place)
		}
		for token := range w.linkTokens {
			if strings.Contains(text, token) {
				w.blame(invTokens, "a link's token stands in %s", place)
				break
			}
		}
		if strings.ContainsAny(text, "\u202e\x1b") || strings.Contains(text, `\u001b`) || strings.Contains(text, `\x1b`) {
			w.blame(invText, "an invisible character of an alert stands in %s", place)
		}
	}
}

func (w *World) dump(values ...any) string {
	text, err := json.Marshal(values)
	if err != nil {
		w.blame("world", "what is kept cannot be written: %v", err)
	}
	return string(text)
}

// seen counts what happened in a world, so that a test can tell what a set of
// seeds never reaches.
func (w *World) seen() map[string]int {
	seen := map[string]int{}
	for _, written := range w.writes {
		seen["event "+string(written.change.Event.Action)]++
	}
	for _, inc := range w.memory.meta {
		seen["status "+string(inc.Status)]++
		if inc.EscalationReason != "" {
			seen["reason "+string(inc.EscalationReason)]++
		}
		if inc.Refusal != "" {
			seen["refusal "+string(inc.Refusal)]++
		}
		if inc.Decision != nil {
			seen["decision "+string(inc.Decision.Action)]++
		}
		if inc.Proposal == nil && inc.Plan != nil {
			seen["chosen"]++
		}
		if inc.Attempt != nil {
			if inc.Proposal == nil {
				seen["chosen and begun"]++
			}
			seen["outcome "+string(inc.Attempt.Outcome)]++
			if inc.Attempt.Undoing != nil {
				seen["undoing "+string(inc.Attempt.Undoing.Outcome)]++
			}
			if inc.Attempt.Outcome == incident.Applied && inc.Plan.Undo.Possible() {
				seen["undoable"]++
			}
		}
		if inc.Occurrences > 1 {
			seen["joined"]++
		}
	}
	for what, n := range w.counts {
		seen[what] += n
	}
	for _, l := range w.trace {
		if l.actor == "world" || l.call == "dies" {
			seen["world "+l.call]++
		}
	}
	for _, a := range w.answers {
		if a.err != nil {
			seen["answer "+string(incident.CodeOf(a.err))]++
		}
	}
	return seen
}
