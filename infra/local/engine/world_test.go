package engine

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"log/slog"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"go.etcd.io/bbolt"

	"github.com/opsguard/opsguard/infra/local/commit"
	"github.com/opsguard/opsguard/pkg/asl"
	"github.com/opsguard/opsguard/pkg/incident"
)

// approval is the shape of the real machine: a task that may fail, a wait for a person, a choice, a fix, and a ticket whenever
// something goes wrong.
const approval = `{"StartAt":"Analyze","States":{
"Analyze":{"Type":"Task","Resource":"arn:aws:states:::lambda:invoke","TimeoutSeconds":120,"ResultPath":null,
	"Parameters":{"FunctionName":"analyze","Payload":{"id.$":"$.id","retry.$":"$$.State.RetryCount"}},
	"Retry":[{"ErrorEquals":["Busy"],"IntervalSeconds":4,"MaxAttempts":2,"JitterStrategy":"FULL"}],
	"Catch":[{"ErrorEquals":["States.ALL"],"ResultPath":"$.analyzeError","Next":"Wait"}],"Next":"Wait"},
"Wait":{"Type":"Task","Resource":"arn:aws:states:::lambda:invoke.waitForTaskToken","TimeoutSecondsPath":"$.timeout","ResultPath":"$.approval",
	"Parameters":{"FunctionName":"ask","Payload":{"id.$":"$.id","token.$":"$$.Task.Token","entered.$":"$$.State.EnteredTime"}},
	"Catch":[{"ErrorEquals":["States.ALL"],"ResultPath":"$.waitError","Next":"Ticket"}],"Next":"Decided"},
"Decided":{"Type":"Choice","Choices":[{"Variable":"$.approval.decision","StringEquals":"approve","Next":"Fix"}],"Default":"Ticket"},
"Fix":{"Type":"Task","Resource":"arn:aws:states:::lambda:invoke","TimeoutSeconds":600,"ResultPath":null,
	"Parameters":{"FunctionName":"fix","Payload":{"id.$":"$.id"}},
	"Catch":[{"ErrorEquals":["States.ALL"],"ResultPath":"$.fixError","Next":"Ticket"}],"Next":"Done"},
"Ticket":{"Type":"Task","Resource":"arn:aws:states:::lambda:invoke","TimeoutSeconds":60,"ResultPath":null,
	"Parameters":{"FunctionName":"ticket","Payload.$":"$"},"Next":"Done"},
"Done":{"Type":"Succeed"}}}`

const input = `{"id":"x","timeout":3600}`

// world is an engine with tasks that tell what they were called with. All that is logged is kept, and at the end of the test
// no task token may be in it.
type world struct {
	t      *testing.T
	db     plainDB
	engine *Engine
	config Config
	log    lockedBuffer

	mu     sync.Mutex
	calls  []string // function names, in the order of their calls
	tokens chan string
}

// newWorld opens an engine. The tasks return {} unless given; ask also hands its token to world.tokens.
func newWorld(t *testing.T, definition string, tasks map[string]TaskFunc) *world {
	t.Helper()
	w := &world{t: t, db: plainDB{openDB(t, filepath.Join(t.TempDir(), "engine.db"))}, tokens: make(chan string, 20_000)}
	w.config = Config{
		DB: w.db, Definition: []byte(definition), Tasks: map[string]TaskFunc{}, Random: func() float64 { return 0.5 },
		ErrorName: func(err error) string { return strings.TrimPrefix(err.Error(), "wrapped: ") },
		Log:       slog.New(slog.NewTextHandler(&w.log, &slog.HandlerOptions{Level: slog.LevelDebug})),
	}
	for _, name := range []string{"analyze", "ask", "fix", "ticket"} {
		w.config.Tasks[name] = w.task(name, tasks[name])
	}
	w.open()
	t.Cleanup(w.checkLog)
	return w
}

func openDB(t testing.TB, path string) *bbolt.DB {
	t.Helper()
	db, err := bbolt.Open(path, 0o600, nil)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := db.Close(); err != nil {
			t.Error(err)
		}
	})
	return db
}

// plainDB keeps executions in a bbolt file without a journal: every write is one transaction.
type plainDB struct{ *bbolt.DB }

func (p plainDB) View(read func(commit.Reader) error) error {
	return p.DB.View(func(tx *bbolt.Tx) error { return read(commit.Plain{Tx: tx}) })
}

func (p plainDB) Scan(read func(*bbolt.Tx) error) error { return p.DB.View(read) }

func (p plainDB) Soon(write func(commit.Tx) error, told func(error)) error {
	err := p.Update(func(tx *bbolt.Tx) error { return write(plainTx{commit.Plain{Tx: tx}}) })
	if err == nil {
		told(nil)
	}
	return err
}

type plainTx struct{ commit.Plain }

func (p plainTx) Put(bucket, key, value []byte) error { return p.Tx.Bucket(bucket).Put(key, value) }
func (p plainTx) Delete(bucket, key []byte) error     { return p.Tx.Bucket(bucket).Delete(key) }

func (p plainTx) Count(bucket []byte) error {
	_, err := p.Tx.Bucket(bucket).NextSequence()
	return err
}

func (w *world) task(name string, inner TaskFunc) TaskFunc {
	return func(ctx context.Context, payload json.RawMessage) (json.RawMessage, error) {
		w.mu.Lock()
		w.calls = append(w.calls, name)
		w.mu.Unlock()
		if name == "ask" {
			w.tokens <- tokenIn(payload)
		}
		if inner != nil {
			return inner(ctx, payload)
		}
		return json.RawMessage(`{}`), nil
	}
}

func tokenIn(payload json.RawMessage) string {
	var p struct{ Token string }
	if json.Unmarshal(payload, &p) != nil {
		return ""
	}
	return p.Token
}

func (w *world) open() {
	w.t.Helper()
	engine, err := Open(w.config)
	if err != nil {
		w.t.Fatalf("open: %v", err)
	}
	w.engine = engine
}

func (w *world) close() {
	w.t.Helper()
	if err := w.engine.Close(w.t.Context()); err != nil {
		w.t.Fatalf("close: %v", err)
	}
}

// abandon ends the engine as a kill would, as far as the file can tell: tasks are cut off, and nothing more is written.
func (w *world) abandon() {
	dead, cancel := context.WithCancel(context.Background())
	cancel()
	_ = w.engine.Close(dead)
}

func (w *world) start(name string) {
	w.t.Helper()
	if err := w.engine.Start(w.t.Context(), name, json.RawMessage(input)); err != nil {
		w.t.Fatalf("start %s: %v", name, err)
	}
}

func (w *world) send(token, output string) error {
	return w.engine.SendTaskSuccess(w.t.Context(), incident.NewTaskToken(token), json.RawMessage(output))
}

func (w *world) describe(name string) Description {
	w.t.Helper()
	d, err := w.engine.Describe(w.t.Context(), name)
	if err != nil {
		w.t.Fatalf("describe %s: %v", name, err)
	}
	return d
}

func (w *world) wantStatus(name string, want asl.Status) {
	w.t.Helper()
	if d := w.describe(name); d.Status != want {
		w.t.Fatalf("%s is %s in %s (%s %s), want %s", name, d.Status, d.State, d.Error, d.Cause, want)
	}
}

func (w *world) called(name string) int {
	w.mu.Lock()
	defer w.mu.Unlock()
	n := 0
	for _, call := range w.calls {
		if call == name {
			n++
		}
	}
	return n
}

func (w *world) checkLog() {
	close(w.tokens)
	for token := range w.tokens {
		w.log.refuse(w.t, token)
	}
}

type lockedBuffer struct {
	mu   sync.Mutex
	text bytes.Buffer
}

func (b *lockedBuffer) Write(p []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.text.Write(p)
}

func (b *lockedBuffer) refuse(t *testing.T, token string) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if token != "" && strings.Contains(b.text.String(), token) {
		t.Errorf("a task token is in the log")
	}
}

// inBubble runs a test in which time moves only when everything waits for it.
func inBubble(t *testing.T, test func(t *testing.T)) {
	t.Helper()
	synctest.Test(t, test)
}

// pass moves the bubble's clock.
func pass(d time.Duration) {
	<-time.After(d)
	synctest.Wait()
}

func failing(name string) TaskFunc {
	return func(context.Context, json.RawMessage) (json.RawMessage, error) { return nil, errors.New(name) }
}

// stuck is a task that ends only with its context.
func stuck(ctx context.Context, _ json.RawMessage) (json.RawMessage, error) {
	<-ctx.Done()
	return nil, ctx.Err()
}

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}
