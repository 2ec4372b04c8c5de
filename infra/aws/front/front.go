// Package front serves the web handler, the one that the one-machine runtime
// serves, behind an API Gateway REST API. Each of the three HTTP functions has the
// routes that API Gateway sends it; what belongs to another function is not there.
package front

import (
	"cmp"
	"context"
	"fmt"
	"net/http"
	"sync"

	"github.com/aws/aws-lambda-go/events"
	"github.com/aws/aws-lambda-go/lambda"

	"github.com/opsguard/opsguard/infra/aws"
	"github.com/opsguard/opsguard/infra/aws/secret"
	"github.com/opsguard/opsguard/infra/setting"
	"github.com/opsguard/opsguard/pkg/link"
	"github.com/opsguard/opsguard/pkg/source/api"
	"github.com/opsguard/opsguard/pkg/web"
)

// Settings are those of an HTTP function.
type Settings struct {
	// PublicURL cannot be set by the template to its own API's address: the API
	// needs the function first. Empty, it is taken from each call.
	PublicURL     string `env:"OPSGUARD_PUBLIC_URL" help:"what links start with, stage prefix included; empty: as called"`
	APIKeysParam  string `env:"OPSGUARD_API_KEYS_PARAM" help:"the SSM parameter of the operators' keys; without it a function refuses to start"`
	LinkKeysParam string `env:"OPSGUARD_LINK_KEYS_PARAM" help:"the SSM parameter of the keys that verify links; approve-fix only"`
}

const (
	settingAPIKeys  = "OPSGUARD_API_KEYS_PARAM"
	settingLinkKeys = "OPSGUARD_LINK_KEYS_PARAM"
)

// Parts is what one function serves, by the names of web.Part. The routes of a part
// that is nil are another function's, and nothing here.
type Parts struct {
	Ingest  web.Ingester
	Receive web.Receiver                     // with Ingest, if services.yaml lists other senders
	Decide  func(link.PublicURL) web.Decider // by the URL that a call came through
	Read    web.Reader
	Health  web.Health
	Tickets web.Tickets
	Brake   web.Brake
}

// Front is one function's HTTP side.
type Front struct {
	config web.Config
	decide func(link.PublicURL) web.Decider
	url    link.PublicURL
	fixed  bool // else the URL is taken from each call

	mu       sync.Mutex
	handlers map[string]http.Handler // by public URL
}

// Open begins to read the keys, and refuses to go on without their names. Open it
// first: what else the function opens needs no time of its own then.
func Open(ctx context.Context, f aws.Function) (*Front, error) {
	var s Settings
	if err := setting.Load(&s); err != nil {
		return nil, err
	}
	if s.APIKeysParam == "" {
		return nil, fmt.Errorf("%s: is empty; a function on the internet needs keys: put entries made with `opsguard keys new` into an SSM parameter and name it here", settingAPIKeys)
	}
	keys := secret.Open(ctx, f, settingAPIKeys, s.APIKeysParam, web.ParseKeys)
	linkKeys := web.FixedLinkKeys(link.Keys{}) // verifies nothing
	if s.LinkKeysParam != "" {
		linkKeys = secret.Open(ctx, f, settingLinkKeys, s.LinkKeysParam, link.ParseKeys).Get
	}
	url, err := link.ParsePublicURL(cmp.Or(s.PublicURL, "https://opsguard.invalid"))
	if err != nil {
		return nil, err
	}
	return &Front{handlers: map[string]http.Handler{}, url: url, fixed: s.PublicURL != "", config: web.Config{
		Alerts: api.Source{}, Keys: keys.Get, LinkKeys: linkKeys, Version: f.Version, Now: f.Now, Log: f.Log,
	}}, nil
}

// LinkKeys reads the keys of links as they are now; none where the function verifies no
// links.
func (f *Front) LinkKeys(ctx context.Context) (link.Keys, error) { return f.config.LinkKeys(ctx) }

// Serve returns the handler of a function that has these parts. It is called once.
func (f *Front) Serve(p Parts) (lambda.Handler, error) {
	f.decide = p.Decide
	f.config.Ingest, f.config.Receive, f.config.Read, f.config.Health, f.config.Tickets = p.Ingest, p.Receive, p.Read, p.Health, p.Tickets
	f.config.Brake = p.Brake
	// A function that lacks something must not start, whatever it is called as.
	if _, err := f.handler(f.url); err != nil {
		return nil, err
	}
	return lambda.NewHandler(f.serve), nil
}

func (f *Front) serve(ctx context.Context, e events.APIGatewayProxyRequest) (events.APIGatewayProxyResponse, error) {
	url, err := f.publicURL(e)
	if err != nil {
		return events.APIGatewayProxyResponse{}, err
	}
	handler, err := f.handler(url)
	if err != nil {
		return events.APIGatewayProxyResponse{}, err
	}
	r, err := request(ctx, e, url.Path(""))
	if err != nil {
		return events.APIGatewayProxyResponse{}, err
	}
	w := &recorder{header: http.Header{}}
	handler.ServeHTTP(w, r)
	return w.response(), nil
}

// publicURL is the one that was set, or the domain and stage that API Gateway,
// not the caller, says the call came through.
func (f *Front) publicURL(e events.APIGatewayProxyRequest) (link.PublicURL, error) {
	if f.fixed {
		return f.url, nil
	}
	host := e.RequestContext.DomainName
	if host == "" {
		host = e.RequestContext.APIID + ".execute-api.invalid" // an emulator that does not say
	}
	prefix := ""
	if n := len(e.RequestContext.Path) - len(e.Path); n > 0 && e.RequestContext.Path[n:] == e.Path {
		prefix = e.RequestContext.Path[:n]
	}
	return link.ParsePublicURL("https://" + host + prefix)
}

// handler makes the web handler of a public URL once.
func (f *Front) handler(url link.PublicURL) (http.Handler, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if h, ok := f.handlers[url.String()]; ok {
		return h, nil
	}
	config := f.config
	config.PublicURL = url
	if f.decide != nil {
		config.Decide = f.decide(url)
	}
	h, err := web.New(config)
	if err == nil {
		f.handlers[url.String()] = h
	}
	return h, err
}
