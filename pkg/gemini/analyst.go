// Package gemini asks Google's Gemini for the probable cause of an incident and
// for a fix out of those that are allowed. Start at Integration.
//
// It stands behind steps.Analyst, on github.com/google/generative-ai-go over
// REST. That library is no longer developed, so only this package uses it.
// transport.go limits it: one call per question, a bounded answer, no key in any
// URL or error, and no gRPC connection.
//
// The answer is bounded and otherwise returned as it came; the caller checks it
// against the catalogue. Logs are fenced in the prompt and declared to be data.
// That helps, but nothing may rely on it.
package gemini

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/google/generative-ai-go/genai"
	"google.golang.org/api/option"
	"google.golang.org/api/option/internaloption"
	gtransport "google.golang.org/api/transport/grpc"

	"github.com/opsguard/opsguard/pkg/incident"
	"github.com/opsguard/opsguard/pkg/integration"
	"github.com/opsguard/opsguard/pkg/steps"
)

// Analyst asks one model. It is safe for concurrent use.
type Analyst struct {
	client  *genai.Client
	model   string
	timeout time.Duration
	key     func(context.Context) (string, error)
}

// List is every model that is built in.
func List() []integration.Descriptor[steps.Analyst] {
	return []integration.Descriptor[steps.Analyst]{
		integration.New("gemini", "asks Google Gemini for the probable cause and for a fix out of those that are allowed", open),
	}
}

func open(env integration.Env, s Settings) (steps.Analyst, error) {
	a, err := Open(env, s)
	if err != nil {
		return nil, err // not a: a nil pointer in an interface is not nil
	}
	return a, nil
}

// maxOutputTokens bounds an answer. Thinking counts too, so it is far above what
// the JSON needs.
const maxOutputTokens = 8192

// Open makes no call. The key is read for each question, so that one that was
// replaced is used at once.
func Open(env integration.Env, s Settings) (*Analyst, error) {
	endpoint, err := url.Parse(strings.TrimSuffix(s.Endpoint, "/"))
	if err != nil {
		return nil, errors.New(SettingEndpoint + ": is not a URL")
	}
	key := func(ctx context.Context) (string, error) {
		key, err := env.Secret(ctx, s.APIKey)
		if err != nil {
			return "", err
		}
		if !isKey(key) {
			return "", incident.Unavail(env.Place(s.APIKey)+": must be a key, without white space", nil)
		}
		return key, nil
	}
	client, err := genai.NewClient(context.Background(), // it is kept by the client, and cancels nothing
		option.WithEndpoint(endpoint.String()),
		option.WithHTTPClient(&http.Client{Transport: transport{env.HTTP.Transport, endpoint.Host, key}}),
		gtransport.WithConnPool(noGRPC{}),
		internaloption.SkipDialSettingsValidation(), // it refuses the two together
	)
	if err != nil {
		return nil, errors.New("gemini: the library refuses to make a client")
	}
	return &Analyst{client: client, model: s.Model, timeout: s.Timeout, key: key}, nil
}

// Check implements integration.Checker: it holds the key to its form and calls
// nobody.
func (a *Analyst) Check(ctx context.Context) error {
	_, err := a.key(ctx)
	return err
}

// Close gives back what Open took.
func (a *Analyst) Close() error { return a.client.Close() }

// Name is who an analysis is recorded as being by.
func (a *Analyst) Name() incident.AnalyzedBy { return incident.ByGemini }

// Analyze puts one question, once: repeating is the state machine's. Errors are
// Unavailable (not reached, over quota, too late: worth asking again) or Invalid
// (refused, or answered unusably), and repeat nothing that the model said.
func (a *Analyst) Analyze(ctx context.Context, q steps.Question) (steps.Answer, error) {
	asked, cancel := context.WithTimeout(ctx, a.timeout)
	defer cancel()
	model := a.client.GenerativeModel(a.model)
	model.SetMaxOutputTokens(maxOutputTokens)
	if samplingCounts(a.model) {
		model.SetTemperature(0)
	}
	model.ResponseMIMEType = "application/json"
	model.ResponseSchema = schema(q.Fixes)
	model.SystemInstruction = genai.NewUserContent(genai.Text(instruction(q.Fixes)))
	resp, err := generate(asked, model, genai.Text(prompt(q, newBoundary(q))))
	if err != nil {
		return steps.Answer{}, a.explain(ctx, err)
	}
	text, err := textOf(resp)
	if err != nil {
		return steps.Answer{}, err
	}
	return parse(text)
}

// samplingCounts reports whether temperature may be set: from Gemini 3 on, Google
// asks not to send it (lower ones degrade those models), nor candidateCount,
// which is one by default.
func samplingCounts(model string) bool {
	name := strings.TrimPrefix(model, "models/")
	return strings.HasPrefix(name, "gemini-1.") || strings.HasPrefix(name, "gemini-2.")
}

// errPanic is what becomes of a panic in the library, which it answers to content
// that it does not know.
var errPanic = errors.New("the library does not know what it holds")

func generate(ctx context.Context, m *genai.GenerativeModel, parts ...genai.Part) (resp *genai.GenerateContentResponse, err error) {
	defer func() {
		if recover() != nil {
			resp, err = nil, errPanic
		}
	}()
	return m.GenerateContent(ctx, parts...)
}

// unusable is an answer that came and is of no use.
func unusable(format string, args ...any) error {
	return incident.Bad("Gemini's answer was not usable: %s", fmt.Sprintf(format, args...))
}
