package incident_test

import (
	"encoding/base64"
	"encoding/hex"
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/opsguard/opsguard/pkg/incident"
)

// draw makes random text of an alphabet.
func draw(r *rand.Rand, alphabet string, n int) string {
	b := make([]byte, n)
	for i := range b {
		b[i] = alphabet[r.IntN(len(alphabet))]
	}
	return string(b)
}

func rawBytes(r *rand.Rand, n int) []byte {
	b := make([]byte, n)
	for i := range b {
		b[i] = byte(r.UintN(256))
	}
	return b
}

const (
	lowers   = "abcdefghijklmnopqrstuvwxyz"
	uppers   = "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
	digits   = "0123456789"
	safes    = "bcdfghjklmnpqrstvwxz2456789" // of Kubernetes' generated names
	crockers = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"
)

// varying is what differs between two reports of one trouble, by kind, with how many
// shapes 1,000 of them may have. More than one is the price of not taking words for
// ids: random letters without a digit sometimes read like a word.
var varying = map[string]struct {
	most int
	of   func(*rand.Rand) string
}{
	"number":   {1, func(r *rand.Rand) string { return fmt.Sprint(r.IntN(1e6)) }},
	"duration": {1, func(r *rand.Rand) string { return fmt.Sprintf("%d.%03dms", r.IntN(100), r.IntN(1000)) }},
	"time": {1, func(r *rand.Rand) string {
		return fmt.Sprintf("2026-11-%02dT%02d:15:%02d.%03dZ", 1+r.IntN(28), r.IntN(24), r.IntN(60), r.IntN(1000))
	}},
	"uuid": {1, func(r *rand.Rand) string {
		h := hex.EncodeToString(rawBytes(r, 16))
		return h[:8] + "-" + h[8:12] + "-" + h[12:16] + "-" + h[16:20] + "-" + h[20:]
	}},
	"ulid":          {1, func(r *rand.Rand) string { return "01J" + draw(r, crockers, 23) }},
	"nanoid":        {8, func(r *rand.Rand) string { return draw(r, lowers+uppers+digits+"_-", 21) }},
	"base62":        {8, func(r *rand.Rand) string { return draw(r, lowers+uppers+digits, 16) }},
	"base64":        {8, func(r *rand.Rand) string { return base64.StdEncoding.EncodeToString(rawBytes(r, 18)) }},
	"order code":    {30, func(r *rand.Rand) string { return "ORD-" + draw(r, uppers+digits, 8) }},
	"req_ and hex":  {1, func(r *rand.Rand) string { return "req_" + hex.EncodeToString(rawBytes(r, 12)) }},
	"8 hex":         {2, func(r *rand.Rand) string { return hex.EncodeToString(rawBytes(r, 4)) }},
	"10 hex":        {1, func(r *rand.Rand) string { return hex.EncodeToString(rawBytes(r, 5)) }},
	"git sha":       {1, func(r *rand.Rand) string { return hex.EncodeToString(rawBytes(r, 20)) }},
	"short git sha": {3, func(r *rand.Rand) string { return hex.EncodeToString(rawBytes(r, 4))[:7] }},
	"trace root": {1, func(r *rand.Rand) string {
		return "1-" + hex.EncodeToString(rawBytes(r, 4)) + "-" + hex.EncodeToString(rawBytes(r, 12))
	}},
	"IPv4 and port": {1, func(r *rand.Rand) string {
		return fmt.Sprintf("10.%d.%d.%d:%d", r.IntN(256), r.IntN(256), r.IntN(256), 1024+r.IntN(60000))
	}},
	"IPv6": {1, func(r *rand.Rand) string {
		return fmt.Sprintf("2001:db8:%x:%x::%x", r.IntN(65536), r.IntN(65536), r.IntN(65536))
	}},
	"MAC": {1, func(r *rand.Rand) string {
		h := rawBytes(r, 6)
		return fmt.Sprintf("%02x:%02x:%02x:%02x:%02x:%02x", h[0], h[1], h[2], h[3], h[4], h[5])
	}},
	"object":              {1, func(r *rand.Rand) string { return "com.acme.Foo@" + hex.EncodeToString(rawBytes(r, 4)) }},
	"e-mail":              {1, func(r *rand.Rand) string { return draw(r, lowers, 6) + "." + draw(r, lowers, 7) + "@example.com" }},
	"pod of a replicaset": {1, func(r *rand.Rand) string { return "checkout-" + draw(r, safes, 10) + "-" + draw(r, safes, 5) }},
	"pod of a daemonset":  {1, func(r *rand.Rand) string { return "node-exporter-" + draw(r, safes, 5) }},
	"pod of a set":        {1, func(r *rand.Rand) string { return fmt.Sprintf("orders-%d", r.IntN(20)) }},
	"slug in a URL": {1, func(r *rand.Rand) string {
		return "/products/" + draw(r, lowers, 5) + "-" + draw(r, lowers, 6) + "-" + draw(r, lowers, 4)
	}},
	"id in a URL": {1, func(r *rand.Rand) string {
		return fmt.Sprintf("https://api.example.com/v2/carts/%d/items", r.IntN(1e6))
	}},
	"pointer": {1, func(r *rand.Rand) string { return "0x" + hex.EncodeToString(rawBytes(r, 6)) }},
}

func TestWhatVariesDoesNotChangeTheShape(t *testing.T) {
	for name, kind := range varying {
		r := rand.New(rand.NewPCG(7, 11))
		shapes := map[string]bool{}
		for range 1000 {
			shapes[incident.Shape("ERROR handler failed for "+kind.of(r)+": upstream closed the connection")] = true
		}
		if len(shapes) > kind.most {
			some := []string{}
			for s := range shapes {
				if len(some) < 5 {
					some = append(some, s)
				}
			}
			t.Errorf("%s: %d shapes of 1,000, at most %d are expected: %q", name, len(shapes), kind.most, some)
		}
	}
}

func TestWordsStayInTheShape(t *testing.T) {
	for line, want := range map[string]string{
		"ERROR: relation \"order_items\" does not exist (SQLSTATE 42P01)":                  `error: relation "order_items" does not exist (sqlstate *)`,
		"java.lang.NullPointerException at com.acme.CheckoutService.placeOrder(X.java:42)": "java.lang.nullpointerexception at com.acme.checkoutservice.placeorder(x.java:*)",
		"dial tcp 10.0.3.17:5432: connect: connection refused":                             "dial tcp *: connect: connection refused",
		"GET /api/user-accounts 500 in 31ms":                                               "get /api/user-accounts * in *",
		"kubelet: ImagePullBackOff for getUserByIdAndName":                                 "kubelet: imagepullbackoff for getuserbyidandname",
		"ECONNREFUSED redis-master.default.svc.cluster.local":                              "econnrefused redis-master.default.svc.cluster.local",
		"  spaces\t\tfold  ": "spaces fold",
		"":                   "",
	} {
		if got := incident.Shape(line); got != want {
			t.Errorf("%q\n got %q\nwant %q", line, got, want)
		}
	}
}

func TestDifferentTroublesHaveDifferentShapes(t *testing.T) {
	seen := map[string]string{}
	for _, line := range []string{
		"connect to orders-db: connection refused", "connect to users-db: connection refused", "connect to orders-db: timed out",
		"relation \"orders\" does not exist", "relation \"users\" does not exist", "OutOfMemoryError: Java heap space", "OutOfMemoryError: Metaspace",
		"x509: certificate has expired", "x509: certificate signed by unknown authority", "no space left on device", "too many open files",
		"GET /checkout failed", "GET /cart failed", "POST /checkout failed", "panic: assignment to entry in nil map", "panic: send on closed channel",
	} {
		shape := incident.Shape(line)
		if other, found := seen[shape]; found {
			t.Errorf("%q and %q have the one shape %q", line, other, shape)
		}
		seen[shape] = line
	}
}

func TestAShapeIsItsOwnShape(t *testing.T) {
	for name, kind := range varying {
		r := rand.New(rand.NewPCG(1, 2))
		shape := incident.Shape("failed for " + kind.of(r) + " now")
		if again := incident.Shape(shape); again != shape {
			t.Errorf("%s: %q became %q", name, shape, again)
		}
	}
}

func FuzzShape(f *testing.F) {
	f.Add("ERROR a1b2c3 /x/y-z-w?k=v user@host [2026-11-24T10:00:00Z] \xff é")
	f.Add("\xe0\xe3\x8d")
	f.Fuzz(func(t *testing.T, line string) {
		shape := incident.Shape(line)
		if !utf8.ValidString(shape) {
			t.Fatalf("%q became %q", line, shape)
		}
		if len(shape) > 2*len(line)+2 || strings.Contains(shape, "  ") {
			t.Fatalf("%q became %q", line, shape)
		}
	})
}

func BenchmarkFingerprint(b *testing.B) {
	a := incident.Alert{Tenant: "default", Source: "api", Service: "prod-api-01", ErrorLogs: strings.Repeat("2026-11-24T10:15:02.113Z api[7]: GET /v1/orders 200 31ms\n", 10) +
		"FATAL ERROR: Reached heap limit Allocation failed - JavaScript heap out of memory\n"}
	b.ReportAllocs()
	for b.Loop() {
		a.Fingerprint()
	}
}

func TestALineOfSuffixesAloneCostsNoMore(t *testing.T) {
	line := strings.Repeat("-bcdfg", 170)
	if allocs := testing.AllocsPerRun(10, func() { incident.Shape(line) }); allocs > 10 {
		t.Errorf("%v allocations", allocs)
	}
}
