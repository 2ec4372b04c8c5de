package bolt

import (
	"bytes"
	"encoding/json"
	"fmt"
	"slices"
	"sync"

	"github.com/opsguard/opsguard/pkg/incident"
)

// decoded remembers what the texts of incidents mean. A step reads what the one
// before it wrote, and an alert that comes again reads the same incident each time;
// decoding takes longer than all else of that. The text itself is the key, so what
// is remembered cannot differ from what is stored.
//
// An incident that it gives out is shared. Its methods return changed copies and
// write to nothing it points at; slices are clipped so that appending copies them.
type decoded struct {
	mu         sync.Mutex
	young, old map[string]incident.Incident
}

// maxDecoded bounds each of the two generations, in incidents: some 6 KB each.
const maxDecoded = 256

func (d *decoded) incident(text []byte) (incident.Incident, error) {
	d.mu.Lock()
	inc, ok := d.young[string(text)]
	if !ok {
		if inc, ok = d.old[string(text)]; ok {
			d.keep(text, inc)
		}
	}
	d.mu.Unlock()
	if ok {
		return inc, nil
	}
	if err := json.Unmarshal(text, &inc); err != nil {
		return inc, fmt.Errorf("an incident's record is damaged: %w", err)
	}
	d.remember(text, inc)
	return inc, nil
}

// remember notes what a text means that was decoded, or made of this incident and
// stored. Text that is not UTF-8 is stored with \ufffd in its place, so what it was
// made of is not what it means.
func (d *decoded) remember(text []byte, inc incident.Incident) {
	if bytes.Contains(text, []byte(`\ufffd`)) {
		return
	}
	inc.Votes = slices.Clip(inc.Votes)
	if inc.Asked != nil {
		asked := *inc.Asked
		asked.Notices = slices.Clip(asked.Notices)
		inc.Asked = &asked
	}
	if inc.Attempt != nil {
		attempt := *inc.Attempt
		attempt.Steps = slices.Clip(attempt.Steps)
		inc.Attempt = &attempt
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	d.keep(text, inc)
}

// keep lets go of what was not asked for since the generation before. The caller
// holds mu.
func (d *decoded) keep(text []byte, inc incident.Incident) {
	if d.young == nil || len(d.young) >= maxDecoded {
		d.young, d.old = make(map[string]incident.Incident, maxDecoded), d.young
	}
	d.young[string(text)] = inc
}
