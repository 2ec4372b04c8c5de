package stepstest

import (
	"bytes"
	"context"
	"io"
	"net/http"
	"testing"
	"time"

	"github.com/opsguard/opsguard/pkg/brief"
	"github.com/opsguard/opsguard/pkg/incident"
	"github.com/opsguard/opsguard/pkg/integration"
	"github.com/opsguard/opsguard/pkg/steps"
)

// ChannelContract holds a channel to what People rests on. posted tells how many
// messages the vendor has; nil where a message leaves no trace.
func ChannelContract(t *testing.T, d integration.Descriptor[steps.Channel], v Vendor, posted func() int) {
	promisesOfADescriptor(t, integration.Channels, d.Type, v)
	t.Run("its name is the entry's", func(t *testing.T) {
		if name := open(t, integration.Channels, d, v).It.Name(); name != "test" {
			t.Errorf("it is named %q, so a decision through its links would be recorded under that", name)
		}
	})
	t.Run("it posts once and edits what it posted", func(t *testing.T) {
		o := open(t, integration.Channels, d, v)
		id, err := o.It.Post(t.Context(), waiting())
		if err != nil {
			t.Fatal(err)
		}
		if posted != nil && posted() != 1 {
			t.Errorf("%d messages after one post", posted())
		}
		if err := o.It.Edit(t.Context(), id, waiting()); err != nil {
			t.Errorf("editing %q: %v", id, err)
		}
		if posted != nil && posted() != 1 {
			t.Errorf("%d messages after an edit", posted())
		}
	})
	if v.Handler == nil {
		return
	}
	t.Run("an edit is of the message that was posted", func(t *testing.T) { editsWhatItPosted(t, d, v) })
	t.Run("it shows the incidents that are told of together", func(t *testing.T) {
		o := open(t, integration.Channels, d, v)
		group := waiting()
		other := waiting()
		group.Others = []brief.Other{{IncidentID: "INC-01JDEF0000000000000000WA9T", Title: other.Title, Severity: other.Severity,
			Status: other.Status, StatusLine: other.StatusLine, Links: other.Links}}
		var said []byte
		o.faults.answer(func(w http.ResponseWriter, r *http.Request) {
			said, _ = io.ReadAll(r.Body)
			r.Body = io.NopCloser(bytes.NewReader(said))
			o.faults.vendor.ServeHTTP(w, r)
		})
		if _, err := o.It.Post(t.Context(), group); err != nil || !bytes.Contains(said, []byte("WA9T")) {
			t.Errorf("%v; the message does not name the other: %s", err, said)
		}
	})
	t.Run("an answer without an id is no message", func(t *testing.T) {
		if !v.GivesIDs {
			return // the channel names its messages itself
		}
		o := open(t, integration.Channels, d, v)
		for _, answer := range []string{"", "null", "{}", `{"id":""}`, `{"id":null}`} {
			o.faults.answer(func(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, answer) })
			if id, err := o.It.Post(t.Context(), waiting()); err == nil {
				t.Errorf("%q: posted as %q, which nobody could edit", answer, id)
			}
		}
	})
	o := open(t, integration.Channels, d, v)
	id, err := o.It.Post(t.Context(), waiting())
	if err != nil {
		t.Fatal(err)
	}
	o.survivesItsVendor(t,
		call{"a post", func(ctx context.Context) error { _, err := o.It.Post(ctx, waiting()); return err }},
		call{"an edit", func(ctx context.Context) error { return o.It.Edit(ctx, id, waiting()) }})
}

func editsWhatItPosted(t *testing.T, d integration.Descriptor[steps.Channel], v Vendor) {
	o := open(t, integration.Channels, d, v)
	other := waiting()
	other.IncidentID = "INC-01JDEF0000000000000000WA2T"
	first, err1 := o.It.Post(t.Context(), waiting())
	second, err2 := o.It.Post(t.Context(), other)
	if err1 != nil || err2 != nil || first == "" || first == second {
		t.Fatalf("two posts gave the ids %q and %q, %v, %v", first, second, err1, err2)
	}
	for _, id := range []string{first, second} {
		if err := o.It.Edit(t.Context(), id, waiting()); err != nil {
			t.Errorf("editing %q: %v", id, err)
		}
	}
	if err := o.It.Edit(t.Context(), first+"7", waiting()); v.GivesIDs && err == nil {
		t.Error("an edit of a message that was never posted succeeds, so edits do not name theirs")
	}
}

// waiting is an incident that a person is asked about.
func waiting() brief.Brief {
	at := time.Date(2026, 11, 24, 10, 0, 0, 0, time.UTC)
	inc := incident.Incident{
		Ref:    incident.Ref{Tenant: incident.DefaultTenant, ID: "INC-01JDEF0000000000000000WA1T"},
		Status: incident.WaitingForApproval, Service: "prod-api-01", Severity: incident.High, CreatedAt: at, UpdatedAt: at, Occurrences: 1,
		Asked:    &incident.Asked{Deadline: at.Add(4 * time.Hour)},
		Analysis: &incident.Analysis{AnalyzedBy: incident.ByRules, Cause: "The Node.js heap is full.", Evidence: []string{"FATAL ERROR: heap @everyone [x](http://evil.example)"}},
	}
	links := brief.Links{View: "http://localhost:3000/incidents/" + inc.ID, Resolve: "http://localhost:3000/approve-fix?t=1", Escalate: "http://localhost:3000/approve-fix?t=2"}
	return brief.Of(inc, links, at)
}
