package redact

import (
	"fmt"
	"strings"
	"testing"
)

// grown is the size that texts are grown to: the largest errorLogs.
const grown = 200 * 1024

// maxStepsPerByte bounds the searches of a scan. A value that is refused costs up to
// longestBare or longestQuoted bytes, and the shortest name that has one is 3 bytes.
const maxStepsPerByte = longestQuoted

// constructs is every form that the scanner reads, with NAME for a telling name.
func constructs() []string {
	return []string{
		"NAME=", "NAME:", "NAME={", "NAME:{", "NAME=[", "NAME=(", "NAME=<", "NAME=\"", "NAME='", "NAME=`", "NAME=\\\"", "NAME=\\\\\\\"", "NAME=u\"", "NAME=a", "NAME:a", "NAME: a",
		"NAME=$", "NAME=%s", "NAME==", "NAME=>", "\"NAME\":", "[\"NAME\"]=", "NAME%3D", "NAME=a,", "NAME=a;", "NAME=a|", "NAME=a}", "NAME=a)", "NAME=a]", "NAME=a\\", "NAME=a%22", "NAME=[REDACTED:",
		"--NAME ", "--NAME a", "-u a:b ", "curl -u ", "<NAME>", "<NAME>a", "<x:NAME>a<", "{\"name\": \"NAME\", \"value\": ", "name=NAME value=", "value=",
		"authorization: ", "Authorization: Digest ", "Authorization: Bearer ", "authorization=a ", "Authorization: \"Basic ", "cookie:", "cookie:a", "Cookie: a=", "set-cookie: a=b\"", "bearer ", "Basic ",
		"://", "://a:b@", "://a:b", "a://$:@", "a:b@tcp(", "@unix(", "@", "identified by '", "PASSWORD '", "approve-fix", "approve-fix?t=", "t=", "pass: 1", "pwd=/",
		"-----BEGIN ", "-----BEGIN PRIVATE KEY-----", "-----BEGIN PRIVATE KEY-----\n" + strings.Repeat("A", 64), "-----END PRIVATE KEY-----", "-----",
		"eyJ", "eyJhbGciOiJIUzI1NiJ9.", "SG.", "MTExMTExMTExMTExMTEx", "https://hooks.slack.com/services/", "https://discord.com/api/webhooks/1/", "discord.com/api/webhooks/",
	}
}

// separators stand between repetitions.
func separators() []string {
	return []string{"", " ", "=", "{", "\"", "a", "1", "\\"}
}

// names are one name of each kind that gives a secret away, and some that do not.
func names() []string {
	return []string{"sig", "password", "token", "cookie", "authorization", "value"}
}

func TestRedactionIsLinear(t *testing.T) {
	units := map[string]bool{}
	for _, r := range tokenRules {
		units[r.prefix] = true
		units[r.prefix+"0"] = true
	}
	for _, c := range constructs() {
		for _, name := range names() {
			units[strings.ReplaceAll(c, "NAME", name)] = true
		}
	}
	for unit := range units {
		for _, separator := range separators() {
			checkSteps(t, unit+separator)
		}
		checkSteps(t, unit+strings.Repeat("a", 100)) // long values that hold no digit
	}
}

// Two constructs in turn, each of which may keep the other from ending.
func TestRedactionOfMixturesIsLinear(t *testing.T) {
	var units []string
	for i, c := range constructs() {
		units = append(units, strings.ReplaceAll(c, "NAME", names()[i%len(names())]))
	}
	for i, a := range units {
		for _, b := range units[i:] {
			checkSteps(t, a+b)
		}
	}
}

// checkSteps grows a text of the unit, at small sizes first: what is linear
// there is looked at no further.
func checkSteps(t *testing.T, unit string) {
	t.Helper()
	small := stepsOf(unit, grown/256)
	if small <= 8*(grown/256) {
		if four := stepsOf(unit, grown/64); four <= 5*small {
			return
		}
	}
	// A quadratic search would take minutes at the full size, so it is caught before.
	for _, size := range []int{grown / 8, grown} {
		if all := stepsOf(unit, size); all > maxStepsPerByte/2*size {
			t.Fatalf("%q repeated to %d bytes takes %d steps, %d per byte", unit, size, all, all/size)
		}
	}
}

func stepsOf(unit string, size int) int {
	s := scanner{in: strings.Repeat(unit, size/len(unit)+1)}
	s.scan()
	return s.steps
}

// TestLinearityCanFail shows that a search that reads to the end from each name
// would be noticed.
func TestLinearityCanFail(t *testing.T) {
	s := scanner{in: strings.Repeat("sig={", grown/5)}
	for i := range len(s.in) / 5 {
		s.steps += bareEnd(s.in, i*5+4) - i*5
		if s.steps > maxStepsPerByte*grown {
			return
		}
	}
	t.Error(fmt.Sprint(s.steps, " steps are within the bound, so it bounds nothing"))
}

func TestALongBareSecretGoesWhole(t *testing.T) {
	for _, n := range []int{longestBare - longestName - 9, longestBare - 1, longestBare, longestBare + 1, 5 * longestBare} {
		secret := strings.Repeat("s3cret", n/6+1)
		for _, form := range []string{"token=%s", "token: %s end", "cookie: %s", "authorization: custom12 %s", "{\"x\":1,token=%s}"} {
			out, found := Text(fmt.Sprintf(form, secret))
			if strings.Contains(out, "s3cret") || found.Total() == 0 {
				t.Errorf("%s with %d bytes: %.80s", form, len(secret), out)
			}
			again, more := Text(out)
			if again != out || more != nil {
				t.Errorf("%s with %d bytes: a second pass changes it: %.80s", form, len(secret), again)
			}
		}
	}
}
