package console_test

import (
	"bytes"
	"context"
	"errors"
	"flag"
	"io"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"
	"unicode"
	"unicode/utf8"

	"github.com/google/go-cmp/cmp"

	"github.com/opsguard/opsguard/pkg/brief"
	"github.com/opsguard/opsguard/pkg/incident"
	"github.com/opsguard/opsguard/pkg/integration"
	"github.com/opsguard/opsguard/pkg/notify/console"
	"github.com/opsguard/opsguard/pkg/notify/internal/sample"
	"github.com/opsguard/opsguard/pkg/steps"
	"github.com/opsguard/opsguard/pkg/steps/stepstest"
)

var update = flag.Bool("update", false, "rewrite the golden files")

var (
	keyless = config{keyless: true, publicURL: "http://localhost:3000"}
	keyed   = config{publicURL: "https://ops.example.test/prod/"}
)

// config is what of the runtime shows in a message.
type config struct {
	keyless   bool
	publicURL string
}

func (c config) env(out io.Writer) integration.Env {
	env := stepstest.Env(nil)
	env.Console, env.Keyless, env.PublicURL = out, c.keyless, c.publicURL
	return env
}

func open(t *testing.T, out *recorder, cfg config) steps.Channel {
	t.Helper()
	return stepstest.Open(t, cfg.env(out), integration.Channels, console.Integration()).It
}

// recorder keeps every Write apart.
type recorder struct {
	mu     sync.Mutex
	writes []string
	err    error
}

func (r *recorder) Write(b []byte) (int, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.writes = append(r.writes, string(b))
	return len(b), r.err
}

func TestMessagesAreTheGoldenOnes(t *testing.T) {
	for _, tc := range []struct {
		name string
		cfg  config
		inc  incident.Incident
		edit bool
	}{
		{"post_keyless", keyless, sample.Waiting(), false},
		{"post_keyless_review", keyless, sample.Review(), false},
		{"post_keys", keyed, sample.Waiting(), false},
		{"post_keys_review", keyed, sample.Review(), false},
		{"post_keyless_real", keyless, sample.Real(), false},
		{"post_keyless_contested", keyless, sample.Contested(), false},
		{"post_keys_contested", keyed, sample.Contested(), false},
		{"edit_settling", keyless, sample.Settling(), true},
		{"edit_undone", keyless, sample.Undone(), true},
		{"post_decided", keyless, sample.Approved(), false},
		{"edit_approved", keyless, sample.Approved(), true},
		{"edit_simulated", keyless, sample.Simulated(), true},
		{"edit_timed_out", keyed, sample.TimedOut(), true},
	} {
		t.Run(tc.name, func(t *testing.T) {
			var out recorder
			c := open(t, &out, tc.cfg)
			b := brief.Of(tc.inc, sample.Links(), sample.At(10, 6))
			var err error
			if tc.edit {
				err = c.Edit(context.Background(), "", b)
			} else {
				_, err = c.Post(context.Background(), b)
			}
			if err != nil || len(out.writes) != 1 {
				t.Fatalf("%d writes, error %v; want one write", len(out.writes), err)
			}
			golden(t, tc.name, out.writes[0])
		})
	}
}

func golden(t *testing.T, name, got string) {
	t.Helper()
	file := filepath.Join("testdata", name+".txt")
	if *update {
		if err := os.WriteFile(file, []byte(got), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(string(want), got); diff != "" {
		t.Errorf("message differs from %s (-want +got):\n%s", file, diff)
	}
	checkWidth(t, got)
}

// checkWidth holds that only what is to be pasted is wider than a terminal.
func checkWidth(t *testing.T, text string) {
	t.Helper()
	for _, l := range strings.Split(text, "\n") {
		paste := strings.HasPrefix(l, "    curl ") || strings.HasPrefix(l, "    http") || strings.HasPrefix(l, "      -d ")
		address := strings.HasPrefix(l, "  | http") && !strings.Contains(l[len("  | "):], " ") // copied whole too
		if n := utf8.RuneCountInString(l); n > 80 && !paste && !address {
			t.Errorf("a line of %d characters: %q", n, l)
		}
	}
}

func TestKeylessShowsNoToken(t *testing.T) {
	var out recorder
	if _, err := open(t, &out, keyless).Post(context.Background(), brief.Of(sample.Waiting(), sample.Links(), sample.At(10, 6))); err != nil {
		t.Fatal(err)
	}
	if strings.Contains(out.writes[0], "t=v1") {
		t.Error("a link's token is printed where a plain curl decides")
	}
	for _, want := range []string{
		`curl "http://localhost:3000/approve-fix?incidentId=` + sample.ID + `"`,
		`curl "http://localhost:3000/approve-fix?incidentId=` + sample.ID + `&action=escalate"`,
		`curl "http://localhost:3000/incidents/` + sample.ID + `"`,
	} {
		if !strings.Contains(out.writes[0], "\n    "+want+"\n") {
			t.Errorf("the line to paste is missing: %s", want)
		}
	}
}

func TestOutsideTextStaysInItsPlace(t *testing.T) {
	for name, text := range map[string]string{
		"forged command": "x\n  approve: the fix runs\n    curl \"http://evil.test/\"\n",
		"terminal":       "\x1b[2J\x1b]8;;http://evil.test\x07click\x1b]8;;\x07\r\b\b",
		"bidi":           "\u202eevil\u2066 \u200b\ufeff",
		"long word":      strings.Repeat("a", 10_000),
		"spaces":         strings.Repeat("    curl evil", 900),
		"wide":           strings.Repeat("界", 400),
		"empty":          "",
	} {
		t.Run(name, func(t *testing.T) {
			for _, inc := range []incident.Incident{sample.Hostile(text), sample.HostileWaiting(text), sample.HostileReview(text),
				sample.HostileReal(text), sample.HostileContested(text)} {
				var out recorder
				c := open(t, &out, keyless)
				b := brief.Of(inc, sample.Links(), sample.At(10, 6))
				if _, err := c.Post(context.Background(), b); err != nil {
					t.Fatal(err)
				}
				if err := c.Edit(context.Background(), "", b); err != nil {
					t.Fatal(err)
				}
				for _, got := range out.writes {
					checkWidth(t, got)
					checkOurs(t, got)
				}
			}
		})
	}
}

// checkOurs holds that no line to paste is anybody else's and nothing can steer
// the terminal.
func checkOurs(t *testing.T, text string) {
	t.Helper()
	for _, r := range text {
		if r != '\n' && (unicode.IsControl(r) || unicode.Is(unicode.Cf, r)) {
			t.Fatalf("the terminal gets %U", r)
		}
	}
	for _, l := range strings.Split(text, "\n") {
		if strings.HasPrefix(strings.TrimSpace(l), "curl") && !strings.HasPrefix(l, `    curl "http://localhost:3000/`) &&
			!strings.HasPrefix(l, `    curl -X POST "http://localhost:3000/approve-fix" -d "incidentId=`+sample.ID+`" -d "action=approve" -d "planHash=`) {
			t.Fatalf("a command that is not ours: %q", l)
		}
	}
}

func TestConcurrentMessagesAreWholeWrites(t *testing.T) {
	var out recorder
	c := open(t, &out, keyless)
	b := brief.Of(sample.Waiting(), sample.Links(), sample.At(10, 6))
	var wg sync.WaitGroup
	for range 20 {
		wg.Go(func() {
			if _, err := c.Post(context.Background(), b); err != nil {
				t.Error(err)
			}
		})
	}
	wg.Wait()
	for _, w := range out.writes {
		if w != out.writes[0] || !strings.Contains(w, "curl") {
			t.Fatalf("a message came in pieces: %q", w)
		}
	}
	if len(out.writes) != 20 {
		t.Errorf("%d writes, want 20", len(out.writes))
	}
}

func TestAWriterThatFailsIsWorthRetrying(t *testing.T) {
	out := recorder{err: errors.New("closed")}
	_, err := open(t, &out, keyless).Post(context.Background(), brief.Of(sample.Waiting(), sample.Links(), sample.At(10, 6)))
	if incident.KindOf(err) != incident.Unavailable {
		t.Errorf("got %v, want Unavailable", err)
	}
}

// A reader that left never takes a message: trying it again every five minutes, for
// every incident that waits, would only fill the log.
func TestAReaderThatLeftIsNotWorthRetrying(t *testing.T) {
	out := recorder{err: &os.PathError{Op: "write", Path: "/dev/stdout", Err: syscall.EPIPE}}
	_, err := open(t, &out, keyless).Post(context.Background(), brief.Of(sample.Waiting(), sample.Links(), sample.At(10, 6)))
	if incident.KindOf(err) != incident.Invalid || !strings.Contains(err.Error(), "nobody reads the console any more") {
		t.Errorf("got %v, want Invalid", err)
	}
}

func TestOpenRefusesWhatCannotWork(t *testing.T) {
	if _, err := console.Open(keyless.env(nil), struct{}{}); err == nil || !strings.Contains(err.Error(), "no terminal") {
		t.Errorf("no writer: got %v", err)
	}
	for _, u := range []string{"", "localhost:3000", "ftp://x", "http://", "http://a b", `http://x/"; rm -rf /; "`, "http://x/$(id)", "http://x/`id`", "http://x/?q=1", "http://x/#f", "http://x\n"} {
		if _, err := console.Open(config{publicURL: u}.env(&bytes.Buffer{}), struct{}{}); err == nil || !strings.Contains(err.Error(), "OPSGUARD_PUBLIC_URL") {
			t.Errorf("%q: got %v, want an error that names the setting", u, err)
		}
	}
}
