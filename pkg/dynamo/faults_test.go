package dynamo

import (
	"context"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/aws/retry"
	awshttp "github.com/aws/aws-sdk-go-v2/aws/transport/http"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"

	"github.com/opsguard/opsguard/infra/emulator/faults"
	"github.com/opsguard/opsguard/pkg/incident"
	"github.com/opsguard/opsguard/pkg/steps/stepstest"
)

// faulty is a store over a proxy that lets calls fail, and one beside it that
// sees what was really written.
func faulty(t *testing.T, choose faults.Chooser) (through, beside *Store) {
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
	cfg.HTTPClient = awshttp.NewBuildableClient().WithTransportOptions(func(t *http.Transport) { t.ResponseHeaderTimeout = time.Second })
	if through, err = open(cfg, table, time.Millisecond); err != nil {
		t.Fatal(err)
	}
	return through, beside
}

func opening() incident.Change {
	return incident.Open(incident.New{Ref: incident.Ref{Tenant: "t", ID: "INC-01ARZ3NDEKTSV4RRFFQ69G5FAV"}, By: "source:api", ApprovalTimeout: time.Hour, Now: time.Now(),
		Alert: incident.Alert{Tenant: "t", Source: "api", ServerName: "s", ErrorLogs: "x", Severity: incident.High}})
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

func TestReadingFromAFailingStoreIsUnavailable(t *testing.T) {
	through, _ := faulty(t, func(string) faults.Fault { return faults.Broken })
	ref := opening().Incident.Ref
	_, load := through.Load(t.Context(), ref)
	_, join := through.Join(t.Context(), ref.Tenant, "f", time.Now())
	_, events := through.Events(t.Context(), ref)
	_, wait := through.Wait(t.Context(), ref)
	for name, err := range map[string]error{"load": load, "join": join, "events": events, "wait": wait, "ping": through.Ping(t.Context())} {
		if incident.KindOf(err) != incident.Unavailable {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestWhatIsWrongWithTheTableIsNamed(t *testing.T) {
	for _, name := range []string{"", "a b", "x"} {
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
