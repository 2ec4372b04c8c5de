package cloudevents_test

import (
	"net/http"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/opsguard/opsguard/pkg/incident"
	"github.com/opsguard/opsguard/pkg/source/cloudevents"
)

// one reads a single event that is given by its attributes and data.
func one(t *testing.T, settings cloudevents.Settings, rest string) (incident.Alert, bool) {
	t.Helper()
	batch, err := parse(t, settings, http.Header{}, `{"specversion":"1.0","id":"1","source":"/s",`+rest+`}`)
	if err != nil || len(batch.Refused) > 0 {
		t.Fatalf("%s: %v %v", rest, err, batch.Refused)
	}
	if len(batch.Alerts) == 0 {
		return incident.Alert{}, false
	}
	return batch.Alerts[0], true
}

func TestStatesAreFoundWhereSendersWriteThem(t *testing.T) {
	for rest, want := range map[string]string{
		`"type":"a.b.raised"`: "firing", `"type":"a.b.resolved"`: "recovered", `"type":"a.b.RECOVERED"`: "recovered",
		`"type":"a.b:closed"`: "recovered", `"type":"resolved"`: "firing",
		`"type":"a.b","status":"OK"`: "recovered", `"type":"a.b","data":{"state":"resolved"}`: "recovered",
		`"type":"a.b","data":{"status":"critical"}`:         "firing",
		`"type":"a.b.cleared","data":{"status":"critical"}`: "recovered", `"type":"a.b.acknowledged"`: "none",
		`"type":"a.b","data":{"state":"Silenced"}`: "none", `"type":"a.test"`: "none",
	} {
		a, kept := one(t, cloudevents.Settings{}, rest)
		got := "firing"
		if a.Recovered {
			got = "recovered"
		}
		if !kept {
			got = "none"
		}
		if got != want {
			t.Errorf("%s: %s, want %s", rest, got, want)
		}
	}
}

func TestTheEndOfATroubleHasTheIdentityOfItsBeginning(t *testing.T) {
	for name, pair := range map[string][2]string{
		"by the words of the type":  {`"type":"a.disk.raised","subject":"x"`, `"type":"a.disk.cleared","subject":"x"`},
		"by a state in the data":    {`"type":"a.disk","data":{"state":"firing"}`, `"type":"a.disk","data":{"state":"resolved"}`},
		"by an id in the data":      {`"type":"a.disk.raised","data":{"alertId":7}`, `"type":"a.other.resolved","data":{"alertId":7}`},
		"by the type alone, ending": {`"type":"a.disk.full"`, `"type":"a.disk.full","state":"ok"`},
	} {
		begin, _ := one(t, cloudevents.Settings{}, pair[0])
		end, _ := one(t, cloudevents.Settings{}, pair[1])
		if begin.Recovered || !end.Recovered || begin.Identity != end.Identity {
			t.Errorf("%s: %q and %q", name, begin.Identity, end.Identity)
		}
	}
	seen := map[string]string{}
	for _, rest := range []string{`"type":"a.disk.full"`, `"type":"a.disk.slow"`, `"type":"a.disk.full","subject":"x"`,
		`"type":"a.cpu.raised"`, `"type":"a.disk","data":{"alertId":"1"}`, `"type":"a.disk","data":{"alertId":"2"}`} {
		a, _ := one(t, cloudevents.Settings{}, rest)
		if other, twice := seen[a.Identity]; twice {
			t.Errorf("%s and %s are one trouble: %s", other, rest, a.Identity)
		}
		seen[a.Identity] = rest
	}
}

func TestSeveritiesAreReadByTheExtensionAndByData(t *testing.T) {
	for rest, want := range map[string]incident.Severity{
		`"type":"t"`: incident.High, `"type":"t","severitytext":"FATAL"`: incident.Critical,
		`"type":"t","severitytext":"TRACE"`: incident.Low, `"type":"t","severitytext":"WARN"`: incident.Medium,
		`"type":"t","severitynumber":24`: incident.Critical, `"type":"t","severitynumber":17`: incident.High,
		`"type":"t","severitynumber":13`: incident.Medium, `"type":"t","severitynumber":12`: incident.Low,
		`"type":"t","severitynumber":0`: incident.High, `"type":"t","severitynumber":25`: incident.High,
		`"type":"t","severity":"sev1","severitytext":"INFO"`:        incident.Critical,
		`"type":"t","severitytext":"odd","data":{"severity":"low"}`: incident.Low,
		`"type":"t","data":{"labels":{"severity":"page"}}`:          incident.Critical,
	} {
		if a, _ := one(t, cloudevents.Settings{}, rest); a.Severity != want {
			t.Errorf("%s is %s, want %s", rest, a.Severity, want)
		}
	}
}

func TestSettingsComeBeforeWhatIsUsual(t *testing.T) {
	settings := cloudevents.Settings{
		Service: []string{"data.place"}, Title: []string{"{data.what} in {data.place}"}, Message: []string{"data.lines"},
		Severity: []string{"data.bad"}, Severities: map[string]string{"very": "critical"},
		State: []string{"data.phase"}, Recovered: []string{"past"}, Ignored: []string{"rumour"}, Identity: []string{"data.key"},
		Link: []string{"data.page"},
	}
	a, _ := one(t, settings,
		`"type":"a.resolved","data":{"place":"attic","what":"smoke","lines":["l1","l2"],"bad":"Very",
		"phase":"now","key":"k","page":"https://m.example/k"}`)
	want := incident.Alert{Tenant: "default", Source: "cloudevents", Service: "attic", Severity: incident.Critical, Identity: "k",
		Link:      "https://m.example/k",
		ErrorLogs: "ALERT smoke in attic (critical)\nstate: now\n[0]: l1\n[1]: l2"}
	got := a
	got.Labels = nil
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	if a, _ := one(t, settings, `"type":"a.raised","data":{"phase":"past","key":"k"}`); !a.Recovered {
		t.Error("its own word for recovery is not taken")
	}
	if _, kept := one(t, settings, `"type":"a.raised","data":{"phase":"rumour"}`); kept {
		t.Error("its own word for what is no alert is not taken")
	}
}
