// Package faults stands between a client and AWS (or its emulator) and lets calls
// fail in the ways that the real services do: throttled, broken before they were
// made, or made and the answer lost or never sent. Start at Proxy.
package faults

import (
	"fmt"
	"net/http"
	"net/http/httputil"
	"net/url"
	"strings"
)

// Fault is what becomes of one call.
type Fault int

const (
	None      Fault = iota
	Throttled       // refused as too much; not made
	Broken          // a 500; not made
	Cut             // the connection ends; not made
	Lost            // made, but the connection ends before the answer
	Silent          // made, but no answer comes: the client gives up by its own clock
)

// Chooser says what becomes of a call of an operation: DynamoDB's
// "TransactWriteItems", Step Functions' "StartExecution".
type Chooser func(operation string) Fault

// Proxy passes calls on to target, but for what choose lets fail. Host stays as
// the client signed it.
func Proxy(target *url.URL, choose Chooser) http.Handler {
	onward := &httputil.ReverseProxy{Rewrite: func(r *httputil.ProxyRequest) {
		r.SetURL(target)
		r.Out.Host = r.In.Host
	}}
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		service, operation, _ := strings.Cut(r.Header.Get("X-Amz-Target"), ".")
		switch choose(operation) {
		case Throttled:
			refuse(w, http.StatusBadRequest, throttling(service))
		case Broken:
			refuse(w, http.StatusInternalServerError, "InternalServerError")
		case Cut:
			panic(http.ErrAbortHandler) // net/http's way to end a connection
		case Lost:
			onward.ServeHTTP(deaf{http.Header{}}, r)
			panic(http.ErrAbortHandler)
		case Silent:
			onward.ServeHTTP(deaf{http.Header{}}, r)
			<-r.Context().Done()
			panic(http.ErrAbortHandler)
		default:
			onward.ServeHTTP(w, r)
		}
	})
}

func throttling(service string) string {
	if strings.HasPrefix(service, "DynamoDB") {
		return "ProvisionedThroughputExceededException"
	}
	return "ThrottlingException"
}

func refuse(w http.ResponseWriter, status int, code string) {
	w.Header().Set("Content-Type", "application/x-amz-json-1.0")
	w.WriteHeader(status)
	fmt.Fprintf(w, `{"__type":%q,"message":"injected"}`, code)
}

// deaf is a ResponseWriter that nobody listens to.
type deaf struct{ header http.Header }

func (d deaf) Header() http.Header         { return d.header }
func (d deaf) WriteHeader(int)             {}
func (d deaf) Write(b []byte) (int, error) { return len(b), nil }
