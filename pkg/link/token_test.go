package link

import (
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"github.com/opsguard/opsguard/pkg/incident"
)

var deadline = time.Date(2026, 11, 24, 10, 0, 0, 123e6, time.UTC)

func someClaims() Claims {
	return Claims{
		Ref:      incident.Ref{Tenant: "default", ID: "INC-01JDEF0123456789ABCDEFGHJK"},
		PlanHash: strings.Repeat("0f", 32),
		Action:   incident.Approve,
		Channel:  "discord",
		Expires:  deadline,
	}
}

const invalidLink = "this link is not valid; use the link of the notification, unchanged"

// refused fails unless the token gets the one answer that every wrong token gets.
func refused(t rapid.TB, keys Keys, token, why string) {
	t.Helper()
	c, err := keys.Verify(token, deadline.Add(-time.Minute))
	var e *incident.Error
	if !errors.As(err, &e) || e.Kind != incident.Forbidden || e.Code != incident.CodeForbidden || err.Error() != invalidLink {
		t.Fatalf("%s: token %q got %v; want Forbidden: %s", why, token, err, invalidLink)
	}
	if c != (Claims{}) {
		t.Fatalf("%s: a refused token gave the claims %+v", why, c)
	}
}

func TestTokenGrantsUntilItsTimeIsOver(t *testing.T) {
	keys, want := mustKeys(t, keyA), someClaims()
	token := keys.Mint(want)
	got, err := keys.Verify(token, deadline.Add(-time.Millisecond))
	if err != nil {
		t.Fatalf("one millisecond before: %v", err)
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("claims (-minted +verified):\n%s", diff)
	}
	for _, now := range []time.Time{deadline, deadline.Add(time.Hour)} {
		got, err = keys.Verify(token, now)
		if incident.KindOf(err) != incident.Expired || incident.CodeOf(err) != incident.CodeExpired {
			t.Errorf("at %s: got %v; want Expired", now, err)
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("claims of an expired token (-minted +verified):\n%s", diff)
		}
	}
}

func TestEveryWrongTokenGetsTheSameAnswer(t *testing.T) {
	keys := mustKeys(t, keyA)
	token := keys.Mint(someClaims())
	expired := someClaims()
	expired.Expires = deadline.Add(-time.Hour)
	for name, wrong := range map[string]string{
		"empty":              "",
		"not base64":         "%%%",
		"padded":             token + "==",
		"cut":                token[:len(token)-1],
		"longer":             token + "A",
		"line break":         token[:10] + "\n" + token[10:],
		"carriage return":    token + "\r",
		"standard base64":    "+/" + token[2:],
		"only a mac":         strings.Repeat("A", 22),
		"shorter than a mac": "AAAA",
		"10 MB":              strings.Repeat("A", 10<<20),
		"other key":          mustKeys(t, keyB).Mint(someClaims()),
		"other key, expired": mustKeys(t, keyB).Mint(expired),
		"no key":             Keys{}.Mint(someClaims()),
	} {
		refused(t, keys, wrong, name)
	}
	refused(t, Keys{}, token, "keys without a key")
}

func TestSignedPayloadOfAnotherLayoutIsRefused(t *testing.T) {
	keys := mustKeys(t, keyA)
	good := someClaims().encode()
	other := append([]byte{2}, good[1:]...)
	for name, payload := range map[string][]byte{
		"nothing": {}, "version only": {version}, "other version": other,
		"cut": good[:len(good)-1], "longer": append(good[:len(good):len(good)], 0),
		"endless length": {version, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff},
		"huge length":    {version, 0xff, 0xff, 0xff, 0xff, 0x7f},
	} {
		refused(t, keys, encoding.EncodeToString(append(payload[:len(payload):len(payload)], sign((*keys.set)[0], payload)...)), name)
	}
}

func TestRotatedKeysVerifyAndOnlyTheFirstSigns(t *testing.T) {
	old, both, fresh := mustKeys(t, keyA), mustKeys(t, keyB+","+keyA), mustKeys(t, keyB)
	now := deadline.Add(-time.Minute)
	before, during := old.Mint(someClaims()), both.Mint(someClaims())
	if _, err := both.Verify(before, now); err != nil {
		t.Errorf("a link of before the rotation, during it: %v", err)
	}
	if _, err := fresh.Verify(during, now); err != nil {
		t.Errorf("a link of during the rotation, after it: %v", err)
	}
	refused(t, old, during, "signed by the new key")
	refused(t, fresh, before, "signed by the key that was taken away")
}

func TestAnyFlippedBitIsRefused(t *testing.T) {
	keys := mustKeys(t, keyA+","+keyB)
	rapid.Check(t, func(t *rapid.T) {
		token := []byte(keys.Mint(drawClaims(t, "claims")))
		i := rapid.IntRange(0, len(token)*8-1).Draw(t, "bit")
		token[i/8] ^= 1 << (i % 8)
		refused(t, keys, string(token), "flipped bit")
	})
}

// The last character of a token holds bits that decode to nothing; they must not
// give it a second spelling.
func TestATokenHasOneSpelling(t *testing.T) {
	keys := mustKeys(t, keyA)
	for _, channel := range []string{"a", "ab", "abc"} { // one length for each remainder by 3
		c := someClaims()
		c.Channel = channel
		token := keys.Mint(c)
		for _, last := range "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_" {
			if other := token[:len(token)-1] + string(last); other != token {
				refused(t, keys, other, "another last character")
			}
		}
	}
}

// A token says exactly what it was minted for, whatever the texts hold.
func TestTokenNeverVerifiesAsAnother(t *testing.T) {
	keys := mustKeys(t, keyA)
	rapid.Check(t, func(t *rapid.T) {
		a, b := drawClaims(t, "a"), drawClaims(t, "b")
		tokenA, tokenB := keys.Mint(a), keys.Mint(b)
		if (a == b) != (tokenA == tokenB) {
			t.Fatalf("claims\n%+v\n%+v\ngave the tokens\n%s\n%s", a, b, tokenA, tokenB)
		}
		got, err := keys.Verify(tokenA, a.Expires.Add(-time.Millisecond))
		if err != nil || got != a {
			t.Fatalf("minted for %+v, verified as %+v, %v", a, got, err)
		}
	})
}

// drawClaims draws from few values, so that two draws often differ in one field
// or by where a border lies.
func drawClaims(t *rapid.T, label string) Claims {
	text := rapid.SampledFrom([]string{"", "a", "ab", "b", "\x01a", "discord", strings.Repeat("0f", 32), strings.Repeat("0F", 32), "0f", "\x0f", "é\xff"})
	return Claims{
		Ref:      incident.Ref{Tenant: text.Draw(t, label+".tenant"), ID: text.Draw(t, label+".id")},
		PlanHash: text.Draw(t, label+".planHash"),
		Action:   incident.Action(text.Draw(t, label+".action")),
		Channel:  text.Draw(t, label+".channel"),
		Expires:  time.UnixMilli(rapid.Int64Range(0, 1<<42).Draw(t, label+".expires")).UTC(),
	}
}

func FuzzVerify(f *testing.F) {
	keys := mustKeys(f, keyA)
	f.Add(keys.Mint(someClaims()))
	f.Add(keys.Mint(Claims{}))
	f.Add(mustKeys(f, keyB).Mint(someClaims()))
	f.Add("")
	f.Add("AQ")
	f.Fuzz(func(t *testing.T, token string) {
		c, err := keys.Verify(token, time.UnixMilli(-1<<62))
		if err != nil {
			refused(t, keys, token, "fuzzed")
			return
		}
		if again := keys.Mint(c); again != token {
			t.Fatalf("%q verifies as %+v, whose token is %q", token, c, again)
		}
	})
}

// FuzzDecode looks behind the signature, where an attacker does not get.
func FuzzDecode(f *testing.F) {
	f.Add(someClaims().encode())
	f.Add([]byte{version})
	f.Fuzz(func(t *testing.T, payload []byte) {
		if c, ok := decode(payload); ok {
			if again, ok := decode(c.encode()); !ok || again != c {
				t.Fatalf("%x decodes to %+v, which comes back as %+v, %v", payload, c, again, ok)
			}
		}
	})
}
