package dynamo

import (
	"context"
	"net/http"
	"net/http/httptest"
	"net/url"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/aws/retry"
	awshttp "github.com/aws/aws-sdk-go-v2/aws/transport/http"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/oklog/ulid/v2"

	"github.com/opsguard/opsguard/infra/emulator/faults"
	"github.com/opsguard/opsguard/pkg/incident"
	"github.com/opsguard/opsguard/pkg/steps/stepstest"
)

// faulty is a store over a proxy that lets calls fail, and one beside it that
// sees what was really written.
func faulty(t *testing.T, choose faults.Chooser) (through, beside *Store) {
	t.Helper()
	return faultyFor(t, time.Second, choose) // a silent call is given up soon
}

// faultyFor is faulty with another patience.
func faultyFor(t *testing.T, patience time.Duration, choose faults.Chooser) (through, beside *Store) {
	t.Helper()
	cfg := testConfig(t)
	table := Settings{Table: newTable(t, cfg)}
	target, err := url.Parse(*cfg.BaseEndpoint)
	if err != nil {
		t.Fatal(err)
	}
	proxy := httptest.NewServer(faults.Proxy(target, choose))
	t.Cleanup(proxy.Close)
	if beside, err = Open(cfg, table); err != nil {
		t.Fatal(err)
	}
	cfg.BaseEndpoint = &proxy.URL
	cfg.HTTPClient = awshttp.NewBuildableClient().WithTransportOptions(func(t *http.Transport) { t.ResponseHeaderTimeout = patience })
	if through, err = open(cfg, table, time.Millisecond); err != nil {
		t.Fatal(err)
	}
	return through, beside
}

func opening() incident.Change {
	return incident.Open(incident.New{Ref: incident.Ref{Tenant: "t", ID: "INC-01ARZ3NDEKTSV4RRFFQ69G5FAV"}, By: "source:api", ApprovalTimeout: time.Hour, Now: time.Now(),
		Alert: incident.Alert{Tenant: "t", Source: "api", Service: "s", ErrorLogs: "x", Severity: incident.High}})
}

func TestStoreContractHoldsWhileCallsFail(t *testing.T) {
	var calls atomic.Int64
	ways := []faults.Fault{faults.Throttled, faults.Broken, faults.Cut, faults.Lost, faults.Conflicted}
	through, _ := faulty(t, func(operation string) faults.Fault {
		n := calls.Add(1)
		if n%5 != 0 {
			return faults.None
		}
		way := ways[n/5%int64(len(ways))]
		if way == faults.Lost && operation == "UpdateItem" {
			return faults.Cut // a join whose answer is lost counts twice; that is known
		}
		return way
	})
	// Among callers that take turns, one may meet every fifth call five times running:
	// with maxAttempts that was one run in twenty.
	through.client = dynamodb.New(through.client.Options(), func(o *dynamodb.Options) { o.Retryer = retry.AddWithMaxAttempts(o.Retryer, 3*maxAttempts) })
	stepstest.StoreContract(t, func(*testing.T) stepstest.Store { return through })
	if calls.Load() < 100 {
		t.Errorf("only %d calls went through the proxy", calls.Load())
	}
}

// on lets every call of one operation fail.
func on(name string, f faults.Fault, calls *atomic.Int64) faults.Chooser {
	return func(operation string) faults.Fault {
		if operation == name {
			calls.Add(1)
			return f
		}
		return faults.None
	}
}

func TestACommitWithoutAnAnswerIsRecognisedAsMade(t *testing.T) {
	for _, f := range []faults.Fault{faults.Lost, faults.Silent} {
		var calls atomic.Int64
		through, beside := faulty(t, on("TransactWriteItems", f, &calls))
		c := opening()
		if err := through.Commit(t.Context(), c); err != nil {
			t.Errorf("fault %d: commit: %v", f, err)
		}
		if inc, err := beside.Load(t.Context(), c.Incident.Ref); err != nil || inc.Version != 1 {
			t.Errorf("fault %d: it was not made: %v", f, err)
		}
		if calls.Load() != maxAttempts {
			t.Errorf("fault %d: %d attempts, want %d", f, calls.Load(), maxAttempts)
		}
	}
}

func TestACommitThatNeverArrivesIsUnavailable(t *testing.T) {
	for _, f := range []faults.Fault{faults.Throttled, faults.Broken, faults.Cut, faults.Conflicted} {
		var calls atomic.Int64
		through, beside := faulty(t, on("TransactWriteItems", f, &calls))
		c := opening()
		if err := through.Commit(t.Context(), c); incident.KindOf(err) != incident.Unavailable {
			t.Errorf("fault %d: %v", f, err)
		}
		if _, err := beside.Load(t.Context(), c.Incident.Ref); incident.KindOf(err) != incident.NotFound {
			t.Errorf("fault %d: something was written: %v", f, err)
		}
		if calls.Load() != maxAttempts {
			t.Errorf("fault %d: %d attempts, want %d", f, calls.Load(), maxAttempts)
		}
	}
}

// TestALostCommitIsNotMistakenForSomebodyElses lets another writer take the
// version while ours is on its way and never arrives.
func TestALostCommitIsNotMistakenForSomebodyElses(t *testing.T) {
	var beside *Store
	var rival incident.Change
	var once atomic.Bool
	through, other := faulty(t, func(operation string) faults.Fault {
		if operation != "TransactWriteItems" {
			return faults.None
		}
		if once.CompareAndSwap(false, true) {
			if err := beside.Commit(context.Background(), rival); err != nil {
				t.Errorf("the rival: %v", err)
			}
		}
		return faults.Cut
	})
	beside = other
	first := opening()
	if err := beside.Commit(t.Context(), first); err != nil {
		t.Fatal(err)
	}
	ours, err := first.Incident.Settle(incident.ReasonStepFailed, time.Now())
	if err != nil {
		t.Fatal(err)
	}
	if rival, err = first.Incident.Recover(time.Now()); err != nil {
		t.Fatal(err)
	}
	if err := through.Commit(t.Context(), ours); incident.CodeOf(err) != incident.CodeVersion {
		t.Errorf("got %v, want a conflict over the version", err)
	}
}

// ending makes a call and ends its caller's time instead of giving the answer.
type ending struct {
	aws.HTTPClient
	end func()
}

func (e ending) Do(r *http.Request) (*http.Response, error) {
	res, err := e.HTTPClient.Do(r)
	if err == nil && strings.HasSuffix(r.Header.Get("X-Amz-Target"), ".TransactWriteItems") {
		res.Body.Close()
		e.end()
		return nil, context.Canceled
	}
	return res, err
}

func TestACommitThatWasMadeAsTheTimeEndedIsRecognised(t *testing.T) {
	through, _ := faulty(t, func(string) faults.Fault { return faults.None })
	ctx, end := context.WithCancel(t.Context())
	through.client = dynamodb.New(through.client.Options(), func(o *dynamodb.Options) { o.HTTPClient = ending{o.HTTPClient, end} })
	if err := through.Commit(ctx, opening()); err != nil || ctx.Err() == nil {
		t.Errorf("%v", err)
	}
}

// duringThe lets something happen beside the store before its nth call of an operation.
func duringThe(t *testing.T, nth int64, operation string, happen func(beside *Store) error) (through, beside *Store) {
	t.Helper()
	var calls atomic.Int64
	// Long: on a busy machine a call that is given up is made again, and comes after what
	// was to happen during it.
	through, beside = faultyFor(t, time.Minute, func(called string) faults.Fault {
		if called == operation && calls.Add(1) == nth {
			if err := happen(beside); err != nil {
				t.Errorf("beside it: %v", err)
			}
		}
		return faults.None
	})
	return through, beside
}

// settled opens an incident and takes it to where a person ends it, after it was
// escalated.
func settled(t *testing.T, s *Store) (ending incident.Change) {
	t.Helper()
	c := opening()
	err := s.Commit(t.Context(), c)
	if err == nil {
		if c, err = c.Incident.Settle(incident.ReasonStepFailed, time.Now()); err == nil {
			err = s.Commit(t.Context(), c)
		}
	}
	if err == nil {
		if c, err = c.Incident.Close("", time.Now()); err == nil {
			err = s.Commit(t.Context(), c)
		}
	}
	if err == nil {
		c, err = c.Incident.ResolveEscalated("key:a", "", time.Now())
	}
	if err != nil {
		t.Fatal(err)
	}
	return c
}

// claimed opens an incident, has a fix for one target approved, and claims it.
func claimed(t *testing.T, key string) (steps []incident.Change) {
	t.Helper()
	now := time.Now()
	ref := incident.Ref{Tenant: "t", ID: incident.IDFromULID(ulid.Make().String())}
	plan := incident.Plan{FixID: "restart-service", FixDigest: "d", Target: incident.Target{Service: "s", Type: "simulated"}, Parameters: map[string]string{}}.Freeze(ref)
	c := incident.Open(incident.New{Ref: ref, By: "source:api", ApprovalTimeout: time.Hour, Now: now,
		Alert: incident.Alert{Tenant: "t", Source: "api", Service: "s", ErrorLogs: "x", Severity: incident.High, DedupKey: key}})
	for _, next := range []func(incident.Incident) (incident.Change, error){
		func(i incident.Incident) (incident.Change, error) {
			return i.Propose(incident.Analysis{AnalyzedBy: incident.ByRules}, &incident.Proposal{FixID: plan.FixID, Parameters: plan.Parameters}, now)
		},
		func(i incident.Incident) (incident.Change, error) {
			return i.Planned(incident.Planning{Plan: &plan}, now)
		},
		func(i incident.Incident) (incident.Change, error) {
			return i.Await(incident.Ask{Token: incident.NewTaskToken("t"), EnteredAt: now, Now: now})
		},
		func(i incident.Incident) (incident.Change, error) {
			return i.Vote(incident.Vote{Action: incident.Approve, By: "key:anna"}, incident.Verdict{Allowed: true, Decides: true}, now)
		},
		func(i incident.Incident) (incident.Change, error) { return i.Claim(incident.Claimer{}, &plan, now) },
	} {
		steps = append(steps, c)
		var err error
		if c, err = next(c.Incident); err != nil {
			t.Fatal(err)
		}
	}
	return append(steps, c)
}

// A hold lapses and is taken over between the look at it and the commit that frees it.
func TestAHoldThatWasTakenOverMeanwhileIsNotFreed(t *testing.T) {
	first, second, third := claimed(t, "1"), claimed(t, "2"), claimed(t, "3")
	take := &second[len(second)-1]
	take.Take.From = first[len(first)-1].Take.Until
	through, beside := duringThe(t, 1, "TransactWriteItems", func(beside *Store) error { return beside.Commit(context.Background(), *take) })
	for _, c := range slices.Concat(first, second[:len(second)-1], third[:len(third)-1]) {
		if err := beside.Commit(t.Context(), c); err != nil {
			t.Fatal(err)
		}
	}
	c, err := first[len(first)-1].Incident.Record(incident.Result{Outcome: incident.Failed}, time.Now())
	if err == nil {
		err = through.Commit(t.Context(), c)
	}
	if err != nil {
		t.Fatal(err)
	}
	if err := beside.Commit(t.Context(), third[len(third)-1]); incident.CodeOf(err) != incident.CodeTargetBusy {
		t.Errorf("the target that the second holds: %v", err)
	}
}

// Between META and the count, which are read one after the other.
func TestAnIncidentThatEndsWhileItIsReadIsReadWhole(t *testing.T) {
	var last incident.Change
	through, beside := duringThe(t, 2, "GetItem", func(beside *Store) error { return beside.Commit(context.Background(), last) })
	last = settled(t, beside)
	if inc, err := through.Load(t.Context(), last.Incident.Ref); err != nil || inc.Status != last.Incident.Status || inc.Version != last.Incident.Version {
		t.Errorf("%s in version %d, %v; want %s in version %d", inc.Status, inc.Version, err, last.Incident.Status, last.Incident.Version)
	}
}

func TestALateJoinOfWhatJustEndedLeavesNothing(t *testing.T) {
	var last incident.Change
	through, beside := duringThe(t, 2, "UpdateItem", func(beside *Store) error { return beside.Commit(context.Background(), last) })
	last = settled(t, beside)
	inc := last.Incident
	if _, err := through.Join(t.Context(), inc.Tenant, inc.Fingerprint, incident.Latest{At: inc.LastSeenAt.Add(-time.Hour)}); incident.KindOf(err) != incident.NotFound {
		t.Errorf("join: %v", err)
	}
	if _, err := beside.Holder(t.Context(), inc.Tenant, inc.Fingerprint); incident.KindOf(err) != incident.NotFound {
		t.Errorf("the fingerprint is held: %v", err)
	}
}

func TestReadingFromAFailingStoreIsUnavailable(t *testing.T) {
	through, _ := faulty(t, func(string) faults.Fault { return faults.Broken })
	ref := opening().Incident.Ref
	_, load := through.Load(t.Context(), ref)
	_, join := through.Join(t.Context(), ref.Tenant, "f", incident.Latest{At: time.Now()})
	_, events := through.Events(t.Context(), ref)
	_, wait := through.Wait(t.Context(), ref)
	for name, err := range map[string]error{"load": load, "join": join, "events": events, "wait": wait, "ping": through.Ping(t.Context())} {
		if incident.KindOf(err) != incident.Unavailable {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestWhatIsWrongWithTheTableIsNamed(t *testing.T) {
	for _, name := range []string{"", "a b", "x", strings.Repeat("x", 256)} {
		if _, err := Open(aws.Config{}, Settings{Table: name}); err == nil || !strings.HasPrefix(err.Error(), settingTable+": ") {
			t.Errorf("%q: %v", name, err)
		}
	}
	s, err := Open(testConfig(t), Settings{Table: "there-is-no-such-table"})
	if err != nil {
		t.Fatal(err)
	}
	if err := s.Check(t.Context()); err == nil || !strings.HasPrefix(err.Error(), settingTable+": there is no table") {
		t.Errorf("%v", err)
	}
}
