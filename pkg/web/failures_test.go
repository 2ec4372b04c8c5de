package web

import (
	"fmt"
	"strings"
	"testing"
	"time"
	"unsafe"

	"github.com/opsguard/opsguard/pkg/incident"
)

// wrong is a call with a key that nobody has.
func wrong(remote string) call {
	return call{method: "GET", target: "/incidents", key: "ogk_guess", remote: remote}
}

// exhaust sends wrong keys until the address has no failure left.
func exhaust(t *testing.T, f *front, remote string) {
	t.Helper()
	for n := range failureBurst {
		if res := f.do(t, wrong(remote)); res.StatusCode != 403 {
			t.Fatalf("wrong key %d: %d", n+1, res.StatusCode)
		}
	}
}

func TestWrongKeysAreSlowedDownByAddress(t *testing.T) {
	const attacker, other = "203.0.113.9:1000", "203.0.113.10:1000"
	f := newFront(t)
	exhaust(t, f, attacker)
	res := f.do(t, wrong("203.0.113.9:2000"))
	if got := res.Header.Get("Retry-After"); got != "2" {
		t.Errorf("Retry-After %q", got)
	}
	problemIn(t, res, 429, "too-many-failures")
	problemIn(t, f.do(t, wrong(other)), 403, "forbidden")
	problemIn(t, f.do(t, call{method: "GET", target: "/incidents", remote: attacker}), 401, "unauthorized")
	f.clock = f.clock.Add(failureEvery)
	problemIn(t, f.do(t, wrong(attacker)), 403, "forbidden")
	problemIn(t, f.do(t, wrong(attacker)), 429, "too-many-failures")
	f.clock = f.clock.Add(time.Hour)
	exhaust(t, f, attacker) // all is forgiven, and no more than that
	problemIn(t, f.do(t, wrong(attacker)), 429, "too-many-failures")
}

// Whoever shares an address with an attacker is not locked out.
func TestARightKeyOrLinkWorksFromABlockedAddress(t *testing.T) {
	const attacker = "203.0.113.9:1000"
	for name, right := range map[string]func(*front) call{
		"a key":  func(*front) call { return call{method: "GET", target: "/incidents", key: readKey} },
		"a link": func(f *front) call { return call{method: "GET", target: f.linkTo(waitingID, incident.Approve)} },
	} {
		f := newFront(t)
		exhaust(t, f, attacker)
		problemIn(t, f.do(t, wrong(attacker)), 429, "too-many-failures")
		sent := right(f)
		sent.remote = attacker
		if res := f.do(t, sent); res.StatusCode != 200 {
			t.Errorf("%s: %d %s", name, res.StatusCode, text(t, res))
		}
	}
}

func TestWrongLinksAndSignaturesCountTooAndTheRestDoesNot(t *testing.T) {
	const here = "203.0.113.9:1000"
	for name, test := range map[string]struct {
		sent   call
		counts bool
	}{
		"forged link":      {call{method: "GET", target: "/approve-fix?t=AAAA&incidentId=" + waitingID}, true},
		"forged in a form": {call{method: "POST", target: "/approve-fix", body: "t=AAAA&action=approve&incidentId=" + waitingID}, true},
		"bad signature":    {call{method: "POST", target: "/ingest/pager", body: "{}"}, true},
		"no key":           {call{method: "GET", target: "/incidents"}, false},
		"another role":     {call{method: "GET", target: "/incidents", key: ingestKey}, false},
		"unknown source":   {call{method: "POST", target: "/ingest/other", body: "{}"}, false},
		"nowhere":          {call{method: "GET", target: "/nowhere", key: "ogk_guess"}, false},
	} {
		f := newFront(t, func(c *Config) { c.Receive = pagers{} })
		test.sent.remote = here
		for range failureBurst {
			if res := f.do(t, test.sent); res.StatusCode == 429 {
				t.Fatalf("%s: too early", name)
			}
		}
		res := f.do(t, test.sent)
		if (res.StatusCode == 429) != test.counts || test.counts && res.Header.Get("Retry-After") != "2" {
			t.Errorf("%s: %d, Retry-After %q", name, res.StatusCode, res.Header.Get("Retry-After"))
		}
		if after := f.do(t, wrong(here)); (after.StatusCode == 429) != test.counts {
			t.Errorf("a wrong key after %s: %d", name, after.StatusCode)
		}
	}
}

func TestABlockedBrowserGetsAPage(t *testing.T) {
	f := newFront(t)
	exhaust(t, f, "203.0.113.9:1000")
	res := f.do(t, call{method: "GET", target: "/approve-fix?t=AAAA&incidentId=" + waitingID, remote: "203.0.113.9:1000", headers: browser})
	got, after := text(t, res), res.Header.Get("Retry-After")
	if res.StatusCode != 429 || !strings.Contains(got, "Too many wrong keys or links") || after != "2" {
		t.Errorf("%d, Retry-After %q\n%s", res.StatusCode, after, got)
	}
}

func TestAnIPv6NetworkCountsAsOneAddress(t *testing.T) {
	for a, want := range map[string]string{
		"203.0.113.9:1": "203.0.113.9/32", "[::ffff:203.0.113.9]:2": "203.0.113.9/32", "[2001:db8:1:2:3:4:5:6]:1": "2001:db8:1:2::/64",
		"[2001:db8:1:2::9]:7": "2001:db8:1:2::/64", "[fe80::1%eth0]:1": "fe80::/64", "@": "invalid Prefix", "": "invalid Prefix",
	} {
		if got := network(a).String(); got != want {
			t.Errorf("%s: %s, want %s", a, got, want)
		}
	}
	f := newFront(t)
	for n := range failureBurst {
		f.do(t, wrong(fmt.Sprintf("[2001:db8:1:2::%x]:1000", n)))
	}
	problemIn(t, f.do(t, wrong("[2001:db8:1:2:ffff::1]:1000")), 429, "too-many-failures")
	problemIn(t, f.do(t, wrong("[2001:db8:1:3::1]:1000")), 403, "forbidden")
}

// Many addresses cost no more memory than few.
func TestFailuresOfAnyNumberOfAddressesFitInTheirMemory(t *testing.T) {
	if size := unsafe.Sizeof(failures{}); size > 80<<10 {
		t.Errorf("%d bytes", size)
	}
	s := newFailures(now)
	if allocated := testing.AllocsPerRun(1000, func() { s.spend("203.0.113.9:1000", now) }); allocated > 0 {
		t.Errorf("a failure allocates %v times", allocated)
	}
	blocked := 0
	for n := range 100_000 {
		if wait, _ := s.spend(fmt.Sprintf("10.%d.%d.%d:1", n>>16, n>>8&255, n&255), now); wait > 0 {
			blocked++
		}
	}
	if blocked > 30_000 { // 4096 slots of 30 failures take 122,880, if evenly
		t.Errorf("%d of 100,000 addresses were blocked by others", blocked)
	}
}

// In an hour of guesses the log has as many lines as failures were let through, and
// one for each time that there were none left.
func TestAFloodOfWrongKeysDoesNotFloodTheLog(t *testing.T) {
	f := newFront(t)
	exhaust(t, f, "203.0.113.9:1000")
	f.log.Reset()
	for range 1000 {
		f.do(t, wrong("203.0.113.9:1000"))
	}
	if n := strings.Count(f.log.String(), `"level":"WARN"`); n != 1 {
		t.Errorf("%d warnings of 1000 failures", n)
	}
	line, _, _ := strings.Cut(f.log.String(), "\n")
	for _, part := range []string{`"remote":"203.0.113.9:1000"`, `"problem":"too-many-failures"`} {
		if !strings.Contains(line, part) {
			t.Errorf("the warning has no %s: %s", part, line)
		}
	}
}
