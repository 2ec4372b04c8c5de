package rules

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"
)

const mostLogs = 200 * 1024 // the most that an alert may carry

// quietLog is a log of n bytes in which nothing matches: the slowest ordinary case, for every phrase is looked for.
func quietLog(n int) string {
	var b strings.Builder
	for i := 0; b.Len() < n; i++ {
		fmt.Fprintf(&b, "2026-03-01T12:%02d:07.123Z INFO [http-nio-8080-exec-%d] com.example.api.OrderService - order=%d placed in 12 ms\n", i%60, i%9, i)
		fmt.Fprintf(&b, "\tat com.example.api.OrderService.place(OrderService.java:%d)\n", i)
		fmt.Fprintf(&b, `{"level":"info","ts":%d,"msg":"GET /v1/orders","status":200,"user_agent":"Mozilla/5.0"}`+"\n", i)
	}
	return b.String()[:n]
}

func BenchmarkJudge1KiBNothing(b *testing.B)   { benchJudge(b, quietLog(1024)) }
func BenchmarkJudge200KiBNothing(b *testing.B) { benchJudge(b, quietLog(mostLogs)) }
func BenchmarkJudge1KiBFound(b *testing.B) {
	benchJudge(b, quietLog(960)+"\nError: connect ECONNREFUSED 127.0.0.1:5432")
}

func benchJudge(b *testing.B, log string) {
	b.SetBytes(int64(len(log)))
	b.ReportAllocs()
	for b.Loop() {
		Judge(Input{Logs: log})
	}
}

func BenchmarkNotable200KiB(b *testing.B) {
	for log := strings.Repeat("2026-03-01 ERROR order 17 failed: the ledger is odd\n", 4000); b.Loop(); {
		Notable(log)
	}
}

// BenchmarkJudge200KiBAll judges a log in which every rule matches, which is far more than any incident shows. It
// reports the slowest of a hundred runs too.
func BenchmarkJudge200KiBAll(b *testing.B) {
	var all strings.Builder
	for all.Len() < mostLogs {
		for _, r := range Builtin() {
			all.WriteString(strings.Join(r.Examples, "\n") + "\n")
		}
	}
	log := all.String()[:mostLogs]
	Judge(Input{Logs: log}) // compiles the expressions
	var took []time.Duration
	for b.Loop() {
		began := time.Now()
		Judge(Input{Logs: log})
		took = append(took, time.Since(began))
	}
	slices.Sort(took)
	b.ReportMetric(float64(took[len(took)*99/100].Microseconds())/1000, "p99-ms")
}
