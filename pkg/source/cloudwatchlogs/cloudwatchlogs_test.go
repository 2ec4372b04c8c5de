package cloudwatchlogs_test

import (
	"bytes"
	"compress/gzip"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"strings"
	"testing"

	"github.com/opsguard/opsguard/pkg/incident"
	"github.com/opsguard/opsguard/pkg/source/cloudwatchlogs"
	"github.com/opsguard/opsguard/pkg/steps"
	"github.com/opsguard/opsguard/pkg/steps/stepstest"
)

const token = "logs-token-0123456789"

func vendor(played *stepstest.SNS) stepstest.Vendor { return played.Vendor(token) }

func withToken(t *testing.T, name string, alerts int) stepstest.Sent {
	t.Helper()
	return stepstest.SentBy(t, "Bearer "+token, name, alerts)
}

// The fixtures follow "Process CloudWatch Logs with Lambda" in the developer guide of
// Lambda and "Log group-level subscription filters" in the user guide of CloudWatch Logs,
// read in November 2026.
func TestItIsASource(t *testing.T) {
	played := stepstest.NewSNS(t)
	topic := played.Sent(t, "topic", string(stepstest.Fixture(t, "topic.json")))
	topic.Alerts = 1
	stepstest.SourceContract(t, cloudwatchlogs.Integration(), vendor(played),
		withToken(t, "packed", 1), withToken(t, "plain", 1), withToken(t, "packed-levels", 1), withToken(t, "packed-control", 0), topic)
}

func TestItReadsWhatOthersPublished(t *testing.T) {
	stepstest.ReadsPayloads(t, cloudwatchlogs.Integration(), vendor(stepstest.NewSNS(t)), "cloudwatch-logs")
}

func parse(t *testing.T, body []byte) (steps.Batch, error) {
	t.Helper()
	return (&cloudwatchlogs.Source{}).Parse(t.Context(), steps.Request{Body: body})
}

func packed(t *testing.T, text []byte) []byte {
	t.Helper()
	return carrying(zipped(t, text))
}

func carrying(data []byte) []byte {
	return fmt.Appendf(nil, `{"awslogs":{"data":%q}}`, base64.StdEncoding.EncodeToString(data))
}

func zipped(t *testing.T, text []byte) []byte {
	t.Helper()
	var b bytes.Buffer
	w := gzip.NewWriter(&b)
	if _, err := w.Write(text); err != nil {
		t.Fatal(err)
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

func delivery(t *testing.T, group string, lines ...string) []byte {
	t.Helper()
	var events []map[string]any
	for _, line := range lines {
		events = append(events, map[string]any{"id": "1", "timestamp": 1795514310401, "message": line})
	}
	body, err := json.Marshal(map[string]any{
		"messageType": "DATA_MESSAGE", "owner": "111122223333", "logGroup": group, "logStream": "s",
		"subscriptionFilters": []string{"errors"}, "logEvents": events,
	})
	if err != nil {
		t.Fatal(err)
	}
	return body
}

// Its second half is damaged: nobody gets that far.
func TestWhatUnpacksToTooMuchIsRefusedEarly(t *testing.T) {
	data := zipped(t, make([]byte, 16<<20))
	clear(data[len(data)/2:])
	batch, err := parse(t, carrying(data))
	want := "awslogs.data: is more than 4 MiB when it is unpacked; send fewer lines at once"
	if len(batch.Alerts) > 0 || err == nil || err.Error() != want {
		t.Errorf("%v, want %s", err, want)
	}
	if batch, err := parse(t, packed(t, delivery(t, "/ecs/api", strings.Repeat("x", 3<<20)))); err != nil || len(batch.Alerts) != 1 {
		t.Errorf("3 MiB: %v, %v", batch, err)
	}
}

func TestWhatIsNotADeliveryIsRefusedByName(t *testing.T) {
	for body, want := range map[string]string{
		`{}`:                                   "messageType: is missing",
		`{"awslogs":{}}`:                       "awslogs.data: is missing",
		`{"awslogs":{"data":"%"}}`:             "awslogs.data: is not base64 of what gzip packed",
		`{"awslogs":{"data":"aGVsbG8="}}`:      "awslogs.data: is not base64 of what gzip packed",
		`{"awslogs":{"data":7}}`:               "awslogs.data: must be a string, not a number",
		`{"messageType":"OTHER"}`:              "messageType: must be DATA_MESSAGE or CONTROL_MESSAGE; this is not what CloudWatch Logs sends",
		`{"messageType":"DATA_MESSAGE"}`:       "logGroup: is missing",
		string(delivery(t, "/ecs/api")):        "logEvents: holds no message",
		string(delivery(t, "/ecs/api", " \n")): "logEvents: holds no message",
	} {
		batch, err := parse(t, []byte(body))
		if len(batch.Alerts) > 0 || err == nil || err.Error() != want || incident.KindOf(err) != incident.Invalid {
			t.Errorf("%s: %v, want %s", body, err, want)
		}
	}
}

func identity(t *testing.T, body []byte) string {
	t.Helper()
	batch, err := parse(t, body)
	if err != nil || len(batch.Alerts) != 1 {
		t.Fatalf("%v, %v", batch, err)
	}
	return batch.Alerts[0].Identity
}

func TestTheSameErrorOfAFilterIsTheSameTrouble(t *testing.T) {
	first := identity(t, delivery(t, "/aws/lambda/orders", "INFO begin", "ERROR order 4711: connection refused to 10.0.0.7:5432"))
	if again := identity(t, delivery(t, "/aws/lambda/orders", "ERROR order 4712: connection refused to 10.0.0.9:5432")); again != first {
		t.Errorf("the same error: %q and %q", first, again)
	}
	for what, body := range map[string][]byte{
		"another error":     delivery(t, "/aws/lambda/orders", "ERROR out of memory"),
		"another log group": delivery(t, "/aws/lambda/shop", "ERROR order 4711: connection refused to 10.0.0.7:5432"),
	} {
		if other := identity(t, body); other == first {
			t.Errorf("%s is the same trouble", what)
		}
	}
}

func TestTheIdentityHoldsNothingOfTheLines(t *testing.T) {
	got := identity(t, delivery(t, "/ecs/api", "ERROR login of anna with hunter-two failed"))
	if strings.Contains(got, "hunter") || strings.Contains(got, "anna") {
		t.Errorf("it is %q", got)
	}
}

func TestTheServiceIsWhatTheLogGroupIsNamedAfter(t *testing.T) {
	for group, want := range map[string]string{
		"/aws/lambda/orders": "orders", "/ecs/shop-api": "shop-api", "shop": "shop", "/prod/shop/api": "api",
		"/aws/rds/instance/orders/error":   "orders",
		"/aws/rds/cluster/shop/postgresql": "shop", "/aws/eks/prod/cluster": "prod", "/aws/containerinsights/prod/application": "prod",
		"/aws/vendedlogs": "vendedlogs", "/": "/", "//": "//",
	} {
		batch, err := parse(t, delivery(t, group, "ERROR x"))
		if err != nil || batch.Alerts[0].Service != want {
			t.Errorf("%s: %v, %v; want %s", group, batch.Alerts, err, want)
		}
	}
}

func FuzzParse(f *testing.F) { stepstest.ReadsAnyBody(f, &cloudwatchlogs.Source{}) }
