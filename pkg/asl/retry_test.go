package asl

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"
)

// delays fails a task until it gives up, and tells how long each retry waited.
func delays(h *harness, failures ...string) []time.Duration {
	var all []time.Duration
	for _, failure := range failures {
		h.fail(failure)
		if h.exec.Phase != BackOff {
			break
		}
		before := h.now
		h.fire()
		all = append(all, h.now.Sub(before))
	}
	return all
}

func TestRetryDelays(t *testing.T) {
	const s = time.Second
	many := []string{"A", "A", "A", "A", "A", "A", "A"}
	cases := []struct {
		name, retry string
		failures    []string
		random      float64
		want        []time.Duration
	}{
		{"defaults", `{"ErrorEquals":["A"]}`, many, 0, []time.Duration{s, 2 * s, 4 * s}},
		{"never", `{"ErrorEquals":["A"],"MaxAttempts":0}`, many, 0, nil},
		{"given", `{"ErrorEquals":["A"],"IntervalSeconds":3,"BackoffRate":1.5,"MaxAttempts":4}`, many, 0, []time.Duration{3 * s, 4500 * time.Millisecond, 6750 * time.Millisecond, 10125 * time.Millisecond}},
		{"bounded", `{"ErrorEquals":["A"],"IntervalSeconds":3,"BackoffRate":2,"MaxAttempts":5,"MaxDelaySeconds":10}`, many, 0, []time.Duration{3 * s, 6 * s, 10 * s, 10 * s, 10 * s}},
		{"half jitter", `{"ErrorEquals":["A"],"IntervalSeconds":4,"JitterStrategy":"FULL"}`, many, 0.5, []time.Duration{2 * s, 4 * s, 8 * s}},
		{"no jitter left", `{"ErrorEquals":["A"],"IntervalSeconds":4,"JitterStrategy":"FULL"}`, many, 0, []time.Duration{0, 0, 0}},
		{"jitter switched off", `{"ErrorEquals":["A"],"IntervalSeconds":4,"MaxAttempts":1,"JitterStrategy":"NONE"}`, many, 0.5, []time.Duration{4 * s}},
		{"two retriers count apart", `{"ErrorEquals":["A"],"MaxAttempts":2},{"ErrorEquals":["B"],"IntervalSeconds":5}`, []string{"A", "B", "A", "B", "A"}, 0, []time.Duration{s, 5 * s, 2 * s, 10 * s}},
		{"the first that matches decides", `{"ErrorEquals":["A"],"MaxAttempts":1},{"ErrorEquals":["States.ALL"],"MaxAttempts":9}`, []string{"A", "A"}, 0, []time.Duration{s}},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			h := start(t, machine(task(`,"Retry":[`+c.retry+`],"End":true`)), `{}`)
			h.random = c.random
			if diff := cmp.Diff(c.want, delays(h, c.failures...)); diff != "" {
				t.Errorf("delays (-want +got):\n%s", diff)
			}
			h.wantError("A")
		})
	}
}

func TestRetryCountIsTheStatesOwn(t *testing.T) {
	h := start(t, machine(`{"Type":"Task","Resource":"arn:aws:states:::lambda:invoke","Parameters":{"FunctionName":"F","Payload":{"n.$":"$$.State.RetryCount","at.$":"$$.State.EnteredTime"}},"ResultPath":null,"Retry":[{"ErrorEquals":["A"],"MaxAttempts":1},{"ErrorEquals":["B"],"MaxAttempts":1}],"Next":"Again"}`,
		`"Again":{"Type":"Wait","Seconds":1,"Next":"S"}`), `{}`)
	const entered = "2026-01-02T03:04:05.678Z"
	for i, failure := range []string{"A", "B", ""} {
		want := `{"at":"` + entered + `","n":` + string(rune('0'+i)) + `}`
		if got := string(h.run().Payload); got != want {
			t.Fatalf("attempt %d: payload %s, want %s: the time of entry stays over retries", i, got, want)
		}
		if failure != "" {
			h.fail(failure)
			h.fire()
		}
	}
	h.succeed(`{}`)
	h.fire()
	if got := string(h.run().Payload); got != `{"at":"2026-01-02T03:04:08.678Z","n":0}` {
		t.Errorf("entered again: payload %s", got)
	}
	h.fail("A")
	if h.exec.Phase != BackOff {
		t.Error("entered again, and the retrier's count was not forgotten")
	}
}

func TestDelayIsBounded(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		r := Retrier{
			Interval:    time.Duration(rapid.IntRange(1, maxSeconds).Draw(t, "interval")) * time.Second,
			BackoffRate: rapid.Float64Range(1, 1e300).Draw(t, "rate"),
			MaxDelay:    time.Duration(rapid.IntRange(0, maxDelaySecond).Draw(t, "most")) * time.Second,
			FullJitter:  rapid.Bool().Draw(t, "jitter"),
		}
		used := rapid.IntRange(0, maxAttempts).Draw(t, "used")
		random := rapid.Float64Range(0, 0.999999).Draw(t, "random")
		most := maxSeconds * time.Second
		if r.MaxDelay > 0 {
			most = min(most, r.MaxDelay)
		}
		got := r.Delay(used, random)
		if got < 0 || got > most {
			t.Fatalf("delay %s, want from 0 to %s", got, most)
		}
		plain := r
		plain.FullJitter = false
		if got > plain.Delay(used, random) {
			t.Fatalf("jitter made %s longer than %s", got, plain.Delay(used, random))
		}
	})
}
