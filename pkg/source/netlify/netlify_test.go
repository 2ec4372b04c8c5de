package netlify_test

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"fmt"
	"net/http"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/opsguard/opsguard/pkg/integration"
	"github.com/opsguard/opsguard/pkg/source/netlify"
	"github.com/opsguard/opsguard/pkg/steps"
	"github.com/opsguard/opsguard/pkg/steps/stepstest"
)

const secret = "netlify-jws-secret-0123456789"

func vendor() stepstest.Vendor {
	return stepstest.Vendor{Entry: func(string) ([]integration.Setting, stepstest.Secrets) {
		return []integration.Setting{integration.SecretSetting("secret", "NL")}, stepstest.Secrets{"NL": "netlify-former-0123456789 " + secret}
	}}
}

func jws(key, header, claims string) string {
	encode := base64.RawURLEncoding.EncodeToString
	signed := encode([]byte(header)) + "." + encode([]byte(claims))
	mac := hmac.New(sha256.New, []byte(key))
	mac.Write([]byte(signed))
	return signed + "." + encode(mac.Sum(nil))
}

func request(signature string, body []byte) steps.Request {
	return steps.Request{Header: http.Header{"Content-Type": {"application/json"}, "X-Webhook-Signature": {signature}}, Body: body}
}

func claims(issuer string, body []byte) string {
	return fmt.Sprintf(`{"iss":%q,"sha256":"%x"}`, issuer, sha256.Sum256(body))
}

const header = `{"alg":"HS256"}`

// The fixtures follow "Deploy notifications" in Netlify's documentation, read in November
// 2026.
func TestItIsASource(t *testing.T) {
	sent := func(name string, alerts int) stepstest.Sent {
		body := stepstest.Fixture(t, name+".json")
		return stepstest.Sent{Name: name, Alerts: alerts, Request: request(jws(secret, header, claims("netlify", body)), body)}
	}
	stepstest.SourceContract(t, netlify.Integration(), vendor(),
		sent("deploy-failed", 1), sent("deploy-succeeded", 1), sent("deploy-building", 0))
}

func TestItReadsWhatOthersPublished(t *testing.T) {
	stepstest.ReadsPayloads(t, netlify.Integration(), vendor(), "netlify")
}

func TestOnlyASignatureOfThisBodyByNetlifyIsTaken(t *testing.T) {
	source, body := stepstest.OpenSource(t, netlify.Integration(), vendor()), []byte(`{"state":"error"}`)
	right := jws(secret, header, claims("netlify", body))
	unsigned := right[:strings.LastIndex(right, ".")+1]
	for what, c := range map[string]struct {
		signature string
		taken     bool
	}{
		"the right one":              {right, true},
		"another secret":             {jws("other", header, claims("netlify", body)), false},
		"another issuer":             {jws(secret, header, claims("somebody", body)), false},
		"the digest of another body": {jws(secret, header, claims("netlify", []byte("{}"))), false},
		"no digest":                  {jws(secret, header, `{"iss":"netlify"}`), false},
		"claims that are no JSON":    {jws(secret, header, `claims`), false},
		"no signature":               {unsigned, false},
		"the algorithm none":         {strings.TrimSuffix(jws(secret, `{"alg":"none"}`, claims("netlify", body)), "x") + ".", false},
		"one part":                   {"abc", false},
		"nothing":                    {"", false},
	} {
		if err := source.Authenticate(t.Context(), request(c.signature, body)); (err == nil) != c.taken {
			t.Errorf("%s: %v, want it taken: %v", what, err, c.taken)
		}
	}
}

func TestADeployIsKnownBySiteContextAndBranch(t *testing.T) {
	source, got := stepstest.OpenSource(t, netlify.Integration(), vendor()), map[string]string{}
	for _, state := range []string{"error", "ready", "building", "enqueued"} {
		for _, place := range []string{"production main", "branch-deploy main", "deploy-preview main"} {
			deploy, branch, _ := strings.Cut(place, " ")
			body := fmt.Sprintf(`{"site_id":"s","state":%q,"context":%q,"branch":%q}`, state, deploy, branch)
			batch, err := source.Parse(t.Context(), steps.Request{Body: []byte(body)})
			if err != nil {
				t.Fatal(err)
			}
			for _, a := range batch.Alerts {
				got[state+" "+place] = fmt.Sprint(a.Identity, " ", a.Severity, " recovered=", a.Recovered)
			}
		}
	}
	want := map[string]string{
		"error production main":    "deploy/s/production/main high recovered=false",
		"ready production main":    "deploy/s/production/main high recovered=true",
		"error branch-deploy main": "deploy/s/branch-deploy/main low recovered=false",
		"ready branch-deploy main": "deploy/s/branch-deploy/main low recovered=true",
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

func TestTheKeyOfTheLogIsNotShown(t *testing.T) {
	batch, err := stepstest.OpenSource(t, netlify.Integration(), vendor()).Parse(t.Context(), steps.Request{Body: stepstest.Fixture(t, "deploy-failed.json")})
	if err != nil {
		t.Fatal(err)
	}
	if text := fmt.Sprintf("%+v", batch); strings.Contains(text, "not-to-be-shown") {
		t.Error(text)
	}
}

func FuzzParse(f *testing.F) { stepstest.ReadsAnyBody(f, &netlify.Source{}) }
