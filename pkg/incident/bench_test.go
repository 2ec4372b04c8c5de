package incident

import (
	"testing"
	"time"
)

// BenchmarkOpen is what accepting an alert costs before it is stored.
func BenchmarkOpen(b *testing.B) {
	n := New{
		Ref: Ref{DefaultTenant, "INC-01ARZ3NDEKTSV4RRFFQ69G5FAV"}, Alert: testAlert(), By: Local,
		ApprovalTimeout: time.Hour, Now: time.Unix(1_800_000_000, 0),
	}
	n.Alert.DedupKey = "key"
	b.ReportAllocs()
	for b.Loop() {
		Open(n)
	}
}

// BenchmarkFingerprint is of an alert without a key, whose lines must be looked at.
func BenchmarkFingerprint(b *testing.B) {
	a := testAlert()
	a.DedupKey = ""
	a.ErrorLogs = "2026-11-24T10:15:02.113Z api[7]: GET /v1/orders 200 31ms\n" +
		"2026-11-24T10:15:02.480Z api[7]: GET /v1/orders/export 200 2911ms rss=1489MB\n" +
		"<--- Last few GCs --->\n" +
		"FATAL ERROR: Reached heap limit Allocation failed - JavaScript heap out of memory\n"
	b.ReportAllocs()
	for b.Loop() {
		a.Fingerprint()
	}
}
