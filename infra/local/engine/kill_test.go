package engine

import (
	"bufio"
	"context"
	"encoding/json"
	"fmt"
	"log/slog"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"go.etcd.io/bbolt"

	"github.com/opsguard/opsguard/pkg/asl"
	"github.com/opsguard/opsguard/pkg/incident"
)

// TestKillNine starts a process that works on executions as fast as it can, kills it with SIGKILL in the middle, and does so
// again on the same file. Then every execution whose start was promised ends, and every approval that was promised led to its fix.
func TestKillNine(t *testing.T) {
	path := filepath.Join(t.TempDir(), "engine.db")
	started, approved := map[string]bool{}, map[string]bool{}
	for round := range 3 {
		workUntilKilled(t, path, round, started, approved)
	}
	if len(started) < 50 || len(approved) < 50 {
		t.Fatalf("only %d starts and %d approvals before the kills; the test tests nothing", len(started), len(approved))
	}
	db := openDB(t, path)
	fixing := make(chan string, 100_000)
	e := openToBeKilled(t, db, func(what, name string) {
		if what == "fixing" {
			fixing <- name
		}
	})
	running := map[string]bool{}
	for name := range started {
		if d, err := e.Describe(t.Context(), name); err != nil || d.Status != asl.Running && d.Status != asl.Succeeded {
			t.Fatalf("%s: %+v, %v", name, d, err)
		} else if d.Status == asl.Running {
			running[name] = true
		}
	}
	t.Logf("%d starts and %d approvals promised; %d still ran", len(started), len(approved), len(running))
	for len(running) > 0 {
		delete(running, <-fixing)
	}
	must(t, e.Close(t.Context())) // lets the last fixes finish, and their executions
	for name := range started {
		if d, err := e.Describe(t.Context(), name); err != nil || d.Status != asl.Succeeded {
			t.Errorf("%s: %+v, %v", name, d, err)
		}
	}
	must(t, db.View(func(tx *bbolt.Tx) error {
		for name := range approved {
			if tx.Bucket([]byte("fixed")).Get([]byte(name)) == nil {
				t.Errorf("%s was approved and not fixed", name)
			}
		}
		return nil
	}))
}

// workUntilKilled reads the process's promises, each of which it printed after the engine had given it, and kills it amid them.
func workUntilKilled(t *testing.T, path string, round int, started, approved map[string]bool) {
	t.Helper()
	cmd := exec.Command(os.Args[0], "-test.run=^TestKillNineProcess$", "-test.v")
	cmd.Env = append(os.Environ(), "ENGINE_KILL_DB="+path, fmt.Sprintf("ENGINE_KILL_ROUND=%d", round))
	out, err := cmd.StdoutPipe()
	must(t, err)
	cmd.Stderr = os.Stderr
	must(t, cmd.Start())
	lines := bufio.NewScanner(out)
	promises := 0
	for lines.Scan() {
		what, name, ok := strings.Cut(lines.Text(), " ")
		if !ok {
			continue
		}
		switch what {
		case "started":
			started[name] = true
		case "approved":
			approved[name] = true
		default:
			continue
		}
		if promises++; promises == 100+37*round {
			must(t, cmd.Process.Kill())
		}
	}
	if err := cmd.Wait(); err == nil {
		t.Fatal("the process ended by itself")
	}
}

// TestKillNineProcess is the process that TestKillNine kills. Alone it does nothing.
func TestKillNineProcess(t *testing.T) {
	path := os.Getenv("ENGINE_KILL_DB")
	if path == "" {
		t.Skip("runs as a process of TestKillNine")
	}
	db := openDB(t, path)
	e := openToBeKilled(t, db, func(what, name string) { fmt.Println(what, name) })
	for i := range 100_000 {
		name := fmt.Sprintf("r%s-%d", os.Getenv("ENGINE_KILL_ROUND"), i)
		must(t, e.Start(t.Context(), name, json.RawMessage(`{"id":"`+name+`","timeout":3600}`)))
		fmt.Println("started", name)
	}
}

// openToBeKilled opens an engine whose fix notes in the same file what it did, and whose ask approves by itself. It tells what
// has been promised.
func openToBeKilled(t *testing.T, db *bbolt.DB, tell func(what, name string)) *Engine {
	t.Helper()
	var e *Engine
	nothing := func(context.Context, json.RawMessage) (json.RawMessage, error) { return nil, nil }
	ready := make(chan struct{})
	e, err := Open(Config{
		DB: plainDB{db}, Definition: []byte(approval), Ready: ready, Log: slog.New(slog.DiscardHandler),
		ErrorName: func(error) string { return "Failed" },
		Tasks: map[string]TaskFunc{
			"analyze": nothing, "ticket": nothing,
			"ask": func(ctx context.Context, payload json.RawMessage) (json.RawMessage, error) {
				err := e.SendTaskSuccess(ctx, incident.NewTaskToken(tokenIn(payload)), json.RawMessage(`{"decision":"approve"}`))
				if err == nil {
					tell("approved", idIn(payload))
				}
				return nil, err
			},
			"fix": func(_ context.Context, payload json.RawMessage) (json.RawMessage, error) {
				tell("fixing", idIn(payload))
				return nil, db.Update(func(tx *bbolt.Tx) error {
					fixed, err := tx.CreateBucketIfNotExists([]byte("fixed"))
					if err != nil {
						return err
					}
					return fixed.Put([]byte(idIn(payload)), []byte{1})
				})
			},
		},
	})
	must(t, err)
	close(ready)
	return e
}

func idIn(payload json.RawMessage) string {
	var p struct{ ID string }
	if json.Unmarshal(payload, &p) != nil {
		return ""
	}
	return p.ID
}
