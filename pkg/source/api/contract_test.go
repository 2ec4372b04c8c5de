package api_test

import (
	"net/http"
	"testing"

	"github.com/opsguard/opsguard/pkg/source/api"
	"github.com/opsguard/opsguard/pkg/steps"
	"github.com/opsguard/opsguard/pkg/steps/stepstest"
)

func TestItIsASource(t *testing.T) {
	request := func(contentType, body string) steps.Request {
		return steps.Request{Header: http.Header{"Content-Type": {contentType}}, Body: []byte(body)}
	}
	stepstest.SourceContract(t, api.Integration(), stepstest.Vendor{},
		stepstest.Sent{Name: "JSON", Alerts: 1, Proof: stepstest.ProofByNothing, Request: request("application/json",
			`{"serverName":"prod-api-01","errorLogs":"JavaScript heap out of memory","severity":"critical","timestamp":"2026-11-24T10:00:00Z","dedupKey":"heap"}`)},
		stepstest.Sent{Name: "a form", Alerts: 1, Proof: stepstest.ProofByNothing, Request: request("application/x-www-form-urlencoded",
			"serverName=prod-api-01&errorLogs=JavaScript+heap+out+of+memory&severity=low")})
}
