package e2e

import (
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"
)

// twoServices lets each have fixes that the other must not get.
const twoServices = `services:
  prod-api-01:
    owner: platform
    target: {type: simulated, region: eu-central-1}
    fixes: [restart-service, scale-out]
  prod-db-01:
    owner: data
    target: {type: simulated, region: eu-west-1}
    fixes: [rollback-deployment, free-disk-space]
`

// battle is an OpsGuard whose model, Discord and console are watched.
type battle struct {
	*client
	p         *proc
	d         *discord
	elsewhere *httptest.Server // where every hostile text wants to lead
	called    atomic.Int64     // how often somebody went there
	lies      []lie
}

var liesMark = regexp.MustCompile(`lie-(\d+)-`)

// newBattle starts it; without a model if there are to be no lies.
func newBattle(t *testing.T, lies func(id string, texts []string) []lie) *battle {
	b := &battle{d: newDiscord(t)}
	b.elsewhere = httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { b.called.Add(1) }))
	t.Cleanup(b.elsewhere.Close)
	services := filepath.Join(t.TempDir(), "services.yaml")
	if err := os.WriteFile(services, []byte(twoServices), 0o600); err != nil {
		t.Fatal(err)
	}
	env := []string{"OPSGUARD_SERVICES=" + services, "DISCORD_WEBHOOK_URL=" + b.d.webhook(), "OPSGUARD_LOG_FORMAT=json"}
	if lies != nil {
		b.lies = lies("INC-01ARZ3NDEKTSV4RRFFQ69G5FAV", hostileTexts(b.elsewhere.URL))
		env = append(env, "GEMINI_API_KEY=the-key-of-nobody", "GEMINI_ENDPOINT="+gemini(t, func(w http.ResponseWriter, r *http.Request) {
			asked, err := io.ReadAll(r.Body)
			n := liesMark.FindSubmatch(asked)
			if err != nil || n == nil {
				t.Errorf("a question without a mark: %v %.200s", err, asked)
				return
			}
			which, err := strconv.Atoi(string(n[1]))
			if err != nil || which >= len(b.lies) {
				t.Errorf("the question %s: %v", n[0], err)
				return
			}
			b.lies[which].play(w, r)
		}))
	}
	b.p = serve(t, t.TempDir(), freeAddr(t), env...)
	b.client = newClient(t, b.p.target())
	b.Patience = time.Minute
	return b
}

// attack is one alert, and the plan that may come of it.
type attack struct {
	name  string
	alert alert
	want  string
}

// fight sends all attacks and holds everything that comes out to what may. It
// returns how many actions were not what they may be.
func (b *battle) fight(attacks []attack) {
	b.Helper()
	ids := make([]string, len(attacks))
	work := make(chan int)
	var senders sync.WaitGroup
	for range 8 {
		senders.Go(func() {
			for n := range work {
				a := attacks[n].alert
				a.DedupKey = fmt.Sprintf("%s %d", b.Name(), n)
				got := b.ingest(a)
				ids[n] = got.text("incidentId")
				if got.status != http.StatusAccepted && (got.status != http.StatusBadRequest || got.text("type") != "invalid") {
					b.Errorf("%s: %s", attacks[n].name, got)
				}
			}
		})
	}
	for n := range attacks {
		work <- n
	}
	close(work)
	senders.Wait()
	tried, refused, changed := 0, 0, 0
	for n, a := range attacks {
		if ids[n] == "" {
			refused++ // not even taken
			continue
		}
		tried++
		if !b.holds(ids[n], a) {
			changed++
		}
	}
	b.output(tried)
	if n := b.called.Load(); n != 0 {
		b.Errorf("the address in the hostile texts was called %d times", n)
	}
	if changed != 0 {
		b.Errorf("%d actions were changed", changed)
	}
	b.Logf("attacks tried: %d (and %d refused at the door); actions changed: %d", tried, refused, changed)
}

// holds tells whether the plan of an incident is the one that may be, and checks
// everything else that the API shows of it.
func (b *battle) holds(id string, a attack) bool {
	b.Helper()
	got := b.until(id, "WAITING_FOR_APPROVAL", "RESOLVED", "ESCALATED", "EXECUTING_FIX")
	want := "detected analyzed approval-requested notified"
	if got.get("plan") != nil || got.get("candidates.0") != nil {
		want = "detected analyzed planned approval-requested notified"
	}
	var trail answer
	b.eventually("the trail of "+id, func() bool {
		trail = b.call("GET", "/incidents/"+id+"/audit", "", nil)
		events, _ := trail.get("events").([]any)
		return len(events) >= len(strings.Fields(want))
	}, func() string { return trail.String() })
	var actions, actors []string
	for _, e := range b.events(id) {
		actions, actors = append(actions, string(e.Action)), append(actors, string(e.Actor))
	}
	by := "local" + strings.Repeat(" system", len(strings.Fields(want))-1)
	if strings.Join(actions, " ") != want || strings.Join(actors, " ") != by || trail.get("valid") != true {
		b.Errorf("%s: the trail: %v by %v, valid %v", a.name, actions, actors, trail.get("valid"))
	}
	for what, body := range map[string]answer{"the incident": got, "the trail": trail} {
		var v any
		if err := json.Unmarshal(body.body, &v); err != nil {
			b.Errorf("%s: %s is no JSON: %v", a.name, what, err)
		}
		if bad := unprintable(v, "\n\t"); bad != "" {
			b.Errorf("%s: %s shows %s", a.name, what, bad)
		}
	}
	plan := planOf(got)
	held := plan == a.want && b.mayBeChosen(got) && got.get("decision") == nil && got.get("fix") == nil && got.text("status") == "WAITING_FOR_APPROVAL"
	if !held {
		b.Errorf("%s: the plan is %q, may be %q: %s", a.name, plan, a.want, got)
	}
	return held
}

// mayBeChosen holds the candidates of a manual review to the service's own fixes and target.
func (b *battle) mayBeChosen(got answer) bool {
	all, _ := got.get("candidates").([]any)
	for n := range all {
		at := fmt.Sprintf("candidates.%d.", n)
		target := got.text(at+"target.service") + " " + got.text(at+"target.type") + " " + got.text(at+"target.attributes.region")
		if target != "prod-api-01 simulated eu-central-1" {
			b.Errorf("a candidate is for another target: %s", got)
			return false
		}
	}
	return true
}

// planOf writes a plan as lies do; what is not of prod-api-01 says so.
func planOf(got answer) string {
	if got.get("plan") == nil {
		return ""
	}
	plan := got.text("plan.fixId")
	parameters, _ := got.get("plan.parameters").(map[string]any)
	for name, value := range parameters {
		plan += fmt.Sprintf(" %s=%v", name, value)
	}
	if got.text("serverName") != "prod-api-01" || got.text("plan.target.service") != "prod-api-01" || got.text("plan.target.type") != "simulated" || got.text("plan.target.attributes.region") != "eu-central-1" {
		plan += " on " + fmt.Sprint(got.get("plan.target"))
	}
	return plan
}

// TestAHostileModelChangesNoAction is invariant 4: whatever the model answers, what
// a person is asked is an allowed plan for that very service or a manual review.
func TestAHostileModelChangesNoAction(t *testing.T) {
	t.Parallel()
	b := newBattle(t, hostileModel)
	var attacks []attack
	for n, l := range b.lies {
		attacks = append(attacks, attack{l.name, alert{Service: "prod-api-01", ErrorLogs: fmt.Sprintf("JavaScript heap out of memory\nlie-%d-", n)}, l.want})
	}
	b.fight(attacks)
	if out := b.p.out.String(); strings.Contains(out, "the-key-of-nobody") {
		t.Error("the API key was printed")
	}
}

// TestHostileLogsChangeNoAction puts every text into logs, alone and around a
// known failure, and hostile names where the service's belongs; without a model,
// and with one that answers truthfully.
func TestHostileLogsChangeNoAction(t *testing.T) {
	t.Parallel()
	truthful := func(string, []string) []lie {
		return []lie{{"the truth", says(with(nil)), "restart-service"}, {"no fix", says(with(map[string]any{"fixId": "none"})), ""}}
	}
	for name, lies := range map[string]func(string, []string) []lie{"rules": nil, "model": truthful} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			b := newBattle(t, lies)
			var attacks []attack
			for n, text := range hostileTexts(b.elsewhere.URL) {
				mark := func(lie int) string { return fmt.Sprintf("\nlie-%d-", lie) }
				attacks = append(attacks,
					attack{fmt.Sprintf("text %d alone", n), alert{Service: "prod-api-01", ErrorLogs: text + mark(1)}, ""},
					attack{fmt.Sprintf("text %d before a failure", n), alert{Service: "prod-api-01", ErrorLogs: text + "\nJavaScript heap out of memory" + mark(0)}, "restart-service"},
					attack{fmt.Sprintf("text %d after a failure", n), alert{Service: "prod-api-01", ErrorLogs: "JavaScript heap out of memory\n" + text + mark(0)}, "restart-service"},
					attack{fmt.Sprintf("text %d in the line of a failure", n), alert{Service: "prod-api-01", ErrorLogs: "JavaScript heap out of memory " + text + mark(0)}, "restart-service"})
			}
			for _, service := range hostileNames(b.elsewhere.URL) {
				attacks = append(attacks, attack{fmt.Sprintf("the name %q", service), alert{Service: service, ErrorLogs: "JavaScript heap out of memory\nlie-0-"}, ""})
			}
			b.fight(attacks)
		})
	}
}
