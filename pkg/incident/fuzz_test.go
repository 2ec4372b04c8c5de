package incident

import (
	"encoding/json"
	"fmt"
	"log/slog"
	"maps"
	"strings"
	"testing"
	"time"
	"unicode/utf8"
)

// Canonical JSON is JSON, means what went in, and is one text for one value.
func FuzzCanonical(f *testing.F) {
	f.Add("a", "b", "c", "d", int64(1))
	f.Add("\u20ac", "\r\n\t\b\f\"\\\x00\x1f\x7f", "\U0001f600", "\ufb33</script>\u2028", int64(-1)<<52)
	f.Add("", "", "\x80", "\xff", int64(0))
	f.Fuzz(func(t *testing.T, k1, v1, k2, v2 string, n int64) {
		for _, s := range []string{k1, v1, k2, v2} {
			if !utf8.ValidString(s) {
				return
			}
		}
		n %= 1 << 53
		in := map[string]string{k1: v1, k2: v2}
		text := canonical(map[string]any{"in": in, "n": n})
		var out struct {
			In map[string]string
			N  int64
		}
		if err := json.Unmarshal([]byte(text), &out); err != nil || !maps.Equal(in, out.In) || out.N != n {
			t.Fatalf("%q %d became %s, read as %+v, %v", in, n, text, out, err)
		}
		if other := map[string]string{k2: v1, k1: v2}; (canonical(in) == canonical(other)) != maps.Equal(in, other) {
			t.Fatalf("%q and %q are both %s", in, other, canonical(in))
		}
	})
}

// An event that was stored as JSON and read back has the hash that it had, whatever
// its details hold; with any part of it changed it has another.
func FuzzEventHash(f *testing.F) {
	f.Add("note", "go", "key:anna")
	f.Add("\xff", "\u2028\x00", "system")
	f.Fuzz(func(t *testing.T, name, value, actor string) {
		ref := Ref{DefaultTenant, "INC-01ARZ3NDEKTSV4RRFFQ69G5FAV"}
		e := Event{Seq: 1, Time: time.Unix(1, 999).UTC(), Actor: Actor(actor), Action: EventDetected, Details: map[string]string{name: value}, PrevHash: FirstPrevHash}
		e.Hash = e.HashFor(ref)
		text, err := json.Marshal(e)
		if err != nil {
			t.Fatal(err)
		}
		var read Event
		if err := json.Unmarshal(text, &read); err != nil || VerifyChain(Incident{Ref: ref, Version: 1, HeadHash: e.Hash}, []Event{read}) != nil {
			t.Fatalf("%s does not verify when it is read back (%v)", text, err)
		}
		changed := e
		changed.Details = map[string]string{name: value + "x"}
		moved := Ref{DefaultTenant, "INC-01ARZ3NDEKTSV4RRFFQ69G5FAW"}
		if changed.HashFor(ref) == e.Hash || e.HashFor(moved) == e.Hash {
			t.Fatalf("%s: the hash does not cover it", text)
		}
	})
}

// Whatever an alert holds, it has a fingerprint, and is refused with a field.
func FuzzFingerprint(f *testing.F) {
	f.Add("prod-api-01", "JavaScript heap out of memory", "")
	f.Add("s", "2026-01-02T03:04:05Z ERROR 0xdeadbeef id=550e8400-e29b-41d4-a716-446655440000", "")
	f.Add("\x00", "\n\n", "k")
	f.Fuzz(func(t *testing.T, server, logs, key string) {
		a := Alert{Tenant: DefaultTenant, Source: "api", Service: server, ErrorLogs: logs, DedupKey: key}
		print := a.Fingerprint()
		if len(print) != 64 {
			t.Fatalf("%q", print)
		}
		b := a
		b.Service += "x"
		if b.Fingerprint() == print {
			t.Fatalf("%q: two services have one fingerprint", server)
		}
		if err := a.Validate(); err != nil && (KindOf(err) != Invalid || !utf8.ValidString(err.Error())) {
			t.Fatalf("%q: %v", a.Service, err)
		}
	})
}

// A task token shows itself in no way of printing.
func FuzzTaskToken(f *testing.F) {
	f.Add("INC-01ARZ3NDEKTSV4RRFFQ69G5FAV.1.secret-of-the-execution")
	f.Fuzz(func(t *testing.T, text string) {
		if len(text) < 20 || strings.Contains(hiddenToken, text) {
			return // might stand in the placeholder or the type's name by chance
		}
		token := NewTaskToken(text)
		var log strings.Builder
		slog.New(slog.NewTextHandler(&log, nil)).Info("m", "token", token, "in", Wait{Token: token})
		b, err := json.Marshal(Wait{Token: token})
		if err != nil {
			t.Fatal(err)
		}
		shown := fmt.Sprintf("%v %+v %#v %s %q", token, token, token, token, token) + log.String() + string(b)
		if strings.Contains(shown, text) {
			t.Fatalf("%q shows in %s", text, shown)
		}
	})
}
