// Command proxy lets a part of the calls between the functions and the emulator
// fail: `proxy -listen 127.0.0.1:4567 -target http://127.0.0.1:4566 -every 7`.
// It is for tests; start the emulator with AWS_ENDPOINT_URL naming it.
package main

import (
	"flag"
	"log"
	"net/http"
	"net/url"
	"slices"
	"sync/atomic"
	"time"

	"github.com/opsguard/opsguard/infra/emulator/faults"
)

func main() {
	listen := flag.String("listen", "127.0.0.1:4567", "where to listen")
	target := flag.String("target", "http://127.0.0.1:4566", "where calls are passed on to")
	every := flag.Int64("every", 7, "one of so many calls fails")
	flag.Parse()
	to, err := url.Parse(*target)
	if err != nil {
		log.Fatal(err)
	}
	server := &http.Server{Addr: *listen, Handler: faults.Proxy(to, choose(*every)), ReadHeaderTimeout: 5 * time.Second}
	log.Fatal(server.ListenAndServe())
}

// choose lets every nth call of the data plane fail, each way in turn; one that is not
// answered costs the client 5 s, so there are fewer of them. A join whose answer is lost
// is counted twice, which is known; so that the suite can count, its answers are not
// lost.
func choose(every int64) faults.Chooser {
	var calls, failed atomic.Int64
	often := []faults.Fault{faults.Throttled, faults.Conflicted, faults.Broken, faults.Cut, faults.Lost}
	ways := slices.Concat(slices.Repeat(often, 20), []faults.Fault{faults.Silent})
	return func(operation string) faults.Fault {
		switch operation {
		case "GetItem", "BatchGetItem", "Query", "PutItem", "UpdateItem", "TransactWriteItems", "StartExecution", "SendTaskSuccess", "DescribeExecution":
		default:
			return faults.None
		}
		if calls.Add(1)%every != 0 {
			return faults.None
		}
		way := ways[failed.Add(1)%int64(len(ways))]
		if (way == faults.Lost || way == faults.Silent) && operation == "UpdateItem" {
			return faults.Broken
		}
		return way
	}
}
