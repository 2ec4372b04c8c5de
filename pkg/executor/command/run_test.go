//go:build unix

package command_test

import (
	"context"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/opsguard/opsguard/pkg/incident"
	"github.com/opsguard/opsguard/pkg/steps"
)

func TestACommandGetsAFixedEnvironmentAndNothingOfOpsGuardsOwn(t *testing.T) {
	t.Setenv("OPSGUARD_SECRET_SHOP", "hunter2hunter2")
	t.Setenv("GEMINI_API_KEY", "hunter2hunter2")
	t.Setenv("PATH", "/tmp/mine:"+os.Getenv("PATH"))
	t.Setenv("HOME", "/tmp/mine")
	r := newRig(t)
	r.gives("run", restart, r.script("act", "/usr/bin/env > env; cat > stdin; pwd > pwd\n"))
	o := r.order(restart)
	if acted := r.open().Act(t.Context(), o); acted.Outcome != "" {
		t.Fatal(told(acted.Steps))
	}
	var names []string
	for line := range strings.Lines(read(t, r, "env")) {
		name, value, _ := strings.Cut(strings.TrimSpace(line), "=")
		names = append(names, name)
		if strings.Contains(value, "hunter2") || strings.Contains(value, "mine") {
			t.Errorf("%s leaks", line)
		}
	}
	slices.Sort(names)
	// The shell itself adds PWD, and on some systems OLDPWD, SHLVL and _.
	names = slices.DeleteFunc(names, func(n string) bool { return slices.Contains([]string{"PWD", "OLDPWD", "SHLVL", "_"}, n) })
	if want := []string{"HOME", "LANG", "OPSGUARD_FIX", "OPSGUARD_INCIDENT", "OPSGUARD_KEY", "PATH"}; !slices.Equal(names, want) {
		t.Errorf("the environment holds %v, want %v", names, want)
	}
	env := read(t, r, "env")
	for _, line := range []string{"LANG=C", "PATH=/usr/local/sbin:",
		"OPSGUARD_INCIDENT=" + o.Ref.ID, "OPSGUARD_FIX=restart-service", "OPSGUARD_KEY=" + o.Key} {
		if !strings.Contains(env, line) {
			t.Errorf("the environment lacks %s:\n%s", line, env)
		}
	}
	if in := read(t, r, "stdin"); in != "" {
		t.Errorf("it read %q", in)
	}
	if strings.TrimSpace(read(t, r, "pwd")) != r.dir {
		t.Errorf("it ran in %s", read(t, r, "pwd"))
	}
}

func read(t *testing.T, r *rig, name string) string {
	t.Helper()
	text, err := os.ReadFile(filepath.Join(r.dir, name))
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

// deaf is a command that, like what it starts, does not hear SIGTERM, and never ends.
const deaf = `trap '' TERM
exec 3> gate
( trap '' TERM; echo grandchild >&3; while :; do sleep 60; done ) &
while :; do sleep 60; done
`

func TestACommandThatHangsIsKilledWithAllThatItStarted(t *testing.T) {
	for name, polite := range map[string]string{"deaf": deaf, "the grandchild alone is deaf": strings.Replace(deaf, "trap '' TERM\n", "", 1)} {
		t.Run(name, func(t *testing.T) {
			r := newRig(t)
			_, line, ended := r.gate()
			up := make(chan time.Time)
			r.env.After = func(d time.Duration) <-chan time.Time {
				switch d {
				case 90 * time.Second:
					return up
				case 5 * time.Second: // between SIGTERM and SIGKILL
					return time.After(100 * time.Millisecond)
				}
				return time.After(d)
			}
			r.set["timeout"] = text("90s")
			r.gives("run", restart, r.script("act", polite))
			o := r.order(restart)
			go func() {
				line()
				close(up)
			}()
			acted := r.open().Act(t.Context(), o)
			if acted.Outcome != incident.Unknown || !strings.Contains(told(acted.Steps), "ran longer than 1m30s") {
				t.Errorf("%q: %s", acted.Outcome, told(acted.Steps))
			}
			ended()
		})
	}
}

func TestACommandThatIsCalledOffIsKilledWithAllThatItStarted(t *testing.T) {
	r := newRig(t)
	_, line, ended := r.gate()
	r.env.After = quick
	r.gives("run", restart, r.script("act", deaf))
	o := r.order(restart)
	ctx, cancel := context.WithCancel(t.Context())
	go func() {
		line()
		cancel()
	}()
	acted := r.open().Act(ctx, o)
	if acted.Outcome != incident.Unknown || !strings.Contains(told(acted.Steps), "was called off") {
		t.Errorf("%q: %s", acted.Outcome, told(acted.Steps))
	}
	ended()
}

// quick waits as long as it is asked to, but not between SIGTERM and SIGKILL.
func quick(d time.Duration) <-chan time.Time {
	if d == 5*time.Second {
		d = 50 * time.Millisecond
	}
	return time.After(d)
}

// What a restart script starts in the background is the service: it must live on.
func TestWhatACommandLeavesBehindIsNeitherWaitedForNorKilled(t *testing.T) {
	r := newRig(t)
	_, line, _ := r.gate()
	r.env.After = func(d time.Duration) <-chan time.Time {
		if d == 2*time.Second { // the last words of the output
			d = 50 * time.Millisecond
		}
		return time.After(d)
	}
	r.gives("run", restart, r.script("act", "mkfifo go\n( read x < go; echo alive > gate ) &\necho started\n"))
	acted := r.open().Act(t.Context(), r.order(restart))
	said := told(acted.Steps)
	if acted.Outcome != "" || !strings.Contains(said, "still held its output") || !strings.Contains(said, "8 bytes: started") {
		t.Errorf("%q: %s", acted.Outcome, told(acted.Steps))
	}
	on, err := os.OpenFile(filepath.Join(r.dir, "go"), os.O_RDWR, 0) // for both, so that it waits for no reader
	r.must(err)
	defer on.Close()
	_, err = on.WriteString("on\n")
	r.must(err)
	if heard := line(); heard != "alive" {
		t.Errorf("it said %q", heard)
	}
}

func TestAGigabyteOfOutputIsReadToItsEndAndNotKept(t *testing.T) {
	if testing.Short() {
		t.Skip("a gigabyte takes some seconds; make test runs it")
	}
	r := newRig(t)
	r.gives("run", restart, r.script("act", "echo the first line\nhead -c 1000000000 /dev/zero | tr '\\0' x\necho\necho the last line\n"))
	o := r.order(restart)
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	acted := r.open().Act(t.Context(), o)
	runtime.ReadMemStats(&after)
	if grown := after.TotalAlloc - before.TotalAlloc; grown > 16<<20 {
		t.Errorf("%d MiB were allocated for it", grown>>20)
	}
	said := told(acted.Steps)
	if acted.Outcome != "" || !strings.Contains(said, "1000000030 bytes: the first line") ||
		!strings.Contains(said, "the last line") || len(said) > 2000 {
		t.Errorf("%q: %.2000s", acted.Outcome, said)
	}
}

func TestOutputOfAnyBytesIsShownAsPlainText(t *testing.T) {
	r := newRig(t)
	r.gives("run", restart, r.script("act",
		`printf 'caf\351 \000\033[31mred\033[0m password=hunter2hunter2 \342\200\256evil\n'; printf '\377\376' >&2`))
	acted := r.open().Act(t.Context(), r.order(restart))
	said := told(acted.Steps)
	if acted.Outcome != "" || strings.Contains(said, "hunter2") ||
		strings.ContainsAny(said, "\x00\x1b\u202e") || !strings.Contains(said, "caf") {
		t.Errorf("%q: %q", acted.Outcome, said)
	}
}

func TestHowACommandEndedIsToldTruthfully(t *testing.T) {
	for name, c := range map[string]struct {
		script  string
		outcome incident.Outcome
		says    string
	}{
		"it succeeds":       {"exit 0\n", "", "ended with exit status 0"},
		"it fails":          {"echo half done; exit 3\n", incident.Unknown, "ended with exit status 3"},
		"it is killed":      {"kill -9 $$\n", incident.Unknown, "was ended by a signal"},
		"it writes nothing": {"exec >&- 2>&-; exit 0\n", "", "ended with exit status 0"},
	} {
		r := newRig(t)
		r.gives("run", restart, r.script("act", c.script))
		acted := r.open().Act(t.Context(), r.order(restart))
		if acted.Outcome != c.outcome || !strings.Contains(told(acted.Steps), c.says) {
			t.Errorf("%s: %q: %s", name, acted.Outcome, told(acted.Steps))
		}
		for _, s := range acted.Steps {
			if len(s.Detail) > 500 {
				t.Errorf("%s: a step of %d bytes would be cut", name, len(s.Detail))
			}
		}
	}
}

func TestWhatCannotBeStartedHasChangedNothing(t *testing.T) {
	r := newRig(t)
	path := r.script("act", "exit 0\n")
	r.gives("run", restart, path)
	for name, spoil := range map[string]func(){
		"changed since":         func() { r.script("act", "exit 1\n") },
		"no longer executable":  func() { r.must(os.Chmod(path, 0o644)) },
		"deleted":               func() { r.must(os.Remove(path)) },
		"its folder is gone":    func() { r.set["dir"] = text(filepath.Join(r.dir, "gone")) },
		"writable for everyone": func() { r.must(os.Chmod(path, 0o757)) },
	} {
		r.script("act", "exit 0\n")
		r.must(os.Chmod(path, 0o755))
		r.set["dir"] = text(r.dir)
		o := r.order(restart)
		spoil()
		acted := r.open().Act(t.Context(), o)
		if acted.Outcome != incident.Failed || !strings.Contains(told(acted.Steps), "nothing was changed") {
			t.Errorf("%s: %q: %s", name, acted.Outcome, told(acted.Steps))
		}
	}
}

// The kernel says so, and only when it is asked to run it.
func TestAProgramThatThisMachineCannotRunHasChangedNothing(t *testing.T) {
	r := newRig(t)
	for name, c := range map[string]struct{ content, says string }{
		"no program at all":       {"echo no first line\n", "neither a program of this machine nor a script"},
		"its interpreter is gone": {"#!/no/such/interpreter\n", "is not there"},
	} {
		path := filepath.Join(r.dir, "odd")
		r.must(os.WriteFile(path, []byte(c.content), 0o755))
		r.gives("run", restart, path)
		acted := r.open().Act(t.Context(), r.order(restart))
		if acted.Outcome != incident.Failed || !strings.Contains(told(acted.Steps), c.says) {
			t.Errorf("%s: %q: %s", name, acted.Outcome, told(acted.Steps))
		}
	}
}

func TestAFixOfWhichNoCallHasToldIsNotVerified(t *testing.T) {
	r := newRig(t)
	r.gives("run", restart, "true")
	r.gives("verify", restart, "true")
	r.gives("undo", restart, r.script("undo", "echo x >> undone\n"))
	o := r.order(restart)
	sight, err := r.open().Verify(t.Context(), o)
	if err != nil || sight.Phase != steps.NotVerified {
		t.Errorf("%s, %v: %s", sight.Phase, err, told(sight.Steps))
	}
	o.Undoing = true
	if acted := r.open().Undo(t.Context(), o); acted.Outcome != incident.Failed || lines(t, filepath.Join(r.dir, "undone")) != 0 {
		t.Errorf("undone all the same: %q: %s", acted.Outcome, told(acted.Steps))
	}
}

func TestAVerifyCommandSettlesUntilItSaysYes(t *testing.T) {
	r := newRig(t)
	r.gives("run", restart, "true")
	r.gives("verify", restart, r.script("look", "test -e well || { echo still starting; exit 1; }\n"))
	o := r.order(restart)
	o.Receipt = r.open().Act(t.Context(), o).Receipt
	sight, err := r.open().Verify(t.Context(), o)
	if err != nil || sight.Phase != steps.Settling || !strings.Contains(told(sight.Steps), "still starting") {
		t.Errorf("%s, %v: %s", sight.Phase, err, told(sight.Steps))
	}
	r.must(os.WriteFile(filepath.Join(r.dir, "well"), nil, 0o600))
	if sight, err := r.open().Verify(t.Context(), o); err != nil || sight.Phase != steps.Verified {
		t.Errorf("%s, %v: %s", sight.Phase, err, told(sight.Steps))
	}
	r.script("look", "sleep 100\n")
	if _, err := r.open().Verify(t.Context(), o); err == nil {
		t.Error("another program was run to verify than the one that was approved")
	}
}

func TestAVerifyCommandThatHangsIsAskedAgain(t *testing.T) {
	r := newRig(t)
	r.env.After = func(d time.Duration) <-chan time.Time {
		if d == 25*time.Second {
			return time.After(50 * time.Millisecond)
		}
		return quick(d)
	}
	r.gives("run", restart, "true")
	r.gives("verify", restart, "sleep", "1000")
	o := r.order(restart)
	o.Receipt = incident.State{"exit status": "0"}
	if _, err := r.open().Verify(t.Context(), o); incident.KindOf(err) != incident.Unavailable {
		t.Errorf("%v", err)
	}
}
