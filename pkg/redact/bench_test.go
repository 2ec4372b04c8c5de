package redact

import (
	"fmt"
	"strings"
	"testing"
	"time"
)

const mostLogs = 200 * 1024 // the most that an alert may carry

// sampleLog is a log of n bytes as applications write it, with a secret every twenty lines or so.
func sampleLog(n int) string {
	var b strings.Builder
	for i := 0; b.Len() < n; i++ {
		fmt.Fprintf(&b, "2026-03-01T12:%02d:07.123Z ERROR [http-nio-8080-exec-%d] com.example.api.OrderService - order=%d failed: timeout\n", i%60, i%9, i)
		fmt.Fprintf(&b, "\tat com.example.api.OrderService.place(OrderService.java:%d)\n", i)
		fmt.Fprintf(&b, `{"level":"info","ts":%d,"msg":"GET /v1/orders","status":200,"user_agent":"Mozilla/5.0","id":"%s"}`+"\n", i, hexes32)
		if i%7 == 0 {
			b.WriteString("connecting to postgres://app:hunter2@db.internal:5432/orders with Authorization: Bearer " + jwt + "\n")
		}
	}
	return b.String()[:n]
}

func BenchmarkText1KiB(b *testing.B)   { benchText(b, sampleLog(1024)) }
func BenchmarkText200KiB(b *testing.B) { benchText(b, sampleLog(mostLogs)) }

func BenchmarkText200KiBColored(b *testing.B) {
	benchText(b, strings.ReplaceAll(sampleLog(mostLogs), "ERROR", "\x1b[31mERROR\x1b[0m"))
}

// BenchmarkText200KiBHostile holds the inputs that would be slow if anything in here were quadratic.
func BenchmarkText200KiBHostile(b *testing.B) {
	for _, h := range hostile() {
		b.Run(h.name, func(b *testing.B) { benchText(b, h.in) })
	}
}

type hostileInput struct{ name, unit, in string }

func hostile() []hostileInput {
	var all []hostileInput
	for _, unit := range []string{
		"password=", "password=null,", `password="`, `password="\"`, "password=${a}", "token:", "://", "://a:b", "a@tcp(", "-u ", "--token ", "curl -u ",
		"-----BEGIN PRIVATE KEY-----", "-----BEGIN ", "eyJ", "eyJhbGciOiJIUzI1NiJ9.", "\x1b]", "\x1b[", "\x1bP0", "Authorization: ", "Authorization: mac ",
		"Cookie: ", "Cookie: a", "[REDACTED:", "[REDACTED:jwt]", "password=)", ")", "approve-fix?", "t=", "Bearer ", "basic ", "SK", "<password>", "AKIA",
		"MTA4NjY1NDMyMTk4NzY1NDMy.", "value=", "\xff", "\u200b", "a.", "password ", "'", "by '", "password:\"must ", "password=(", "password=,", "=", "sk-a",
		"password=get(", "hooks.slack.com/services/", "A", "a", "sk-ant-", "aogk_", "eyJ-", "eyJhbGciOiJIUzI1NiJ9.a!", "://a:b/c[REDACTED:",
		strings.Repeat("://", 600) + "@", strings.Repeat("://a:b", 300) + " @", strings.Repeat("://a:b", 300) + "[REDACTED:@", "ghs_.....", "SG.a",
	} {
		all = append(all, hostileInput{fmt.Sprintf("%.20q", unit), unit, strings.Repeat(unit, mostLogs/len(unit))})
	}
	return all
}

// TestHostileTextTakesLinearTime fails on anything quadratic, which takes seconds where the rest takes milliseconds; the
// bound is wide for slow machines and the race detector.
func TestHostileTextTakesLinearTime(t *testing.T) {
	for _, h := range hostile() {
		start := time.Now()
		Text(h.in)
		if took := time.Since(start); took > time.Second {
			t.Errorf("200 KiB of %s took %v", h.name, took)
		}
	}
}

func benchText(b *testing.B, in string) {
	b.SetBytes(int64(len(in)))
	b.ReportAllocs()
	for b.Loop() {
		Text(in)
	}
}
