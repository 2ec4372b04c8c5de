package front

import (
	"context"
	"encoding/base64"
	"encoding/json"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-lambda-go/events"
	"github.com/aws/aws-lambda-go/lambda"
	awssdk "github.com/aws/aws-sdk-go-v2/aws"

	"github.com/opsguard/opsguard/infra/aws"
	"github.com/opsguard/opsguard/pkg/steps"
	"github.com/opsguard/opsguard/pkg/web"
)

// taker is an ingest step that keeps what it was given.
type taker struct{ got *steps.IngestInput }

func (i taker) Handle(_ context.Context, in steps.IngestInput) (steps.Ingested, error) {
	*i.got = in
	return steps.Ingested{IncidentID: "INC-01ARZ3NDEKTSV4RRFFQ69G5FAV", Status: "DETECTED"}, nil
}

// someone has credentials that nobody checks.
type someone struct{}

func (someone) Retrieve(context.Context) (awssdk.Credentials, error) {
	return awssdk.Credentials{AccessKeyID: "id", SecretAccessKey: "key"}, nil
}

// opened is an ingest function, and the key that it takes.
func opened(t *testing.T, publicURL string) (h lambda.Handler, key string, got *steps.IngestInput) {
	t.Helper()
	key, entry, err := web.NewOperatorKey("anna", web.RoleIngest, strings.NewReader(strings.Repeat("k", 32)))
	if err != nil {
		t.Fatal(err)
	}
	ssm := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		json.NewEncoder(w).Encode(map[string]any{"Parameter": map[string]string{"Value": entry}})
	}))
	t.Cleanup(ssm.Close)
	t.Setenv("OPSGUARD_API_KEYS_PARAM", "/keys")
	t.Setenv("OPSGUARD_PUBLIC_URL", publicURL)
	got = &steps.IngestInput{}
	f := aws.NewFunction(awssdk.Config{Region: "us-east-1", BaseEndpoint: &ssm.URL, Credentials: someone{}, HTTPClient: ssm.Client()},
		slog.New(slog.DiscardHandler), time.Now)
	h, err = Open(t.Context(), f, Parts{Ingest: taker{got}})
	if err == nil {
		err = f.Checked()
	}
	if err != nil {
		t.Fatal(err)
	}
	return h, key, got
}

// sample is the sample event of a function, with a key.
func sample(t *testing.T, key string) events.APIGatewayProxyRequest {
	t.Helper()
	b, err := os.ReadFile("../../events/ingest-alert.json")
	if err != nil {
		t.Fatal(err)
	}
	var e events.APIGatewayProxyRequest
	if err := json.Unmarshal(b, &e); err != nil {
		t.Fatal(err)
	}
	e.MultiValueHeaders["Authorization"] = []string{"Bearer " + key}
	return e
}

func call(t *testing.T, h lambda.Handler, e events.APIGatewayProxyRequest) (answer events.APIGatewayProxyResponse) {
	t.Helper()
	payload, err := json.Marshal(e)
	if err != nil {
		t.Fatal(err)
	}
	out, err := h.Invoke(t.Context(), payload)
	if err != nil {
		t.Fatal(err)
	}
	if err := json.Unmarshal(out, &answer); err != nil {
		t.Fatal(err)
	}
	return answer
}

func TestTheSampleAlertIsTaken(t *testing.T) {
	for publicURL, location := range map[string]string{
		"":                               "/live/incidents/INC-01ARZ3NDEKTSV4RRFFQ69G5FAV", // the stage's prefix, as called
		"https://ops.example.com/guard/": "/guard/incidents/INC-01ARZ3NDEKTSV4RRFFQ69G5FAV",
		"https://ops.example.com":        "/incidents/INC-01ARZ3NDEKTSV4RRFFQ69G5FAV",
	} {
		h, key, got := opened(t, publicURL)
		a := call(t, h, sample(t, key))
		if a.StatusCode != http.StatusAccepted || got.Alert.ErrorLogs != "JavaScript heap out of memory" || got.By != "key:anna" {
			t.Errorf("%q: %d %s, took %+v", publicURL, a.StatusCode, a.Body, got)
		}
		if l := a.MultiValueHeaders["Location"]; len(l) != 1 || l[0] != location {
			t.Errorf("%q: Location %v, want %s", publicURL, l, location)
		}
	}
}

func TestACustomDomainsBasePathIsTakenOff(t *testing.T) {
	h, key, _ := opened(t, "https://ops.example.com/guard")
	e := sample(t, key)
	e.Path, e.RequestContext.Path = "/guard/ingest-alert", "/guard/ingest-alert"
	if a := call(t, h, e); a.StatusCode != http.StatusAccepted {
		t.Errorf("%d %s", a.StatusCode, a.Body)
	}
}

func TestBytesArriveAsTheyWereSent(t *testing.T) {
	h, key, _ := opened(t, "")
	e := sample(t, key)
	e.Body = base64.StdEncoding.EncodeToString([]byte("{\"serverName\":\"a\",\"errorLogs\":\"\xff\"}"))
	if a := call(t, h, e); a.StatusCode != http.StatusBadRequest || !strings.Contains(a.Body, "UTF-8") {
		t.Errorf("invalid UTF-8: %d %s", a.StatusCode, a.Body)
	}
	e.Body, e.IsBase64Encoded = `{"serverName":"a","errorLogs":"é"}`, false
	if a := call(t, h, e); a.StatusCode != http.StatusAccepted {
		t.Errorf("as text: %d %s", a.StatusCode, a.Body)
	}
}

func TestWhatIsRefusedIsRefusedHereToo(t *testing.T) {
	h, key, got := opened(t, "")
	for _, test := range []struct {
		name   string
		change func(*events.APIGatewayProxyRequest)
		status int
	}{
		{"no key", func(e *events.APIGatewayProxyRequest) { delete(e.MultiValueHeaders, "Authorization") }, 401},
		{"another key", func(e *events.APIGatewayProxyRequest) { e.MultiValueHeaders["Authorization"] = []string{"Bearer no"} }, 403},
		{"two keys", func(e *events.APIGatewayProxyRequest) {
			e.MultiValueHeaders["Authorization"] = []string{"Bearer " + key, "Bearer " + key}
		}, 401},
		{"GET", func(e *events.APIGatewayProxyRequest) { e.HTTPMethod, e.Body = "GET", "" }, 405},
		{"a repeated parameter", func(e *events.APIGatewayProxyRequest) {
			e.MultiValueQueryStringParameters = map[string][]string{"a": {"1", "2"}}
		}, 400},
		{"nowhere", func(e *events.APIGatewayProxyRequest) { e.Path = "/nowhere" }, 404},
		{"an odd path", func(e *events.APIGatewayProxyRequest) { e.Path = "/a//../%2e?x#y" }, 404},
		{"no method", func(e *events.APIGatewayProxyRequest) { e.HTTPMethod = "" }, 405},
	} {
		*got = steps.IngestInput{}
		e := sample(t, key)
		test.change(&e)
		if a := call(t, h, e); a.StatusCode != test.status || a.Body == "" {
			t.Errorf("%s: %d %s, want %d", test.name, a.StatusCode, a.Body, test.status)
		}
		if got.Alert.ServerName != "" {
			t.Errorf("%s: an alert was taken", test.name)
		}
	}
}

func TestAFunctionWithoutKeysRefusesToStart(t *testing.T) {
	t.Setenv("OPSGUARD_API_KEYS_PARAM", "")
	_, err := Open(t.Context(), aws.NewFunction(awssdk.Config{}, slog.New(slog.DiscardHandler), time.Now), Parts{})
	if err == nil || !strings.HasPrefix(err.Error(), settingAPIKeys+": ") {
		t.Errorf("%v", err)
	}
}
