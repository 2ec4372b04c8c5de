package main

import (
	"strings"
	"testing"
	"time"
)

func TestAFigureOverItsAimIsMarked(t *testing.T) {
	for _, c := range []struct {
		f    figure
		want string
	}{
		{figure{"a", 299.6, "ms", 300, true}, "a 300 ms < 300 ok"},
		{figure{"b", 300, "ms", 300, true}, "b 300 ms < 300 over"},
		{figure{"c", 0.5, "ratio", 0.5, false}, "c 0.50 ratio >= 0.5 ok"},
		{figure{"d", 0.49, "ratio", 0.5, false}, "d 0.49 ratio >= 0.5 over"},
		{figure{name: "e", value: 17598.4, unit: "puts/s"}, "e 17598 puts/s"},
	} {
		b := &bench{figures: []figure{c.f}, began: time.Now()}
		lines := strings.Split(strings.TrimSpace(b.table()), "\n")
		if got := strings.Join(strings.Fields(lines[len(lines)-1]), " "); got != c.want {
			t.Errorf("got %q, want %q", got, c.want)
		}
	}
}

func TestPercentiles(t *testing.T) {
	var r rate
	if got := r.percentile(0.99); got != 0 {
		t.Errorf("of nothing: %s", got)
	}
	for i := range 100 {
		r.latencies = append(r.latencies, time.Duration(i+1))
	}
	for p, want := range map[float64]time.Duration{0: 1, 0.5: 51, 0.99: 100, 1: 100} {
		if got := r.percentile(p); got != want {
			t.Errorf("percentile %g is %d, want %d", p, got, want)
		}
	}
}
