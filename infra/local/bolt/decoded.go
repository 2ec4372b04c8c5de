package bolt

import (
	"bytes"
	"encoding/json"
	"fmt"
	"slices"

	"github.com/opsguard/opsguard/pkg/incident"
	"github.com/opsguard/opsguard/pkg/recent"
)

// decoded remembers what the texts of incidents mean. A step reads what the one
// before it wrote, and an alert that comes again reads the same incident each time;
// decoding takes longer than all else of that. The text itself is the key, so what
// is remembered cannot differ from what is stored.
//
// An incident that it gives out is shared. Its methods return changed copies and
// write to nothing it points at; slices are clipped so that appending copies them.
type decoded struct {
	*recent.Map[string, incident.Incident]
}

// maxDecoded is how many incidents are remembered at least, and half of how many at
// most: some 6 KB each. A storm comes back to about a thousand.
const maxDecoded = 1024

func newDecoded() decoded { return decoded{recent.NewMap[string, incident.Incident](maxDecoded)} }

func (d decoded) incident(text []byte) (incident.Incident, error) {
	inc, ok := d.Get(string(text))
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
func (d decoded) remember(text []byte, inc incident.Incident) {
	if bytes.Contains(text, []byte(`\ufffd`)) {
		return
	}
	inc.Votes = slices.Clip(inc.Votes)
	if inc.Asked != nil {
		asked := *inc.Asked
		asked.Notices, asked.Former = slices.Clip(asked.Notices), slices.Clip(asked.Former)
		inc.Asked = &asked
	}
	if inc.Attempt != nil {
		attempt := *inc.Attempt
		attempt.Steps = slices.Clip(attempt.Steps)
		inc.Attempt = &attempt
	}
	d.Put(string(text), inc)
}
