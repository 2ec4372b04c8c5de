package grafana_test

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"net/http"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/opsguard/opsguard/pkg/integration"
	"github.com/opsguard/opsguard/pkg/source/grafana"
	"github.com/opsguard/opsguard/pkg/steps"
	"github.com/opsguard/opsguard/pkg/steps/stepstest"
)

const secret, token = "grafana-hmac-0123456789", "grafana-token-0123456789"

// signs is a contact point with an HMAC signature.
func signs() stepstest.Vendor {
	return stepstest.Vendor{Entry: func(string) ([]integration.Setting, stepstest.Secrets) {
		return []integration.Setting{integration.SecretSetting("signature", "HMAC")},
			stepstest.Secrets{"HMAC": "former-hmac-0123456789\n" + secret}
	}}
}

// signsAndNames is one with an authorization header too.
func signsAndNames() stepstest.Vendor {
	return stepstest.Vendor{Entry: func(string) ([]integration.Setting, stepstest.Secrets) {
		return []integration.Setting{integration.SecretSetting("signature", "HMAC"), integration.SecretSetting("authorization", "TOKEN")},
			stepstest.Secrets{"HMAC": secret, "TOKEN": token}
	}}
}

func names() stepstest.Vendor {
	return stepstest.Vendor{Entry: func(string) ([]integration.Setting, stepstest.Secrets) {
		return []integration.Setting{integration.SecretSetting("authorization", "TOKEN")}, stepstest.Secrets{"TOKEN": token}
	}}
}

func sent(t *testing.T, file string, at time.Time) steps.Request {
	t.Helper()
	body := stepstest.Fixture(t, file)
	stamp := strconv.FormatInt(at.Unix(), 10)
	h := http.Header{"Content-Type": {"application/json"}, "Authorization": {"Bearer " + token}}
	h.Set("X-Grafana-Alerting-Timestamp", stamp)
	h.Set("X-Grafana-Alerting-Signature", sign(stamp+":"+string(body)))
	return steps.Request{Header: h, Body: body}
}

func sign(message string) string {
	mac := hmac.New(sha256.New, []byte(secret))
	mac.Write([]byte(message))
	return hex.EncodeToString(mac.Sum(nil))
}

// The fixtures follow "Configure webhook notifications" in the documentation of Grafana
// 13.3 and the notifier in the repository grafana/alerting, read in November 2026.
func TestItIsASource(t *testing.T) {
	at := func(file string) func(time.Time) steps.Request {
		return func(now time.Time) steps.Request { return sent(t, file, now) }
	}
	messages := []stepstest.Sent{
		{Name: "group", Alerts: 2, Refused: 1, At: at("group.json")}, {Name: "group-resolved", Alerts: 2, At: at("group-resolved.json")},
		{Name: "nodata", Alerts: 2, At: at("nodata.json")}, {Name: "test", At: at("test.json")},
	}
	stepstest.SourceContract(t, grafana.Integration(), signs(), messages...)
	t.Run("with both proofs", func(t *testing.T) { stepstest.SourceContract(t, grafana.Integration(), signsAndNames(), messages...) })
}

func TestItReadsWhatOthersPublished(t *testing.T) {
	stepstest.ReadsPayloads(t, grafana.Integration(), signs(), "grafana")
}

func TestOneProofIsRequired(t *testing.T) {
	if problems := grafana.Integration().CheckSettings(nil); len(problems) != 1 {
		t.Errorf("without a proof: %v, want one problem", problems)
	}
}

func TestTheTokenAloneIsEnoughWhereNothingElseIsConfigured(t *testing.T) {
	source := stepstest.OpenSource(t, grafana.Integration(), names())
	r := steps.Request{Header: http.Header{"Authorization": {"Bearer " + token}}, Body: []byte("{}")}
	if err := source.Authenticate(t.Context(), r); err != nil {
		t.Error(err)
	}
	r.Header.Set("Authorization", "Bearer "+token+"x")
	if source.Authenticate(t.Context(), r) == nil {
		t.Error("a wrong token is taken")
	}
}

func TestBothProofsAreNeededWhereBothAreConfigured(t *testing.T) {
	source := stepstest.OpenSource(t, grafana.Integration(), signsAndNames())
	now := stepstest.Env(nil).Now()
	for _, missing := range []string{"Authorization", "X-Grafana-Alerting-Signature", "X-Grafana-Alerting-Timestamp"} {
		r := sent(t, "group.json", now)
		r.Header.Del(missing)
		if source.Authenticate(t.Context(), r) == nil {
			t.Errorf("without %s it is taken", missing)
		}
	}
}

func TestASignatureWithoutItsTimeIsRefusedAndSaysWhatToEnter(t *testing.T) {
	source := stepstest.OpenSource(t, grafana.Integration(), signs())
	r := sent(t, "group.json", stepstest.Env(nil).Now())
	r.Header.Del("X-Grafana-Alerting-Timestamp")
	r.Header.Set("X-Grafana-Alerting-Signature", sign(string(r.Body)))
	err := source.Authenticate(t.Context(), r)
	if err == nil || !strings.Contains(err.Error(), "X-Grafana-Alerting-Timestamp") {
		t.Errorf("%v", err)
	}
}

func TestASignedRequestHasANameAndAnotherHasNone(t *testing.T) {
	r := sent(t, "group.json", stepstest.Env(nil).Now())
	for _, test := range []struct {
		vendor stepstest.Vendor
		want   string
	}{{signs(), r.Header.Get("X-Grafana-Alerting-Signature")}, {names(), ""}} {
		signer, ok := stepstest.OpenSource(t, grafana.Integration(), test.vendor).(steps.Signer)
		if !ok || signer.Delivery(r) != test.want {
			t.Errorf("named %q, want %q", signer.Delivery(r), test.want)
		}
	}
}

// Who caught a request could else send it again for as long as its time is taken.
func TestASignatureWrittenInOtherLettersNamesTheSameRequest(t *testing.T) {
	source := stepstest.OpenSource(t, grafana.Integration(), signs())
	signer, ok := source.(steps.Signer)
	r := sent(t, "group.json", stepstest.Env(nil).Now())
	first := signer.Delivery(r)
	r.Header.Set("X-Grafana-Alerting-Signature", strings.ToUpper(r.Header.Get("X-Grafana-Alerting-Signature")))
	if err := source.Authenticate(t.Context(), r); !ok || err == nil && signer.Delivery(r) != first {
		t.Errorf("named %q, then %q", first, signer.Delivery(r))
	}
}

func TestAlertmanagersDocumentIsRefusedByItsVersion(t *testing.T) {
	source := stepstest.OpenSource(t, grafana.Integration(), signs())
	batch, err := source.Parse(t.Context(), steps.Request{Body: []byte(`{"version":"4","alerts":[{"status":"firing"}]}`)})
	if err == nil || !strings.HasPrefix(err.Error(), "version: must be 1") || len(batch.Alerts) > 0 {
		t.Errorf("%v, %v", batch, err)
	}
}

func FuzzParse(f *testing.F) { stepstest.ReadsAnyBody(f, &grafana.Source{}) }
