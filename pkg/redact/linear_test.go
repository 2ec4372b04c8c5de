package redact

import (
	"fmt"
	"maps"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
)

// stepsPerByte bounds what redaction may look at: bytes for each byte of text, the same for every text and length. The
// most that is known is 52, of "@tcp(" repeated, each of which looks back over 256 bytes.
const stepsPerByte = 64

// separators stand between names, values and words.
var separators = []string{"", " ", "\n", "=", ":", "{", `"`, "'"}

// openers begin a value, and some of them nothing that is one.
var openers = append([]string{
	"{", "[", "(", "<", "`", `\`, `\"`, `"{`, `'{`, "[{", "b'", "$", "${", "%", "%26", "***", ">", "--", "null", `"null`, `"must `, "must ",
	"a", "1", "a:", "self.", "get(", "digest ", "digest {", "bearer ", "bearer {", "custom ", "a=", "self.xoxd-1%26",
	`self.-----BEGINPRIVATEKEY-----`,
}, separators[2:]...)

// constructs are what the rules know and no single literal of the source spells.
var constructs = []string{
	`"name":"DB_PASSWORD","value":"`, "- name: TOKEN\n  value: ", "<a:password>", ":password>", "<password>a",
	"cat <<EOF\npassword=", "EOF\n", "password=\\\n",
	"-----BEGIN RSA PRIVATE KEY-----", "-----BEGIN PRIVATE KEY-----\n\n", "-----BEGIN PRIVATE KEY-----Zm9v", "-----END PRIVATE KEY-----",
	"https://a:b@c/", "://a:b", "://a:1", "://a:1/", "://:@", "://a:$A@", "://a:${A}@", "://a:***@", "://u@h:1/", "a:b@tcp(",
	"a@tcp(", "@@", "a@",
	"curl -u a:b ", "curl -u a ", "-u ", "--user a", "--token ", "--token -", "by '", "password '", "IDENTIFIED BY '", "PASSWORD 'a",
	"Authorization: Digest a=b, ", "Authorization: Custom x ", "authorization%3Ddigest a ", "Cookie: a=b; ", "Set-Cookie:a", "cookie%3Da",
	"Bearer a", "Bearer a1a1a1a1", "Basic a", "basic Zm9v", "approve-fix?t=", "approve-fix?t=a&t=", "&t=a",
	"{\"a\":[", "]}", "({[<", ">]})", ",a", ";a ", ",", ";", "&", "|", "\\", `\\\"`, "\\n", "\\u0026", "%3D", "%22", "....", "--a",
	".--a", "Zm9vYmFy", "AAAA",
	"\x1b[", "\x1b[0m", "\x1b]", "\x1b]0;a\a", "\x1bP", "\x1b(", "\u009b", "\u009d", "\xc2", "\xff", "\r", "\r\n", "\u200b",
	"\u2028", "é", "用",
	"eyJhbGciOiJIUzI1NiJ9.", "eyJhbGciOiJIUzI1NiJ9.eyJzdWIi", "SG.aaaaaaaaaaaaaaaaaaaaaa.", "MTA4NjY1NDMyMTk4NzY1NDMy.",
	"discord.com/api/v1/webhooks/1/",
	strings.Repeat("://", 600) + "@", strings.Repeat("://a:b", 300) + " @", strings.Repeat(":password>", 200) + "<",
	`sig="{` + strings.Repeat("a", 2100),
}

// grownUnits returns the pieces that are repeated up to the most that an alert carries: each construct and each literal of
// the source, so each rule's own prefix, also of a rule that is yet to be written, alone and with each separator.
func grownUnits(t testing.TB) []string {
	literals, _ := sourceLiterals(t)
	return withSeparators(slices.Concat(constructs, literals))
}

// otherUnits returns what is too much for that, and quadratic in a short text already: words of prose, each rule of the
// table at the length of its token and one byte short of it, and names in front of all that can begin a value.
func otherUnits(t testing.TB) []string {
	_, pieces := sourceLiterals(t)
	for _, h := range hostile() {
		pieces = append(pieces, h.unit)
	}
	for _, r := range tokenRules {
		few := strings.Repeat("1", r.min-1)
		pieces = append(pieces, r.prefix+few, r.prefix+few+"1", r.prefix+few+".", r.prefix+few+"%26")
	}
	for _, r := range nameRules {
		for _, is := range []string{"=", ":", "%3D"} {
			pieces = append(pieces, r.text+is+"{", r.text+is+"[")
		}
	}
	// One name of each kind stands for the others: what follows depends on the kind.
	byKind := map[string]string{"": "value", "pass": "pass", "t": "t"}
	for _, r := range nameRules {
		byKind[r.kind] = r.text
	}
	all := withSeparators(pieces)
	for _, name := range byKind {
		all = append(all, "<"+name+">", "--"+name+" ")
		for _, is := range []string{"=", ":", ": ", "=>", "%3D", `":"`, `\":\"`} {
			for _, o := range openers {
				all = append(all, name+is+o)
			}
		}
	}
	return all
}

func withSeparators(pieces []string) []string {
	set := map[string]bool{}
	for _, p := range pieces {
		for _, sep := range separators {
			set[p+sep] = true
		}
	}
	return slices.Sorted(maps.Keys(set))
}

func TestEveryConstructTakesLinearSteps(t *testing.T) {
	// A short text comes first, so that a failure takes no minutes.
	units := slices.Concat(grownUnits(t), otherUnits(t))
	if testing.Short() { // the inner loop leaves three of four units, and the full length, to make test
		checkUnits(t, everyNth(units, 4), 8*1024)
		return
	}
	if checkUnits(t, units, 8*1024); t.Failed() {
		return
	}
	checkUnits(t, grownUnits(t), mostLogs)
}

// everyNth keeps one of n: units that are alike stand side by side.
func everyNth(units []string, n int) (kept []string) {
	for i := 0; i < len(units); i += n {
		kept = append(kept, units[i])
	}
	return kept
}

func checkUnits(t *testing.T, units []string, n int) {
	worst, worstUnit := 0.0, ""
	for _, unit := range units {
		per := perByte(strings.Repeat(unit, n/len(unit)+1)[:n])
		if per > worst {
			worst, worstUnit = per, unit
		}
		if per > stepsPerByte {
			t.Errorf("%d bytes of %.40q take %.0f steps a byte, more than %d", n, unit, per, stepsPerByte)
		}
	}
	t.Logf("%d units of %d bytes: %.1f steps a byte at most, of %.40q", len(units), n, worst, worstUnit)
}

// perByte returns the steps that redaction takes for each byte of in.
func perByte(in string) float64 {
	_, _, steps := text(in)
	return float64(steps) / float64(len(in))
}

// TestNoMixtureGrowsFasterThanItsLength looks for what nobody thought of: fragments of the grammar, glued together at
// random.
func TestNoMixtureGrowsFasterThanItsLength(t *testing.T) {
	g := newMixer(t, rand.New(rand.NewPCG(9, 1)))
	mixtures := 4000
	if testing.Short() {
		mixtures = 1000
	}
	for range mixtures {
		if m := g.mixture(); m.growsTooFast() {
			t.Errorf("%s: steps grow faster than the text", m)
		}
	}
}

// growsTooFast compares the steps at a length and at four times of it, where the limit is six times as many. Where a text
// happens to be cut can make one such leap, so the next one must confirm it.
func (m mixture) growsTooFast() bool {
	const length, most = 4 * 1024, 6
	_, _, small := text(m.grow(length))
	_, _, large := text(m.grow(4 * length))
	if large > 4*length*stepsPerByte {
		return true
	}
	if large <= most*small {
		return false
	}
	_, _, huge := text(m.grow(16 * length))
	return huge > most*large || huge > 16*length*stepsPerByte
}

// mixture is a text of any length: a run of first, then a run of rest, or the two by turns.
type mixture struct {
	first, rest string
	turns       int // how often first stands before each rest; 0: half of the text is first
}

func (m mixture) String() string { return fmt.Sprintf("%q, %q by %d", m.first, m.rest, m.turns) }

func (m mixture) grow(n int) string {
	if m.turns == 0 {
		return strings.Repeat(m.first, n/2/len(m.first)+1)[:n/2] + strings.Repeat(m.rest, n/2/len(m.rest)+1)[:n/2]
	}
	unit := strings.Repeat(m.first, m.turns) + m.rest
	return strings.Repeat(unit, n/len(unit)+1)[:n]
}

type mixer struct {
	rand  *rand.Rand
	names []string
	parts [][]string // groups, each as likely as the others
}

func newMixer(t testing.TB, r *rand.Rand) *mixer {
	g := &mixer{rand: r}
	for _, rule := range nameRules {
		g.names = append(g.names, rule.text)
	}
	g.names = append(g.names, "value", "authorization", "cookie", "pass", "sig", "t")
	literals, words := sourceLiterals(t)
	var prefixes []string
	for _, rule := range tokenRules {
		prefixes = append(prefixes, rule.prefix, rule.prefix+"1", rule.prefix+strings.Repeat("1", rule.min))
	}
	is := []string{"=", ":", "%3D", "=>", ": ", `":"`, "='", `\":\"`}
	g.parts = [][]string{g.names, is, openers, constructs, separators[1:], pieces, prefixes, literals, words, {"self.", "%26",
		"digest ", "{"}}
	return g
}

func (g *mixer) mixture() mixture {
	return mixture{g.unit(), g.unit(), []int{0, 1, 1, 3, 20}[g.rand.IntN(5)]}
}

func (g *mixer) unit() string {
	var b strings.Builder
	for range 1 + g.rand.IntN(5) {
		if g.rand.IntN(3) == 0 {
			b.WriteString(g.one(g.names) + g.one(g.parts[1]) + g.one(openers))
			continue
		}
		b.WriteString(g.one(g.parts[g.rand.IntN(len(g.parts))]))
	}
	return b.String()
}

func (g *mixer) one(of []string) string { return of[g.rand.IntN(len(of))] }

// FuzzSteps lets the fuzzer choose the unit.
func FuzzSteps(f *testing.F) {
	for _, u := range constructs {
		f.Add(u)
	}
	f.Fuzz(func(t *testing.T, unit string) {
		if unit == "" || len(unit) > 4096 {
			return
		}
		if per := perByte(strings.Repeat(unit, 16*1024/len(unit)+1)); per > stepsPerByte {
			t.Errorf("%.0f steps a byte", per)
		}
	})
}
