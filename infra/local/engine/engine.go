package engine

import (
	"context"
	"crypto/rand"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	mathrand "math/rand/v2"
	"sync"
	"time"

	"github.com/opsguard/opsguard/infra/local/clock"
	"github.com/opsguard/opsguard/pkg/asl"
)

// TaskFunc is the function of a Task state. It may be called again for the same attempt after a crash. Its context ends with
// the state's timeout, with Config.InvokeTimeout, or when the engine is closed and its patience has ended.
type TaskFunc func(ctx context.Context, payload json.RawMessage) (json.RawMessage, error)

// Config is what an engine needs. DB, Definition, Tasks, ErrorName and Log must be given.
type Config struct {
	DB         DB
	Definition []byte
	// Tasks maps every FunctionName of the definition to its function.
	Tasks map[string]TaskFunc
	// ErrorName gives the name that Retry and Catch match.
	ErrorName func(error) string
	Log       *slog.Logger

	// Ready, if given, holds tasks and timers back until it is closed, for tasks that need the engine themselves. Calls are
	// taken and stored meanwhile.
	Ready <-chan struct{}
	// Workers is how many tasks run at once; 32 if it is 0. One function has three quarters of them at most.
	Workers int
	// InvokeTimeout bounds one call of a function, also of a state that then waits much longer for its callback; 15 minutes if
	// it is 0, which is Lambda's limit.
	InvokeTimeout time.Duration
	// Now tells the time by which timers fire; a clock.Clock of the engine's own if it is nil.
	Now func() time.Time
	// Random draws from [0, 1) for the jitter of retries; math/rand if it is nil.
	Random func() float64
	// Secrets is where task tokens get their randomness; crypto/rand if it is nil.
	Secrets io.Reader

	// commit stands between the writer and the file in tests, which break or end the engine there.
	commit func(write func() error) error
}

const (
	defaultWorkers       = 32
	defaultInvokeTimeout = 15 * time.Minute
)

func (c *Config) check() error {
	switch {
	case c.DB == nil:
		return errors.New("engine: DB is missing")
	case c.ErrorName == nil:
		return errors.New("engine: ErrorName is missing")
	case c.Log == nil:
		return errors.New("engine: Log is missing")
	case c.Workers < 0:
		return fmt.Errorf("engine: Workers is %d", c.Workers)
	case c.InvokeTimeout < 0:
		return fmt.Errorf("engine: InvokeTimeout is %s", c.InvokeTimeout)
	}
	if c.Workers == 0 {
		c.Workers = defaultWorkers
	}
	if c.InvokeTimeout == 0 {
		c.InvokeTimeout = defaultInvokeTimeout
	}
	if c.Now == nil {
		c.Now = clock.New().Now
	}
	if c.Random == nil {
		c.Random = mathrand.Float64
	}
	if c.Secrets == nil {
		c.Secrets = rand.Reader
	}
	if c.commit == nil {
		c.commit = func(write func() error) error { return write() }
	}
	return nil
}

// Engine runs executions of one definition, and to their end those that began on earlier ones. Its methods may be called by
// any number of goroutines.
type Engine struct {
	cfg         Config
	definition  *asl.Definition
	definitions map[string]*asl.Definition // by digest; does not change
	queue       chan *op
	timers      *timers
	runs        *runs
	pruning     pruning
	recent      executions
	unsynced    *unsynced

	closing   sync.Once
	stopping  chan struct{} // closed first: no task is begun, no timer fires
	quit      chan struct{} // closed next: nothing more comes into the queue
	written   chan struct{} // closed last: the writer has ended
	watching  sync.WaitGroup
	tasks     context.Context // ends when running tasks are cut off
	cutOff    context.CancelFunc
	closeErr  error
	closeDone chan struct{}
}

// Open loads the definition, refuses one that names a function without a task, and carries on whatever the file says was running.
func Open(config Config) (*Engine, error) {
	if err := config.check(); err != nil {
		return nil, err
	}
	def, err := asl.Load(config.Definition)
	if err != nil {
		return nil, err
	}
	for _, function := range def.Functions() {
		if config.Tasks[function] == nil {
			return nil, fmt.Errorf("engine: the definition calls %q, and there is no such task", function)
		}
	}
	lost, err := prepare(config.DB, def, config.Definition, time.Now())
	if err != nil {
		return nil, fmt.Errorf("engine: open: %w", err)
	}
	for _, name := range lost {
		config.Log.Error("the execution cannot be read, and has ended", "execution", name, "error", errorDamaged)
	}
	definitions, err := loadDefinitions(config.DB)
	if err != nil {
		return nil, err
	}
	running, err := findRunning(config.DB, definitions)
	if err != nil {
		return nil, err
	}
	e := &Engine{
		cfg: config, definition: def, definitions: definitions,
		queue: make(chan *op, maxBatch), timers: newTimers(), recent: newExecutions(), unsynced: newUnsynced(),
		stopping: make(chan struct{}), quit: make(chan struct{}), written: make(chan struct{}), closeDone: make(chan struct{}),
	}
	e.runs = newRuns(config.Workers, e.runTask)
	e.tasks, e.cutOff = context.WithCancel(context.Background())
	e.carryOn(running)
	return e, nil
}

func (e *Engine) carryOn(running []found) {
	for _, f := range running {
		e.timers.set(f.name, f.due)
		if f.invoking {
			e.runs.add(run{f.name, f.attempt, f.function})
		}
	}
	if len(running) > 0 {
		e.cfg.Log.Info("workflow executions carried on", "running", len(running))
	}
	go e.write()
	if e.cfg.Ready == nil {
		e.runs.begin()
		e.watching.Go(e.watchTimers)
		return
	}
	e.watching.Go(func() {
		select {
		case <-e.cfg.Ready:
			e.runs.begin()
			e.watchTimers()
		case <-e.stopping:
		}
	})
}

// Close begins no more tasks and lets running ones finish. When ctx ends first, they are cut off, and Close returns ctx's error:
// what they were doing runs again after the next Open. If nothing runs, it is no matter that ctx has ended. The DB stays open, and is not used after Close has returned.
func (e *Engine) Close(ctx context.Context) error {
	e.closing.Do(func() {
		defer close(e.closeDone)
		close(e.stopping)
		e.watching.Wait()
		e.runs.stop()
		if !e.runs.idleBefore(ctx) {
			e.closeErr = fmt.Errorf("engine: tasks were cut off, and run again after a restart: %w", ctx.Err())
		}
		e.cutOff()
		<-e.runs.idle
		close(e.quit)
		<-e.written
	})
	<-e.closeDone
	return e.closeErr
}

// watchTimers hands every timer to the writer when its time has come.
func (e *Engine) watchTimers() {
	alarm := time.NewTimer(0)
	defer alarm.Stop()
	for {
		select {
		case <-e.stopping:
			return
		case <-e.timers.changed:
		case <-alarm.C:
		}
		for _, name := range e.timers.takeDue(e.cfg.Now()) {
			if !e.enqueue(&op{name: name, kind: opFire}, e.stopping) {
				return
			}
		}
		alarm.Reset(e.timers.wait(e.cfg.Now()))
	}
}
