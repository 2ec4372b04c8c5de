package front

import (
	"bytes"
	"context"
	"encoding/base64"
	"encoding/json"
	"fmt"
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
	"github.com/opsguard/opsguard/pkg/incident"
	"github.com/opsguard/opsguard/pkg/link"
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

var linkKey = strings.Repeat("a1", 32)

// opened is an ingest function, and the key that it takes.
func opened(t *testing.T, publicURL string) (h lambda.Handler, key string, got *steps.IngestInput) {
	t.Helper()
	got = &steps.IngestInput{}
	h, key = openedAs(t, publicURL, web.RoleIngest, Parts{Ingest: taker{got}}, slog.DiscardHandler)
	return h, key, got
}

func openedAs(t *testing.T, publicURL string, role web.Role, p Parts, log slog.Handler) (h lambda.Handler, key string) {
	t.Helper()
	f, key := function(t, publicURL, role, log)
	h, err := served(t, f, p)
	if err == nil {
		err = f.Checked()
	}
	if err != nil {
		t.Fatal(err)
	}
	return h, key
}

func served(t *testing.T, f aws.Function, p Parts) (lambda.Handler, error) {
	t.Helper()
	front, err := Open(t.Context(), f)
	if err != nil {
		return nil, err
	}
	return front.Serve(p)
}

// function is one whose parameters hold keys, and the key of that role.
func function(t *testing.T, publicURL string, role web.Role, log slog.Handler) (f aws.Function, key string) {
	t.Helper()
	key, entry, err := web.NewOperatorKey("anna", role, strings.NewReader(strings.Repeat("k", 32)))
	if err != nil {
		t.Fatal(err)
	}
	secrets := map[string]string{"/keys": entry, "/link-keys": linkKey}
	ssm := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		var in struct{ Name string }
		json.NewDecoder(r.Body).Decode(&in)
		json.NewEncoder(w).Encode(map[string]any{"Parameter": map[string]string{"Value": secrets[in.Name]}})
	}))
	t.Cleanup(ssm.Close)
	t.Setenv("OPSGUARD_API_KEYS_PARAM", "/keys")
	t.Setenv("OPSGUARD_LINK_KEYS_PARAM", "/link-keys")
	t.Setenv("OPSGUARD_PUBLIC_URL", publicURL)
	return aws.NewFunction(awssdk.Config{Region: "us-east-1", BaseEndpoint: &ssm.URL, Credentials: someone{}, HTTPClient: ssm.Client()},
		slog.New(log), time.Now), key
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
	e.Body = "no base64"
	if payload, err := json.Marshal(e); err != nil {
		t.Fatal(err)
	} else if out, err := h.Invoke(t.Context(), payload); err == nil {
		t.Errorf("no base64: %s", out)
	}
	e.Body, e.IsBase64Encoded = `{"serverName":"a","errorLogs":"é"}`, false
	if a := call(t, h, e); a.StatusCode != http.StatusAccepted {
		t.Errorf("as text: %d %s", a.StatusCode, a.Body)
	}
}

func TestBytesThatAreNoTextLeaveInBase64(t *testing.T) {
	for body, want := range map[string]string{"é": "é", "\xff": "/w=="} {
		w := &recorder{header: http.Header{}}
		if _, err := w.Write([]byte(body)); err != nil {
			t.Fatal(err)
		}
		if a := w.response(); a.Body != want || a.IsBase64Encoded != (body != want) {
			t.Errorf("%q: %+v", body, a)
		}
	}
}

// looker is a decide step of one public URL.
type looker struct{ url link.PublicURL }

func (l looker) Handle(context.Context, steps.ApproveFixInput) (steps.ApproveFixOutput, error) {
	return steps.ApproveFixOutput{}, incident.Fail(incident.Conflict, incident.CodeNotWaiting, "through %s", l.url.String())
}

// Two domains may lead to one function. A caller could write any Host it likes.
func TestLinksLeadWhereAPIGatewayWasCalled(t *testing.T) {
	h, key := openedAs(t, "", web.RoleOperate, Parts{Read: nobody{}, Decide: func(url link.PublicURL) web.Decider { return looker{url} }}, slog.DiscardHandler)
	for _, test := range []struct{ domain, path, want string }{
		{"a.example.com", "/live/approve-fix", "https://a.example.com/live"},
		{"b.example.com", "/approve-fix", "https://b.example.com"},
		{"a.example.com", "/live/approve-fix", "https://a.example.com/live"},
		{"a.example.com", "/live/elsewhere/x", "https://a.example.com"},
		{"", "/live/approve-fix", "https://abcdef1234.execute-api.invalid/live"},
	} {
		e := sample(t, key)
		e.MultiValueHeaders["Host"] = []string{"evil.example.com"}
		e.Path, e.RequestContext.Path, e.RequestContext.DomainName = "/approve-fix", test.path, test.domain
		e.Body, e.IsBase64Encoded = `{"incidentId":"INC-01ARZ3NDEKTSV4RRFFQ69G5FAV","action":"approve"}`, false
		if a := call(t, h, e); a.StatusCode != http.StatusConflict || !strings.Contains(a.Body, "through "+test.want+`"`) {
			t.Errorf("%q %s: %d %s, want %s", test.domain, test.path, a.StatusCode, a.Body, test.want)
		}
	}
}

// nobody is a record without incidents.
type nobody struct{}

func none() error {
	return incident.Fail(incident.NotFound, incident.CodeNotFound, "there is no such incident")
}

func (nobody) Incident(context.Context, incident.Ref) (incident.Incident, error) {
	return incident.Incident{}, none()
}

func (nobody) List(context.Context, steps.ListQuery) (steps.Page, error) { return steps.Page{}, nil }

func (nobody) Flood(context.Context, incident.Incident) (incident.Flow, error) {
	return incident.Flow{}, none()
}

func (nobody) Latest(context.Context, incident.Ref) (incident.Latest, error) {
	return incident.Latest{}, none()
}

func (nobody) Audit(context.Context, incident.Ref) (incident.Incident, []incident.Event, error) {
	return incident.Incident{}, nil, none()
}

func TestALinkNeedsNoOtherKey(t *testing.T) {
	h, _ := openedAs(t, "", web.RoleOperate, Parts{Read: nobody{}, Decide: func(url link.PublicURL) web.Decider { return looker{url} }}, slog.DiscardHandler)
	claims := link.Claims{Ref: incident.Ref{Tenant: incident.DefaultTenant, ID: "INC-01ARZ3NDEKTSV4RRFFQ69G5FAV"}, Action: incident.Escalate, Channel: "discord", Expires: time.Now().Add(time.Hour)}
	for key, status := range map[string]int{linkKey: http.StatusConflict, strings.Repeat("b2", 32): http.StatusForbidden} {
		keys, err := link.ParseKeys(key)
		if err != nil {
			t.Fatal(err)
		}
		e := sample(t, "")
		delete(e.MultiValueHeaders, "Authorization")
		e.Path, e.RequestContext.Path = "/approve-fix", "/live/approve-fix"
		e.Body, e.IsBase64Encoded = `{"incidentId":"`+claims.Ref.ID+`","action":"escalate","t":"`+keys.Mint(claims)+`"}`, false
		if a := call(t, h, e); a.StatusCode != status {
			t.Errorf("key %s: %d %s, want %d", key, a.StatusCode, a.Body, status)
		}
	}
}

// well is a store that is well.
type well struct{}

func (well) Ping(context.Context) error { return nil }

func TestHealthTellsTheVersion(t *testing.T) {
	h, key := openedAs(t, "", web.RoleRead, Parts{Health: well{}}, slog.DiscardHandler)
	e := sample(t, key)
	e.HTTPMethod, e.Path, e.Body = "GET", "/healthz", ""
	version := aws.NewFunction(awssdk.Config{}, nil, nil).Version
	if a := call(t, h, e); a.StatusCode != http.StatusOK || !strings.Contains(a.Body, `"version": "`+version+`"`) {
		t.Errorf("%d %s", a.StatusCode, a.Body)
	}
}

func TestWhatAnotherFunctionServesIsNotHere(t *testing.T) {
	routes := web.Routes()
	for name, p := range map[web.Part]Parts{
		web.PartHealth: {Health: well{}}, web.PartRead: {Read: nobody{}}, web.PartIngest: {Ingest: taker{&steps.IngestInput{}}},
	} {
		h, key := openedAs(t, "", web.RoleOperate, p, slog.DiscardHandler)
		for _, r := range routes {
			e := sample(t, key)
			e.HTTPMethod, e.Path, e.Body, e.IsBase64Encoded = r.Method, strings.ReplaceAll(r.Pattern, "{", "x"), "", false
			a := call(t, h, e)
			if here := !strings.Contains(a.Body, "there is nothing at this address"); here != (r.Part == name) || !here && a.StatusCode != 404 {
				t.Errorf("%s %s where %s is served: %d %s", r.Method, r.Pattern, name, a.StatusCode, a.Body)
			}
		}
	}
}

func TestAFunctionThatLacksAPartItNeedsRefusesToStart(t *testing.T) {
	for name, p := range map[string]Parts{
		"no part":                 {},
		"deciding without a page": {Decide: func(url link.PublicURL) web.Decider { return looker{url} }},
	} {
		f, _ := function(t, "", web.RoleOperate, slog.DiscardHandler)
		if h, err := served(t, f, p); h != nil || err == nil || !strings.HasPrefix(err.Error(), "web: Config.") {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestWhoeverIsRefusedIsInTheLog(t *testing.T) {
	var logged bytes.Buffer
	h, _ := openedAs(t, "", web.RoleIngest, Parts{Ingest: taker{&steps.IngestInput{}}}, slog.NewJSONHandler(&logged, nil))
	call(t, h, sample(t, "no"))
	if !strings.Contains(logged.String(), `"remote":"203.0.113.7:`) {
		t.Errorf("%s", &logged)
	}
}

func TestAMisplacedKeyIsNotInTheLogHereEither(t *testing.T) {
	const secret = "ogk_bWlzcGxhY2VkbWlzcGxhY2VkbWlzcGxhY2Vk"
	for where, change := range map[string]func(*events.APIGatewayProxyRequest){
		"method":     func(e *events.APIGatewayProxyRequest) { e.HTTPMethod = secret },
		"odd method": func(e *events.APIGatewayProxyRequest) { e.HTTPMethod = secret + " x" },
		"path":       func(e *events.APIGatewayProxyRequest) { e.Path = "/" + secret },
		"odd path":   func(e *events.APIGatewayProxyRequest) { e.Path = secret + ":// %zz" },
		"parameter name": func(e *events.APIGatewayProxyRequest) {
			e.MultiValueQueryStringParameters = map[string][]string{secret: {"1"}}
		},
		"header name": func(e *events.APIGatewayProxyRequest) { e.MultiValueHeaders[secret] = []string{"1"} },
		"host":        func(e *events.APIGatewayProxyRequest) { e.MultiValueHeaders["Host"] = []string{secret} },
	} {
		var logged bytes.Buffer
		h, key := openedAs(t, "", web.RoleIngest, Parts{Ingest: taker{&steps.IngestInput{}}}, slog.NewJSONHandler(&logged, nil))
		e := sample(t, key)
		change(&e)
		payload, err := json.Marshal(e)
		if err != nil {
			t.Fatal(err)
		}
		out, err := h.Invoke(t.Context(), payload) // the runtime logs the error
		if said := fmt.Sprint(string(out), err, logged.String()); strings.Contains(strings.ToLower(said), strings.ToLower(secret)) {
			t.Errorf("%s: %s", where, said)
		}
	}
}

func TestAnIPv6CallersAddressIsWhole(t *testing.T) {
	e := sample(t, "")
	e.RequestContext.Identity.SourceIP = "2001:db8::7"
	r, err := request(t.Context(), e, "")
	if err != nil || r.RemoteAddr != "[2001:db8::7]:0" {
		t.Errorf("%s, %v", r.RemoteAddr, err)
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
		if got.Alert.Service != "" {
			t.Errorf("%s: an alert was taken", test.name)
		}
	}
}

func TestAFunctionWithoutKeysRefusesToStart(t *testing.T) {
	t.Setenv("OPSGUARD_API_KEYS_PARAM", "")
	_, err := Open(t.Context(), aws.NewFunction(awssdk.Config{}, slog.New(slog.DiscardHandler), time.Now))
	if err == nil || !strings.HasPrefix(err.Error(), settingAPIKeys+": ") {
		t.Errorf("%v", err)
	}
}
