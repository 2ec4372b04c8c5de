// Package faults stands between a client and AWS (or its emulator) and lets calls
// fail in the ways that the real services do: throttled, broken before they were
// made, or made and the answer lost or never sent. Start at Proxy.
package faults

import (
	"encoding/json"
	"net/http"
	"net/http/httputil"
	"net/url"
	"strings"
)

// Fault is what becomes of one call.
type Fault int

const (
	None       Fault = iota
	Throttled        // refused as too much; not made
	Conflicted       // refused because another transaction is on the same item, where that can be: DynamoDB's writes; else as Throttled
	Broken           // a 500; not made
	Cut              // the connection ends; not made
	Lost             // made, but the connection ends before the answer
	Silent           // made, but no answer comes: the client gives up by its own clock
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
			refuse(w, http.StatusBadRequest, throttling(service), nil)
		case Conflicted:
			conflict(w, r, service, operation)
		case Broken:
			refuse(w, http.StatusInternalServerError, "InternalServerError", nil)
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

// conflict answers as the DynamoDB Developer Guide says under "Transaction conflict
// handling in DynamoDB".
func conflict(w http.ResponseWriter, r *http.Request, service, operation string) {
	switch operation {
	case "TransactWriteItems":
		var in struct{ TransactItems []struct{} }
		_ = json.NewDecoder(r.Body).Decode(&in) // what cannot be read has no items
		reasons := make([]reason, len(in.TransactItems))
		for i := range reasons {
			reasons[i].Code = "None"
		}
		if len(reasons) > 0 {
			reasons[0] = reason{"TransactionConflict", "Transaction is ongoing for the item"}
		}
		refuse(w, http.StatusBadRequest, "TransactionCanceledException", reasons)
	case "PutItem", "UpdateItem", "DeleteItem":
		refuse(w, http.StatusBadRequest, "TransactionConflictException", nil)
	default:
		refuse(w, http.StatusBadRequest, throttling(service), nil)
	}
}

// reason is why one item of a transaction was refused.
type reason struct{ Code, Message string }

func refuse(w http.ResponseWriter, status int, code string, reasons []reason) {
	w.Header().Set("Content-Type", "application/x-amz-json-1.0")
	w.WriteHeader(status)
	answer := map[string]any{"__type": "com.amazonaws#" + code, "message": "injected"}
	if reasons != nil {
		answer["CancellationReasons"] = reasons
	}
	_ = json.NewEncoder(w).Encode(answer) // the client may be gone
}

// deaf is a ResponseWriter that nobody listens to.
type deaf struct{ header http.Header }

func (d deaf) Header() http.Header         { return d.header }
func (d deaf) WriteHeader(int)             {}
func (d deaf) Write(b []byte) (int, error) { return len(b), nil }
