package main

import (
	"fmt"
	"runtime"
	"strings"
	"text/tabwriter"
	"time"
)

// figure is one row. An aim of 0 is none.
type figure struct {
	name  string
	value float64
	unit  string
	aim   float64
	most  bool // the aim is what the value may be at most; else at least
}

func (f figure) verdict() (aim, ok string) {
	switch {
	case f.aim == 0:
		return "", ""
	case f.most && f.value < f.aim:
		return fmt.Sprintf("< %g", f.aim), "ok"
	case f.most:
		return fmt.Sprintf("< %g", f.aim), "over"
	case f.value >= f.aim:
		return fmt.Sprintf(">= %g", f.aim), "ok"
	default:
		return fmt.Sprintf(">= %g", f.aim), "over"
	}
}

// number shows three digits that mean something, and whole thousands whole.
func (f figure) number() string {
	switch {
	case f.value >= 100:
		return fmt.Sprintf("%.0f", f.value)
	case f.value >= 10:
		return fmt.Sprintf("%.1f", f.value)
	default:
		return fmt.Sprintf("%.2f", f.value)
	}
}

func (b *bench) add(f figure) { b.figures = append(b.figures, f) }

func (b *bench) table() string {
	var text strings.Builder
	fmt.Fprintf(&text, "%s %s/%s, %d CPUs shared by server and load generator, data in %s, %s\n\n",
		runtime.Version(), runtime.GOOS, runtime.GOARCH, runtime.NumCPU(), b.dir, time.Since(b.began).Round(time.Second))
	w := tabwriter.NewWriter(&text, 0, 0, 2, ' ', 0)
	fmt.Fprintln(w, "figure\tvalue\tunit\taim\t")
	for _, f := range b.figures {
		aim, ok := f.verdict()
		fmt.Fprintf(w, "%s\t%s\t%s\t%s\t%s\n", f.name, f.number(), f.unit, aim, ok)
	}
	w.Flush()
	return text.String()
}

func milliseconds(d time.Duration) float64 { return float64(d) / float64(time.Millisecond) }
